/**
 * Looks whether other destinations are declared. What the courier may reach was fixed when it locked itself up and cannot be widened, so with other
 * destinations it ends, and whoever starts it starts it again. A file that is wrong changes nothing but what the status says.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import { readTextBounded } from '../base/files.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { secondMs } from '../base/units.ts';
import { readDestinations } from '../policy/destinations.ts';

const lookMs = 2 * secondMs;

export interface ReloadOptions {
  readonly file: string;
  readonly bytesMax: number;
  /** SHA-256 of the file as it is in force. */
  readonly inForce: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Called once. */
  readonly changed: () => void;
}

export class Reload {
  readonly #o: ReloadOptions;
  readonly #loop: Loop;
  /** Why the file that is there now cannot be used. */
  #wrong: string | undefined;
  #wanted = false;
  #over = false;

  constructor(o: ReloadOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  get wrong(): string | undefined {
    return this.#wrong;
  }

  start(): void {
    this.#loop.start(() => this.#turn(), lookMs);
  }

  /** Credentials may be others, too: it begins anew also with the same destinations. */
  ask(): void {
    this.#wanted = true;
    this.#loop.nudge();
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  async #turn(): Promise<number> {
    const { file, bytesMax, inForce, log, changed } = this.#o;
    if (this.#over) return lookMs;
    const wanted = this.#wanted;
    this.#wanted = false;
    let wrong: string | undefined;
    try {
      const text = await readTextBounded(file, bytesMax);
      readDestinations(text);
      if (!wanted && hashOf(text) === inForce) {
        this.#wrong = undefined;
        return lookMs;
      }
    } catch (error) {
      wrong = error instanceof TypeError ? error.message : asSallyportError(error).message;
    }
    if (wrong === undefined) {
      this.#over = true;
      changed();
    } else if (wrong !== this.#wrong || wanted) {
      log.warn({ component: 'courier', code: 'SP_COURIER_CONFIG', reason: wrong }, 'the file of destinations is wrong; the one before stays in force');
    }
    this.#wrong = wrong;
    return lookMs;
  }
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
