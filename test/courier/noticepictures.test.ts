/** A notice with a sealed picture, from a real vault through the real courier to an ntfy server's and a webhook's end; what opens it, stock `age` decides. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { dayMs } from '../../src/base/units.ts';
import { Ledger } from '../../src/duties/ledger.ts';
import { NotifyDuty } from '../../src/duties/notify.ts';
import type { NoticeDestination } from '../../src/policy/telling.ts';
import { Identity } from '../../src/seal/identity.ts';
import { plainPayloadSize } from '../../src/seal/format/stream.ts';
import { padmeSize } from '../../src/seal/format/padme.ts';
import { isThumbnail, paddedThumbnail } from '../../src/seal/thumbnail.ts';
import { openSlot, slotBlockBytes, slotTextBytes } from '../../src/seal/slot.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { ageOpens, noAge } from '../seal/referees.ts';
import { makeWorld, openVault } from '../vault/world.ts';
import { makeHome, startCourier } from './kit.ts';

interface Told { readonly request: IncomingMessage; readonly bytes: Buffer }

/** A server that keeps what it was told, and tells when there is something. */
async function sink(t: Test): Promise<{ url: string; told: Told[]; until: (count: number) => Promise<void> }> {
  const told: Told[] = [];
  const waiting: { count: number; tell: () => void }[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      told.push({ request, bytes: Buffer.concat(pieces) });
      response.end('{}');
      for (const { count, tell } of waiting) if (told.length >= count) tell();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => { server.closeAllConnections(); server.close(); });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, told, until: (count) => new Promise((tell) => { if (told.length >= count) tell(); else waiting.push({ count, tell }); }) };
}

async function keyIn(folder: string, slot: number, kit: Identity): Promise<Identity> {
  const ring = await readFile(join(folder, 'keyring/keyring.1'));
  return openSlot(ring.subarray(slot * slotBlockBytes).subarray(0, slotTextBytes), [kit], 'the day').identity;
}

async function jpegOf(t: Test): Promise<Buffer> {
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=320x180', '-frames:v', '1', '-f', 'mjpeg', 'pipe:1']);
  t.ok(isThumbnail(stdout));
  return stdout;
}

t.test('a notice waits for its alarm\'s picture, which goes along as it was sealed: the key of the day opens it, no other does; who asked for none gets none', { timeout: 60_000 }, async (t) => {
  const folder = t.testdir();
  const world = makeWorld(folder);
  world.clock.set(Date.now());
  const vault: Vault = await openVault(world);
  const [ntfy, hook, plain] = [await sink(t), await sink(t), await sink(t)];
  const home = makeHome(folder, [
    { name: 'phone', kind: 'ntfy', url: ntfy.url }, { name: 'hook', kind: 'webhook', url: `${hook.url}x` }, { name: 'other', kind: 'webhook', url: `${plain.url}y` },
  ], { 'phone.topic': 'ours', 'hook.key': 'the-key', 'other.key': 'another' });
  const destinations: NoticeDestination[] = [{ name: 'phone', kind: 'ntfy', picture: true }, { name: 'hook', kind: 'webhook', picture: true }, { name: 'other', kind: 'webhook' }];
  const ledger = new Ledger({ vault, folder: home.outbox, clock: systemClock, log: silentLog, purposeOf: () => 'to hear of it', auditMs: () => 730 * dayMs });
  await ledger.open();
  const notify = new NotifyDuty({ vault, outbox: ledger, destinations: () => destinations, everyDestination: () => destinations.map(({ name }) => name), cameras: () => [{ id: 'front' }], notices: { raise: () => {}, settle: () => {}, tell: () => {} }, clock: systemClock, log: silentLog });
  const courier = await startCourier(home);
  t.teardown(async () => { await notify.close(); await ledger.close(); await courier.stop(); await vault.close(); });
  ledger.start();
  notify.start();

  const jpeg = await jpegOf(t);
  const thumb = Buffer.from(paddedThumbnail(jpeg));
  t.ok(isThumbnail(thumb) && thumb.length === padmeSize(jpeg.length + 4) && !thumb.equals(jpeg), 'padded, and a picture still');
  t.equal((await run('ffprobe', ['-v', 'error', '-show_entries', 'stream=width', '-of', 'csv=p=0', '-f', 'mjpeg', 'pipe:0'], { input: thumb })).stdout.toString().trim(), '320', 'which others read too');
  const alarm = await vault.openAlarm({ camera: 'front', rule: 'door', kind: 'person', atMs: Date.now(), keepMs: dayMs, recipients: [world.owner.recipient] });
  notify.rang({ camera: 'front', kind: 'person', atMs: Date.now(), id: alarm.id });
  await plain.until(1);
  t.same([ntfy.told.length, hook.told.length], [0, 0], 'who is to see it hears of it when it is there');
  await vault.putAlarmPictures(alarm.id, { full: jpeg, thumb, text: { person: 'aabb' } });
  notify.pictured(alarm.id);
  await Promise.all([ntfy.until(1), hook.until(1)]);

  const sealed = (await vault.alarmPicture(alarm.id, 'thumb')).sealed;
  const [put] = ntfy.told;
  const number = String(put?.request.headers['filename']).slice(0, 32);
  t.match(number, /^[0-9a-f]{32}$/);
  t.equal(put?.request.url, '/ours');
  t.ok(put?.bytes.equals(sealed), 'as it lies at home');
  const payload = sealed.length - 184;
  t.equal(padmeSize(plainPayloadSize(payload)), plainPayloadSize(payload), 'of a size that says little');
  const [posted] = hook.told;
  const body = JSON.parse(posted?.bytes.toString() ?? '') as { notices: { id: string; picture?: string }[] };
  t.same(body.notices.map(({ id }) => id), [number]);
  t.ok(Buffer.from(body.notices[0]?.picture ?? '', 'base64').equals(sealed));
  const [, time = '', signature = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(posted?.request.headers['sallyport-signature'])) ?? [];
  t.equal(createHmac('sha256', 'the-key').update(`${time}.`).update(posted?.bytes ?? '').digest('hex'), signature, 'the picture is under the signature');
  t.notMatch(plain.told[0]?.bytes.toString(), /picture/);
  for (const { bytes } of [...ntfy.told, ...hook.told, ...plain.told]) t.notOk(bytes.includes(jpeg.subarray(200, 260)), 'no plain byte of it left');

  const day = await keyIn(world.folder, alarm.slot, world.owner);
  const stranger = Identity.generate();
  if (noAge === false) {
    const opens = async (identity: Identity): Promise<Buffer | undefined> => {
      const key = join(folder, 'key.txt');
      writeFileSync(key, `${identity.reveal()}\n`);
      return ageOpens(put?.bytes ?? Buffer.alloc(0), key);
    };
    t.ok((await opens(day))?.equals(thumb), 'stock age opens the attachment with the key of the day');
    for (const other of [world.owner, stranger]) t.equal(await opens(other), undefined, 'and with no other');
  }
  day.close();
  stranger.close();
  const lines = (await vault.far.lines({ limit: 9 })).filter(({ kind }) => kind === 'notice');
  t.same(lines.map(({ destination, sizeBytes, recipients }) => [destination, sizeBytes, recipients.length]).sort(), [['hook', sealed.length, 1], ['other', 0, 0], ['phone', sealed.length, 1]], 'the ledger has it');
});
