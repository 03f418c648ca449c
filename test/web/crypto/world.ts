/** A real vault with footage in it, and a fetcher that reads its files as the hub's storage routes give them. */
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { SallyportError } from '../../../src/base/errors.ts';
import { boxesIn, fragmentTimes, tracksOf, viewOf } from '../../../src/base/mp4.ts';
import { Identity as HubIdentity } from '../../../src/seal/identity.ts';
import { openWhole } from '../../../src/seal/opener.ts';
import { openSlot, slotBlockBytes, slotTextBytes } from '../../../src/seal/slot.ts';
import type { Period, SegmentRow, Vault } from '../../../src/vault/vault.ts';
import { HubAnswer, type ByteRange, type Fetcher } from '../../../src/web/crypto/fetcher.ts';
import type { FootageTimeline } from '../../../src/web/crypto/footage.ts';

const vectors = new URL('../../vectors/', import.meta.url);

/** Frames of a real camera picture: 30 of them in 3 seconds, each tenth a key frame. */
export const film = readFilm();

function readFilm(): { ftyp: Buffer; moov: Buffer; init: Buffer; fragments: Buffer[]; scale: number; track: number; lengthMs: number } {
  const read = (name: string): Buffer => readFileSync(new URL(name, vectors));
  const [kit] = HubIdentity.parseFile(read('kit.txt').toString(), 'kit.txt') as [HubIdentity];
  const { identity } = openSlot(read('data/keyring/keyring.1').subarray(2 * slotBlockBytes).subarray(0, slotTextBytes), [kit], 'the vector slot');
  const plain = openWhole(read('data/footage/front/20261124/05/20261124T050000Z-1.mp4.age'), [identity], 'the vector');
  const boxes = boxesIn(plain);
  const bytesOf = (type: string): Buffer[] => boxes.filter((box) => box.type === type).map((box) => plain.subarray(box.start, box.start + box.size));
  const [ftyp] = bytesOf('ftyp') as [Buffer];
  const [moov] = bytesOf('moov') as [Buffer];
  const mdats = bytesOf('mdat');
  const init = Buffer.concat([ftyp, moov]);
  const [track, { timescale }] = [...tracksOf(init)].find(([, { video }]) => video) as [number, { timescale: number }];
  return { ftyp, moov, init, fragments: bytesOf('moof').map((moof, i) => Buffer.concat([moof, mdats[i] as Buffer])), scale: timescale, track, lengthMs: 3000 };
}

/** The same frames once more, so many times 3 s later. */
export function filmAt(round: number): Buffer[] {
  return film.fragments.map((fragment) => {
    const copy = Buffer.from(fragment);
    for (const { time, offset, wide } of fragmentTimes(copy)) {
      const later = time + (round * film.lengthMs * film.scale) / 1000;
      if (wide) viewOf(copy).setBigUint64(offset, BigInt(later));
      else viewOf(copy).setUint32(offset, later);
    }
    return copy;
  });
}

/** Records `rounds` times 3 seconds; resolves with the row and the fragments as they went in. */
export async function recordFilm(vault: Vault, period: Period, o: { wallMs: number; rounds: number; stream?: 'main' | 'sub'; thumbnail?: Uint8Array; moov?: Buffer }): Promise<{ row: SegmentRow; fragments: Buffer[] }> {
  const writer = await vault.beginSegment({ period, stream: o.stream ?? 'main', ftyp: film.ftyp, moov: o.moov ?? film.moov, wallMs: o.wallMs, monoMs: 5000, boot: 'boot-1', clockState: 'synchronised' });
  const fragments = Array.from({ length: o.rounds }, (_, round) => filmAt(round)).flat();
  for (const [index, fragment] of fragments.entries()) {
    if (index % 10 === 0) writer.append(fragment, index * 100);
    else writer.append(fragment);
  }
  writer.takeFileKey().close();
  return { row: await writer.close({ durationMs: o.rounds * film.lengthMs, reason: 'continuous', ...(o.thumbnail === undefined ? {} : { thumbnail: o.thumbnail }) }), fragments };
}

