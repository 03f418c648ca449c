/**
 * The hub is seized while it runs: its memory, that of its children, its data folder and the swap are searched for every key that it
 * ever made and for the pictures that it recorded. The true keys are known twice over: strace saw them come from the kernel's random
 * generator, and the owner's kit opens them.
 */
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSallyportError } from '../../../src/base/errors.ts';
import { run } from '../../../src/base/spawn.ts';
import { writeBech32, bech32Length } from '../../../src/seal/format/bech32.ts';
import { parseHeader } from '../../../src/seal/format/header.ts';
import { hkdfSha256 } from '../../../src/seal/hkdf.ts';
import { Identity } from '../../../src/seal/identity.ts';
import { looksLikeSlot, openSlot, slotBlockBytes, slotTextBytes } from '../../../src/seal/slot.ts';
import { unwrapFileKey } from '../../../src/seal/x25519.ts';
import { quickConfig, type TestSite } from '../../e2e/site.ts';
import type { FaultCase, FaultOutcome, FaultRun } from '../fault.ts';
import { Finder } from '../kit/finder.ts';
import { waitFor, withSite } from '../kit/faultsite.ts';
import { pause } from '../kit/hub.ts';
import { searchMemories, type MemoryHit } from '../kit/memory.ts';
import { RandomTap } from '../kit/rngtap.ts';

/** As long as src/seal/filekey.ts keeps them, and some time until its duty looks. */
const keptMs = 120_000 + 15_000;
/** The ring keeps the current pictures between two key frames; what readers and pipes hold comes on top. */
const liveMs = 15_000;
const cameras = 2;
const fps = 10;

const seized: FaultCase = {
  id: 'seized',
  fault: 'the running hub is seized: memory of hub and ffmpeg, data folder and swap are searched for every key it made and every picture it recorded',
  expected: 'of keys: those of open segments and of the last 120 s, no period\'s private key; of pictures: the last seconds; the control (a key not yet forgotten) is found',
  limitMs: { quick: 400_000, all: 535_000 },
  // A file key lives for 120 s after its segment, so a search that finds none of them takes minutes.
  notQuick: true,
  async run(o) {
    const clip = await makeClip(o, o.quick ? 260 : 420);
    const config = quickConfig({ keep: '30 seconds' });
    return withSite(o, { cameras, config, adopt: false, emulator: { clip, seconds: o.quick ? 260 : 420, folder: join(o.folder, 'scenes') } }, async (site) => {
      o.say('the hub runs');
      const tap = await RandomTap.attach(site.hub?.pid ?? 0, join(o.folder, 'random.txt'));
      for (const camera of site.cameras) await site.adopt(camera);
      await waitFor(o, 'it records', 60_000, async () => (await site.status()).cameras.every(({ recording }) => recording));
      o.say('it records');
      const footage = new Footage(site);
      const untilMs = Date.now() + keptMs + (o.quick ? 20_000 : 150_000);
      while (Date.now() < untilMs) {
        o.signal.throwIfAborted();
        footage.look();
        await pause(o, 1000);
      }
      const pictures = await picturesOf(site);
      footage.look();
      const tapped = await checkTap(tap, footage);
      await tap.detach();
      return seize(o, site, footage, pictures, tapped);
    });
  },
};

/** The keys of what is recorded, taken while their slots exist: purging goes on during the case. */
class Footage {
  readonly periods = new Map<string, { readonly scalar: Buffer; readonly endMs: number; readonly identity: Identity }>();
  readonly files = new Map<string, { readonly key: Buffer; readonly payloadKey: Buffer; closedMs: number | undefined }>();
  readonly #site: TestSite;
  readonly #kit: Identity[];

  constructor(site: TestSite) {
    this.#site = site;
    this.#kit = Identity.parseFile(readFileSync(site.kit, 'utf8'), 'the kit');
  }

  look(): void {
    this.#lookAtSlots();
    this.#lookAtSegments();
  }

