/** The SQL of what lies under a name: settings and secrets. Runs where the connection lives; each writing call runs inside the transaction of its caller. */
import type { Connection } from './connection.ts';

export class NamedTable {
  readonly #db: Connection;
  readonly #table: 'settings' | 'secrets';

  constructor(db: Connection, table: 'settings' | 'secrets') {
    this.#db = db;
    this.#table = table;
  }

  put(name: string, value: string): void {
    this.#db.prepare(`INSERT OR REPLACE INTO ${this.#table} (name, value) VALUES (?, ?)`).run(name, value);
  }

  find(name: string): string | undefined {
    return this.#db.prepare<[string], { value: string }>(`SELECT value FROM ${this.#table} WHERE name = ?`).get(name)?.value;
  }

  remove(name: string): void {
    this.#db.prepare(`DELETE FROM ${this.#table} WHERE name = ?`).run(name);
  }

  /** Unless it says something else by now. */
  removeIf(name: string, value: string): void {
    this.#db.prepare(`DELETE FROM ${this.#table} WHERE name = ? AND value = ?`).run(name, value);
  }
}
