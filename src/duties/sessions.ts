/**
 * Who a visitor is: by the cookie of a browser, or by the token of a script. The cookie's bits are exchanged each day; what was held open
 * for somebody (live pictures) is ended when the session or the token ends, or when the account may less than before.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { dayMs, minuteMs } from '../base/units.ts';
import { may, rights, type Rank, type Right } from '../policy/access.ts';
import type { AccountRow, SessionRow, TokenRow } from '../vault/vault.ts';
import { hashOf, newId, newKey, type AccountBook } from './accountbook.ts';

export const idleMsMax = 30 * dayMs;
export const sessionMsMax = 90 * dayMs;
const turnAfterMs = dayMs;
/** Requests that were on their way when the cookie was exchanged still hold the one before. */
const formerMs = 2 * minuteMs;
/** The last use is written down no more often. */
const usedEveryMs = 10 * minuteMs;
const sessionsOfAccountMax = 50;
const agentMax = 200;

/** From where somebody comes. */
export interface Visitor {
  readonly address: string;
  readonly agent: string;
}

export class Principal {
  readonly account: AccountRow;
  readonly session: SessionRow | undefined;
  readonly token: TokenRow | undefined;

  constructor(account: AccountRow, session: SessionRow | undefined, token?: TokenRow) {
    this.account = account;
    this.session = session;
    this.token = token;
  }

  get rank(): Rank {
    const { account: { role, spaces, names }, token } = this;
    return { role, names, spaces: token?.spaces === undefined ? spaces : spaces.filter((space) => token.spaces?.includes(space) === true) };
  }

  /** An owner, by no token that is for some spaces only: who may know of the whole hub. */
  get isWholeOwner(): boolean {
    return this.account.role === 'owner' && this.token?.spaces === undefined;
  }

  may(right: Right, space?: string): boolean {
    const { token, account } = this;
    if (token !== undefined && !token.rights.includes(right)) return false;
    // An owner's token may be for some spaces only, though its owner has all.
    if (token?.spaces !== undefined && account.role === 'owner' && space !== undefined && !token.spaces.includes(space)) return false;
    return may(account.role === 'owner' ? account : this.rank, right, space);
  }

  rightsIn(space: string): Right[] {
    return rights.filter((right) => this.may(right, space));
  }

  get rights(): Right[] {
    return rights.filter((right) => this.may(right));
  }
}

interface Held {
  readonly principal: Principal;
  readonly end: AbortController;
}

export class Sessions {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #book: () => AccountBook;
  readonly #held = new Set<Held>();
  /** Of cookies that were exchanged a moment ago: which session they were. */
  readonly #former = new Map<string, { readonly session: string; readonly untilMs: UnixMs }>();
  readonly #turning = new Set<string>();

  constructor(o: { clock: Clock; log: Log; book: () => AccountBook }) {
    this.#clock = o.clock;
    this.#log = o.log;
    this.#book = o.book;
  }

  /** A row to be written, the cookie that belongs to it, and the sessions that leave because there are too many. */
  make(account: string, device: string | undefined, { address, agent }: Visitor): { row: SessionRow; cookie: string; leaving: string[] } {
    const nowMs = this.#nowMs();
    const { text, hash } = newKey();
    const others = this.#book().sessionsOf(account).toSorted((a, b) => a.usedMs - b.usedMs);
    const leaving = others.slice(0, Math.max(0, others.length - sessionsOfAccountMax + 1)).map(({ id }) => id);
    return { row: { id: newId(), account, device, hash, turnedMs: nowMs, agent: plain(agent), address, madeMs: nowMs, usedMs: nowMs }, cookie: text, leaving };
  }

