/**
 * What lies at stores, as the kit opens it: which cameras and days there are, by the slots object alone; a day's lists when it is looked at; and the same
 * paths that a hub answers, so that the page's own opener and player read a store as they read a hub.
 */
import type { Timeline } from '../../api/pagecontract.ts';
import { SallyportError, asSallyportError, isSallyportError } from '../../base/errors.ts';
import { readFarList, type FarAlarm, type FarList, type FarSegment } from '../../policy/farlist.ts';
import { picturesOf } from '../../seal/format/picturesobject.ts';
import { decodeSlotsObject, maySlotsObjectBe, readSlotsHead, slotsHeadBytesMax, type SlotsEntry, type SlotsObject } from '../../seal/format/slotsobject.ts';
import { openWhole } from '../crypto/age.ts';
import { utf8 } from '../crypto/bytes.ts';
import { HubAnswer, type Fetcher } from '../crypto/fetcher.ts';
import type { Identity } from '../crypto/identity.ts';
import { openSlot } from '../crypto/slot.ts';
import { withPieces } from './pieces.ts';
import type { ViewerStore } from './stores.ts';

interface FoundPeriod {
  readonly camera: string;
  readonly class: string;
  readonly startMs: number;
  readonly entry: SlotsEntry;
}

/** An alarm of the day that is looked at, with the key of its own day. */
export interface ViewedAlarm extends FarAlarm {
  readonly slot: number;
  readonly generation: number;
}

interface Loaded {
  readonly list: FarList;
  readonly slotText: Uint8Array;
  readonly store: ViewerStore;
}

const dayMs = 86_400_000;
const atOnce = 6;
const api = '/api/v1';

export class Library {
  readonly madeMs: number;
  /** Slots that this kit does not open. */
  readonly locked: number;
  readonly #periods: readonly FoundPeriod[];
  readonly #stores: readonly ViewerStore[];
  readonly #identities: readonly Identity[];
  readonly #loaded = new Map<string, Promise<Loaded | SallyportError>>();
  /** By destination: the store that had its last list. */
  readonly #homes = new Map<string, ViewerStore>();
  /** Of the day that is looked at. */
  #day: readonly Loaded[] = [];

  private constructor(slots: SlotsObject, periods: readonly FoundPeriod[], stores: readonly ViewerStore[], identities: readonly Identity[]) {
    this.madeMs = slots.madeMs;
    this.locked = slots.entries.length - periods.length;
    this.#periods = periods;
    this.#stores = stores.map(withPieces);
    this.#identities = identities;
  }

  /** SP_FAR_NO_SLOTS, SP_FAR_SLOTS, SP_FAR_…. The identities stay the caller's. */
  static async open(o: { slots: ViewerStore; stores: readonly ViewerStore[]; identities: readonly Identity[] }): Promise<Library> {
    const objects = await o.slots.list();
    const found: { object: string; madeMs: number }[] = [];
    for (const [object, bytes] of objects.filter(([, size]) => maySlotsObjectBe(size))) {
      const head = readSlotsHead(await o.slots.get(object, { from: 0, to: Math.min(bytes, slotsHeadBytesMax) }));
      if (head !== undefined) found.push({ object, madeMs: head.madeMs });
    }
    let problem: SallyportError | undefined;
    for (const { object } of found.sort((a, b) => b.madeMs - a.madeMs)) {
      try {
        const slots = decodeSlotsObject(await o.slots.get(object), object);
        const periods = slots.entries.flatMap((entry) => periodOf(entry, o.identities) ?? []);
        if (periods.length > 0 || slots.entries.length === 0) return new Library(slots, periods, o.stores, o.identities);
      } catch (error) {
        if (!isSallyportError(error, 'SP_FAR_SLOTS')) throw error;
        problem ??= error;
      }
    }
    throw problem ?? new SallyportError('SP_FAR_NO_SLOTS', { where: o.slots.where, reason: found.length > 0 ? `of ${found.length} slots objects this kit opens none` : `among ${objects.length} objects there is no slots object` });
  }

