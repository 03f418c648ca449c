/**
 * Who has an account, in memory and on the disk: the disk first. Everything that is asked with each request (whose cookie is this, what may
 * they) is answered from memory, so that no visitor waits for a slow card, and live pictures go on while a disk is away.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { CanonicalValue } from '../base/canonical.ts';
import { SallyportError } from '../base/errors.ts';
import type { AuditEntry } from '../vault/audit.ts';
import { Turns } from '../base/turns.ts';
import type { AccountRow, AccountsBook, AccountsChange, DeviceRow, InvitationRow, SessionRow, TokenRow, Vault } from '../vault/vault.ts';

export type BookVault = Pick<Vault, 'accountsBook' | 'changeAccounts' | 'sessionUsed'>;

export interface BesideSetting { readonly name: string; readonly value: CanonicalValue }

export class AccountBook {
  readonly #vault: BookVault;
  readonly #turns = new Turns();
  /** Something was written: who was let in may have to leave. */
  readonly #changed: () => void;
  readonly accounts = new Map<string, AccountRow>();
  readonly devices = new Map<string, DeviceRow>();
  readonly sessions = new Map<string, SessionRow>();
  readonly invitations = new Map<string, InvitationRow>();
  readonly tokens = new Map<string, TokenRow>();

  private constructor(vault: BookVault, changed: () => void) {
    this.#vault = vault;
    this.#changed = changed;
  }

  static async load(vault: BookVault, changed: () => void): Promise<AccountBook> {
    const book = new AccountBook(vault, changed);
    book.#put(await vault.accountsBook());
    return book;
  }

  /** What is looked up, decided and written in one turn is not overtaken by another's. Turns are not nested. */
  inTurn<T>(deed: () => Promise<T>): Promise<T> {
    return this.#turns.take(deed);
  }

  /** On the disk with its lines in the audit, then in memory. To be called within a turn. */
  async write(change: AccountsChange, entries: readonly AuditEntry[] = [], settings: readonly BesideSetting[] = []): Promise<void> {
    await this.#vault.changeAccounts(change, entries, settings);
    for (const id of change.withoutTokens ?? []) this.tokens.delete(id);
    for (const id of change.withoutInvitations ?? []) this.invitations.delete(id);
    for (const id of change.withoutSessions ?? []) this.sessions.delete(id);
    for (const id of change.withoutDevices ?? []) this.#forgetDevice(id);
    for (const id of change.withoutAccounts ?? []) this.#forget(id);
    this.#put(change);
    this.#changed();
  }

  /** A hint that may be lost. */
  async used(session: SessionRow, usedMs: number): Promise<void> {
    const row = { ...session, usedMs };
    if (this.sessions.has(session.id)) this.sessions.set(session.id, row);
    await this.#vault.sessionUsed(session.id, usedMs);
  }

  account(id: string): AccountRow {
    const row = this.accounts.get(id);
    if (row === undefined) throw new SallyportError('SP_PAGE_UNKNOWN', { what: 'account' });
    return row;
  }

  named(name: string): AccountRow | undefined {
    const key = nameKeyOf(name);
    return [...this.accounts.values()].find((row) => row.nameKey === key);
  }

  get owners(): AccountRow[] {
    return [...this.accounts.values()].filter(({ role }) => role === 'owner');
  }

  devicesOf(account: string): DeviceRow[] {
    return [...this.devices.values()].filter((row) => row.account === account);
  }

  sessionsOf(account: string): SessionRow[] {
    return [...this.sessions.values()].filter((row) => row.account === account);
  }

  #put(rows: Partial<AccountsBook>): void {
    for (const row of rows.accounts ?? []) this.accounts.set(row.id, row);
    for (const row of rows.devices ?? []) this.devices.set(row.id, row);
    for (const row of rows.sessions ?? []) this.sessions.set(row.id, row);
    for (const row of rows.invitations ?? []) this.invitations.set(row.id, row);
    for (const row of rows.tokens ?? []) this.tokens.set(row.id, row);
  }

  #forgetDevice(id: string): void {
    this.devices.delete(id);
    for (const row of this.sessions.values()) if (row.device === id) this.sessions.set(row.id, { ...row, device: undefined });
  }

  #forget(account: string): void {
    this.accounts.delete(account);
    for (const table of [this.devices, this.sessions, this.invitations, this.tokens]) {
      for (const [id, row] of table) if (row.account === account) table.delete(id);
    }
  }
}

/** How names are compared: whoever writes "Anna" is not told from "anna". */
export function nameKeyOf(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}

/** 128 random bits, base64url. */
export function newId(): string {
  return randomBytes(16).toString('base64url');
}

/** 256 random bits that open something, and what is kept of them. */
export function newKey(): { text: string; hash: string } {
  const text = randomBytes(32).toString('base64url');
  return { text, hash: hashOf(text) };
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
