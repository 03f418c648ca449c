/** What leaves the house, to be shown: destinations and how they stand, what lies there, the ledger; and whether what should lie there does. */
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import { dayMs } from '../base/units.ts';
import { destinationInWords, placeInWords, type DestinationConfig } from '../policy/declared.ts';
import type { FarObject, FarRefusal, LedgerRow, LedgerSum, Vault } from '../vault/vault.ts';
import type { ArchiveDuty } from './archive.ts';
import type { CourierDuty, CourierState } from './doors.ts';
import { foundOf, listAll, rowsOf, unknownIn } from './farlisting.ts';
import type { FarSlotsDuty, FarSlotsState } from './farslots.ts';
import type { FarSurveyDuty } from './farsurvey.ts';
import type { Ledger } from './ledger.ts';
import type { Principal } from './sessions.ts';
import type { UploadDuty } from './upload.ts';

export interface EgressParts {
  readonly vault: Pick<Vault, 'far' | 'archiving'>;
  readonly ledger: Ledger;
  readonly courier: CourierDuty;
  readonly upload: UploadDuty;
  readonly farSlots: FarSlotsDuty;
  readonly archive: Pick<ArchiveDuty, 'problem'>;
  readonly survey: FarSurveyDuty;
  readonly destinations: () => readonly DestinationConfig[];
  readonly clock: Clock;
}

export interface EgressQuery {
  readonly destination?: string | undefined;
  readonly sinceMs?: UnixMs | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
}

/** How far the doors are apart, and what goes on between them. */
export interface Doors extends Omit<CourierState, 'problem'> {
  readonly orders: number;
  readonly bytes: number;
  /** What the courier answered last. */
  readonly last: { readonly atMs: UnixMs; readonly destination: string; readonly order: string; readonly outcome: string; readonly code: string } | undefined;
  readonly problem: string | undefined;
  /** Where it does not get through, by its own word. */
  readonly stuck: readonly { readonly destination: string; readonly waiting: number; readonly code: string; readonly text: string; readonly atMs: UnixMs }[];
  /** What lies there still, because the store refused to delete it; it is asked again each day. */
  readonly refused: readonly FarRefusal[];
  /** What lies there and is not known here, when it was looked for last. */
  readonly unknown: readonly { readonly destination: string; readonly objects: number; readonly bytes: number }[];
  /** Of each place that has sealed keys, or should. */
  readonly slots: readonly FarSlotsState[];
}

/** What lies there; is on its way; could not be sent; is to go; cannot be deleted, of which `refused` the store said no to. */
export interface Counts {
  readonly there: number;
  readonly bytes: number;
  readonly waiting: number;
  readonly failed: number;
  readonly leaving: number;
  readonly kept: number;
  readonly refused: number;
  /** Segments that lie there alone, and their bytes. */
  readonly alone: number;
  readonly aloneBytes: number;
  /** Of those: not there when they were looked for last, and nowhere else. */
  readonly lost: number;
}

export interface DestinationStanding {
  readonly name: string;
  readonly purpose: string;
  readonly kind: string;
  readonly place: string;
  readonly words: string;
  /** False: it was taken out, and something of it is known still. */
  readonly declared: boolean;
  /** 'home', or where the keys of what lies there are; absent where it takes notices, or no footage. */
  readonly slots: string | undefined;
  /** Absent for whom it is not. */
  readonly counts: Counts | undefined;
  /** What the courier has no right to there, when it was asked last: nothing is sent; or nothing is fetched, so that nothing is played from there or read again. */
  readonly lacks: readonly ('put' | 'get')[];
  /** What it said when it was asked last. */
  readonly deletes: 'yes' | 'no' | 'unknown';
  readonly keepsVersions: string;
}

export interface EgressReport {
  readonly doors: Doors;
  readonly destinations: readonly DestinationStanding[];
  /** Answered orders of the days asked for. */
  readonly sums: readonly LedgerSum[];
  readonly lines: readonly LedgerRow[];
  /** Where older lines begin; undefined when there are none. */
  readonly next: number | undefined;
}

type DoorsParts = Pick<EgressParts, 'courier' | 'ledger' | 'upload' | 'farSlots' | 'archive' | 'survey' | 'destinations'> & { readonly vault: Pick<Vault, 'far'> };

