/**
 * What faces are compared with, in memory only: templates and marks of persons whose consent counts at this moment, while faces are on. They are wiped
 * when faces are turned off, a consent lapses, a person is forgotten, or the hub ends. And the clock of consents: when one lapses, matching
 * stops with it, the owner is told, and 30 days later the person is forgotten (the period's deadline; `purge.ts`), unless it is given anew.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { asSallyportError, isSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { minuteMs } from '../base/units.ts';
import type { PersonTemplates } from '../policy/faces.ts';
import { forgottenAfterMs } from '../policy/people.ts';
import type { By } from '../policy/access.ts';
import type { HubConfig } from '../policy/settings.ts';
import { hmacSha256 } from '../seal/hkdf.ts';
import type { OwnerList } from '../seal/owner.ts';
import { wipe } from '../seal/secure.ts';
import type { PersonRow, Vault } from '../vault/vault.ts';
import type { Notices } from './notices.ts';

export interface PeopleBookOptions {
  readonly vault: { readonly people: Pick<Vault['people'], 'list' | 'templates' | 'lapse' | 'keepLock' | 'takeBack'> };
  readonly faces: () => HubConfig['faces'];
  /** The kit, then the owners' devices; nobody while there is no owner. */
  readonly owners: () => readonly string[];
  /** Of the vectors that the detector makes: others cannot be compared with them. */
  readonly model: string;
  /** The clock may be believed: else nothing is matched by a consent that would have lapsed by it, and nothing is written down. */
  readonly timeTrusted: () => Promise<boolean>;
  readonly notices: Pick<Notices, 'raise' | 'settle'>;
  readonly clock: Clock;
  readonly log: Log;
}

interface Known extends PersonTemplates {
  readonly vectors: readonly Float32Array[];
  readonly mark: Buffer;
  readonly consentMs: UnixMs;
  readonly lapsesMs: UnixMs;
}

/** The first 16 bytes of the HMAC, as hex. */
const markHex = 32;

export class PeopleBook {
  readonly #o: PeopleBookOptions;
  readonly #loop: Loop;
  #known = new Map<string, Known>();
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(o: PeopleBookOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(async () => {
      await this.refresh().catch((error: unknown) => this.#o.log.error({ component: 'people', code: asSallyportError(error).code }, asSallyportError(error).message));
      return minuteMs;
    });
  }

  /** The settings may have changed: what counts no more is wiped at once. */
  nudge(): void {
    this.#dropLapsed();
    this.#loop.nudge();
  }

  /** Wipes everything. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#loop.close();
    await this.#turn.catch(() => {});
    this.#forgetAll();
  }

  /** Of persons who may be recognised now; empty while faces are off. Valid until the next `await`: they are wiped when they count no more. */
  templates(): readonly PersonTemplates[] {
    this.#dropLapsed();
    return [...this.#known.values()].map(({ person, vectors }) => ({ person, vectors }));
  }

  /** What stands in the text of an alarm that was this person's: 32 hex digits that say nothing without the person's record. Empty when the person counts no more. */
  markOf(person: string, alarmId: string): string {
    this.#dropLapsed();
    const known = this.#known.get(person);
    if (known === undefined) return '';
    const mac = Buffer.alloc(32);
    hmacSha256(mac, known.mark, Buffer.from(alarmId, 'latin1'));
    return mac.toString('hex').slice(0, markHex);
  }

  /** What the owner has lent, and all that was read by it, is wiped. SP_DATABASE when it could not be written down. */
  async takeBack(by: By): Promise<void> {
    this.#forgetAll();
    // What a turn has read meanwhile goes with it.
    const turn = this.#turn.catch(() => {}).then(async () => {
      try {
        await this.#o.vault.people.takeBack(by);
      } finally {
        this.#forgetAll();
      }
    });
    this.#turn = turn;
    await turn;
    await this.refresh();
  }

  /** Brings memory in line with the vault and the settings; to be called after each change of either. */
  refresh(): Promise<void> {
    // What counts no more goes at once, whatever the disk does.
    this.#dropLapsed();
    this.#turn = this.#turn.catch(() => {}).then(() => this.#refresh());
    return this.#turn;
  }

