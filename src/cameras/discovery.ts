/**
 * The cameras' network: finding cameras, and talking ONVIF to those that were adopted.
 *
 * Owns: multicast sockets on the site's interfaces (WS-Discovery, mDNS), for the time of a search and for listening while the hub runs
 * (listening.ts), and one HTTP connection per question to an adopted camera (transport.ts). It alone imports `onvif` (onvif.ts) and `bonjour-service` (mdns.ts).
 * May touch: the local network. Knows no file and no database; credentials are lent to it per client.
 * Must never: connect to anything because of a datagram; send credentials anywhere but to the adopted address; follow a redirect;
 * log or throw a password or a digest. Every byte from the network is a stranger's: bounded, parsed in a try of its own, left out with a reason.
 *
 * docs/ARCHITECTURE.md tells where this room stands in the house, docs/THREAT_MODEL.md what cameras are trusted with.
 */
import type { Clock } from '../base/clock.ts';
import { SallyportError, reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { isInNetwork, type LocalInterface } from './addresses.ts';
import { Census, type FoundCamera, type LeftOut, type Source } from './census.ts';
import { localInterfaces } from './interfaces.ts';
import { plainWord } from './charset.ts';
import { browseInterface } from './mdns.ts';
import { readRange } from './range.ts';
import { probeAddresses, probeInterface } from './wsdiscovery.ts';

export { Census, type FoundCamera, type HeardCamera, type LeftOut, type Source } from './census.ts';

export interface DiscoverOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Also looks on 127.0.0.0/8, where emulated cameras are. */
  readonly loopback: boolean;
  /** Names or addresses of interfaces; all when absent. Loopback needs `loopback` in any case. */
  readonly interfaces?: readonly string[];
  readonly durationMs: number;
  /** Ends the search early; what was found until then is returned. */
  readonly signal?: AbortSignal;
  /** Once for each camera, as soon as it is known; the result may know more of it. */
  readonly onFound?: (camera: FoundCamera) => void;
  /** Learns all that the search hears, too. */
  readonly keeper?: Census;
  /** Each of these addresses is asked by itself, and nobody else; `durationMs` counts from the last question. */
  readonly range?: string;
}

const interfacesMax = 32;

/**
 * Looks for cameras on every interface by WS-Discovery and mDNS, for `durationMs`. SP_DISCOVERY when no interface could be used;
 * an interface that cannot is told in `leftOut` while others can.
 */
export async function discover(o: DiscoverOptions): Promise<{ found: FoundCamera[]; leftOut: LeftOut[] }> {
  if (o.range !== undefined) return discoverRange(o, o.range);
  const interfaces = chooseInterfaces(localInterfaces(), o);
  const census = new Census({ onFound: o.onFound });
  const end = new AbortController();
  const stop = (): void => end.abort();
  o.signal?.addEventListener('abort', stop, { once: true });
  if (o.signal?.aborted === true) stop();
  try {
    const searches = interfaces.flatMap((local) => searchesOf(local, census, o, end.signal));
    const settled = Promise.all(searches.map(({ done }) => done));
    const failures = settled.then((reasons) => reasons.filter((reason) => reason !== undefined));
    // Ends at the time, or at once when nothing can be searched.
    const usable = Promise.race([o.clock.sleep(o.durationMs, end.signal).catch(() => {}), failures.then(() => {})]);
    await usable;
    stop();
    const broken = await failures;
    const reason = broken[0];
    if (reason !== undefined && broken.length === searches.length) {
      throw new SallyportError('SP_DISCOVERY', { interface: interfaces.map(({ name }) => name).join(', '), reason });
    }
    return census.result();
  } finally {
    stop();
    o.signal?.removeEventListener('abort', stop);
  }
}

/** SP_RANGE when it must not be searched, SP_DISCOVERY when it cannot. */
async function discoverRange(o: DiscoverOptions, text: string): Promise<{ found: FoundCamera[]; leftOut: LeftOut[] }> {
  const interfaces = localInterfaces();
  const range = readRange(text, { interfaces, loopback: o.loopback });
  if (typeof range === 'string') throw new SallyportError('SP_RANGE', { range: plainWord(text) ?? '', reason: range });
  const census = new Census({ onFound: o.onFound });
  const interfaceOf = (address: string): string => interfaces.find((local) => isInNetwork(address, local))?.name ?? 'router';
  try {
    await probeAddresses({
      addresses: range.addresses, loopback: o.loopback, clock: o.clock, signal: o.signal ?? new AbortController().signal, listenMs: o.durationMs,
      onMatch: (match) => {
        census.addMatch(match, interfaceOf(match.address));
        o.keeper?.addMatch(match, interfaceOf(match.address));
      },
      onLeftOut: (sender, reason) => census.leaveOut(sender, 'ws-discovery', reason),
    });
  } catch (error) {
    throw new SallyportError('SP_DISCOVERY', { interface: range.text, reason: reasonOf(error) }, error);
  }
  return census.result();
}

/** The interfaces on which cameras are looked for. */
export function usableInterfaces(all: readonly LocalInterface[], o: { readonly loopback: boolean; readonly interfaces?: readonly string[] | undefined }): LocalInterface[] {
  const wanted = o.interfaces;
  return all
    .filter((local) => !local.internal || (o.loopback && local.address === '127.0.0.1'))
    .filter((local) => wanted === undefined || wanted.includes(local.name) || wanted.includes(local.address))
    .slice(0, interfacesMax);
}

function chooseInterfaces(all: readonly LocalInterface[], o: DiscoverOptions): LocalInterface[] {
  const wanted = o.interfaces;
  const chosen = usableInterfaces(all, o);
  if (chosen.length > 0) return chosen;
  throw new SallyportError('SP_DISCOVERY', {
    interface: wanted?.join(', ') ?? 'any interface',
    reason: wanted === undefined ? 'this machine has no IPv4 network' : `this machine has ${[...new Set(all.map(({ name }) => name))].join(', ')}`,
  });
}

/** Each resolves with undefined, or with the reason for which its interface cannot be used. */
function searchesOf(local: LocalInterface, census: Census, o: DiscoverOptions, signal: AbortSignal): { done: Promise<string | undefined> }[] {
  const { clock, log } = o;
  const { name } = local;
  const common = { local, clock, signal, loopback: local.internal && o.loopback };
  const probe = probeInterface({
    ...common,
    onMatch: (match) => {
      census.addMatch(match, name);
      o.keeper?.addMatch(match, name);
    },
    onLeftOut: (sender, reason) => census.leaveOut(sender, 'ws-discovery', reason),
  });
  const browse = browseInterface({
    ...common,
    log,
    onHint: (hint) => {
      census.addHint(hint, name);
      o.keeper?.addHint(hint, name);
    },
    onLeftOut: (sender, reason) => census.leaveOut(sender, 'mdns', reason),
  });
  const guard = (source: Source, search: Promise<void>): { done: Promise<string | undefined> } => ({
    done: search.then(() => undefined, (error: unknown) => {
      log.warn({ component: 'discovery', interface: name, source, reason: reasonOf(error) }, 'cameras cannot be looked for on an interface');
      census.leaveOut(name, source, `it cannot be used: ${reasonOf(error)}`);
      return reasonOf(error);
    }),
  });
  return [guard('ws-discovery', probe), guard('mdns', browse)];
}
