/**
 * Knows which cameras are on the network while the hub runs: hears who comes and goes, asks when somebody wants to know, and keeps the
 * census of both, with when each was last heard. Bounded; forgets whom it heard longest ago. What is adopted is not its business.
 */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { Census, discover, type FoundCamera, type HeardCamera, type LeftOut } from '../cameras/discovery.ts';
import { Listening } from '../cameras/listening.ts';
import type { HubConfig } from '../policy/settings.ts';

export interface ListenOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: () => HubConfig['discovery'];
  /** Somebody came to the network. */
  readonly onHello?: () => void;
}

const hellosMax = 256;

export class ListenDuty {
  readonly #o: ListenOptions;
  readonly #census: Census;
  readonly #listening: Listening;
  readonly #stop = new AbortController();
  /** By address, the latest last. */
  readonly #hellos = new Map<string, number>();

  constructor(o: ListenOptions) {
    this.#o = o;
    this.#census = new Census({ running: o.clock });
    this.#listening = new Listening({ ...o, census: this.#census, onHello: (address) => this.#hear(address) });
  }

  start(): void {
    this.#listening.start();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#listening.close();
  }

  /** When somebody at this address last said Hello, monotonic. */
  helloMs(address: string): number | undefined {
    return this.#hellos.get(address);
  }

  /** All that were heard of since the hub started, the latest first. */
  get heard(): readonly HeardCamera[] {
    return this.#census.heard();
  }

  /** Asks everybody, or each address of a range. SP_DISCOVERY, SP_RANGE. */
  search(durationMs: number, range?: string): Promise<{ found: FoundCamera[]; leftOut: LeftOut[] }> {
    const { clock, log, settings } = this.#o;
    const { loopback, interfaces } = settings();
    this.#listening.nudge();
    return discover({ clock, log, loopback, durationMs, keeper: this.#census, signal: this.#stop.signal, ...(interfaces.length === 0 ? {} : { interfaces }), ...(range === undefined ? {} : { range }) });
  }

  #hear(address: string): void {
    this.#hellos.delete(address);
    this.#hellos.set(address, this.#o.clock.monotonicMs());
    const [oldest] = this.#hellos.keys();
    if (this.#hellos.size > hellosMax && oldest !== undefined) this.#hellos.delete(oldest);
    this.#o.onHello?.();
  }
}
