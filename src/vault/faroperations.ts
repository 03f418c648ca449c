/** What the database's thread can be asked to do about what leaves the house: what is to lie elsewhere, the ledger of it, and what lies there alone. */
import type { UnixMs } from '../base/clock.ts';
import type { ArchiveTable, Archivable, ArchivedPlace, ArchivedSum, ArchiveQuery } from './archivetable.ts';
import type { Catalogue } from './catalogue.ts';
import { withoutSync } from './connection.ts';
import { drawAgain, tooFarAhead } from './fardraw.ts';
import { farListOf, type FarAlarm, type FarList, type FarListed, type FarListTable, type FarListWish } from './farlisttable.ts';
import type { FarKnown, FarSizes, FarSurvey } from './farsurvey.ts';
import type { FarClass, FarFoundThere, FarGoing, FarNaming, FarObject, FarPicturesWish, FarRefusal, FarRule, FarSum, FarTable, FarWish } from './fartable.ts';
import { ledgerLinesMax, type LedgerAnswer, type LedgerLine, type LedgerQuery, type LedgerRow, type LedgerSum, type LedgerTable } from './ledgertable.ts';
import type { SegmentName } from './served.ts';
import type { Transactions } from './transactions.ts';

export interface FarParts extends Transactions {
  readonly catalogue: Pick<Catalogue, 'periods' | 'lists' | 'alarms'>;
  readonly far: FarTable;
  readonly farLists: FarListTable;
  readonly survey: FarSurvey;
  readonly ledger: LedgerTable;
  readonly archive: ArchiveTable;
}

