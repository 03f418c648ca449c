/**
 * A hub that records while a backlog of thousands of objects leaves as fast as two stores take it, while those stores hang, fail and refuse, and while all that
 * lies there is to go at once: nothing of the recording is missing, what waits between the doors is bounded, and so is the memory of hub and courier.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { ReplyOf } from '../../src/api/contract.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { makeBox } from '../../src/base/mp4.ts';
import { callHub } from '../../src/cli/control.ts';
import { outboxBounds } from '../../src/policy/outbox.ts';
import { atOnce } from '../../src/policy/uploading.ts';
import { readOwnerList, slotRecipients } from '../../src/seal/owner.ts';
import { Vault } from '../../src/vault/vault.ts';
import { S3Stub } from '../egress/s3stub.ts';
import { serveWebdav } from '../egress/stores.ts';
import { quickConfig, shortFolder, TestSite } from '../e2e/site.ts';
import { ftyp, hourMs, moov } from '../vault/world.ts';

/** Two stores get each: 5,000 objects. Small ones, so that they go as fast as orders can; and some as large as busy minutes are. */
const [smalls, smallBytes, larges, largeBytes] = [2500, 30_000, 8, 24 * 2 ** 20];
const [writers, lengthMs] = [48, 1200];
/** That have arrived before the stores begin to hang. */
const arrivedMin = 200;
/** Segments of each camera in each part of it. */
const meanwhile = 3;
/**
 * More than they had when they only recorded. Either holds one object at a time and pieces of others: the hub reads a segment whole before it leaves (24 MiB here, and the ones that
 * it freed last are the collector's for a while, three at most; V8's young objects took 40 MiB more in one run), the courier pieces of 64 KiB to 8 MiB in each of its lanes; and names, of 4,096 orders at most. It was 80 to 97 MiB of
 * the hub, of which 11 were left when all was over, and 87 to 146 of the courier; without a bound it would be the backlog, 270 MiB of bytes, and its lines.
 */
const [hubGrownMax, courierGrownMax] = [176 * 2 ** 20, 224 * 2 ** 20];

