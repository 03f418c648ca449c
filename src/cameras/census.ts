/** Who is there: both sources merged, each camera once; of one search, or of all that was heard while the hub runs. Pure but for the callback. */
import { createHash } from 'node:crypto';
import { compareAddresses } from './addresses.ts';
import type { Hint } from './mdns.ts';
import { faultReason, strayReason, type Match } from './probematch.ts';

export type Source = 'ws-discovery' | 'mdns';

export interface FoundCamera {
  /** Eight hexadecimal digits; the same camera at the same address has the same id in each search. */
  readonly id: string;
  readonly address: string;
  /** Of the device service. */
  readonly port: number;
  readonly path: string;
  /** It answers by HTTPS only. */
  readonly secure: boolean;
  /** What the camera calls itself; not unique in the world (every Tapo says the same). */
  readonly urn: string | undefined;
  readonly name: string | undefined;
  readonly model: string | undefined;
  readonly sources: Source[];
  /** The interface of this machine on which it answered. */
  readonly interface: string;
  readonly xaddrs: string[];
  readonly adoptable: boolean;
  readonly note: string | undefined;
  /** What it claims to be its hardware address; anybody can claim it. */
  readonly hardware: string | undefined;
}

/** One that was heard of at some time. */
export interface HeardCamera extends FoundCamera {
  /** Monotonic. */
  readonly heardMs: number;
  /** It said goodbye, or somebody did in its name. */
  readonly gone: boolean;
}

/** An answer that led to no camera, and why. */
export interface LeftOut {
  readonly from: string;
  readonly source: Source;
  readonly reason: string;
}

const camerasMax = 256;
const leftOutMax = 256;

interface Entry {
  readonly address: string;
  readonly interface: string;
  match: Match | undefined;
  hint: Hint | undefined;
  heardMs: number;
  gone: boolean;
}

export interface CensusOptions {
  /** Once for each camera, as soon as it is known. */
  readonly onFound?: ((camera: FoundCamera) => void) | undefined;
  /** Goes on without end: knows when each was last heard, and when it is full forgets whom it heard longest ago. */
  readonly running?: { readonly monotonicMs: () => number };
}

/** While it runs, so many of one address: one sender cannot push out all others. */
const perAddressMax = 16;

export class Census {
  #entries: Entry[] = [];
  readonly #leftOut = new Map<string, LeftOut>();
  readonly #o: CensusOptions;

  constructor(o: CensusOptions = {}) {
    this.#o = o;
  }