export function makeFarOperations({ db, catalogue: { periods, lists, alarms }, far, farLists, survey, ledger, archive, write, read, audit }: FarParts) {
  return {
    /** Names what a rule wants, and mends what waits for a time that a clock ahead has set; answers whether there may be more behind row `after`, and which. */
    farWant: (a: { rule: FarRule; after: number; limit: number; atMs: UnixMs }): { named: number; after: number; more: boolean } => {
      const ahead = read(() => tooFarAhead(db, a.rule, a.atMs));
      if (ahead.length > 0) write(() => drawAgain(db, a.rule, ahead, a.atMs));
      const { segments: found, holds: headers, alarms: pictured } = read(() => ({ ...far.lookFor(a.rule, a.after, a.limit), alarms: far.lookForPictures(a.rule, a.limit) }));
      const named = found.length + headers.length + pictured.length;
      if (named > 0) {
        write(() => {
          for (const row of found) far.name(a.rule, 'segment', row, a.atMs);
          for (const row of headers) far.name(a.rule, 'hold', row, a.atMs);
          for (const row of pictured) far.namePictures(a.rule, row, a.atMs);
        });
      }
      return { named, after: found.at(-1)?.segmentId ?? a.after, more: [found, headers, pictured].some(({ length }) => length === a.limit) };
    },
    farWishes: (a: { destination: string; limit: number; atMs: UnixMs }): FarWish[] => read(() => far.wishes(a.destination, a.limit, a.atMs)),
    /** Alarms' pictures that are to be sent; with `changed`, also those that are others by now than lie there. */
    farPicturesWishes: (a: { naming: FarNaming; limit: number; changed: boolean; atMs: UnixMs }): FarPicturesWish[] => {
      if (a.changed) withoutSync(db, () => far.wantChanged(a.naming, a.atMs));
      return read(() => far.picturesWishes(a.naming.destination, a.limit, a.atMs));
    },
    /** Lists that are due; each has a name by then. */
    farLists: (a: { naming: FarNaming; atMs: UnixMs }): FarListWish[] => {
      const { destination } = a.naming;
      const stirred = farLists.stirred(destination);
      if (stirred === 0) return [];
      const { due, open } = read(() => farLists.due(destination, a.atMs));
      const changing = <T>(deed: () => T): T => (open.length < stirred || due.some(({ named }) => named === undefined) ? write(deed) : deed());
      return changing(() => {
        if (open.length < stirred) farLists.settle(destination, open);
        // At once: what it names has had its delay.
        return due.map(({ named, ...row }) => ({ ...(named ?? far.name({ ...a.naming, jitterMs: 0 }, 'hours', row, a.atMs)), destination, periodId: row.periodId, camera: row.camera, recipient: row.recipient }));
      });
    },
    /** What lies there of a period, to be sealed to its key; undefined when its key is gone. */
    farList: (a: { destination: string; periodId: number }): { list: FarList; covers: number } | undefined => read(() => {
      const list = periods.byId(a.periodId)?.state === 'live' ? lists.hourList(a.periodId) : undefined;
      const { objects, pictures: named, covers } = farLists.namesOf(a.destination, a.periodId);
      if (list === undefined) return undefined;
      const told = list.class !== 'alarm' ? undefined : alarms.ofPeriod(a.periodId).map(({ id, rule, kind, fromMs, toMs, scorePm, footage, sha256 }): FarAlarm => ({
        id, rule, kind, from_ms: fromMs, ...(toMs === undefined ? {} : { to_ms: toMs }), score_pm: scorePm, footage,
        ...(sha256 === undefined || !named.has(id) ? {} : { sha256, object: named.get(id) ?? '' }),
      }));
      return { list: farListOf(list, objects, told), covers };
    }),
    /** Its order is in the outbox. A power cut may take this back: then it is asked again by the order that lies there. */
    ledgerAsked: (a: { line: LedgerLine; far?: { id: number; madeMs: UnixMs; covers: number } | undefined }): void => withoutSync(db, () => {
      if (!ledger.add(a.line)) return;
      if (a.far !== undefined && a.line.kind === 'delete') far.askedToGo(a.far.id, a.line.atMs);
      // What is only read there is there as before.
      else if (a.far !== undefined && a.line.kind === 'put') far.asked(a.far.id, { ...a.far, sizeBytes: a.line.sizeBytes, sha256: a.line.sha256 }, a.line.atMs);
    }),
    /** All of them are durable when this answers, and what they mean for what lies there. */
    ledgerAnswered: (a: { answers: readonly (LedgerAnswer & { line: LedgerLine })[]; atMs: UnixMs }): void => write(() => {
      for (const { line, ...answer } of a.answers) {
        if (line.kind === 'state') {
          ledger.count(line, answer);
          continue;
        }
        ledger.add(line);
        // The line of an order that was withdrawn says what it had been.
        const { kind, destination, object } = ledger.find(line.name) ?? line;
        if (!ledger.answer(answer) || (kind !== 'put' && kind !== 'delete')) continue;
        far.answered(destination, object, { order: kind, outcome: answer.outcome, code: answer.code, attempts: answer.attempts, sentBytes: answer.sentBytes }, a.atMs, answer.proof);
      }
    }),
    ledgerOpen: (): LedgerRow[] => read(() => ledger.open().flatMap((name) => ledger.find(name) ?? [])),
    ledgerLine: (a: { name: string }): LedgerRow | undefined => ledger.find(a.name),
    ledger: (a: LedgerQuery): LedgerRow[] => ledger.list(a),
    ledgerNotices: (a: { begins: string; limit: number }): LedgerRow[] => ledger.notices(a.begins, a.limit),
    ledgerSums: (a: { sinceMs: UnixMs }): LedgerSum[] => ledger.sums(a.sinceMs),
    dropLedger: (a: { beforeMs: UnixMs; limit: number }): number => write(() => ledger.drop(a.beforeMs, ledgerLinesMax, a.limit)),
    farObject: (a: { destination: string; object: string }): FarObject | undefined => far.find(a.destination, a.object),
    farRefuse: (a: { id: number; code: string; againMs: UnixMs | undefined; atMs: UnixMs }): void => write(() => far.refuse(a.id, a.code, a.againMs, a.atMs)),
    farUnwant: (a: { destination: string }): void => write(() => far.unwant(a.destination)),
    /** What nothing keeps any more: it is to go. */
    farLeave: (a: { atMs: UnixMs }): void => {
      if (far.leaves) write(() => void far.leave(a.atMs));
    },
    farGoing: (a: { destination: string; limit: number; atMs: UnixMs }): FarGoing[] => read(() => far.going(a.destination, a.limit, a.atMs)),
    farWithdrawn: (): string[] => far.withdrawn(),
    farRelease: (a: { destination: string }): void => write(() => far.release(a.destination)),
    farKeep: (a: { destination: string; code: string; atMs: UnixMs }): void => write(() => far.keep(a.destination, a.code, a.atMs)),
    farOut: (a: { destination: string }): { orders: number; bytes: number } => far.outOf(a.destination),
    farListed: (a: { destinations: readonly string[] }): FarListed[] => read(() => farLists.listed(a.destinations)),
    farKeyring: (a: { destination: string }): FarObject | undefined => far.keyring(a.destination),
    /** Named where there is none; one that is to go from there is kept on. */
    farNameKeyring: (a: { destination: string; object: string | undefined; atMs: UnixMs }): FarObject | undefined => write(() => {
      if (far.keyring(a.destination) === undefined) far.nameKeyring(a.destination, a.object, a.atMs);
      return far.keyring(a.destination);
    }),
    farLeaveKeyring: (a: { id: number; atMs: UnixMs }): void => write(() => far.leaveKeyring(a.id, a.atMs)),
    farKeysAt: (a: { destination: string; place: string }): void => write(() => far.keysAt(a.destination, a.place)),
    farAdopt: (a: { found: readonly FarFoundThere[]; atMs: UnixMs }): number => write(() => far.adopt(a.found, a.atMs)),
    farSizes: (a: { destination: string }): FarSizes[] => read(() => survey.sizes(a.destination)),
    farKnown: (a: { hashes: readonly string[] }): FarKnown[] => read(() => survey.known(a.hashes)),
    farClear: (a: { destination: string; objects: readonly (readonly [object: string, bytes: number])[]; atMs: UnixMs }): number => write(() => survey.clear(a.destination, a.objects, a.atMs)),
    farSums: (): FarSum[] => far.sums(),
    farRefusals: (a: { destinations: readonly string[] }): FarRefusal[] => read(() => far.refusals(a.destinations)),
    farDestinations: (): string[] => far.destinations(),
    farAfter: (a: { destination: string; object: string; limit: number }): FarObject[] => far.after(a.destination, a.object, a.limit),
    farFound: (a: { destination: string; object: string; atMs: UnixMs }): void => write(() => far.found(a.destination, a.object, a.atMs)),
    farAgain: (a: { ids: readonly number[]; atMs: UnixMs }): void => write(() => far.again(a.ids, a.atMs)),
    farThere: (a: { destination: string; classes: readonly FarClass[] }): FarObject[] => far.there(a.destination, a.classes),

    // what lies far alone

    /** Segments after a row that may be archived; `next`: where the look goes on, undefined behind the last row that is old enough. */
    archivable: (a: ArchiveQuery): { rows: Archivable[]; next: number | undefined } => read(() => archive.lookFor(a)),
    /** They lie there alone from now on; answers those that may, by the rows of now. */
    archive: (a: { rowIds: readonly number[]; destination: string; atMs: UnixMs }): number => write(() => {
      const count = archive.add(a.rowIds, a.destination, a.atMs);
      // Whoever opens the folder without the hub learns from the list where they are.
      for (const id of archive.periodsOf(a.rowIds)) lists.outdate(id);
      if (count > 0) audit(a.atMs, { what: 'footage.archived', who: 'hub', detail: { destination: a.destination, segments: count } });
      return count;
    }),
    archivedToRemove: (a: { limit: number }): { rowId: number; path: string }[] => write(() => {
      archive.doubt();
      return archive.toRemove(a.limit);
    }),
    archivedRemoved: (a: { rowIds: readonly number[] }): void => write(() => archive.removed(a.rowIds)),
    archivedOf: (a: SegmentName): ArchivedPlace | undefined => archive.find(a),
    archivedSums: (): ArchivedSum[] => archive.sums(),
  };
}