t.test('thousands of objects on their way, stores that hang and fail, and all of it to be taken back: no hole in the recording, a bounded outbox, bounded memory', { timeout: 240_000 }, async (t) => {
  const folder = await shortFolder(t);
  const stub = await S3Stub.start();
  const dav = await serveWebdav(folder);
  t.teardown(async () => { await stub.close(); await dav.close(); });
  const key = stub.grant(['put', 'get', 'delete']);
  const site = await TestSite.start(t, { folder, emulator: { cameras: 2 }, config: quickConfig({ keep: '7 days' }) });
  await site.untilSealed(1);
  await site.stop();
  const begunMs = Date.now();
  const backlog = await fill(site);
  t.comment(`${smalls + larges} segments sealed in ${Math.round((Date.now() - begunMs) / 1000)} s`);
  await site.startHub();

  // What they have when they only record, and wait.
  await sealedMore(site);
  const hub = site.hub?.pid ?? 0;
  forgetPeak(hub);
  await sealedMore(site);
  const hubBefore = peakOf(hub);
  writeFileSync(site.config, `${readFileSync(site.config, 'utf8')}${table('dav', `kind = "webdav"\nurl = "${dav.url.href}"`)}${table('cloud', `kind = "s3"\nurl = "${new URL(stub.url).origin}"\nbucket = "bucket"`)}`);
  site.hub?.kill('SIGHUP');
  for (const { id } of (await site.until(({ pending }) => pending.length === 2)).pending) await site.call(['accept', id, '--identity', site.kit, '--config', site.config]);
  await site.until(({ doors }) => doors.running);
  // The one that has no credential yet, and so waits; a credential makes it begin anew.
  const courierBefore = peakOf(courierOf(site));

  const out = new Watched(join(site.data, 'outbox', 'out'));
  const gate = new Gate();
  stub.hook = async (moment, method, path) => {
    if (moment === 'before') await gate.passed();
    // What it holds is this process's memory.
    const held = moment === 'done' && method === 'PUT' ? stub.objects.get(decodeURIComponent(path.replace(/^\/bucket\/|\?.*$/g, ''))) : undefined;
    if (held !== undefined && held.bytes.length > smallBytes * 2) held.bytes = Buffer.alloc(0);
  };
  await site.call(['secret', 'set', 'dav.all', '--config', site.config], 'sally\nport\n');
  await site.call(['secret', 'set', 'cloud.all', '--config', site.config], `${key.id}\n${key.secret}\n`);
  const there = async (): Promise<number[]> => (await egress(site)).destinations.map(({ counts }) => counts?.there ?? 0);

  const sendingMs = Date.now();
  while ((await there()).some((count) => count < arrivedMin)) await delay(200);
  const arrived = await there();
  const courier = courierOf(site);
  const rate = arrived.reduce((sum, count) => sum + count, 0) / ((Date.now() - sendingMs) / 1000);
  const waits = (await egress(site)).destinations.map(({ counts }) => counts?.waiting ?? 0);
  t.ok(waits.every((count) => count > 1000), `the backlog is still there: ${waits.join(', ')} wait`);

  gate.close();
  process.kill(dav.pid, 'SIGSTOP');
  await sealedMore(site);
  const hanging = out.most;
  stub.faults.push({ does: 'status', status: 500, times: Number.MAX_SAFE_INTEGER });
  gate.open();
  await sealedMore(site);
  t.ok(stub.requests.some(({ status }) => status === 500), 'the store failed');

  // All of the backlog is to go from there, too, while nobody answers.
  const going = (await there()).reduce((sum, count) => sum + count, 0);
  await site.call(['erase', backlog.camera, '--from', new Date(backlog.startMs).toISOString(), '--to', new Date(backlog.endMs - 1).toISOString(), '--whole-hours', '--yes', '--config', site.config]);
  await sealedMore(site);
  const flooded = out.most;
  t.ok(flooded.orders <= outboxBounds.ordersMax && flooded.bytes <= outboxBounds.bytesMax, `${flooded.orders} orders and ${flooded.bytes} bytes lay in the outbox`);
  t.ok(hanging.orders < 2 * (atOnce.orders + 40) && hanging.bytes <= 2 * (atOnce.bytes + largeBytes + 2 ** 20), `${hanging.orders} orders and ${hanging.bytes} bytes of footage and lists`);

  process.kill(dav.pid, 'SIGCONT');
  stub.faults.length = 0;
  const stubbed = new Set(stub.objects.keys());
  await until(async () => (await egress(site)).sums.filter(({ kind, outcome }) => kind === 'delete' && outcome === 'done').reduce((sum, { orders }) => sum + orders, 0) > going / 2);
  await until(async () => [...stubbed].some((name) => !stub.objects.has(name)));
  await sealedMore(site);
  out.close();

  const [hubPeak, courierPeak] = [peakOf(hub), peakOf(courierOf(site))];
  t.equal(courierOf(site), courier, 'one courier went through all of it');
  t.ok(hubPeak - hubBefore < hubGrownMax, `the hub: ${mib(hubBefore)} MiB when it records, ${mib(hubPeak)} MiB at most`);
  t.ok(courierPeak - courierBefore < courierGrownMax, `the courier: ${mib(courierBefore)} MiB when it waits, ${mib(courierPeak)} MiB at most`);
  const { gaps } = await site.list();
  t.same(gaps.filter(({ reason, fromMs }) => reason !== 'not recorded' && fromMs > begunMs && !reason.startsWith('hub')), [], 'nothing of the recording is missing');
  t.comment(`${Math.round(rate)} objects a second arrived at both; outbox at most ${hanging.orders} orders, ${mib(hanging.bytes)} MiB while stores hang, ${flooded.orders} orders with ${going} to be deleted; hub ${mib(hubBefore)} -> ${mib(hubPeak)} MiB, courier ${mib(courierBefore)} -> ${mib(courierPeak)} MiB; ${Math.round((Date.now() - begunMs) / 1000)} s`);
});