  /** `cookie` is the new one, when it is time to exchange it. Undefined: nobody. */
  async ofCookie(cookie: string, options: { readonly mayTurn: boolean }): Promise<{ principal: Principal; cookie: string | undefined } | undefined> {
    const hash = hashOf(cookie);
    const former = this.#former.get(hash);
    const book = this.#book();
    const nowMs = this.#nowMs();
    const row = former !== undefined && former.untilMs > nowMs ? book.sessions.get(former.session) : [...book.sessions.values()].find((session) => session.hash === hash);
    const account = row === undefined ? undefined : book.accounts.get(row.account);
    if (row === undefined || account === undefined || this.#isOver(row)) return undefined;
    if (nowMs - row.usedMs >= usedEveryMs) void book.used(row, nowMs).catch(() => {}); // a hint
    const principal = new Principal(account, row);
    return { principal, cookie: options.mayTurn && former === undefined && nowMs - row.turnedMs >= turnAfterMs ? await this.#turn(row) : undefined };
  }

  ofToken(token: string): Principal | undefined {
    const hash = hashOf(token);
    const book = this.#book();
    const row = [...book.tokens.values()].find((known) => known.hash === hash);
    const account = row === undefined ? undefined : book.accounts.get(row.account);
    return row === undefined || account === undefined || row.untilMs <= this.#nowMs() ? undefined : new Principal(account, undefined, row);
  }

  /** For what stays open: the signal comes when its time is over, at once if that was meanwhile. Call `release` when it has ended by itself. */
  hold(principal: Principal): { signal: AbortSignal; release: () => void } {
    const held = { principal, end: new AbortController() };
    this.#held.add(held);
    if (!this.#isStill(principal)) this.#end(held);
    return { signal: held.end.signal, release: () => void this.#held.delete(held) };
  }

  heldBy(account: string): number {
    return [...this.#held].filter(({ principal }) => principal.account.id === account).length;
  }

  /** Something was written, or time went by. */
  check(): void {
    for (const held of this.#held) if (!this.#isStill(held.principal)) this.#end(held);
    const nowMs = this.#nowMs();
    for (const [hash, { untilMs }] of this.#former) if (untilMs <= nowMs) this.#former.delete(hash);
  }

  /** Nothing stays open. */
  close(): void {
    for (const held of this.#held) this.#end(held);
  }

  /** Those whose time is over, for the one who deletes them. */
  over(): string[] {
    return [...this.#book().sessions.values()].filter((row) => this.#isOver(row)).map(({ id }) => id);
  }

  #end(held: Held): void {
    this.#held.delete(held);
    held.end.abort(new SallyportError('SP_PAGE_SESSION'));
  }

  #isStill({ account, session, token }: Principal): boolean {
    const book = this.#book();
    const now = book.accounts.get(account.id);
    if (now === undefined || now.role !== account.role || now.spaces.join('\n') !== account.spaces.join('\n')) return false;
    if (session !== undefined) {
      const row = book.sessions.get(session.id);
      return row !== undefined && !this.#isOver(row);
    }
    const row = token === undefined ? undefined : book.tokens.get(token.id);
    return row !== undefined && row.untilMs > this.#nowMs();
  }

  #isOver({ madeMs, usedMs }: SessionRow): boolean {
    const nowMs = this.#nowMs();
    return nowMs - madeMs >= sessionMsMax || nowMs - usedMs >= idleMsMax;
  }

  /** Also for who watches for weeks. */
  async #turn(row: SessionRow): Promise<string | undefined> {
    if (this.#turning.has(row.id)) return undefined;
    this.#turning.add(row.id);
    const book = this.#book();
    try {
      return await book.inTurn(async () => {
        const now = book.sessions.get(row.id);
        if (now === undefined || now.hash !== row.hash) return undefined;
        const { text, hash } = newKey();
        const nowMs = this.#nowMs();
        await book.write({ sessions: [{ ...now, hash, turnedMs: nowMs, usedMs: nowMs }] });
        this.#former.set(row.hash, { session: row.id, untilMs: nowMs + formerMs });
        return text;
      });
    } catch (error) {
      // The disk; the one there is serves on, and is exchanged with a later request.
      this.#log.warn({ component: 'page', code: asSallyportError(error).code }, 'a session could not be exchanged yet');
      return undefined;
    } finally {
      this.#turning.delete(row.id);
    }
  }

  #nowMs(): UnixMs {
    return Math.round(this.#clock.wallMs());
  }
}

function plain(agent: string): string {
  return agent.replaceAll(/[^ -~]/g, '').slice(0, agentMax);
}
