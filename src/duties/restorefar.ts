/**
 * Brings a hub's data folder back from its stores and the owner's kit, with the hub off: slots into a new keyring, lists and segments to where they were,
 * and a new database made of them (vault/rebuild.ts). Deadlines stay what they were, so purging goes on where it stopped. It may be ended and begun
 * again: what is in place already is not fetched a second time.
 */
import { SallyportError, asSallyportError } from '../base/errors.ts';
import { hourMs } from '../base/units.ts';
import type { Clock, UnixMs } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import type { FarList, FarSegment } from '../policy/farlist.ts';
import { picturesVersion } from '../policy/uploading.ts';
import { holdBytes } from '../seal/format/hold.ts';
import type { Identity } from '../seal/identity.ts';
import type { HourList } from '../vault/hourlist.ts';
import { rebuildDatabase, type Rebuilt } from '../vault/rebuild.ts';
import { Refill } from '../vault/refill.ts';
import { Vault } from '../vault/vault.ts';
import { adoptedSlotsName } from './farslots.ts';
import { farPeriods, farPictures, findSlots, segmentPieces, touches, type FarPeriod, type FoundSlots } from './farfootage.ts';
import type { FarStore } from './farstore.ts';

/** A part of what is far. */
export interface FarPart {
  readonly camera: string | undefined;
  readonly fromMs: UnixMs;
  readonly toMs: UnixMs;
}

