/**
 * The recording part of a hub without its rest, for the soak: streams that end again and again, each time opened, recorded and sealed
 * anew. Waits between tries are cut short; everything else is as in the hub. Says a JSON line for each measurement, and ends when
 * enough has been done. Node is started with --expose-gc, so that what is measured is what is held.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { getHeapSpaceStatistics } from 'node:v8';
import { systemClock, type Clock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { Secret } from '../../../src/base/secret.ts';
import { StreamCapture } from '../../../src/capture/stream.ts';
import { GapBook } from '../../../src/duties/gapbook.ts';
import { Recorder } from '../../../src/duties/record.ts';
import { FileKeys } from '../../../src/seal/filekey.ts';
import { Identity } from '../../../src/seal/identity.ts';
import { Vault } from '../../../src/vault/vault.ts';

export interface SoakOrder {
  readonly folder: string;
  readonly urls: readonly string[];
  readonly reconnects: number;
  readonly sampleEvery: number;
}

export interface SoakSample {
  readonly reconnects: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly externalBytes: number;
  /** What V8 has set aside for what is young: it doubles that as it sees fit, up to 48 MiB, and holds nothing in it for long. */
  readonly youngBytes: number;
  readonly fds: number;
  readonly zombies: number;
  readonly segments: number;
}

const waitMsMax = 20;
/** For the streams alone. */
const hasty: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, waitMsMax), signal) };
const order = JSON.parse(process.argv[2] ?? '{}') as SoakOrder;
const owner = Identity.generate();
const clock = systemClock;
const vault = await Vault.open({ folder: order.folder, clock, log: silentLog, hubName: 'soak' });
const fileKeys = new FileKeys(clock, 5000);
const parts = await Promise.all(order.urls.map(async (url, index) => {
  const camera = `camera-${index + 1}`;
  const gaps = await GapBook.open({ camera, stream: 'main', vault, clock, log: silentLog });
  const capture = new StreamCapture({
    camera, stream: 'main', url: () => Promise.resolve(new Secret(url)), audio: 'drop', hevc: false, ffmpeg: 'ffmpeg', clock: hasty, log: silentLog, random: () => 0,
  });
  const recorder = new Recorder({
    camera, stream: 'main', capture, vault, fileKeys, clock, log: silentLog, bootId: 'soak', periodMs: 60_000, cutAfterMs: 2000, keepMs: () => 3_600_000,
    recipients: () => [owner.recipient], clockState: () => 'synchronised', gaps,
  });
  recorder.start();
  capture.start();
  return { capture, recorder, gaps };
}));

let saidAt = -1;
for (let done = 0; done < order.reconnects;) {
  await systemClock.sleep(100);
  fileKeys.forgetDue();
  done = parts.reduce((sum, { capture }) => sum + capture.state.restarts, 0);
  if (Math.floor(done / order.sampleEvery) === saidAt) continue;
  saidAt = Math.floor(done / order.sampleEvery);
  await say(done);
}
for (const { capture, recorder, gaps } of parts) {
  await capture.stop();
  await recorder.close();
  await gaps.close('hub stopped');
}
fileKeys.close();
await say(order.reconnects);
await vault.close();

async function say(reconnects: number): Promise<void> {
  (globalThis as { gc?: () => void }).gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const sample: SoakSample = {
    reconnects, rssBytes: rss, heapBytes: heapUsed, externalBytes: external, youngBytes: getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.physical_space_size ?? 0, fds: readdirSync('/proc/self/fd').length, zombies: zombies(),
    segments: parts.reduce((sum, { recorder }) => sum + recorder.state.segments, 0),
  };
  process.stdout.write(`${JSON.stringify(sample)}\n`);
}

function zombies(): number {
  const children = readdirSync('/proc/self/task').flatMap((task) => readFileSync(`/proc/self/task/${task}/children`, 'latin1').split(' ').filter((pid) => pid !== ''));
  return children.filter((pid) => {
    try {
      return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/\(.*\)/s, ''));
    } catch {
      return false;
    }
  }).length;
}
