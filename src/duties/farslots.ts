/**
 * Keeps the slots object of each place that has one (`slots = "far"`) as the keyring is: renewed when a period with far footage is added, at most once a
 * minute, and at each purge, after the shred and before its receipt, which says whether that succeeded. What could not be renewed is tried until it is.
 * Of two orders for one object the later might arrive first, so there is never more than one.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { SallyportError, asSallyportError, isSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { Turns } from '../base/turns.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import type { Answer } from '../outbox/orders.ts';
import type { DestinationConfig } from '../policy/declared.ts';
import { liveOn, slotsPlaces, slotsRefusal, type SlotsPlace } from '../policy/farslots.ts';
import { encodeSlotsObject, slotsEntriesMax, type SlotsEntry } from '../seal/format/slotsobject.ts';
import { Sealed } from '../seal/sealed.ts';
import type { FarListed, FarSlotsNote, Vault } from '../vault/vault.ts';
import type { Ledger } from './ledger.ts';

export interface FarSlotsOptions {
  readonly vault: Pick<Vault, 'far' | 'id' | 'slotText' | 'setting' | 'putSetting' | 'audit'>;
  readonly ledger: Pick<Ledger, 'put' | 'withdraw' | 'orders' | 'onAnswer'>;
  readonly destinations: () => readonly DestinationConfig[];
  readonly clock: Clock;
  readonly log: Log;
  /** How long an answer is waited for, by a purge too. */
  readonly patienceMs?: number;
}

export interface FarSlotsState {
  readonly destination: string;
  /** What lies there has exactly the slots that it should. */
  readonly current: boolean;
  readonly reason: string | undefined;
  readonly slots: number;
  readonly madeMs: number | undefined;
}

/** What was put last at each place and has arrived there. Durable. */
type Known = Readonly<Record<string, { readonly fingerprint: string; readonly madeMs: number; readonly slots: number }>>;

const settingName = 'far slots';
/** The names under which a restored hub has found its slots objects. */
export const adoptedSlotsName = 'far slots adopted';
/** Between two renewals for what was added; purges do not wait. */
const everyMs = minuteMs;
const lookMs = 10 * secondMs;
const patienceMsDefault = 20 * secondMs;
const answerLookMs = 50;
const noAnswer = 'no answer has come yet; it is tried until there is one';

interface Pending {
  readonly name: string;
  readonly facts: { readonly fingerprint: string; readonly madeMs: number; readonly slots: number };
}

export class FarSlotsDuty {
  readonly #o: FarSlotsOptions;
  readonly #loop: Loop;
  readonly #answers = new Map<string, Answer>();
  readonly #states = new Map<string, FarSlotsState>();
  readonly #renewedMs = new Map<string, number>();
  /** Orders of this run that have no answer, by place. */
  readonly #pending = new Map<string, Pending>();
  /** Orders that were taken back and have not been answered. */
  readonly #taken = new Set<string>();
  readonly #turns = new Turns();