  addMatch(match: Match, interfaceName: string): void {
    const here = this.#entries.filter((entry) => entry.address === match.address);
    const known = here.find((entry) => entry.match !== undefined && entry.match.port === match.port && entry.match.urn === match.urn)
      ?? here.find((entry) => entry.match === undefined && (entry.hint?.onvif === undefined || entry.hint.onvif.port === match.port || entry.hint.onvif.assumed));
    if (known === undefined) this.#enter({ address: match.address, interface: interfaceName, match, hint: undefined });
    else {
      // In a search the first answer stands, so that what was told of it stays true; later what it says now counts.
      if (known.match === undefined || this.#o.running !== undefined) known.match = match;
      this.#hear(known);
    }
  }

  addHint(hint: Hint, interfaceName: string): void {
    const known = this.#entryOf(hint);
    if (known === undefined) this.#enter({ address: hint.address, interface: interfaceName, match: undefined, hint });
    else {
      known.hint = known.hint === undefined ? hint : mergeHints(known.hint, hint);
      this.#hear(known);
    }
  }

  /** By WS-Discovery. */
  addBye(address: string, urn: string): void {
    for (const entry of this.#entries) if (entry.address === address && urnOf(entry) === urn) entry.gone = true;
  }

  /** By mDNS; one that also answered WS-Discovery says its goodbye there. */
  addGone(hint: Hint): void {
    const entry = this.#entryOf(hint);
    if (entry !== undefined && entry.match === undefined) entry.gone = true;
  }

  /** All that was heard of, the latest first. */
  heard(): HeardCamera[] {
    return this.#entries.map((entry) => ({ ...this.#describe(entry), heardMs: entry.heardMs, gone: entry.gone })).sort((a, b) => b.heardMs - a.heardMs);
  }

  leaveOut(from: string, source: Source, reason: string): void {
    const key = `${source} ${from} ${reason}`;
    if (!this.#leftOut.has(key) && this.#leftOut.size < leftOutMax) this.#leftOut.set(key, { from, source, reason });
  }

  /** Sorted by address and port. */
  result(): { found: FoundCamera[]; leftOut: LeftOut[] } {
    const found = this.#entries.map((entry) => this.#describe(entry)).sort((a, b) => compareAddresses(a.address, b.address) || a.port - b.port);
    // No news of one that was found: the question is asked in two forms, and cameras that understand one of them answer the other with a
    // fault; it leaves by every interface, and one of them may reach a camera that is at home on another.
    const answered = new Set(found.map(({ address }) => address));
    return { found, leftOut: [...this.#leftOut.values()].filter(({ from, reason }) => !(answered.has(from) && (reason === faultReason || reason.startsWith(strayReason)))) };
  }

  #entryOf(hint: Hint): Entry | undefined {
    const here = this.#entries.filter((entry) => entry.address === hint.address);
    return hint.onvif === undefined || hint.onvif.assumed ? here[0] : here.find((entry) => {
      const port = entry.match?.port ?? entry.hint?.onvif?.port;
      return port === undefined || port === hint.onvif?.port || (entry.match === undefined && entry.hint?.onvif?.assumed === true);
    });
  }

  #hear(entry: Entry): void {
    entry.heardMs = this.#o.running?.monotonicMs() ?? 0;
    entry.gone = false;
  }

  #enter(fresh: Omit<Entry, 'heardMs' | 'gone'>): void {
    if (this.#o.running !== undefined) this.#makeRoom(fresh.address);
    if (this.#entries.length >= camerasMax) {
      this.leaveOut('the network', fresh.match === undefined ? 'mdns' : 'ws-discovery', `more than ${camerasMax} cameras answered`);
      return;
    }
    const entry: Entry = { ...fresh, heardMs: 0, gone: false };
    this.#hear(entry);
    this.#entries.push(entry);
    this.#o.onFound?.(this.#describe(entry));
  }

  #makeRoom(address: string): void {
    const here = this.#entries.filter((entry) => entry.address === address);
    const crowd = here.length >= perAddressMax ? here : this.#entries.length >= camerasMax ? this.#entries : [];
    const [first, ...others] = crowd;
    if (first === undefined) return;
    const oldest = others.reduce((oldest, entry) => (entry.heardMs < oldest.heardMs ? entry : oldest), first);
    this.#entries = this.#entries.filter((entry) => entry !== oldest);
  }

  #describe(entry: Entry): FoundCamera {
    const { address, match, hint } = entry;
    const urn = urnOf(entry);
    const note = noteOf(entry) ?? this.#twinNote(entry, urn);
    return {
      id: createHash('sha256').update(urn === undefined ? `mdns|${address}` : `${urn}|${address}`).digest('hex').slice(0, 8),
      address,
      port: match?.port ?? hint?.onvif?.port ?? 80,
      path: match?.path ?? hint?.onvif?.path ?? '/onvif/device_service',
      secure: match?.secure === true,
      urn,
      name: match?.name ?? hint?.name,
      model: match?.model,
      sources: [...(match === undefined ? [] : ['ws-discovery' as const]), ...(hint === undefined ? [] : ['mdns' as const])],
      interface: entry.interface,
      xaddrs: match?.xaddrs ?? [],
      adoptable: match !== undefined || hint?.onvif !== undefined,
      note,
      hardware: match?.hardware ?? hint?.hardware,
    };
  }

  /** One camera by cable and by radio, or a make that gives all its cameras one identity: told, never merged. */
  #twinNote(entry: Entry, urn: string | undefined): string | undefined {
    if (urn === undefined) return undefined;
    const twin = this.#entries.find((other) => other !== entry && other.address !== entry.address && urnOf(other) === urn);
    return twin === undefined ? undefined : `says it is the same as ${twin.address}`;
  }
}

function urnOf({ match, hint }: Entry): string | undefined {
  return match?.urn ?? hint?.urn;
}

function noteOf({ match, hint }: Entry): string | undefined {
  if (match !== undefined) return match.secure ? 'it answers by HTTPS only' : undefined;
  if (hint?.onvif === undefined) return 'announces a stream; where its ONVIF is, is not known';
  return hint.onvif.assumed ? 'its ONVIF address is assumed' : undefined;
}

function mergeHints(a: Hint, b: Hint): Hint {
  const onvif = a.onvif === undefined || (a.onvif.assumed && b.onvif !== undefined) ? b.onvif : a.onvif;
  return { address: a.address, onvif, urn: a.urn ?? b.urn, name: a.name ?? b.name, hardware: a.hardware ?? b.hardware };
}
