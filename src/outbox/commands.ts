/**
 * `back/commands/`: what somebody at a destination asks for, of a closed schema, a file each. The courier writes them and takes them away; the
 * hub reads them as a stranger's, and answers each with an order in `out/` (`heard`). No more than a few wait: who asks more is not heard.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Clock, UnixMs } from '../base/clock.ts';
import type { SallyportError } from '../base/errors.ts';
import { ensureFolder, fileExists } from '../base/files.ts';
import { commandAgeMsMax } from '../policy/commanding.ts';
import { listBox, readHeads, removeBoxFile, removeParts, watchBox, writeBoxFile } from './boxfile.ts';
import { commandSchema, type Command } from './orders.ts';

export const commandsFolder = 'commands';
/** That wait for the hub. */
export const commandsMax = 16;
/** Whatever the hub does with it by then, it says so; later nobody waits for it. */
const forgottenMs = 5 * commandAgeMsMax;

type Asked<C = Command> = C extends Command ? Omit<C, 'v' | 'at_ms'> : never;

/** The courier's side. */
export class CommandWriter {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #waiting: Map<string, UnixMs>;
  #lastMs = 0;

  private constructor(folder: string, clock: Clock, waiting: Map<string, UnixMs>) {
    this.#folder = folder;
    this.#clock = clock;
    this.#waiting = waiting;
  }

  /** `back`: the courier's folder. SP_WRITE, SP_READ. */
  static async open(back: string, clock: Clock): Promise<CommandWriter> {
    const folder = join(back, commandsFolder);
    // It is made for the first command: where nobody orders anything, there is none.
    if (!(await fileExists(folder))) return new CommandWriter(folder, clock, new Map());
    await removeParts(folder);
    return new CommandWriter(folder, clock, new Map((await listBox(folder)).files.map(({ name }) => [name, Number(name.slice(0, 15))])));
  }

  /** False when too many wait already: it is dropped. SP_WRITE. */
  async put(asked: Asked): Promise<boolean> {
    await this.#forgetOld();
    if (this.#waiting.size >= commandsMax) return false;
    const atMs = Math.round(this.#clock.wallMs());
    this.#lastMs = Math.max(atMs, this.#lastMs + 1);
    const name = `${String(this.#lastMs).padStart(15, '0')}-${randomBytes(16).toString('hex')}`;
    this.#waiting.set(name, atMs);
    try {
      await ensureFolder(this.#folder, 0o750);
      await writeBoxFile(this.#folder, name, { v: 1, at_ms: atMs, ...asked }, undefined);
    } catch (error) {
      this.#waiting.delete(name);
      throw error;
    }
    return true;
  }

  /** The hub has heard it. SP_WRITE. */
  async remove(name: string): Promise<void> {
    await removeBoxFile(this.#folder, name);
    this.#waiting.delete(name);
  }

  async #forgetOld(): Promise<void> {
    const nowMs = this.#clock.wallMs();
    for (const [name, atMs] of this.#waiting) if (Math.abs(nowMs - atMs) > forgottenMs) await this.remove(name);
  }
}

export interface Came {
  readonly name: string;
  readonly command: Command | undefined;
  readonly refused: SallyportError | undefined;
}

/** The hub's side. It removes nothing here. */
export class CommandReader {
  readonly #folder: string;

  constructor(back: string) {
    this.#folder = join(back, commandsFolder);
  }

  /** The oldest that are there, no more than a courier of ours lets wait. SP_READ. */
  async scan(): Promise<Came[]> {
    const heads = await readHeads(this.#folder, commandSchema, ({ bodyBytes }) => (bodyBytes === 0 ? undefined : 'a command has no body'), commandsMax);
    return heads.map(({ name, head: command, refused }) => ({ name, command, refused }));
  }

  /** As `watchBox`. */
  watch(onChange: () => void): { close(): void } | undefined {
    return watchBox(this.#folder, onChange);
  }
}