  #lookAtSlots(): void {
    const keyring = readFileSync(join(this.#site.data, 'keyring', 'keyring.1'));
    for (let at = 0; at + slotBlockBytes <= keyring.length; at += slotBlockBytes) {
      const text = keyring.subarray(at, at + slotTextBytes);
      if (!looksLikeSlot(text)) continue;
      const slot = openedWith(text, this.#kit);
      if (slot === undefined || this.periods.has(slot.identity.recipient)) continue;
      this.periods.set(slot.identity.recipient, { identity: slot.identity, endMs: slot.startMs + 10_000, scalar: scalarOf(slot.identity) });
    }
  }

  #lookAtSegments(): void {
    const folder = join(this.#site.data, 'footage');
    const names = readdirSync(folder, { recursive: true }).map(String).filter((name) => /\.mp4\.age(\.part)?$/.test(name));
    for (const known of this.files.keys()) if (!names.includes(`${known}.part`)) this.#closed(known);
    for (const name of names) {
      const path = name.replace(/\.part$/, '');
      if (!this.files.has(path)) this.#learn(path, join(folder, name));
    }
  }

  #closed(path: string): void {
    const file = this.files.get(path);
    if (file !== undefined) file.closedMs ??= Date.now();
  }

  #learn(path: string, file: string): void {
    try {
      const bytes = readFileSync(file).subarray(0, 4096);
      const { stanzas, size } = parseHeader(bytes, path);
      const fileKey = unwrapFileKey(stanzas, [...this.periods.values()].map(({ identity }) => identity), path);
      const payloadKey = Buffer.alloc(32);
      hkdfSha256(payloadKey, fileKey.bytes, bytes.subarray(size, size + 16), 'payload');
      this.files.set(path, { key: Buffer.from(fileKey.bytes), payloadKey, closedMs: file.endsWith('.part') ? undefined : Date.now() });
      fileKey.close();
    } catch { /* its header is not written yet, or it was purged under our hands; the next look tells */ }
  }
}

/** Undefined for what is sealed to the hub itself, such as the keys of its database copies: those it may know. */
function openedWith(text: Buffer, kit: readonly Identity[]): ReturnType<typeof openSlot> | undefined {
  try {
    return openSlot(text, kit, 'a slot');
  } catch (error) {
    if (isSallyportError(error, 'SP_WRONG_IDENTITY')) return undefined;
    throw error;
  }
}

interface Pictures {
  /** Label → its place in the clip. */
  readonly atMs: ReadonlyMap<string, number>;
  readonly runs: readonly { readonly bytes: Buffer; readonly label: string }[];
}

function seize(o: FaultRun, site: TestSite, footage: Footage, pictures: Pictures, tapped: readonly string[]): FaultOutcome {
  const hub = site.hub?.pid ?? 0;
  const ffmpegs = childrenOf(hub);
  footage.look();
  const atMs = Date.now();
  const problems = [...tapped];
  const finder = finderOf(footage, pictures);
  o.say(`${finder.count} things are looked for`);

  const [inHub = { hits: [], bytes: 0 }, ...inChildren] = searchMemories([hub, ...ffmpegs], finder);
  const onDisk = searchFiles(site.data, finder);
  const swap = searchSwap(finder);
  const found = judge([...inHub.hits, ...inChildren.flatMap(({ hits }) => hits)], footage, pictures, atMs);
  const labelled = (hits: readonly MemoryHit[], kind: string): number => hits.filter(({ label }) => label.startsWith(kind)).length;

  problems.push(...found.problems, ...onDisk.map((hit) => `the data folder holds ${hit.label} in ${hit.where}`), ...swap.hits.map((hit) => `the swap holds ${hit.label}`));
  if (found.openFileKeys === 0 || found.recentFileKeys === 0) problems.push(`the control failed: of the file keys that the hub must still know, ${found.openFileKeys} of open and ${found.recentFileKeys} of recent segments were found`);
  if (labelled(inHub.hits, 'picture') === 0) problems.push('the control failed: no picture was found in the hub, which has just received some');
  const forgotten = [...footage.files.values()].filter(({ closedMs }) => closedMs !== undefined && atMs - closedMs > keptMs).length;
  if (forgotten === 0) problems.push('the case proves nothing: no file key is old enough to be forgotten');
  return {
    injected: 1, lost: `${found.keys.size} of ${footage.periods.size} period keys and ${forgotten} forgotten file keys found`, recoveryMs: [], problems,
    figures: {
      'searched': `${mib(inHub.bytes)} of the hub, ${mib(inChildren.reduce((sum, { bytes }) => sum + bytes, 0))} of ${ffmpegs.length} ffmpeg`,
      'looked for': `${footage.periods.size} period keys, ${footage.files.size} file and payload keys (${forgotten} of them to be forgotten), ${pictures.runs.length} runs of 16 bytes`,
      'file keys found': `${found.openFileKeys} of open segments, ${found.recentFileKeys} of the last 120 s`,
      'oldest picture, hub': `${Math.round(found.oldestMs.hub / 1000)} s`,
      'oldest picture, ffmpeg': `${Math.round(found.oldestMs.ffmpeg / 1000)} s`,
      'swap': swap.words,
    },
  };

  function judge(hits: readonly MemoryHit[], ...rest: [Footage, Pictures, number]): ReturnType<typeof judgeHits> {
    o.say(`${hits.length} hits`);
    return judgeHits(hits, new Set(inHub.hits), ...rest);
  }
}

