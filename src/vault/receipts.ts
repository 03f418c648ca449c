/**
 * Receipts: the signed line that says what was purged. A purge is written down before its first slot is shredded (table `purges`),
 * so that after a kill it is ended, with the counts that it began with; its number becomes the receipt's.
 */
import type { UnixMs } from '../base/clock.ts';
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import { plural } from '../base/units.ts';
import type { AuditEntry } from './audit.ts';
import type { Connection } from './connection.ts';
import type { FarLeft, FarRefusal } from './fartable.ts';
import type { Period } from './periodtable.ts';

export const receiptNamespace = 'sallyport-receipt';

/** What a destination said that it does. */
export interface Abilities {
  readonly may: readonly string[];
  readonly keepsVersions: string;
  readonly overwrites: string;
  readonly atMs: UnixMs;
}

/** Of the setting that remembers it, by destination. */
export const abilitiesName = 'far abilities';

export function readAbilities(json: string | undefined): Readonly<Record<string, Abilities>> {
  return json === undefined ? {} : (JSON.parse(json) as Readonly<Record<string, Abilities>>);
}

/** What no purge on this machine can reach; stands in each receipt. */
export const outsideThePromise =
  'Outside this promise: an older copy of the keyring, or a flash chip read below its controller, together with the recovery kit.';

/** What is true of slots that lay elsewhere, renewed or not; stands in each receipt of such. */
export const farSlotsMean =
  'Whoever copied the store with the slots before they were renewed there, and has the recovery kit, can open what was sent away, from any copy of it.';

export interface PurgedPeriod extends Omit<Period, 'recipient'> {
  /** SHA-256 of the slot's text, hex: the shred touches only this text. */
  readonly slotSha256: string;
  readonly segments: number;
  readonly bytes: number;
  /** Segments that are not destroyed, because second headers keep them. */
  readonly held?: number;
  /** Second headers that are destroyed. */
  readonly holds?: number;
  /** Alarms that go, with their pictures. */
  readonly alarms?: number;
  /** What of it lies at destinations, and is to be deleted there. */
  readonly far?: readonly FarLeft[];
}

/** What became of the slots object at a destination after slots were shredded that it had. */
export interface FarSlotsNote {
  readonly destination: string;
  readonly renewed: boolean;
  /** Why it was not. */
  readonly reason?: string;
}

/** A purge that was decided and is not done. */
export interface PendingPurge {
  readonly number: number;
  readonly state: 'intended' | 'shredded';
  readonly early: string | undefined;
  /** A time is erased at somebody's wish: why. */
  readonly erased: string | undefined;
  /** Which time: alarms outside of it stay, where there is another period for them. */
  readonly time: readonly [UnixMs, UnixMs] | undefined;
  readonly periods: readonly PurgedPeriod[];
  readonly readBack: boolean;
}

/** Why before the deadline, or why a time is erased; neither when periods are due. */
export interface PurgeReason {
  readonly early?: string | undefined;
  readonly erased?: string | undefined;
  /** Of an erasing: from when until when. */
  readonly time?: readonly [UnixMs, UnixMs] | undefined;
  /** Who asked for it: a line of the audit, in the transaction that writes the purge down. */
  readonly asked?: AuditEntry;
}

export interface Receipt {
  readonly number: number;
  readonly atMs: UnixMs;
  readonly periods: readonly PurgedPeriod[];
  readonly segments: number;
  readonly bytes: number;
  /** Each slot's block was read back past the page cache and held nothing of the slot. */
  readonly readBack: boolean;
  readonly early: string | undefined;
  readonly erased: string | undefined;
  /** The JSON file; its signature is beside it as `.sig`. */
  readonly file: string;
}

export interface SignedText {
  readonly number: number;
  readonly json: string;
  readonly signature: string;
}

export function totalOf(periods: readonly PurgedPeriod[]): { segments: number; bytes: number } {
  return {
    segments: periods.reduce((sum, period) => sum + period.segments, 0),
    bytes: periods.reduce((sum, period) => sum + period.bytes, 0),
  };
}

/** How destinations stand when a receipt is written. */
export interface FarStandings {
  readonly abilities?: Readonly<Record<string, Abilities>>;
  readonly refusals?: readonly FarRefusal[];
  readonly farSlots?: readonly FarSlotsNote[];
}

/** The canonical JSON that is signed. */
export function receiptJson(purge: PendingPurge, vault: { id: string; hubName: string }, atMs: UnixMs, { abilities = {}, refusals = [], farSlots = [] }: FarStandings = {}): string {
  const far = farOf(purge.periods, abilities, refusals);
  return canonicalJson({
    v: 1,
    number: purge.number,
    vault: vault.id,
    hub: vault.hubName,
    at_ms: Math.round(atMs),
    periods: purge.periods.map((period) => ({
      camera: period.camera, class: period.class, start_ms: period.startMs, end_ms: period.endMs, deadline_ms: period.deadlineMs,
      slot: period.slot, generation: period.generation, segments: period.segments, bytes: period.bytes,
      ...(some(period.held) ? { held: period.held } : {}), ...(some(period.holds) ? { holds: period.holds } : {}), ...(some(period.alarms) ? { alarms: period.alarms } : {}),
    })),
    ...totalOf(purge.periods),
    read_back: purge.readBack,
    early: purge.early,
    erased: purge.erased,
    ...(far.length === 0 ? {} : { far }),
    ...(farSlots.length === 0 ? {} : { far_slots: farSlots.map(({ destination, renewed, reason }) => ({ destination, renewed, reason })), far_slots_mean: farSlotsMean }),
    outside: outsideThePromise,
  });
}

