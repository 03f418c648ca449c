import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { AuditCheck } from '../../src/duties/auditcheck.ts';
import { Notices } from '../../src/duties/notices.ts';
import { StillClock } from '../cameras/farend.ts';
import { makeWorld, openRaw, openVault } from '../vault/world.ts';

const altered: readonly (readonly [what: string, sql: string, says: RegExp])[] = [
  ['a text that says something else', "UPDATE audit SET entry = replace(entry, 'line-7', 'line-8') WHERE entry LIKE '%line-7%'", /line \d+: its text was altered/],
  ['a line that was cut out', 'DELETE FROM audit WHERE n = 5', /line 6: lines 5 to 5 are not there/],
  ['a chain that was made anew up to its end, and not what was signed', 'DELETE FROM audit WHERE n > 3', /checkpoint \d+: the audit is not what it signed; it has fewer lines/],
];

t.test('an audit that was altered is told of, once, with what to do; one that is whole is not', async (t) => {
  for (const [what, sql, says] of [['nothing was altered', '', undefined] as const, ...altered]) {
    await t.test(what, async (t) => {
      const world = makeWorld(t.testdir());
      let vault = await openVault(world);
      for (let n = 1; n <= 10; n++) await vault.audit({ what: `line-${n}`, who: 'hub' });
      await vault.checkpoint();
      await vault.close();
      if (sql !== '') {
        const raw = await openRaw(world);
        raw.exec(sql);
        raw.close();
      }
      vault = await openVault(world);
      t.teardown(() => vault.close());
      const clock = new StillClock();
      const told: string[] = [];
      const notices = new Notices({ vault: { audit: async () => {} }, clock, log: silentLog, onRaised: (kind) => told.push(kind) });
      const check = new AuditCheck({ vault, notices, clock, log: silentLog });
      check.start();
      t.teardown(() => check.close());
      for (const waits of [5 * 60_000, 86_400_000]) {
        while (!clock.waitsFor(waits)) await new Promise((resolve) => setImmediate(resolve));
        clock.pass(waits);
      }
      while (!clock.waitsFor(86_400_000)) await new Promise((resolve) => setImmediate(resolve));
      t.same(told, says === undefined ? [] : ['audit broken']);
      if (says !== undefined) t.match(notices.open[0]?.detail, says);
    });
  }
});
