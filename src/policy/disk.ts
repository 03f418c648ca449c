/**
 * What goes when the disk does not hold what was to be kept. The oldest period without a hold is shredded before its deadline, footage
 * before alarms, no more than is needed; a hold never; what is being recorded last. Nothing is destroyed in vain: where all that may go
 * would not make the room, nothing goes. Then recording stops before the last bytes are taken, for the hub's own records need them, and
 * goes on by itself when there is clearly room again.
 *
 * "Old" is the order in which footage was sealed, never a clock: room is needed now, whatever the time is, and a clock that somebody
 * turned must not choose what goes. Going early lowers no promise, for a retention is a maximum.
 */
import { formatBytes, secondMs } from '../base/units.ts';

export interface DiskPeriod {
  readonly id: number;
  readonly camera: string;
  readonly class: string;
  readonly bytes: number;
  /** Rises with the order of sealing: the number of its newest segment. */
  readonly order: number;
  /** A segment is being written to it. */
  readonly open: boolean;
  /** Something in it is kept beyond its deadline at somebody's wish. */
  readonly held: boolean;
}

export interface DiskRoom {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface DiskRule {
  /** What all footage may take. */
  readonly budgetBytes?: number;
  /** What stays free; without it the disk's size decides. */
  readonly reserveBytes?: number;
  readonly cameras: readonly { readonly id: string; readonly budgetBytes?: number }[];
}

export interface DiskFacts extends DiskRoom {
  readonly periods: readonly DiskPeriod[];
  /** What flows in until it is looked at again, by camera. */
  readonly inflow: ReadonlyMap<string, number>;
  readonly rule: DiskRule;
  /** Who does not record now: for them the room must be clear, or they would stop and start with every segment. */
  readonly halt: Halt;
}

/** Who must not record, and why; `hub` is everybody. */
export interface Halt {
  readonly hub: string | undefined;
  readonly cameras: ReadonlyMap<string, string>;
}

export const noHalt: Halt = { hub: undefined, cameras: new Map() };

/** Periods that go early, and why, in the words of the receipt. */
export interface EarlyPurge {
  readonly periods: readonly DiskPeriod[];
  readonly reason: string;
}

const megabyte = 1e6;
/** The audit, slots, receipts and the database's log need at least this, whatever is set. */
export const reserveBytesMin = 4 * megabyte;
/** What stopped goes on when so much more than needed is free. */
const clearlyShare = 0.1;
/** So much inflow there is room for beyond the reserve: a purge of some gigabytes takes seconds. */
export const aheadMs = 30 * secondMs;

/** What stays free. The default is 1 GB, or 2 % where that is more, but no more than a tenth of a small disk. */
export function reserveOf(totalBytes: number, wantedBytes?: number): number {
  const fitting = Math.min(Math.max(1e3 * megabyte, totalBytes / 50), totalBytes / 10);
  return Math.round(Math.max(reserveBytesMin, Math.min(wantedBytes ?? fitting, totalBytes / 2)));
}

/** What must go now, by scope: a camera's budget touches that camera only. Empty when everything fits. */
export function earlyPurges(facts: DiskFacts): EarlyPurge[] {
  const gone = new Set<number>();
  const purges: EarlyPurge[] = [];
  for (const { among, missingBytes, reason } of scopesOf(facts)) {
    const left = facts.periods.filter((period) => among(period) && !gone.has(period.id));
    const freed = facts.periods.filter((period) => gone.has(period.id)).reduce((sum, period) => sum + period.bytes, 0);
    const aheadBytes = missingBytes(left, freed, true);
    // Where room for what is coming cannot be made, room for what is there still may.
    const periods = [aheadBytes, missingBytes(left, freed, false)].map((bytes) => oldestFor(bytes, left)).find((chosen) => chosen.length > 0) ?? [];
    for (const { id } of periods) gone.add(id);
    if (periods.length > 0) purges.push({ periods, reason });
  }
  return purges;
}

interface Scope {
  readonly among: (period: DiskPeriod) => boolean;
  /** How much too little room there is, with what stays and what the scopes before have freed; `ahead`: with room for what is coming. */
  readonly missingBytes: (left: readonly DiskPeriod[], freedBytes: number, ahead: boolean) => number;
  readonly reason: string;
}

function scopesOf(facts: DiskFacts): Scope[] {
  const { rule, inflow, freeBytes, totalBytes, halt } = facts;
  const inflowAll = [...inflow.values()].reduce((sum, bytes) => sum + bytes, 0);
  const reserve = reserveOf(totalBytes, rule.reserveBytes);
  const overBudget = (budgetBytes: number, aheadBytes: number, halted: boolean) => (left: readonly DiskPeriod[], _freed: number, ahead: boolean): number =>
    sumOf(left) + (ahead ? aheadBytes : 0) - budgetFor(budgetBytes, halted);
  return [
    ...rule.cameras.flatMap(({ id, budgetBytes }): Scope[] => (budgetBytes === undefined ? [] : [{
      among: (period) => period.camera === id,
      missingBytes: overBudget(budgetBytes, inflow.get(id) ?? 0, halt.cameras.has(id)),
      reason: `${id} has used its budget of ${formatBytes(budgetBytes)}`,
    }])),
    ...(rule.budgetBytes === undefined ? [] : [{
      among: () => true, missingBytes: overBudget(rule.budgetBytes, inflowAll, halt.hub !== undefined), reason: `footage has used its budget of ${formatBytes(rule.budgetBytes)}`,
    }]),
    {
      among: () => true, missingBytes: (_left, freedBytes, ahead) => freeFor(reserve, halt.hub !== undefined) + (ahead ? inflowAll : 0) - freeBytes - freedBytes,
      reason: `the disk is nearly full: ${formatBytes(freeBytes)} are free, and ${formatBytes(reserve)} must stay free`,
    },
  ];
}

/** The oldest that together make this room, no more than are needed. */
function oldestFor(missingBytes: number, among: readonly DiskPeriod[]): DiskPeriod[] {
  const candidates = among.filter((period) => !period.held && period.bytes > 0).sort(byAge);
  if (sumOf(candidates) < missingBytes) return [];
  const chosen: DiskPeriod[] = [];
  for (let missing = missingBytes; missing > 0;) {
    const period = candidates[chosen.length] as DiskPeriod;
    chosen.push(period);
    missing -= period.bytes;
  }
  return chosen;
}

/** What is being recorded comes last; footage before alarms; then the order of sealing. */
function byAge(a: DiskPeriod, b: DiskPeriod): number {
  return Number(a.open) - Number(b.open) || classOrder(a.class) - classOrder(b.class) || a.order - b.order || a.id - b.id;
}

function classOrder(name: string): number {
  return name === 'footage' || name === 'rest' ? 0 : 1;
}

/** Who must stop once these purges are done: the reserve is used up and they do not help, or half of it before they can. */
export function haltFor(facts: DiskFacts, purges: readonly EarlyPurge[]): Halt {
  const { rule, halt, freeBytes } = facts;
  const going = new Set(purges.flatMap(({ periods }) => periods));
  const left = facts.periods.filter((period) => !going.has(period));
  const reserve = reserveOf(facts.totalBytes, rule.reserveBytes);
  const needed = going.size > 0 && halt.hub === undefined ? reserve / 2 : freeFor(reserve, halt.hub !== undefined);
  const hope = going.size > 0 ? 'old footage is being deleted' : 'nothing that may go makes that room';
  const full = freeBytes < needed ? `${formatBytes(freeBytes)} are free, ${formatBytes(reserve)} must stay free, and ${hope}` : undefined;
  const cameras = rule.cameras.flatMap(({ id, budgetBytes }) => {
    const why = overBudget(budgetBytes, left.filter((period) => period.camera === id), halt.cameras.has(id));
    return why === undefined ? [] : [[id, why] as const];
  });
  return { hub: full ?? overBudget(rule.budgetBytes, left, halt.hub !== undefined), cameras: new Map(cameras) };
}

function overBudget(budgetBytes: number | undefined, left: readonly DiskPeriod[], halted: boolean): string | undefined {
  if (budgetBytes === undefined || sumOf(left) <= budgetFor(budgetBytes, halted)) return undefined;
  return `the budget of ${formatBytes(budgetBytes)} is used, and nothing of it may be deleted`;
}

function freeFor(reserveBytes: number, halted: boolean): number {
  return reserveBytes * (halted ? 1 + clearlyShare : 1);
}

function budgetFor(budgetBytes: number, halted: boolean): number {
  return budgetBytes * (halted ? 1 - clearlyShare : 1);
}

function sumOf(periods: readonly DiskPeriod[]): number {
  return periods.reduce((sum, period) => sum + period.bytes, 0);
}