export async function timelineOf(vault: Vault, camera: string): Promise<FootageTimeline> {
  const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 1000, camera };
  const rows = (await vault.segments(all)).filter((row) => row.camera === camera && row.stream === 'main');
  const periods = (await vault.livePeriods()).filter((period) => period.camera === camera);
  return {
    periods: periods.map(({ slot, generation, startMs, endMs, deadlineMs }) => ({ slot, generation, startMs, endMs, deadlineMs })),
    segments: rows.map((row) => ({
      seq: row.seq, startMs: row.startMs, durationMs: row.durationMs, sizeBytes: row.sizeBytes, slot: row.slot, generation: row.generation, deadlineMs: periods.find(({ id }) => id === row.periodId)?.deadlineMs ?? 0,
      keyFrames: row.keyFrames.map(([timeMs, offset]) => [timeMs, offset] as [number, number]), ...(row.cutChunks === undefined ? {} : { cutChunks: row.cutChunks }),
      ...(row.thumb === undefined ? {} : { thumb: [row.thumb[0], row.thumb[1]] as [number, number] }),
    })),
    gaps: (await vault.gaps(all)).filter((gap) => gap.camera === camera).map(({ fromMs, toMs, reason, detail }) => ({ fromMs, toMs, reason, detail })),
  };
}

export interface Asked { readonly path: string; readonly range: ByteRange | undefined }

/** As the hub answers for a whole time at once. */
export function withTimeline(fetch: Fetcher, timeline: FootageTimeline): Fetcher {
  return async (path, range, signal) => path.startsWith('/api/v1/timeline?') ? new TextEncoder().encode(JSON.stringify({ ...timeline, observations: [] })) : fetch(path, range, signal);
}

/** @param o.alter May change what a path gives: a hub that was tampered with. */
export function folderFetcher(folder: string, paths: ReadonlyMap<string, string>, o: { asked?: Asked[]; alter?: (path: string, bytes: Buffer) => Buffer } = {}): Fetcher {
  return async (path, range) => {
    o.asked?.push({ path, range });
    await new Promise((resolve) => setImmediate(resolve));
    const part = o.alter === undefined ? contentOf(folder, paths, path, range) : o.alter(path, contentOf(folder, paths, path)).subarray(range?.from, range?.to);
    if (range !== undefined && part.length !== range.to - range.from) throw new SallyportError('SP_READ', { file: path, reason: 'it is too short' });
    return new Uint8Array(part);
  };
}

function contentOf(folder: string, paths: ReadonlyMap<string, string>, path: string, range?: ByteRange): Buffer {
  const slot = /^\/api\/v1\/slots\/[^/]+\/(\d+)\/\d+$/.exec(path)?.[1];
  if (slot !== undefined) {
    const text = readPart(join(folder, 'keyring/keyring.1'), { from: Number(slot) * slotBlockBytes, to: Number(slot) * slotBlockBytes + slotTextBytes });
    if (!text.toString('latin1').startsWith('-----BEGIN')) throw new HubAnswer(410, new SallyportError('SP_SLOT_MISSING', { what: `slot ${slot}` }));
    return text;
  }
  const file = paths.get(path.replace('/api/v1/segments/', ''));
  if (file === undefined || !existsSync(join(folder, 'footage', file))) throw new HubAnswer(404, new SallyportError('SP_SEGMENT_MISSING', { file: path }));
  return readPart(join(folder, 'footage', file), range);
}

function readPart(file: string, range: ByteRange | undefined): Buffer {
  if (range === undefined) return readFileSync(file);
  const handle = openSync(file, 'r');
  const bytes = Buffer.alloc(range.to - range.from);
  const count = readSync(handle, bytes, 0, bytes.length, range.from);
  closeSync(handle);
  return bytes.subarray(0, count);
}