function judgeHits(hits: readonly MemoryHit[], inHub: ReadonlySet<MemoryHit>, footage: Footage, pictures: Pictures, atMs: number) {
  const problems = new Map<string, string>();
  const oldestMs = { hub: 0, ffmpeg: 0 };
  const old = new Map<string, number>();
  // The newest that is found was sent just now.
  const newestMs = Math.max(0, ...hits.map(({ label }) => pictures.atMs.get(label) ?? 0));
  const [openKeys, recentKeys] = [new Set<string>(), new Set<string>()];
  for (const hit of hits) {
    const [kind = '', form = '', name = ''] = hit.label.split(' ');
    const place = `${inHub.has(hit) ? 'the hub' : 'ffmpeg'} (${hit.where})`;
    if (kind === 'period') problems.set(hit.label, `the private key of a period that ended ${seconds(atMs - (footage.periods.get(name)?.endMs ?? 0))} ago lies in ${place}, ${form}`);
    if (kind === 'file' || kind === 'payload') {
      const closedMs = footage.files.get(name)?.closedMs;
      const mayBe = closedMs === undefined || (kind === 'file' && atMs - closedMs <= keptMs) || atMs - closedMs <= 5000;
      if (!mayBe) problems.set(hit.label, `the ${kind} key of a segment closed ${seconds(atMs - closedMs)} ago lies in ${place}, ${form}`);
      else if (kind === 'file') (closedMs === undefined ? openKeys : recentKeys).add(name);
    }
    if (kind === 'picture') {
      const ageMs = newestMs - (pictures.atMs.get(hit.label) ?? 0);
      const where = inHub.has(hit) ? 'hub' : 'ffmpeg';
      oldestMs[where] = Math.max(oldestMs[where], ageMs);
      if (ageMs > liveMs) old.set(where, (old.get(where) ?? 0) + 1);
      if (ageMs > liveMs) problems.set(`${where} picture`, `${where} still holds ${old.get(where)} pieces of pictures that are over ${seconds(liveMs)} old, of up to ${seconds(oldestMs[where])}, in ${hit.where}`);
    }
  }
  const keys = new Set([...problems.keys()].filter((label) => !label.endsWith(' picture')));
  return { problems: [...problems.values()], keys, oldestMs, openFileKeys: openKeys.size, recentFileKeys: recentKeys.size };
}

/** Every key that the kit opens came out of the tapped generator, so what is looked for is what was made. */
async function checkTap(tap: RandomTap, footage: Footage): Promise<string[]> {
  const long = new Set((await tap.pieces(32)).map((piece) => piece.toString('hex')));
  const short = new Set((await tap.pieces(16)).map((piece) => piece.toString('hex')));
  const periods = [...footage.periods.values()].filter(({ scalar }) => !long.has(scalar.toString('hex'))).length;
  const files = [...footage.files.values()].filter(({ key }) => !short.has(key.toString('hex'))).length;
  return periods + files === 0 && footage.periods.size > 0 && footage.files.size > 0 ? [] : [`the tap missed ${periods} of ${footage.periods.size} period keys and ${files} of ${footage.files.size} file keys`];
}

function finderOf(footage: Footage, pictures: Pictures): Finder {
  const finder = new Finder();
  for (const [name, { scalar }] of footage.periods) {
    // Without its ends, which clamping changes.
    finder.add(scalar.subarray(1, 31), `period raw ${name}`);
    finder.add(textOf(scalar), `period text ${name}`);
    addTexts(finder, scalar, 'period', name);
  }
  for (const [name, { key, payloadKey }] of footage.files) {
    finder.add(key, `file raw ${name}`);
    addTexts(finder, key, 'file', name);
    finder.add(payloadKey, `payload raw ${name}`);
  }
  for (const { bytes, label } of pictures.runs) finder.add(bytes, label);
  return finder;
}

