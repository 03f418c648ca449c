/**
 * Listens while the hub runs: to Hello and Bye, and to mDNS, which is asked again and again. Nothing that is heard is contacted.
 * Interfaces come and go (a cable, a radio, an address by DHCP): they are looked at each half minute, and who is new is listened on.
 */
import type { Clock } from '../base/clock.ts';
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import type { LocalInterface } from './addresses.ts';
import { usableInterfaces, type Census } from './discovery.ts';
import { localInterfaces } from './interfaces.ts';
import { browseInterface } from './mdns.ts';
import { hearInterface } from './wsdiscovery.ts';

export interface ListeningOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Read at each look, so that a changed configuration needs no restart. */
  readonly settings: () => { readonly loopback: boolean; readonly interfaces: readonly string[] };
  /** Learns what is heard. */
  readonly census: Census;
  /** Somebody came: it may be one that is missed. */
  readonly onHello?: (address: string) => void;
  /** The addresses of this machine; for tests. */
  readonly look?: () => LocalInterface[];
}

const lookEveryMs = 30_000;

interface Ear {
  readonly stop: AbortController;
  readonly done: Promise<unknown>;
}

export class Listening {
  readonly #o: ListeningOptions;
  readonly #loop: Loop;
  readonly #ears = new Map<string, Ear>();
  /** What was said to the log of an interface that cannot be used; once while it lasts. */
  readonly #deaf = new Map<string, string>();

  constructor(o: ListeningOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(() => this.#look());
  }

  /** Looks at the interfaces now. */
  nudge(): void {
    this.#loop.nudge();
  }

  /** The interfaces that are listened on. */
  get interfaces(): string[] {
    return [...this.#ears.keys()];
  }

  async close(): Promise<void> {
    await this.#loop.close();
    for (const { stop } of this.#ears.values()) stop.abort();
    await Promise.all([...this.#ears.values()].map(({ done }) => done));
  }

  #look(): number {
    const { loopback, interfaces } = this.#o.settings();
    const usable = usableInterfaces((this.#o.look ?? localInterfaces)(), { loopback, interfaces: interfaces.length === 0 ? undefined : interfaces });
    const wanted = new Map(usable.map((local) => [`${local.name} ${local.address}/${local.netmask}`, local]));
    for (const [key, ear] of this.#ears) if (!wanted.has(key)) ear.stop.abort();
    for (const [key, local] of wanted) if (!this.#ears.has(key)) this.#listen(key, local);
    for (const key of this.#deaf.keys()) if (!wanted.has(key)) this.#deaf.delete(key);
    return lookEveryMs;
  }

  #listen(key: string, local: LocalInterface): void {
    const { clock, log, census, onHello } = this.#o;
    const stop = new AbortController();
    const common = { local, clock, signal: stop.signal, loopback: local.internal };
    const hello = hearInterface({
      ...common,
      onHello: (address, match) => {
        if (match !== undefined) census.addMatch(match, local.name);
        onHello?.(address);
      },
      onBye: (address, urn) => census.addBye(address, urn),
    });
    const mdns = browseInterface({
      ...common, log,
      onHint: (hint) => census.addHint(hint, local.name),
      onLeftOut: () => {},
      keepLooking: { onGone: (hint) => census.addGone(hint) },
    });
    const all = Promise.all([hello, mdns]).then(() => this.#deaf.delete(key), (error: unknown) => this.#tell(key, local.name, reasonOf(error)));
    // What fails takes the other along: both begin anew at the next look.
    const done = all.finally(() => stop.abort()).then(() => Promise.allSettled([hello, mdns])).then(() => {
      if (this.#ears.get(key)?.stop === stop) this.#ears.delete(key);
    });
    this.#ears.set(key, { stop, done });
  }

  #tell(key: string, name: string, reason: string): void {
    if (this.#deaf.get(key) === reason) return;
    this.#deaf.set(key, reason);
    this.#o.log.warn({ component: 'discovery', interface: name, reason }, 'cameras that come or go are not heard on an interface');
  }
}