/** Copies elsewhere, by destination: whether the courier may delete them, and whether they open with anything. */
function farOf(periods: readonly PurgedPeriod[], abilities: Readonly<Record<string, Abilities>>, refusals: readonly FarRefusal[]): CanonicalValue[] {
  const all = periods.flatMap(({ far = [] }) => far);
  return [...Map.groupBy(all, ({ destination, keysAt }) => `${destination} ${keysAt}`).values()].map((parts): CanonicalValue => {
    const { destination = '', keysAt = 'home' } = parts[0] ?? {};
    return {
      destination, objects: parts.reduce((sum, { objects }) => sum + objects, 0), bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0), keys: keysAt,
      delete: deletingAt(abilities[destination], refusals.find((one) => one.destination === destination)), opens: keysAt === 'home' ? 'with nothing: its keys were here alone' : `with the keys at ${keysAt}, until these are replaced`,
    };
  });
}

/** What was asked for now has no answer yet; what was refused before tells what may come of it. */
function deletingAt(abilities: Abilities | undefined, refused: FarRefusal | undefined): string {
  if (abilities?.may.includes('delete') === false) return 'not possible';
  const before = refused === undefined ? '' : `; what was asked for before still lies there (${plural(refused.objects, 'object')}): it refused, and is asked again each day`;
  return `asked${abilities?.keepsVersions === 'yes' ? '; it keeps older versions' : ''}${before}`;
}

function some(count: number | undefined): boolean {
  return count !== undefined && count > 0;
}

/** What the audit says of a purge's slots. */
export function slotFacts(purge: Pick<PendingPurge, 'number' | 'early' | 'erased' | 'periods'>, readBack: boolean): CanonicalValue {
  return {
    purge: purge.number,
    slots: purge.periods.map(({ camera, slot, generation, startMs }) => ({ camera, slot, generation, start_ms: startMs })),
    read_back: readBack,
    early: purge.early,
    erased: purge.erased,
  };
}

/** The SQL of purges and receipts; each writing call runs inside the transaction of its caller. */
export class ReceiptTable {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  intend(periods: readonly PurgedPeriod[], { early, erased, time }: PurgeReason): PendingPurge {
    const { lastInsertRowid } = this.#db.prepare("INSERT INTO purges (state, early, erased, erased_time, periods, read_back) VALUES ('intended', ?, ?, ?, ?, 0)")
      .run(early ?? null, erased ?? null, time === undefined ? null : JSON.stringify(time), JSON.stringify(periods));
    return { number: Number(lastInsertRowid), state: 'intended', early, erased, time, periods, readBack: false };
  }

  /** With the periods' facts of now: segments may have been closed since the purge was written down. */
  shredded(purge: PendingPurge, periods: readonly PurgedPeriod[], readBack: boolean): PendingPurge {
    this.#db.prepare("UPDATE purges SET state = 'shredded', read_back = ?, periods = ? WHERE number = ?").run(readBack ? 1 : 0, JSON.stringify(periods), purge.number);
    return { ...purge, state: 'shredded', periods, readBack };
  }

  pending(): PendingPurge[] {
    type Raw = { number: number; state: 'intended' | 'shredded'; early: string | null; erased: string | null; time: string | null; periods: string; readBack: number };
    return this.#db.prepare<[], Raw>('SELECT number, state, early, erased, erased_time AS time, periods, read_back AS readBack FROM purges ORDER BY number').all().map((raw) => ({
      number: raw.number, state: raw.state, early: raw.early ?? undefined, erased: raw.erased ?? undefined, time: raw.time === null ? undefined : (JSON.parse(raw.time) as [UnixMs, UnixMs]), periods: JSON.parse(raw.periods) as PurgedPeriod[], readBack: raw.readBack === 1,
    }));
  }

  finish(receipt: SignedText & { atMs: UnixMs }): void {
    this.#db.prepare('INSERT INTO receipts (number, at_ms, json, signature) VALUES (?, ?, ?, ?)').run(receipt.number, Math.round(receipt.atMs), receipt.json, receipt.signature);
    this.#db.prepare('DELETE FROM purges WHERE number = ?').run(receipt.number);
  }

  /** The next purge has a higher number. */
  reserve(number: number): void {
    const known = this.#db.prepare("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'purges'").run(number).changes > 0;
    if (!known) this.#db.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('purges', ?)").run(number);
  }

  numbers(): number[] {
    return this.#db.prepare<[], { number: number }>('SELECT number FROM receipts ORDER BY number').all().map(({ number }) => number);
  }

  receipt(number: number): SignedText | undefined {
    return this.#db.prepare<[number], SignedText>('SELECT number, json, signature FROM receipts WHERE number = ?').get(number);
  }

  /** Receipts from before `beforeMs` leave; answers their numbers. */
  dropBefore(beforeMs: UnixMs): number[] {
    const numbers = this.#db.prepare<[number], { number: number }>('SELECT number FROM receipts WHERE at_ms < ? ORDER BY number').all(beforeMs).map(({ number }) => number);
    this.#db.prepare('DELETE FROM receipts WHERE at_ms < ?').run(beforeMs);
    return numbers;
  }
}