export interface FillOptions {
  readonly folder: string;
  readonly slots: FarStore;
  readonly stores: readonly FarStore[];
  readonly identities: readonly Identity[];
  /** Only what is needed for this; else everything. */
  readonly part?: FarPart;
  /** No segments: what the lists say is enough. */
  readonly listsOnly?: true;
  /** Told of each step, with how many bytes are there of how many. */
  readonly onProgress?: (step: 'slots' | 'lists' | 'footage', done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface Filled {
  readonly slots: FoundSlots;
  readonly periods: readonly FarPeriod[];
  readonly segments: number;
  readonly bytes: number;
  /** Of these: they were in place from before. */
  readonly found: number;
  readonly problems: readonly SallyportError[];
}

/** Segments fetched at once: the courier has three lanes. */
const segmentsAtOnce = 3;

/** Everything but the database. SP_FAR_NO_SLOTS, SP_DATA_FOLDER, SP_WRITE; what is missing far comes among the problems. */
export async function fillFromFar(o: FillOptions): Promise<Filled> {
  const slots = await findSlots(o.slots, o.identities);
  o.onProgress?.('slots', 1, 1);
  const problems: SallyportError[] = [];
  const periods: FarPeriod[] = [];
  const refill = await Refill.open(o.folder);
  let filled = false;
  try {
    for await (const { period, problem } of farPeriods({ slots, stores: o.stores, identities: o.identities, onProgress: (done, total) => o.onProgress?.('lists', done, total) })) {
      checkGoing(o);
      if (problem !== undefined) problems.push(problem);
      // The same period may be listed at several destinations: each may have what another lacks.
      if (period !== undefined && wants(period.list, o.part)) periods.push(period);
    }
    for (const { list, slotText } of periods) await refill.putSlot(list.slot, slotText);
    const counts = o.listsOnly === true ? { segments: 0, bytes: 0, found: 0 } : await fetchAll(o, refill, periods, problems);
    for (const [slot, list] of mergedLists(periods)) await refill.putList(asHourList(list), recipientOf(periods, slot));
    filled = true;
    return { slots, periods, ...counts, problems };
  } finally {
    await refill.close(filled);
  }
}

export interface RestoreFarOptions extends Omit<FillOptions, 'part'> {
  readonly clock: Clock;
  readonly hubName: string;
  readonly workingKeyFile?: string;
  readonly gapMsMin: number;
  readonly onRebuild?: (done: number, total: number) => void;
}

export interface RestoredFar extends Filled {
  readonly rebuilt: Rebuilt;
  /** Objects at the stores that the new database knows. */
  readonly known: number;
  /** Alarms that are here again. */
  readonly alarms: number;
}

export async function restoreFar(o: RestoreFarOptions): Promise<RestoredFar> {
  const filled = await fillFromFar(o);
  if (filled.periods.length === 0) throw filled.problems[0] ?? new SallyportError('SP_FAR_NO_SLOTS', { where: o.slots.name, reason: 'the slots object holds no slot that it opens' });
  const rebuilt = await rebuildDatabase({
    folder: o.folder, identities: o.identities, periodMs: hourMs, gapMsMin: o.gapMsMin, clock: o.clock, log: silentLog, hubName: o.hubName,
    // Each list tells its own deadline.
    keepMs: () => 0,
    ...(o.workingKeyFile === undefined ? {} : { workingKeyFile: o.workingKeyFile }), ...(o.onRebuild === undefined ? {} : { onProgress: o.onRebuild }),
  });
  const problems = [...filled.problems];
  const taken = await takeOver(o, { ...filled, problems });
  return { ...filled, rebuilt, ...taken, problems };
}

/** Alarms that the lists tell of, with their pictures; what does not open is among the problems, and the alarm is there without. Answers which are here. */
async function bringAlarms(o: RestoreFarOptions, vault: Vault, periods: readonly FarPeriod[], problems: SallyportError[]): Promise<Set<string>> {
  const here = new Set<string>();
  const pictured = new Set<string>();
  for (const { list, slotText, store } of periods) {
    for (const one of list.alarms ?? []) {
      checkGoing(o);
      if (pictured.has(one.id) || (here.has(one.id) && one.object === undefined)) continue;
      const { id, rule, kind, from_ms: fromMs, to_ms: toMs, score_pm: scorePm } = one;
      const about = { alarm: { id, camera: list.camera, rule, kind, fromMs, toMs: toMs ?? fromMs, scorePm }, slot: list.slot, footage: one.footage.map(segmentKeyOf) };
      try {
        const pictures = one.object === undefined ? undefined : await farPictures(store, { alarm: id, object: one.object, slotText }, o.identities);
        if (await vault.adoptAlarm({ ...about, pictures })) here.add(id);
        if (pictures !== undefined) pictured.add(id);
      } catch (error) {
        const problem = asSallyportError(error);
        if (problem.kind === 'retry' || problem.code === 'SP_WRITE' || problem.code === 'SP_FAR_REFUSED') throw problem;
        problems.push(problem);
        if (await vault.adoptAlarm({ ...about, pictures: undefined })) here.add(id);
      }
    }
  }
  return here;
}

function segmentKeyOf(text: string): { stream: 'main' | 'sub'; seq: number } {
  const [stream, seq] = text.split(' ');
  return { stream: stream === 'sub' ? 'sub' : 'main', seq: Number(seq) };
}

/** The hub knows again what it had sent: it deletes it there when it purges here, and replaces the slots object under the name that it had. */
async function takeOver(o: RestoreFarOptions, { slots, periods, problems }: Pick<Filled, 'slots' | 'periods'> & { readonly problems: SallyportError[] }): Promise<{ known: number; alarms: number }> {
  const vault = await Vault.open({ folder: o.folder, clock: o.clock, log: silentLog, hubName: o.hubName, ...(o.workingKeyFile === undefined ? {} : { workingKeyFile: o.workingKeyFile }) });
  try {
    await vault.putSetting(adoptedSlotsName, [slots.object]);
    let known = 0;
    const alarms = await bringAlarms(o, vault, periods, problems);
    for (const { list, destination, listObject } of periods) {
      // Where its keys lie too, which the rules of the hub will say again.
      const every = { destination, camera: list.camera, slot: list.slot, keysAt: destination };
      const held = list.class !== 'footage';
      known += await vault.far.adopt([
        { ...every, class: 'hours', object: listObject, path: undefined, sizeBytes: 0 },
        ...list.segments.map(({ object, path, size }) => ({ ...every, class: 'segment' as const, object, path, sizeBytes: size })),
        ...(held ? list.segments.flatMap(({ hold_object: object, path }) => (object === undefined ? [] : [{ ...every, class: 'hold' as const, object, path, sizeBytes: holdBytes }])) : []),
        ...(list.alarms ?? []).flatMap(({ id, object, sha256, to_ms: toMs }) => (object === undefined || sha256 === undefined ? [] : [{ ...every, class: 'picture' as const, object, path: undefined, alarm: { id, version: picturesVersion(sha256, toMs) }, sizeBytes: 0 }])),
      ]);
    }
    await vault.audit({ what: 'far.restored', who: 'cli', detail: { slots_object: slots.object, made_ms: slots.madeMs, hub_before: slots.hub, periods: periods.length, objects: known, alarms: alarms.size } });
    return { known, alarms: alarms.size };
  } finally {
    await vault.close();
  }
}

async function fetchAll(o: FillOptions, refill: Refill, periods: readonly FarPeriod[], problems: SallyportError[]): Promise<{ segments: number; bytes: number; found: number }> {
  const wanted = wantedSegments(periods, o.part);
  const total = wanted.reduce((sum, { segment }) => sum + segment.size, 0);
  const counts = { segments: 0, bytes: 0, found: 0 };
  let done = 0;
  const queue = wanted.values();
  const lane = async (): Promise<void> => {
    for (const { segment, from } of queue) {
      checkGoing(o);
      try {
        if (await refill.hasSegment(segment)) counts.found++;
        else await fromAnywhere(refill, segment, from);
        counts.segments++;
        counts.bytes += segment.size;
        for (const { store, list, segment: row } of from) {
          if (row.hold_object === undefined || row.hold_sha256 === undefined || await refill.hasHold(row.path, list.slot)) continue;
          await refill.putHold(row.path, list.slot, await store.readWhole(row.hold_object, 4096), row.hold_sha256);
        }
      } catch (error) {
        const problem = asSallyportError(error);
        // The store, or the disk here, is not there: what is in place already stays, and a second run goes on.
        if (problem.kind === 'retry' || problem.code === 'SP_WRITE' || problem.code === 'SP_FAR_REFUSED') throw problem;
        problems.push(problem);
      }
      done += segment.size;
      o.onProgress?.('footage', done, total);
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: segmentsAtOnce }, lane));
  for (const one of lanes) if (one.status === 'rejected') throw one.reason;
  return counts;
}

interface Wanted {
  readonly segment: FarSegment;
  readonly from: { readonly store: FarStore; readonly list: FarList; readonly segment: FarSegment }[];
}

/** Each file once, with all that tell of it. */
function wantedSegments(periods: readonly FarPeriod[], part: FarPart | undefined): Wanted[] {
  const wanted = new Map<string, Wanted>();
  for (const { list, store } of periods) {
    for (const segment of list.segments) {
      if (part !== undefined && (segment.start_ms > part.toMs || segment.start_ms + segment.duration_ms < part.fromMs)) continue;
      const known = wanted.get(segment.path);
      if (known === undefined) wanted.set(segment.path, { segment, from: [{ store, list, segment }] });
      else known.from.push({ store, list, segment });
    }
  }
  return [...wanted.values()].toSorted((a, b) => a.segment.start_ms - b.segment.start_ms);
}

async function fromAnywhere(refill: Refill, segment: FarSegment, from: Wanted['from']): Promise<void> {
  let failure: unknown;
  for (const { store, segment: row } of from) {
    try {
      return await refill.putSegment(segment, segmentPieces(store, row));
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** A period that is at several destinations has one list here, with all that any of them has. */
function mergedLists(periods: readonly FarPeriod[]): Map<number, FarList> {
  const merged = new Map<number, FarList>();
  for (const { list } of periods) {
    const known = merged.get(list.slot);
    if (known === undefined) merged.set(list.slot, list);
    else {
      const more = list.segments.filter(({ path }) => !known.segments.some((one) => one.path === path));
      const gaps = list.gaps.filter((gap) => !known.gaps.some((one) => one.stream === gap.stream && one.from_ms === gap.from_ms && one.to_ms === gap.to_ms));
      // Of two deadlines the earlier one: nothing is kept longer for having been far.
      merged.set(list.slot, { ...known, deadline_ms: Math.min(known.deadline_ms, list.deadline_ms), segments: [...known.segments, ...more].toSorted((a, b) => a.start_ms - b.start_ms || a.seq - b.seq), gaps: [...known.gaps, ...gaps].toSorted((a, b) => a.from_ms - b.from_ms) });
    }
  }
  return merged;
}

/** Where it lies far is not said at home: writing it leaves out what an hour list does not have. */
function asHourList(list: FarList): HourList {
  return list as HourList;
}

function recipientOf(periods: readonly FarPeriod[], slot: number): string {
  return periods.find(({ list }) => list.slot === slot)?.recipient ?? '';
}

function wants(list: FarList, part: FarPart | undefined): boolean {
  return part === undefined || ((part.camera === undefined || part.camera === list.camera) && touches(list, part.fromMs, part.toMs));
}

function checkGoing({ signal }: FillOptions): void {
  if (signal?.aborted === true) throw new SallyportError('SP_STOPPED', { what: 'bringing back' });
}
