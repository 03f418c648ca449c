/** The hours of a destination, from what is declared to what is sent. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Credentials } from '../../src/egress/credentials.ts';
import { Journal } from '../../src/egress/journal.ts';
import { openDestination } from '../../src/egress/open.ts';
import { BackReader, BackWriter } from '../../src/outbox/back.ts';
import { CommandWriter } from '../../src/outbox/commands.ts';
import { OutReader, Outbox } from '../../src/outbox/out.ts';
import { readDestinations } from '../../src/policy/destinations.ts';
import { folders, sealedText } from '../outbox/world.ts';

t.test('out of its hours a destination gets no footage, and what is small all the same; within them it does', { timeout: 30_000 }, async (t) => {
  const { out: outFolder, back: backFolder, state } = folders(t.testdir());
  const disk = join(state, '..', 'disk');
  mkdirSync(disk);
  const [declared] = readDestinations(JSON.stringify({ v: 1, destinations: [{ name: 'disk', purpose: 'a copy', kind: 'folder', path: disk, mount: false, hours: ['22:00-06:00'], lanes: 1 }] }));
  let minute = 12 * 60;
  const outbox = await Outbox.open({ folder: outFolder, clock: systemClock });
  const [back, out] = [await BackWriter.open(backFolder), new OutReader(outFolder)];
  const sender = await openDestination(declared!, new Credentials(undefined, false), { out, back, journal: await Journal.open(state), clock: systemClock, log: silentLog, random: Math.random, localMinute: () => minute }, await CommandWriter.open(backFolder, systemClock));
  t.teardown(() => sender.close());
  const reader = new BackReader(backFolder);
  const answered = async (name: string): Promise<unknown> => {
    for (;;) {
      const found = (await reader.scan()).find((one) => one.name === name);
      if (found !== undefined) return found.answer;
      await systemClock.sleep(10);
    }
  };

  const footage = await outbox.put(sealedText('footage'), { to: 'disk', class: 'segment' });
  const erasure = await outbox.delete('disk', 'f'.repeat(32));
  sender.take(await out.scan());
  sender.start();
  t.match(await answered(erasure.name), { outcome: 'done' });
  // It stands behind the footage in the one lane, which has been passed over therefore.
  const later = await outbox.delete('disk', 'e'.repeat(32));
  sender.take(await out.scan());
  t.match(await answered(later.name), { outcome: 'done' });
  const path = join(disk, footage.object.slice(0, 2), footage.object);
  t.notOk(back.has(footage.name));
  t.notOk(existsSync(path), 'noon');

  minute = 23 * 60;
  sender.take(await out.scan());
  t.match(await answered(footage.name), { outcome: 'done' });
  t.ok(existsSync(path), 'at night');
});