  get cameras(): string[] {
    return [...new Set(this.#periods.map(({ camera }) => camera))].sort();
  }

  /** Beginnings of UTC days in which a period of the camera begins, the latest first. */
  days(camera: string): number[] {
    return [...new Set(this.#periods.filter((one) => one.camera === camera).map(({ startMs }) => Math.floor(startMs / dayMs) * dayMs))].sort((a, b) => b - a);
  }

  /** Reads the lists of a time; what does not open is among the problems. From then on the fetcher answers for it. */
  async look(camera: string, fromMs: number, toMs: number): Promise<{ timeline: Timeline; alarms: ViewedAlarm[]; problems: SallyportError[] }> {
    // A day of alarms begins up to a day before what it holds, and holds what was recorded up to a day after.
    const wanted = this.#periods.filter((one) => one.camera === camera && one.startMs >= fromMs - dayMs && one.startMs < toMs + dayMs);
    const problems: SallyportError[] = [];
    const day: Loaded[] = [];
    for (let from = 0; from < wanted.length; from += atOnce) {
      for (const loaded of await Promise.all(wanted.slice(from, from + atOnce).map((one) => this.#load(one)))) {
        if (loaded instanceof SallyportError) problems.push(loaded);
        else day.push(loaded);
      }
    }
    this.#day = day;
    return { timeline: timelineOf(day, fromMs, toMs), alarms: alarmsOf(day, fromMs, toMs), problems };
  }

  /** The paths of a hub (`segmentways.ts`), answered from the stores. */
  readonly fetch: Fetcher = async (path, range, signal) => {
    const url = new URL(path, 'https://hub');
    const [kind = '', camera = '', ...rest] = url.pathname.slice(api.length + 1).split('/').map(decodeURIComponent);
    if (kind === 'timeline') return utf8(JSON.stringify(timelineOf(this.#day, Number(url.searchParams.get('fromMs')), Number(url.searchParams.get('toMs')))));
    const one = this.#day.filter(({ list }) => list.camera === camera);
    if (kind === 'slots') {
      const text = one.find(({ list }) => list.slot === Number(rest[0]) && list.generation === Number(rest[1]))?.slotText;
      if (text !== undefined) return text;
    }
    if (kind === 'alarms') {
      for (const { list, slotText, store } of one) {
        const object = list.alarms?.find(({ id }) => id === rest[0])?.object;
        const sealed = object === undefined ? undefined : pictureIn(await store.get(object, undefined, signal), { alarm: rest[0] ?? '', picture: rest[1] ?? '', slotText }, this.#identities);
        if (sealed !== undefined) return sealed;
      }
      throw new HubAnswer(404, new SallyportError('SP_ALARM', { alarm: rest[0] ?? '', reason: 'its picture is not in this store' }));
    }
    const isIt = (segment: FarSegment): boolean => segment.stream === rest[0] && segment.seq === Number(rest[1]);
    if (kind === 'segments') {
      for (const { list, store } of one) {
        const segment = list.segments.find(isIt);
        if (segment !== undefined) return store.get(segment.object, range, signal);
      }
    }
    if (kind === 'holds') {
      for (const { list, store } of one) {
        const segment = list.slot === Number(rest[2]) ? list.segments.find(isIt) : undefined;
        if (segment?.hold_object !== undefined) return store.get(segment.hold_object, undefined, signal);
      }
    }
    throw new HubAnswer(404, new SallyportError('SP_SEGMENT_MISSING', { file: path }));
  };

  #load(period: FoundPeriod): Promise<Loaded | SallyportError> {
    const key = `${period.entry.destination} ${period.entry.list}`;
    const loaded = this.#loaded.get(key) ?? this.#fetchList(period).catch((error: unknown) => asSallyportError(error));
    this.#loaded.set(key, loaded);
    // What may go through later is asked for again.
    void loaded.then((one) => { if (one instanceof SallyportError && one.kind === 'retry') this.#loaded.delete(key); });
    return loaded;
  }

  async #fetchList({ camera, class: klass, startMs, entry }: FoundPeriod): Promise<Loaded> {
    const what = `the list of ${camera} at ${new Date(startMs).toISOString()}`;
    const { store, bytes } = await this.#find(entry);
    const { identity } = openSlot(entry.slotText, this.#identities, what);
    try {
      const list = readFarList(openWhole(bytes, [identity], what), what);
      // Anybody can seal something to a period's public key: a list is believed only beside its own slot.
      if (list.camera !== camera || list.class !== klass || list.start_ms !== startMs) throw new SallyportError('SP_FAR_LIST', { what, reason: 'it is of another period' });
      return { list, slotText: entry.slotText, store };
    } finally {
      identity.close();
    }
  }

  async #find({ destination, list }: SlotsEntry): Promise<{ store: ViewerStore; bytes: Uint8Array }> {
    const known = this.#homes.get(destination);
    let failure: unknown;
    for (const store of known === undefined ? this.#stores : [known, ...this.#stores.filter((one) => one !== known)]) {
      try {
        const bytes = await store.get(list);
        this.#homes.set(destination, store);
        return { store, bytes };
      } catch (error) {
        failure ??= error;
        if (!isSallyportError(error, 'SP_FAR_MISSING')) throw error;
      }
    }
    throw failure;
  }
}

/** Undefined where these identities do not open it: of another space, or no slot. */
function periodOf(entry: SlotsEntry, identities: readonly Identity[]): FoundPeriod | undefined {
  try {
    const { identity, camera, class: klass, startMs } = openSlot(entry.slotText, identities, 'a slot');
    identity.close();
    return { camera, class: klass, startMs, entry };
  } catch {
    return undefined;
  }
}

/** One of an alarm's pictures as it lay at home, out of the object that holds them all; undefined where it has none of that name. SP_FAR_PICTURES, SP_AGE_…. */
function pictureIn(bytes: Uint8Array, { alarm, picture, slotText }: { readonly alarm: string; readonly picture: string; readonly slotText: Uint8Array }, identities: readonly Identity[]): Uint8Array<ArrayBuffer> | undefined {
  const what = `the pictures of alarm ${alarm}`;
  const { identity } = openSlot(slotText, identities, what);
  try {
    return picturesOf(openWhole(bytes, [identity], what), alarm).find(([which]) => which === picture)?.[1].slice();
  } finally {
    identity.close();
  }
}

/** Those that began in the time, each once, the one whose pictures lie at a store before another. */
function alarmsOf(day: readonly Loaded[], fromMs: number, toMs: number): ViewedAlarm[] {
  const known = new Map<string, ViewedAlarm>();
  for (const { list } of day) {
    for (const one of list.alarms ?? []) {
      if (one.from_ms < fromMs || one.from_ms >= toMs || known.get(one.id)?.object !== undefined) continue;
      known.set(one.id, { ...one, slot: list.slot, generation: list.generation });
    }
  }
  return [...known.values()].sort((a, b) => a.from_ms - b.from_ms);
}

/** As the hub tells it: what a second header alone opens has its slot in both places. */
function timelineOf(day: readonly Loaded[], fromMs: number, toMs: number): Timeline {
  const lists = [...new Map(day.map(({ list }) => [`${list.slot} ${list.generation}`, list])).values()].sort((a, b) => Number(a.class !== 'footage') - Number(b.class !== 'footage'));
  const segments = new Map<string, Timeline['segments'][number]>();
  for (const list of lists) {
    for (const one of list.segments.filter(({ stream }) => stream === 'main')) {
      const known = segments.get(one.path);
      const way = { slot: list.slot, generation: list.generation };
      const holds = list.class === 'footage' ? known?.holds : [...(known?.holds ?? []), way];
      segments.set(one.path, {
        seq: one.seq, startMs: one.start_ms, durationMs: one.duration_ms, sizeBytes: one.size, ...(known === undefined ? way : { slot: known.slot, generation: known.generation }), deadlineMs: Math.max(known?.deadlineMs ?? 0, list.deadline_ms),
        keyFrames: one.key_frames.map(([timeMs, offset]) => [timeMs, offset] as [number, number]),
        ...(holds === undefined ? {} : { holds }), ...(one.state === 'cut' ? { cutChunks: one.chunks } : {}), ...(one.thumb === undefined ? {} : { thumb: [one.thumb[0], one.thumb[1]] as [number, number] }),
      });
    }
  }
  const gaps = lists.flatMap((list) => list.gaps.filter(({ stream, from_ms: from, to_ms: to }) => stream === 'main' && from < toMs && to > fromMs));
  return {
    periods: lists.map((list) => ({ slot: list.slot, generation: list.generation, startMs: list.start_ms, endMs: list.end_ms, deadlineMs: list.deadline_ms })),
    segments: [...segments.values()].filter(({ startMs, durationMs }) => startMs < toMs && startMs + durationMs > fromMs).sort((a, b) => a.startMs - b.startMs || a.seq - b.seq),
    gaps: [...new Map(gaps.map((gap) => [`${gap.from_ms} ${gap.to_ms} ${gap.reason}`, gap])).values()].map((gap) => ({ fromMs: gap.from_ms, toMs: gap.to_ms, reason: gap.reason, detail: gap.detail })).sort((a, b) => a.fromMs - b.fromMs),
    observations: [],
  };
}