export async function doorsOf({ vault, courier, ledger, upload, farSlots, archive, survey, destinations }: DoorsParts): Promise<Doors> {
  const { last, orders, bytes, problem } = ledger.state;
  const { problem: ofCourier, ...state } = courier.state;
  const word = state.running ? await courier.word() : undefined;
  return {
    ...state, orders, bytes, problem: (ofCourier ?? problem ?? upload.problem ?? archive.problem)?.message,
    last: last === undefined ? undefined : { atMs: last.atMs, destination: last.answer.to, order: last.answer.order, outcome: last.answer.outcome, code: last.answer.code ?? '' },
    stuck: (word?.destinations ?? []).flatMap(({ name, waiting, last_error: error, last_ok_ms: okMs }) => (error === undefined || (okMs ?? 0) > error.at_ms ? [] : [{ destination: name, waiting, code: error.code, text: error.text, atMs: error.at_ms }])),
    refused: await refusalsOf(vault.far, destinations().map(({ name }) => name)), slots: farSlots.states,
    unknown: survey.unknown.filter(({ destination }) => destinations().some(({ name }) => name === destination)).map(({ destination, objects, bytes: size }) => ({ destination, objects, bytes: size })),
  };
}

/** While the disk is away nobody knows, and the status is wanted most. */
async function refusalsOf(far: Pick<Vault['far'], 'refusals'>, names: readonly string[]): Promise<readonly FarRefusal[]> {
  try {
    return await far.refusals(names);
  } catch (error) {
    const { code } = asSallyportError(error);
    if (code === 'SP_DISK' || code === 'SP_DATABASE' || code === 'SP_STOPPED') return [];
    throw error;
  }
}

export async function egressOf(parts: EgressParts, { destination, sinceMs, before, limit }: EgressQuery): Promise<EgressReport> {
  const { vault: { far }, clock } = parts;
  const lines = await far.lines({ destination, sinceMs, before, limit });
  const doors = await doorsOf(parts);
  return {
    doors, destinations: await standings(parts, doors.refused),
    sums: (await far.ledgerSums(sinceMs ?? clock.wallMs() - 30 * dayMs)).filter((sum) => destination === undefined || sum.destination === destination),
    lines, next: lines.length < limit ? undefined : lines.at(-1)?.n,
  };
}

/** What egressFor looks at, as it is told to visitors. */
interface Told {
  readonly doors: { readonly orders: number; readonly bytes: number; readonly last?: object; readonly problem?: string };
  readonly destinations: readonly { readonly name: string; readonly purpose: string; readonly words: string; readonly counts?: object }[];
  readonly sums: readonly object[];
  readonly lines: readonly { readonly camera: string }[];
}

/** What of it a visitor may see: an owner all, others what is of their cameras. */
export function egressFor<R extends Told>(report: R, principal: Principal, spaceOf: (camera: string) => string | undefined): R {
  if (principal.isWholeOwner) return report;
  const { last: _, problem: __, ...doors } = report.doors;
  return {
    ...report, sums: [], doors: { ...doors, orders: 0, bytes: 0, stuck: [], refused: [], unknown: [], slots: [] },
    lines: report.lines.filter(({ camera }) => camera !== '' && principal.may('audit', spaceOf(camera)) && principal.rank.spaces.includes(spaceOf(camera) ?? '')),
    // Its words name cameras, and its counts are of all of them.
    destinations: report.destinations.map(({ counts: ___, ...one }) => ({ ...one, words: `${one.name}: ${one.purpose}` })),
  };
}

