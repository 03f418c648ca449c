/** The rows of accounts, and of what hangs on them. Runs where the connection lives; each writing call runs inside the transaction of its caller. */
import type { UnixMs } from '../base/clock.ts';
import type { Role } from '../policy/access.ts';
import type { Connection } from './connection.ts';

export interface StretchRow {
  readonly salt: string;
  readonly memoryKib: number;
  readonly passes: number;
}

export interface AccountRow extends StretchRow {
  readonly id: string;
  readonly role: Role;
  readonly name: string;
  readonly nameKey: string;
  readonly nickname: string;
  readonly picture: string;
  readonly language: string;
  readonly timeZone: string;
  readonly spaces: readonly string[];
  /** May see the names of persons, as a member. */
  readonly names: boolean;
  /** SHA-256, hex. */
  readonly verifier: string;
  readonly madeMs: UnixMs;
}

export interface DeviceRow {
  readonly id: string;
  readonly account: string;
  readonly name: string;
  readonly recipient: string;
  readonly signer: string;
  readonly madeMs: UnixMs;
}

export interface SessionRow {
  readonly id: string;
  readonly account: string;
  readonly device: string | undefined;
  /** SHA-256 of the cookie's bits, hex. */
  readonly hash: string;
  readonly turnedMs: UnixMs;
  readonly agent: string;
  readonly address: string;
  readonly madeMs: UnixMs;
  readonly usedMs: UnixMs;
}

export interface InvitationRow {
  readonly id: string;
  readonly account: string;
  readonly hash: string;
  readonly role: Role;
  readonly spaces: readonly string[];
  readonly untilMs: UnixMs;
}

export interface TokenRow {
  readonly id: string;
  readonly account: string;
  readonly name: string;
  readonly hash: string;
  readonly rights: readonly string[];
  /** Undefined: all that its account has. */
  readonly spaces: readonly string[] | undefined;
  readonly madeMs: UnixMs;
  readonly untilMs: UnixMs;
}

/** All there is, as the duty keeps it in memory. */
export interface AccountsBook {
  readonly accounts: readonly AccountRow[];
  readonly devices: readonly DeviceRow[];
  readonly sessions: readonly SessionRow[];
  readonly invitations: readonly InvitationRow[];
  readonly tokens: readonly TokenRow[];
}

/** Rows that are put (an id that is there already is replaced) and ids that go, together or not at all. */
export interface AccountsChange {
  readonly accounts?: readonly AccountRow[];
  readonly devices?: readonly DeviceRow[];
  readonly sessions?: readonly SessionRow[];
  readonly invitations?: readonly InvitationRow[];
  readonly tokens?: readonly TokenRow[];
  /** With all that hangs on them. */
  readonly withoutAccounts?: readonly string[];
  readonly withoutDevices?: readonly string[];
  readonly withoutSessions?: readonly string[];
  readonly withoutInvitations?: readonly string[];
  readonly withoutTokens?: readonly string[];
}

export class AccountTables {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  book(): AccountsBook {
    const rows = <T>(sql: string): T[] => this.#db.prepare<[], T>(sql).all();
    const list = (json: string): string[] => JSON.parse(json) as string[];
    return {
      accounts: rows<Omit<AccountRow, 'spaces' | 'names'> & { spaces: string; names: number }>(`
        SELECT id, role, name, name_key AS nameKey, nickname, picture, language, time_zone AS timeZone, spaces, names, salt, memory_kib AS memoryKib, passes,
          lower(hex(verifier)) AS verifier, made_ms AS madeMs FROM accounts ORDER BY made_ms, id`).map((row) => ({ ...row, spaces: list(row.spaces), names: row.names === 1 })),
      devices: rows<DeviceRow>('SELECT id, account_id AS account, name, recipient, signer, made_ms AS madeMs FROM devices ORDER BY made_ms, id'),
      sessions: rows<Omit<SessionRow, 'device'> & { device: string | null }>(`
        SELECT id, account_id AS account, device_id AS device, lower(hex(hash)) AS hash, turned_ms AS turnedMs, agent, address, made_ms AS madeMs, used_ms AS usedMs
        FROM sessions ORDER BY made_ms, id`).map((row) => ({ ...row, device: row.device ?? undefined })),
      invitations: rows<Omit<InvitationRow, 'spaces'> & { spaces: string }>(`
        SELECT id, account_id AS account, lower(hex(hash)) AS hash, role, spaces, until_ms AS untilMs FROM invitations ORDER BY until_ms, id`)
        .map((row) => ({ ...row, spaces: list(row.spaces) })),
      tokens: rows<Omit<TokenRow, 'rights' | 'spaces'> & { rights: string; spaces: string }>(`
        SELECT id, account_id AS account, name, lower(hex(hash)) AS hash, rights, spaces, made_ms AS madeMs, until_ms AS untilMs FROM tokens ORDER BY made_ms, id`)
        .map((row) => ({ ...row, rights: list(row.rights), spaces: row.spaces === 'null' ? undefined : list(row.spaces) })),
    };
  }

