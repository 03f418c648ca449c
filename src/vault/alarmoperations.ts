/** What the database's thread can be asked to do about alarms, and about the file of their pictures. */
import type { UnixMs } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { pictureNames, type AlarmMarks, type AlarmQuery, type AlarmRow, type NewAlarm, type PictureFacts, type PictureName } from './alarmtable.ts';
import type { AuditEntry } from './audit.ts';
import type { Catalogue } from './catalogue.ts';
import { withoutSync } from './connection.ts';
import type { SegmentKey } from './holdtable.ts';
import type { PeriodFacts } from './periodtable.ts';
import { compareAlarms, PictureTables, type PicturedAlarm, type PicturesFile, type PicturesState, type SealedPictures } from './picturesfile.ts';
import type { SegmentRow } from './segmenttable.ts';
import type { Transactions } from './transactions.ts';

export interface AlarmParts extends Transactions {
  readonly catalogue: Catalogue;
  /** Without it what is asked of pictures fails with SP_PICTURES. */
  readonly pictures: PicturesFile | undefined;
}

export function makeAlarmOperations({ db, catalogue, pictures, read, write, audit }: AlarmParts) {
  const { periods, segments, holds, alarms } = catalogue;
  const inPictures = <T>(deed: (tables: PictureTables) => T): T => {
    if (pictures === undefined) throw new SallyportError('SP_PICTURES', { reason: 'they are not opened here' });
    return pictures.use((connection) => deed(new PictureTables(connection)));
  };
  return {
    openAlarm: (a: Omit<NewAlarm, 'id'> & { random: string }): AlarmRow | undefined => write(() => {
      const id = alarms.nextId(a.random);
      alarms.add({ ...a, id });
      return alarms.find(id);
    }),
    alarm: (a: { id: string }): AlarmRow | undefined => alarms.find(a.id),
    /** One that came back from afar, of the period in that slot, with what of its footage is there; undefined where that period does not live, or the id is taken. */
    adoptAlarm: (a: { alarm: Omit<NewAlarm, 'periodId'>; slot: number; footage: readonly SegmentKey[] }): { recipient: string } | undefined => write(() => {
      const period = periods.ofSlot(a.slot);
      if (period?.state !== 'live' || period.class !== 'alarm' || period.camera !== a.alarm.camera) return undefined;
      const before = alarms.periodOf(a.alarm.id);
      if (before !== undefined && before !== period.id) return undefined;
      if (before === undefined) alarms.add({ ...a.alarm, periodId: period.id });
      for (const { stream, seq } of a.footage) {
        const segmentId = segments.rowIdOf(a.alarm.camera, stream, seq);
        if (segmentId !== undefined && holds.has(period.id, segmentId)) alarms.addFootage(a.alarm.id, segmentId);
      }
      return { recipient: period.recipient };
    }),
    /** With its live period, to which its pictures are sealed. */
    alarmPeriod: (a: { id: string }): { alarm: AlarmRow; period: PeriodFacts } | undefined => read(() => {
      const [alarm, periodId] = [alarms.find(a.id), alarms.periodOf(a.id)];
      const period = periodId === undefined ? undefined : periods.byId(periodId);
      return alarm === undefined || period?.state !== 'live' ? undefined : { alarm, period };
    }),
    alarms: (a: AlarmQuery): AlarmRow[] => alarms.list(a),
    endAlarm: (a: { id: string; toMs: UnixMs }): boolean => write(() => alarms.end(a.id, a.toMs)),
    /** What a hub that was killed left open. */
    closeAlarms: (): number => withoutSync(db, () => alarms.closeOpen()),
    /** What changes nothing leaves no line. */
    markAlarm: (a: { id: string; marks: AlarmMarks; by: Pick<AuditEntry, 'who' | 'account'>; atMs: UnixMs }): boolean => write(() => {
      const before = alarms.find(a.id);
      if (before === undefined) return false;
      const [seen, falseAlarm] = [a.marks.seen ?? before.seen, a.marks.falseAlarm ?? before.falseAlarm];
      if (seen === before.seen && falseAlarm === before.falseAlarm) return true;
      alarms.mark(a.id, a.marks);
      const what = falseAlarm !== before.falseAlarm ? (falseAlarm ? 'alarm.false' : 'alarm.not-false') : (seen ? 'alarm.seen' : 'alarm.unseen');
      audit(a.atMs, { what, ...a.by, camera: before.camera, detail: { alarm: a.id, from_ms: before.fromMs, to_ms: before.toMs } });
      return true;
    }),
    /** False when the alarm, or the segment, is gone, or its period has no second header of it. */
    alarmFootage: (a: { id: string; segment: SegmentKey & { camera: string } }): boolean => write(() => {
      const [periodId, segmentId] = [alarms.periodOf(a.id), segments.rowIdOf(a.segment.camera, a.segment.stream, a.segment.seq)];
      if (periodId === undefined || segmentId === undefined || !holds.has(periodId, segmentId)) return false;
      alarms.addFootage(a.id, segmentId);
      return true;
    }),
    noAlarmFootage: (a: { id: string; why: string }): void => write(() => alarms.withoutFootage(a.id, a.why)),
    footageOfAlarm: (a: { id: string }): SegmentRow[] => read(() => alarms.footageOf(a.id).flatMap(({ camera, stream, seq }) => segments.find(camera, stream, seq) ?? []).filter(({ state }) => state !== 'garbage')),
    shortenAlarms: (a: { camera: string; keepMs: Readonly<Record<string, number>>; atMs: UnixMs }): number => write(() => {
      const longest = new Map<number, number>();
      for (const { periodId, rule } of alarms.rulesOf(a.camera)) longest.set(periodId, Math.max(longest.get(periodId) ?? 0, a.keepMs[rule] ?? Infinity));
      const count = [...longest].filter(([id, keepMs]) => Number.isFinite(keepMs) && periods.shortenDeadline(id, keepMs)).length;
      if (count > 0) audit(a.atMs, { what: 'deadlines.shortened', who: 'hub', camera: a.camera, detail: { class: 'alarm', periods: count } });
      return count;
    }),
    alarmRules: (a: { camera: string }): { periodId: number; rule: string }[] => alarms.rulesOf(a.camera),
    /** After the sealed bytes lie in pictures.db. */
    picturesPut: (a: { id: string; facts: PictureFacts }): void => write(() => alarms.setPictures(a.id, a.facts)),
    noPictures: (a: { id: string; why: string }): void => write(() => alarms.withoutPictures(a.id, a.why)),

    // the file of their pictures

    picturesState: (): PicturesState => pictures?.state ?? { open: false, reason: 'they are not opened here', setAside: false },
    putText: (a: { alarm: Omit<PicturedAlarm, keyof PictureFacts>; sealed: SealedPictures }): PictureFacts => inPictures((tables) => tables.putBeside(a.alarm, a.sealed)),
    putPictures: (a: { alarm: Omit<PicturedAlarm, keyof PictureFacts>; sealed: SealedPictures }): PictureFacts => inPictures((tables) => tables.put(a.alarm, a.sealed)),
    sealedPicture: (a: { id: string; which: PictureName }): Uint8Array | undefined => inPictures((tables) => tables.sealed(a.id, a.which)),
    /** All that an alarm has, in the order of their bits. */
    sealedPictures: (a: { id: string }): { pictures: (readonly [PictureName, Uint8Array])[]; sha256: string | undefined } => inPictures((tables) => ({
      pictures: pictureNames.flatMap((which) => { const sealed = tables.sealed(a.id, which); return sealed === undefined ? [] : [[which, sealed] as const]; }), sha256: tables.hashOf(a.id)?.sha256,
    })),
    endPictured: (a: { id: string; toMs: UnixMs }): void => inPictures((tables) => tables.end(a.id, a.toMs)),
    /** Of purged periods, a batch at a time; answers how many went. */
    deletePictures: (a: { periodIds: readonly number[]; limit: number }): number => inPictures((tables) => {
      const ids = a.periodIds.flatMap((id) => periods.byId(id) ?? []).flatMap(({ recipient }) => tables.idsOf(recipient, a.limit)).slice(0, a.limit);
      if (ids.length > 0) tables.delete(ids);
      return ids.length;
    }),
    forgetSetAside: (): void => pictures?.forgetSetAside(),
    truncatePictures: (): void => inPictures((tables) => tables.truncate()),
    shrinkPictures: (a: { pages: number }): number => inPictures((tables) => tables.shrink(a.pages)),
    /**
     * Brings rows and file in line with each other, a batch of the file's alarms behind `after` at a time; those that nobody has a key for any more go. Answers how
     * many were lost and found and went, and where the next batch begins. In one turn of this thread, so that nothing is put in between.
     */
    settlePictures: (a: { after: string; limit: number; atMs: UnixMs }): { lost: number; found: number; gone: number; next: string | undefined } => inPictures((tables) => {
      const batch = tables.after(a.after, a.limit);
      const next = batch.length < a.limit ? undefined : batch.at(-1)?.id;
      const { lost, altered, found, dead } = read(() => compareAlarms(catalogue, batch, { after: a.after, through: next }));
      if (lost.length + altered.length + found.length > 0) {
        write(() => {
          for (const id of lost) alarms.withoutPictures(id, 'lost');
          for (const alarm of found) alarms.add(alarm);
          for (const alarm of [...altered, ...found]) alarms.setPictures(alarm.id, alarm);
          if (lost.length + found.length > 0) audit(a.atMs, { what: 'pictures.settled', who: 'hub', detail: { lost: lost.length, found: found.length } });
        });
      }
      if (dead.length > 0) tables.delete(dead);
      return { lost: lost.length, found: found.length, gone: dead.length, next };
    }),
  };
}