async function standings({ vault, destinations }: EgressParts, refusals: readonly FarRefusal[]): Promise<DestinationStanding[]> {
  const [sums, abilities, archived] = [await vault.far.sums(), await vault.far.abilities(), await vault.archiving.sums()];
  const declared = destinations();
  const known = new Set(declared.map(({ name }) => name));
  const gone = [...new Set(sums.map(({ destination }) => destination))].filter((name) => !known.has(name));
  const standing = (name: string): Pick<DestinationStanding, 'counts' | 'lacks' | 'deletes' | 'keepsVersions'> => {
    const of = (...states: readonly FarObject['state'][]): number => sums.filter(({ destination, state }) => destination === name && states.includes(state)).reduce((sum, { objects }) => sum + objects, 0);
    const [may, away] = [abilities[name]?.may, archived.find(({ destination }) => destination === name)];
    return {
      counts: {
        there: of('there'), bytes: sums.filter(({ destination, state }) => destination === name && (state === 'there' || state === 'leaving' || state === 'deleting' || state === 'kept')).reduce((sum, { bytes }) => sum + bytes, 0),
        waiting: of('wanted', 'asked'), failed: of('failed'), leaving: of('leaving', 'deleting'), kept: of('kept'), refused: refusals.find(({ destination }) => destination === name)?.objects ?? 0, alone: away?.segments ?? 0, aloneBytes: away?.bytes ?? 0, lost: away?.lost ?? 0,
      },
      lacks: may === undefined ? [] : (['put', 'get'] as const).filter((right) => !may.includes(right)),
      deletes: may === undefined ? 'unknown' : may.includes('delete') ? 'yes' : 'no', keepsVersions: abilities[name]?.keepsVersions ?? 'unknown',
    };
  };
  return [
    ...declared.map((one) => ({ name: one.name, purpose: one.purpose, kind: one.kind, place: placeInWords(one), words: destinationInWords(one), declared: true, slots: one.store === undefined || one.store.cameras?.length === 0 ? undefined : one.store.slotsAt ?? 'home', ...standing(one.name) })),
    ...gone.map((name) => ({ name, purpose: '', kind: '', place: '', words: `${name}: no destination any more`, declared: false, slots: undefined, ...standing(name) })),
  ];
}

export interface FarVerdict {
  readonly destination: string;
  /** Names of ours that it listed, and names that are none. */
  readonly listed: number;
  readonly foreign: number;
  /** Listed, with the size that was sent. */
  readonly whole: number;
  /** Should lie there, and does not, or has another size. */
  readonly missing: readonly { readonly object: string; readonly class: string; readonly camera: string; readonly startMs: UnixMs; readonly sizeBytes: number; readonly foundBytes: number | undefined }[];
  /** Listed, and not known here: how many, and the first of them. */
  readonly unknown: number;
  readonly unknownNames: readonly string[];
  /** What is missing is sent again. */
  readonly repaired: number;
}

const missingMax = 1_000;
const shownMax = 100;

/** Compares what the book says with what the destination lists. SP_FAR_UNDECLARED, SP_FAR_NO, SP_OUTBOX_FULL. */
export async function verifyFar({ vault: { far }, ledger, destinations }: EgressParts, name: string, repair: boolean): Promise<FarVerdict> {
  if (!destinations().some((destination) => destination.name === name && destination.store !== undefined)) throw new SallyportError('SP_FAR_UNDECLARED', { destination: name });
  // Before it lists: what comes meanwhile is no one's fault.
  const known = await rowsOf(far, name);
  const listing = await listAll(ledger, name);
  const { listed, foreign } = listing;
  const now = new Map((await rowsOf(far, name)).map((row) => [row.object, row]));
  // A list is replaced while it is looked at, so its size may be another one by now.
  const missing = known.filter((row) => row.state === 'there' && now.get(row.object)?.state === 'there' && now.get(row.object)?.sinceMs === row.sinceMs && foundOf(row, listed) !== row.sizeBytes);
  const unknownNames = unknownIn(listing, [...known, ...now.values()]).map(([object]) => object);
  const whole = [...now.values()].filter((row) => row.sizeBytes > 0 && foundOf(row, listed) === row.sizeBytes).length;
  if (repair && missing.length > 0) await far.again(missing.map(({ id }) => id));
  return {
    destination: name, listed: listed.size, foreign, whole, unknown: unknownNames.length, unknownNames: unknownNames.slice(0, shownMax), repaired: repair ? missing.length : 0,
    missing: missing.slice(0, missingMax).map((row) => ({ object: row.object, class: row.class, camera: row.camera, startMs: row.startMs, sizeBytes: row.sizeBytes, foundBytes: foundOf(row, listed) })),
  };
}