  constructor(o: FarSlotsOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
    o.ledger.onAnswer((answer) => {
      if (answer.order !== 'put' && answer.order !== 'withdraw') return;
      this.#answers.set(answer.name, answer);
      for (const name of this.#answers.keys()) if (this.#answers.size > 200) this.#answers.delete(name);
      // A list that has arrived may be a new one.
      if (answer.order === 'put') this.#loop.nudge();
    });
  }

  start(): void {
    this.#loop.start(() => this.#lookAgain());
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  /** Destinations have changed. */
  nudge(): void {
    this.#loop.nudge();
  }

  get states(): readonly FarSlotsState[] {
    return [...this.#states.values()];
  }

  /** After a shred: what became of each of these. Never rejects. */
  async renewed(destinations: readonly string[]): Promise<FarSlotsNote[]> {
    const over = new AbortController();
    const patience = this.#o.clock.sleep(this.#patienceMs, over.signal).catch(() => {});
    try {
      return await Promise.all(destinations.map(async (destination): Promise<FarSlotsNote> => {
        const place = this.#places().find(({ name }) => name === destination) ?? { name: destination, of: [] };
        const reason = await Promise.race([this.#renew(place, true), patience.then(() => noAnswer)]);
        return reason === undefined ? { destination, renewed: true } : { destination, renewed: false, reason };
      }));
    } finally {
      over.abort();
      this.#loop.nudge();
    }
  }

  async #lookAgain(): Promise<number> {
    try {
      await this.look();
    } catch (error) {
      const problem = asSallyportError(error);
      this.#o.log.warn({ component: 'far slots', code: problem.code }, `the slots object waits: ${problem.message}`);
    }
    return lookMs;
  }

  /** One look; for the loop, and for tests. */
  async look(): Promise<void> {
    const places = this.#places();
    for (const place of places) {
      const renewedMs = this.#renewedMs.get(place.name);
      if (renewedMs !== undefined && this.#o.clock.monotonicMs() - renewedMs < everyMs && this.#states.get(place.name)?.current === true) continue;
      await this.#renew(place, false);
    }
    await this.#leave(places);
  }

  #places(): SlotsPlace[] {
    return slotsPlaces(this.#o.destinations());
  }

  /** Undefined when it is as it should be there; else why not. Not twice at once. */
  #renew(place: SlotsPlace, now: boolean): Promise<string | undefined> {
    return this.#turns.take(async () => {
      try {
        return await this.#renewNow(place, now);
      } catch (error) {
        const problem = asSallyportError(error);
        this.#show(place.name, false, problem.message);
        this.#o.log.warn({ component: 'far slots', destination: place.name, code: problem.code }, `the slots object waits: ${problem.message}`);
        return problem.message;
      }
    });
  }

  async #renewNow(place: SlotsPlace, now: boolean): Promise<string | undefined> {
    const { vault: { far }, destinations, log } = this.#o;
    const wanted = await far.listed(place.of);
    const fingerprint = fingerprintOf(wanted);
    const pending = this.#pending.get(place.name);
    if (pending?.facts.fingerprint === fingerprint) return this.#arrived(place.name, pending);
    const known = await this.#known();
    const row = await far.keyring(place.name);
    if (row?.state === 'there' && known[place.name]?.fingerprint === fingerprint && !this.#isOut(place.name, row.object)) {
      this.#show(place.name, true, undefined, known[place.name]);
      return undefined;
    }
    if (wanted.length === 0 && row === undefined) return undefined;
    const refusal = slotsRefusal(place, destinations(), (await far.abilities())[place.name]);
    if (refusal !== undefined) {
      this.#show(place.name, false, refusal.reason);
      if (!refusal.wait || now) log.warn({ component: 'far slots', destination: place.name }, refusal.reason);
      return refusal.reason;
    }
    for (const name of place.of) await far.keysAt(name, place.name);
    return this.#put(place, wanted, fingerprint);
  }

  async #put(place: SlotsPlace, wanted: readonly FarListed[], fingerprint: string): Promise<string | undefined> {
    const { vault, ledger, clock } = this.#o;
    const row = await vault.far.nameKeyring(place.name, await this.#adopted());
    if (row === undefined) return 'it has no name';
    if (!(await this.#settleOut(place.name, row.object))) return noAnswer;
    const entries = await this.#entries(wanted);
    const madeMs = Math.round(clock.wallMs());
    const sealed = Sealed.recogniseSlots(encodeSlotsObject({ hub: vault.id, madeMs, entries }), 'the slots object');
    const { name } = await ledger.put(sealed, { to: place.name, class: 'keyring', object: row.object, replace: true, camera: '', recipients: [], far: { id: row.id, madeMs } });
    const pending: Pending = { name, facts: { fingerprint, madeMs, slots: entries.length } };
    this.#pending.set(place.name, pending);
    return this.#arrived(place.name, pending);
  }

  /** Waits for the answer, for a while. */
  async #arrived(destination: string, { name, facts }: Pending): Promise<string | undefined> {
    const { vault, clock, log } = this.#o;
    const answer = await this.#answerTo(name);
    if (answer !== undefined) this.#pending.delete(destination);
    if (answer === undefined || answer === 'lost' || answer.outcome !== 'done') {
      const reason = answer === undefined ? noAnswer : answer === 'lost' ? 'its order came to nothing' : answer.reason ?? 'it was withdrawn';
      this.#show(destination, false, reason);
      return reason;
    }
    await vault.putSetting(settingName, { ...await this.#known(), [destination]: facts });
    await vault.audit({ what: 'slots.far-renewed', who: 'hub', detail: { destination, slots: facts.slots, made_ms: facts.madeMs } });
    this.#renewedMs.set(destination, clock.monotonicMs());
    this.#show(destination, true, undefined, facts);
    log.info({ component: 'far slots', destination, slots: facts.slots }, 'the slots object is renewed');
    // The new one is there, and what it took the place of lives on.
    return answer.keeps_versions === 'yes' ? liveOn(destination) : undefined;
  }

  /** A slot that is shredded meanwhile is in it no more. */
  async #entries(wanted: readonly FarListed[]): Promise<SlotsEntry[]> {
    const entries: SlotsEntry[] = [];
    for (const one of wanted.slice(-slotsEntriesMax)) {
      const slotText = await this.#o.vault.slotText({ id: one.periodId, slot: one.slot, slotSha256: one.slotSha256 }).catch((error: unknown) => {
        if (!isSallyportError(error, 'SP_SLOT_MISSING')) throw error;
      });
      if (slotText !== undefined) entries.push({ slotText, destination: one.destination, list: one.list });
    }
    return entries;
  }

  /** What an owner took back goes from there, and what it opened has its keys at home alone again once it is gone. */
  async #leave(places: readonly SlotsPlace[]): Promise<void> {
    const { vault, destinations } = this.#o;
    const known = await this.#known();
    for (const destination of Object.keys(known).filter((one) => !places.some(({ name }) => name === one))) {
      const row = await vault.far.keyring(destination);
      if (row !== undefined && row.state !== 'leaving' && row.state !== 'deleting' && row.state !== 'kept') await vault.far.leaveKeyring(row.id);
      if (row !== undefined) continue;
      const { [destination]: _gone, ...rest } = known;
      await vault.putSetting(settingName, rest);
      for (const { name, store } of destinations()) if (store?.slots !== 'far') await vault.far.keysAt(name, 'home');
      this.#states.delete(destination);
      await vault.audit({ what: 'slots.far-gone', who: 'hub', detail: { destination } });
    }
  }

