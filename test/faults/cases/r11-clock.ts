import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReplyOf } from '../../../src/api/contract.ts';
import { callHub } from '../../../src/cli/control.ts';
import { quickConfig, type TestSite } from '../../e2e/site.ts';
import { notHere, type FaultCase } from '../fault.ts';
import { verify } from '../kit/audit.ts';
import { withSite } from '../kit/faultsite.ts';
import { pause, untilAllRecord, untilAllSeal } from '../kit/hub.ts';
import { repeat } from '../kit/repeat.ts';

/** The settling time of this case: within it, no jump may purge anything. */
const settleMs = 60_000;
/** The hub looks at its clock at least this often. */
const watchedMs = 20_000;

/** What libfaketime adds to the wall clock; monotonic time goes on as it is. `@` sets the time of a start. */
const jumps: readonly { readonly what: string; readonly clock: string; readonly restart?: true; readonly zone?: string }[] = [
  { what: 'ten years forward', clock: '+3650d' },
  { what: 'ten years back', clock: '-3650d' },
  { what: 'no clock at boot', clock: '@1970-01-01 00:01:00', restart: true },
  { what: 'and corrected', clock: '+0' },
  { what: 'an hour forward', clock: '+1h' },
  { what: 'an hour back', clock: '+0' },
  { what: 'the end of summer time, started just before', clock: '@2026-10-25 00:59:50', restart: true, zone: 'Europe/Berlin' },
];

const clock: FaultCase = {
  id: 'R11',
  fault: `the hub's clock (libfaketime, monotonic time untouched): ${jumps.map(({ what }) => what).join(', ')}`,
  expected: 'recording goes on, segments keep their order by sequence, nothing is purged on a jump, nothing that was recorded is lost',
  limitMs: { quick: 280_000, all: 535_000 },
  async run(o) {
    const library = await libraryOfFaketime();
    if (library === undefined) return notHere('libfaketime is not installed (apt-get install faketime)');
    const file = join(o.folder, 'clock');
    await writeFile(file, '+0\n');
    const environment = { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_CACHE_DURATION: '1', FAKETIME_DONT_RESET: '1' };
    const config = quickConfig({ keep: '1 hour' }).replace('settle = "1 second"', `settle = "${settleMs / 1000} seconds"`);
    return withSite(o, { cameras: 1, config, environment }, async (site) => {
      await untilAllSeal(o, site);
      const recoveryMs: number[] = [];
      const chosen = o.quick ? jumps.slice(0, 4) : jumps;
      const { injected, problems } = await repeat(o, 'jump', chosen.length, async (n) => {
        const jump = chosen[n - 1] as (typeof jumps)[number];
        const before = await everything(site);
        const receipts = await receiptsOf(site);
        if (jump.restart === true) await site.stop('SIGTERM');
        await writeFile(file, `${jump.clock}\n`);
        const began = performance.now();
        site.environment = { ...environment, ...(jump.zone === undefined ? {} : { TZ: jump.zone }) };
        if (jump.restart === true) await site.startHub();
        await untilAllRecord(o, site);
        await untilAllSeal(o, site, 90_000);
        recoveryMs.push(performance.now() - began);
        await pause(o, o.quick ? 5000 : watchedMs);
        const { time } = await site.status();
        const seen = time.clock === undefined ? '' : time.why;
        o.say(`${jump.what}: ${seen}`);
        return [...await lost(site, before), ...(await receiptsOf(site) === receipts ? [] : ['something was purged']), ...(await outOfOrder(site))];
      });
      problems.push(...await verify(site));
      return { injected, lost: '0 segments, 0 purged on a jump', recoveryMs, problems };
    });
  },
};

async function libraryOfFaketime(): Promise<string | undefined> {
  for (const folder of await readdir('/usr/lib')) {
    const found = (await readdir(join('/usr/lib', folder, 'faketime')).catch(() => [])).find((name) => name === 'libfaketimeMT.so.1');
    if (found !== undefined) return join('/usr/lib', folder, 'faketime', found);
  }
  return undefined;
}

/** Whatever its clock says. */
function everything(site: TestSite): Promise<ReplyOf<'list'>> {
  return callHub(join(site.data, 'control.sock'), 'list', { fromMs: 0, toMs: Date.UTC(2200, 0), limit: 10_000 });
}

async function receiptsOf(site: TestSite): Promise<number> {
  return (await site.status()).purge.lastReceipt?.number ?? 0;
}

async function lost(site: TestSite, before: ReplyOf<'list'>): Promise<string[]> {
  const now = new Set((await everything(site)).segments.filter(({ state }) => state !== 'missing').map(({ path }) => path));
  const gone = before.segments.filter(({ path, state }) => state !== 'missing' && !now.has(path));
  return gone.length === 0 ? [] : [`${gone.length} of ${before.segments.length} segments are gone, first ${gone[0]?.path}`];
}

/** A later sequence number was recorded later, whatever the clock said then. */
async function outOfOrder(site: TestSite): Promise<string[]> {
  const seqs = (await everything(site)).segments.map(({ seq }) => seq);
  return new Set(seqs).size === seqs.length ? [] : ['a sequence number was used twice'];
}

export default clock;
