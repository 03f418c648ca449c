/** What lies far alone, with a courier of its own process and a real `rclone serve webdav`: played by the page's own way of sending it, and opened by stock `age`. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { dayMs, hourMs } from '../../src/base/units.ts';
import { ArchiveDuty } from '../../src/duties/archive.ts';
import { PlaybackDuty } from '../../src/duties/playback.ts';
import { makeUploads, rules, settle } from '../duties/uploadworld.ts';
import { serveWebdav } from '../egress/stores.ts';
import { ageOpens, noAge } from '../seal/referees.ts';
import { prepare, record, start } from '../vault/world.ts';
import { makeHome, startCourier } from './kit.ts';

t.test('footage that lies at a WebDAV server alone comes back through the courier, and stock age opens it', { skip: noAge }, async (t) => {
  const folder = t.testdir();
  const dav = await serveWebdav(folder);
  t.teardown(() => dav.close());
  await using made = await makeUploads(folder);
  const { vault, ledger, world } = made;
  made.destinations = [{ name: 'dav', purpose: 'a copy in another house', kind: 'webdav', to: { url: dav.url.href }, store: { ...rules, archiveAfterMs: hourMs } }];
  const period = await prepare(vault, world, { keepMs: dayMs });
  const row = await record(vault, period, { bytes: 20 * 2 ** 20 });
  const file = join(world.folder, 'footage', row.path);
  const sent = await readFile(file);
  const courier = await startCourier(makeHome(folder, [{ name: 'dav', kind: 'webdav', url: dav.url.href }], { 'dav.all': 'sally\nport\n' }));
  t.teardown(() => courier.stop());
  await settle(made);
  world.clock.set(start + 3 * hourMs);
  const clock: Clock = { wallMs: () => world.clock.wallMs(), monotonicMs: () => systemClock.monotonicMs(), sleep: (ms, signal) => systemClock.sleep(ms, signal) };
  const archive = new ArchiveDuty({ vault, ledger, destinations: () => made.destinations, clock, log: silentLog });
  await archive.look();
  t.notOk(existsSync(file));
  const playback = new PlaybackDuty({ vault, clock, timekeeper: { verdict: undefined }, archive });
  const opening = playback.segment(row.camera, row.stream, row.seq);
  const state = { over: false };
  opening.finally(() => { state.over = true; }).catch(() => {});
  while (!state.over) {
    await ledger.look();
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  const pieces: Buffer[] = [];
  for await (const piece of (await opening).read()) pieces.push(piece);
  t.ok(Buffer.concat(pieces).equals(sent), 'byte for byte');
  t.equal((await vault.far.lines({ limit: 100 })).filter(({ kind }) => kind === 'get').length, 3, 'in ranges');
  await mkdir(join(folder, 'owner'));
  const [kit, key] = [join(folder, 'owner', 'kit.txt'), join(folder, 'owner', 'key.txt')];
  await writeFile(kit, `${world.owner.reveal()}\n`);
  await writeFile(key, (await ageOpens(await playback.slot('front', row.slot, row.generation), kit)) ?? '');
  t.ok(await ageOpens(Buffer.concat(pieces), key), 'stock age opens it');
});