function table(name: string, keys: string): string {
  return `\n[[destination]]\nname = "${name}"\npurpose = "a copy far away"\n${keys}\nsend = "all"\n`;
}

/** Through the vault's own writer, while no hub has it: one hour of the first camera. */
async function fill(site: TestSite): Promise<{ camera: string; startMs: number; endMs: number }> {
  const camera = site.cameras[0]?.name ?? '';
  const vault = await Vault.open({ folder: site.data, clock: systemClock, log: silentLog, hubName: 'Test' });
  const recipients = slotRecipients(readOwnerList(readFileSync(join(site.folder, 'owner/owner.json'), 'utf8'), 'the list'), 'home');
  const startMs = Math.floor(Date.now() / hourMs) * hourMs - 3 * hourMs;
  const endMs = startMs + hourMs;
  const period = await vault.preparePeriod({ camera, class: 'footage', startMs, endMs, deadlineMs: endMs + 7 * 24 * hourMs, recipients });
  let next = 0;
  const write = async (): Promise<void> => {
    for (let n = next++; n < larges + smalls; n = next++) {
      const writer = await vault.beginSegment({ period, stream: 'main', ftyp, moov, wallMs: startMs + n * lengthMs, monoMs: 5000, boot: 'boot-1', clockState: 'synchronised' });
      writer.append(makeBox('moof', Buffer.alloc(100, 1)), 0);
      writer.append(makeBox('mdat', Buffer.alloc(n < larges ? largeBytes : smallBytes, n % 256)));
      writer.takeFileKey().close();
      await writer.close({ durationMs: lengthMs, reason: 'continuous' });
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  await vault.close();
  return { camera, startMs, endMs };
}

/** What lies in the outbox, as the disk has it. */
class Watched {
  readonly #folder: string;
  readonly #timer = setInterval(() => this.#look(), 100);
  most = { orders: 0, bytes: 0 };

  constructor(folder: string) {
    this.#folder = folder;
  }

  #look(): void {
    const sizes = readdirSync(this.#folder).flatMap((name) => statSync(join(this.#folder, name), { throwIfNoEntry: false })?.size ?? []);
    this.most = { orders: Math.max(this.most.orders, sizes.length), bytes: Math.max(this.most.bytes, sizes.reduce((sum, size) => sum + size, 0)) };
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

/** Where a store's requests wait while it hangs. */
class Gate {
  #closed: Promise<void> = Promise.resolve();
  #open: () => void = () => {};

  close(): void {
    this.#closed = new Promise((resolve) => { this.#open = resolve; });
  }

  open(): void {
    this.#open();
  }

  passed(): Promise<void> {
    return this.#closed;
  }
}

async function sealedMore(site: TestSite): Promise<void> {
  const then = new Map((await site.status()).cameras.map(({ camera, segmentsSealed }) => [camera, segmentsSealed]));
  await site.until(({ cameras }) => cameras.length === site.cameras.length && cameras.every(({ camera, segmentsSealed }) => segmentsSealed >= (then.get(camera) ?? 0) + meanwhile));
}

function egress(site: TestSite): Promise<ReplyOf<'egress'>> {
  return callHub(join(site.data, 'control.sock'), 'egress', { limit: 1 });
}

function courierOf(site: TestSite): number {
  return Number(/"pid":(\d+)/.exec(site.log.findLast((line) => line.includes('the courier is started')) ?? '')?.[1]);
}

/** The most that a process ever had in memory, or since `forgetPeak`, as the kernel counts it: no peak falls between two looks. */
function peakOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;
}

function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

function mib(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}

async function until(look: () => Promise<boolean>): Promise<void> {
  while (!await look()) await delay(200);
}