  /** At once, before the vault forgets: nobody is recognised who is being forgotten. */
  drop(person: string): void {
    const known = this.#known.get(person);
    if (known === undefined) return;
    wipeKnown(known);
    this.#known.delete(person);
  }

  async #refresh(): Promise<void> {
    const { vault, notices } = this.#o;
    await vault.people.keepLock({ lock: this.#o.faces().lock, owners: this.#o.owners() });
    const rows = await Promise.all((await vault.people.list()).map((row) => this.#lapseDue(row)));
    const lapsed = rows.filter(({ state }) => state === 'lapsed');
    if (lapsed.length === 0) notices.settle('consent lapsed');
    else notices.raise('consent lapsed', `${lapsed.length} of ${rows.length}, forgotten from ${new Date(Math.min(...lapsed.map(({ lapsesMs }) => lapsesMs)) + forgottenAfterMs).toISOString()} on`);
    const wanted = new Map(rows.filter((row) => this.#counts(row)).map((row) => [row.id, row]));
    for (const person of this.#known.keys()) if (!wanted.has(person)) this.drop(person);
    for (const row of wanted.values()) await this.#take(row);
  }

  /** With the state that it has now. A shorter time that is set now counts for consents that were given before; a longer one does not. */
  async #lapseDue(row: PersonRow): Promise<PersonRow> {
    const lapsesMs = this.lapsesMs(row);
    if (row.state === 'lapsed' || lapsesMs > this.#o.clock.wallMs()) return { ...row, lapsesMs };
    if (await this.#o.timeTrusted() && await this.#o.vault.people.lapse(row.id, { lapsesMs, forgottenMs: lapsesMs + forgottenAfterMs })) this.#o.log.info({ component: 'people', person: row.id }, 'a consent has lapsed');
    return { ...row, lapsesMs, state: 'lapsed' };
  }

  /** When a consent lapses by what is set now. */
  lapsesMs({ consentMs, lapsesMs }: Pick<PersonRow, 'consentMs' | 'lapsesMs'>): UnixMs {
    return Math.min(lapsesMs, consentMs + this.#o.faces().consentMs);
  }

  #counts(row: PersonRow): boolean {
    return this.#o.faces().enabled && row.state === 'given' && row.model === this.#o.model && this.lapsesMs(row) > this.#o.clock.wallMs();
  }

  async #take(row: PersonRow): Promise<void> {
    const known = this.#known.get(row.id);
    if (known !== undefined && known.consentMs === row.consentMs && known.lapsesMs === row.lapsesMs) return;
    let opened: { vectors: Float32Array[]; mark: Buffer };
    try {
      opened = await this.#o.vault.people.templates(row.id);
    } catch (error) {
      // Forgotten meanwhile; the key is lost, which the next start says; or it is the owner's to lend.
      if (isSallyportError(error, 'SP_FACES_LOCKED') || isSallyportError(error, 'SP_PERSON_UNKNOWN') || isSallyportError(error, 'SP_SLOT_MISSING')) return this.drop(row.id);
      throw error;
    }
    this.drop(row.id);
    const taken: Known = { person: row.id, ...opened, consentMs: row.consentMs, lapsesMs: row.lapsesMs };
    // It was read from a disk: faces may have been turned off since, or the person forgotten.
    if (this.#closed || !this.#counts(row) || !(await this.#o.vault.people.list()).some(({ id, state }) => id === row.id && state === 'given')) return wipeKnown(taken);
    this.#known.set(row.id, taken);
  }

  #dropLapsed(): void {
    const { enabled } = this.#o.faces();
    const nowMs = this.#o.clock.wallMs();
    for (const [person, known] of this.#known) if (!enabled || this.lapsesMs(known) <= nowMs) this.drop(person);
  }

  #forgetAll(): void {
    for (const person of this.#known.keys()) this.drop(person);
  }
}

/** Whom keys of persons are sealed to where they are the owner's: the kit first. */
export function ownersOf(list: OwnerList | undefined): readonly string[] {
  return list === undefined ? [] : [list.kit, ...(list.devices ?? []).map(({ recipient }) => recipient)];
}

function wipeKnown({ vectors, mark }: Known): void {
  for (const vector of vectors) vector.fill(0);
  wipe(mark);
}