function addTexts(finder: Finder, key: Buffer, kind: string, name: string): void {
  finder.add(Buffer.from(key.toString('hex')), `${kind} hex ${name}`);
  finder.add(Buffer.from(key.toString('base64').replaceAll('=', '')), `${kind} base64 ${name}`);
}

/** AGE-SECRET-KEY-1…, without what is alike in all. */
function textOf(scalar: Buffer): Buffer {
  const text = Buffer.alloc(bech32Length('AGE-SECRET-KEY-', 32));
  writeBech32(text, 'AGE-SECRET-KEY-', scalar);
  return text.subarray(16);
}

function scalarOf(identity: Identity): Buffer {
  const scalar = Buffer.alloc(32);
  const text = identity.reveal();
  const charset = 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L';
  let [bits, pending, at] = [0, 0, 0];
  for (const letter of text.slice(16, -6)) {
    pending = ((pending & 0xff) << 5) | charset.indexOf(letter);
    bits += 5;
    if (bits >= 8) scalar[at++] = (pending >> (bits -= 8)) & 0xff;
  }
  return scalar;
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').split(' ').filter((text) => text !== '').map(Number));
}

function searchFiles(folder: string, finder: Finder): MemoryHit[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).flatMap((entry) => {
    const path = join(entry.parentPath, entry.name);
    try {
      return finder.search(readFileSync(path)).map((hit) => ({ ...hit, where: path }));
    } catch {
      return [];
    }
  });
}

/** Swapped pages of the processes are read with their memory; this is what lies on the medium beside. */
function searchSwap(finder: Finder): { hits: MemoryHit[]; words: string } {
  const areas = readFileSync('/proc/swaps', 'latin1').split('\n').slice(1).map((line) => line.split(/\s+/)).filter(([path, , kiB]) => path !== undefined && path !== '' && Number(kiB) < 2 ** 21);
  const hits = areas.flatMap(([path]) => finder.search(readFileSync(path as string)).map((hit) => ({ ...hit, where: path as string })));
  return { hits, words: areas.length === 0 ? 'this machine has none' : `${areas.length} areas` };
}

/** Noise of this run alone, so that no run of its bytes lies anywhere else, and long enough that no picture comes twice. */
async function makeClip(o: FaultRun, lengthSeconds: number): Promise<string> {
  const clip = join(o.folder, 'clip.mp4');
  const made = await run('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=s=256x144:r=${fps}:d=${lengthSeconds},noise=alls=30:all_seed=${randomInt(2 ** 30)}:allf=t`, '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', '-g', '10', '-b:v', '600k', clip], { timeoutMs: 120_000 });
  if (made.status !== 0) throw new Error(made.stderr);
  return clip;
}

/** Runs of 16 bytes of each picture; no picture is sent twice while the case lasts. */
async function picturesOf(site: TestSite): Promise<Pictures> {
  const scene = site.cameras[0]?.scenes.main ?? '';
  const annexB = (await run('ffmpeg', ['-v', 'error', '-i', scene, '-map', '0:v:0', '-c', 'copy', '-bsf:v', 'h264_mp4toannexb', '-f', 'h264', '-'], { stdoutBytesMax: 256 * 2 ** 20 })).stdout;
  const atMs = new Map<string, number>();
  const runs: { bytes: Buffer; label: string }[] = [];
  let picture = 0;
  for (let at = annexB.indexOf('\0\0\x01', 0, 'latin1'); at >= 0;) {
    const next = annexB.indexOf('\0\0\x01', at + 3, 'latin1');
    const nal = annexB.subarray(at + 3, next < 0 ? annexB.length : next);
    if ([1, 5].includes((nal[0] ?? 0) & 0x1f)) {
      const label = `picture of ${picture}`;
      atMs.set(label, (picture * 1000) / fps);
      for (let from = 200; from + 16 <= nal.length; from += 4001) runs.push({ bytes: Buffer.from(nal.subarray(from, from + 16)), label });
      picture++;
    }
    at = next;
  }
  return { atMs, runs: runs.filter(({ bytes }) => new Set(bytes).size >= 10) };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

function mib(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

export default seized;