  /** An earlier order for the same object is taken back; false while its end has not come. */
  async #settleOut(destination: string, object: string): Promise<boolean> {
    for (let name = this.#isOut(destination, object); name !== undefined; name = this.#isOut(destination, object)) {
      await this.#o.ledger.withdraw(name);
      this.#taken.add(name);
      if ((await this.#answerTo(name)) === undefined) return false;
      this.#taken.delete(name);
    }
    this.#pending.delete(destination);
    return true;
  }

  #isOut(destination: string, object: string): string | undefined {
    for (const [name, order] of this.#o.ledger.orders) {
      if (order.to === destination && order.order === 'put' && order.object === object) return name;
      // What it was about is not said any more.
      if (order.to === destination && order.order === 'withdraw' && this.#taken.has(name)) return name;
    }
    return undefined;
  }

  /** Undefined while there is none, for as long as one waits; `lost` when none will come. */
  async #answerTo(name: string): Promise<Answer | 'lost' | undefined> {
    const { clock, ledger } = this.#o;
    const untilMs = clock.monotonicMs() + this.#patienceMs;
    // It is told just after it is settled.
    for (let settled = 0; settled < 20; settled += ledger.orders.has(name) ? 0 : 1) {
      const answer = this.#answers.get(name);
      if (answer !== undefined) return answer;
      if (clock.monotonicMs() > untilMs) return undefined;
      await clock.sleep(answerLookMs, this.#loop.signal).catch(() => {});
      if (this.#loop.signal.aborted) throw new SallyportError('SP_STOPPED', { what: 'renewing the slots object' });
    }
    return 'lost';
  }

  get #patienceMs(): number {
    return this.#o.patienceMs ?? patienceMsDefault;
  }

  async #adopted(): Promise<string | undefined> {
    const { vault } = this.#o;
    const names = ((await vault.setting(adoptedSlotsName)) ?? []) as readonly string[];
    for (const object of names) if ((await Promise.all(this.#places().map(({ name }) => vault.far.keyring(name)))).every((row) => row?.object !== object)) return object;
    return undefined;
  }

  async #known(): Promise<Known> {
    return ((await this.#o.vault.setting(settingName)) ?? {}) as Known;
  }

  #show(destination: string, current: boolean, reason: string | undefined, facts?: { readonly madeMs: number; readonly slots: number }): void {
    const before = this.#states.get(destination);
    this.#states.set(destination, { destination, current, reason, slots: facts?.slots ?? before?.slots ?? 0, madeMs: facts?.madeMs ?? before?.madeMs });
  }
}

/** Of what should be there: which keys, for which lists. */
function fingerprintOf(wanted: readonly FarListed[]): string {
  return createHash('sha256').update(wanted.map(({ slotSha256, destination, list }) => `${slotSha256} ${destination} ${list}\n`).sort().join('')).digest('hex');
}