  change(c: AccountsChange): void {
    this.#drop('tokens', c.withoutTokens);
    this.#drop('invitations', c.withoutInvitations);
    this.#drop('sessions', c.withoutSessions);
    this.#drop('devices', c.withoutDevices);
    this.#drop('accounts', c.withoutAccounts);
    for (const row of c.accounts ?? []) this.#putAccount(row);
    for (const row of c.devices ?? []) {
      this.#db.prepare(`INSERT INTO devices (id, account_id, name, recipient, signer, made_ms) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, recipient = excluded.recipient, signer = excluded.signer`)
        .run(row.id, row.account, row.name, row.recipient, row.signer, Math.round(row.madeMs));
    }
    for (const row of c.sessions ?? []) {
      this.#db.prepare(`INSERT INTO sessions (id, account_id, device_id, hash, turned_ms, agent, address, made_ms, used_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET device_id = excluded.device_id, hash = excluded.hash, turned_ms = excluded.turned_ms, agent = excluded.agent, address = excluded.address, used_ms = excluded.used_ms`)
        .run(row.id, row.account, row.device ?? null, bytes(row.hash), Math.round(row.turnedMs), row.agent, row.address, Math.round(row.madeMs), Math.round(row.usedMs));
    }
    for (const row of c.invitations ?? []) {
      this.#db.prepare('INSERT INTO invitations (id, account_id, hash, role, spaces, until_ms) VALUES (?, ?, ?, ?, ?, ?)')
        .run(row.id, row.account, bytes(row.hash), row.role, JSON.stringify(row.spaces), Math.round(row.untilMs));
    }
    for (const row of c.tokens ?? []) {
      this.#db.prepare('INSERT INTO tokens (id, account_id, name, hash, rights, spaces, made_ms, until_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
        .run(row.id, row.account, row.name, bytes(row.hash), JSON.stringify(row.rights), JSON.stringify(row.spaces ?? null), Math.round(row.madeMs), Math.round(row.untilMs));
    }
  }

  /** Of a session that the change does not know any more, nothing is written. */
  used(id: string, usedMs: UnixMs): void {
    this.#db.prepare('UPDATE sessions SET used_ms = ? WHERE id = ?').run(Math.round(usedMs), id);
  }

  #putAccount(row: AccountRow): void {
    this.#db.prepare(`
      INSERT INTO accounts (id, role, name, name_key, nickname, picture, language, time_zone, spaces, names, salt, memory_kib, passes, verifier, made_ms)
      VALUES (@id, @role, @name, @nameKey, @nickname, @picture, @language, @timeZone, @spaces, @names, @salt, @memoryKib, @passes, @verifier, @madeMs)
      ON CONFLICT (id) DO UPDATE SET role = excluded.role, name = excluded.name, name_key = excluded.name_key, nickname = excluded.nickname, picture = excluded.picture,
        language = excluded.language, time_zone = excluded.time_zone, spaces = excluded.spaces, names = excluded.names, salt = excluded.salt, memory_kib = excluded.memory_kib, passes = excluded.passes,
        verifier = excluded.verifier`).run({
      id: row.id, role: row.role, name: row.name, nameKey: row.nameKey, nickname: row.nickname, picture: row.picture, language: row.language, timeZone: row.timeZone,
      spaces: JSON.stringify(row.spaces), names: row.names ? 1 : 0, salt: row.salt, memoryKib: row.memoryKib, passes: row.passes, verifier: bytes(row.verifier), madeMs: Math.round(row.madeMs),
    });
  }

  #drop(table: 'accounts' | 'devices' | 'sessions' | 'invitations' | 'tokens', ids: readonly string[] = []): void {
    for (const id of ids) this.#db.prepare(`DELETE FROM ${table} WHERE id = ?`).run(id);
  }
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}
