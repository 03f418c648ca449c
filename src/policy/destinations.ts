/**
 * The courier's own small file: where things may go, each with its purpose. The hub writes it after the owner's yes; what is not in it is no
 * destination. It holds no secret. Pure: what a file must look like, and what it means.
 */
import { list, maybe, oneOf, table, text, variants, whole, yesNo, type Check, type Checked } from '../base/closed.ts';
import { minuteOfDay, type DayHours } from './sending.ts';
import { noticeMessageKinds } from './noticing.ts';

const name = text(/^[a-z0-9][a-z0-9-]{0,39}$/);
/** In the owner's plain words, for the ledger and the page. */
const purpose = text(/^[^\p{C}]{1,200}$/u);
const path = text(/^(?!.*\/\.\.(?:\/|$))\/[^\p{C}]{0,1000}$/u, 1001);
const pin = text(/^[0-9a-f]{64}$/);
const topic = text(/^[a-z0-9_-]{1,40}(\/[a-z0-9_-]{1,40}){0,3}$/);
const hoursText = text(/^\d\d:\d\d-\d\d:\d\d$/);

const hours: Check<DayHours> = (value, at) => {
  const [from, until] = hoursText(value, at).split('-').map((part) => minuteOfDay(part));
  if (from === undefined || until === undefined) throw new TypeError(`${at} has no time of day`);
  return { from, until };
};

/** HTTPS to anywhere; plain HTTP to this machine alone, where nobody listens on the way. No user info, no question, no fragment. */
const address: Check<URL> = (value, at) => {
  const written = text(/^https?:\/\/[!-~]+$/, 500)(value, at);
  const url = URL.parse(written);
  if (url === null || url.username !== '' || url.password !== '' || /[?#]/.test(written)) throw new TypeError(`${at} is no address that can be used (no user, no password, nothing behind the path)`);
  if (!isPlain(url, written)) throw new TypeError(`${at} ${notPlain}`);
  if (url.protocol === 'http:' && !isHere(url)) throw new TypeError(`${at} must begin with https://: what is said there could be read on the way`);
  return url;
};

/** MQTT with TLS to anywhere; without, to this machine alone. */
const broker: Check<URL> = (value, at) => {
  const written = text(/^mqtts?:\/\/[!-~]+$/, 500)(value, at);
  const url = URL.parse(written);
  if (url === null || url.hostname === '' || url.username !== '' || url.password !== '' || /[?#]/.test(written) || !['', '/'].includes(url.pathname)) throw new TypeError(`${at} is no address of a broker that can be used (no user, no password, nothing behind the port)`);
  if (!isPlain(url, written)) throw new TypeError(`${at} ${notPlain}`);
  if (url.protocol === 'mqtt:' && !isHere(url)) throw new TypeError(`${at} must begin with mqtts://: what is said there could be read on the way`);
  return url;
};

const notPlain = 'is not written as it is used: host, port or path are short for others, or hidden (no percent sign or odd number in the host, no dot at its end, no port 0, no /../)';

/** What an owner reads, and says yes to, is the very place that things go to: nothing in it is short for something else. */
function isPlain(url: URL, written: string): boolean {
  const [, authority = '', path = ''] = /^\w+:\/\/([^/]*)(.*)$/.exec(written) ?? [];
  const host = url.port === '' ? authority.replace(/:\d+$/, '') : authority;
  // Of an address that is not the web's the host is taken as it stands: it must be one that the web takes, too.
  return host.toLowerCase() === url.host.toLowerCase() && !url.hostname.endsWith('.') && url.port !== '0' && (url.pathname === path || (path === '' && url.pathname === '/')) && URL.parse(`https://${url.hostname}/`)?.hostname === url.hostname.toLowerCase();
}

function isHere({ hostname }: URL): boolean {
  return /^(127(\.\d+){3}|\[::1\]|localhost)$/.test(hostname);
}

/** Of an HTTP proxy (CONNECT), which a broker is reached through, too: a host and a port alone. What goes through it is TLS with the destination, so it may stand on the way; its own login is read by whoever listens before it. */
const proxy: Check<URL> = (value, at) => {
  const written = text(/^http:\/\/[A-Za-z0-9.[\]:-]+:\d{1,5}\/?$/, 300)(value, at);
  const url = URL.parse(written);
  if (url === null || url.username !== '' || url.pathname !== '/' || !isPlain(url, written)) throw new TypeError(`${at} is no proxy; write http://HOST:PORT`);
  return url;
};

const every = { name, purpose };
const far = { ...every, url: address, pin: maybe(pin), ca: maybe(path), proxy: maybe(proxy) };
const upload = { limit_bytes_per_second: maybe(whole(1024, 2 ** 40)), hours: maybe(list(hours, 8)), lanes: maybe(whole(1, 8)) };
const noticed = { group_seconds: maybe(whole(0, 3600)), per_hour: maybe(whole(1, 1000)), quiet: maybe(list(hours, 8)), urgent: maybe(list(oneOf(noticeMessageKinds), noticeMessageKinds.length)) };

const kinds = variants('kind', {
  folder: table({ ...every, ...upload, kind: oneOf(['folder']), path, mount: maybe(yesNo) }),
  webdav: table({ ...far, ...upload, kind: oneOf(['webdav']), read_back: maybe(yesNo) }),
  s3: table({ ...far, ...upload, kind: oneOf(['s3']), bucket: text(/^[a-z0-9][a-z0-9.-]{1,62}$/), region: maybe(text(/^[a-z0-9-]{1,40}$/)), prefix: maybe(text(/^([a-z0-9-]{1,40}\/){0,4}$/)), read_back: maybe(yesNo) }),
  ntfy: table({ ...far, ...noticed, kind: oneOf(['ntfy']) }),
  webhook: table({ ...far, ...noticed, kind: oneOf(['webhook']) }),
  /** `topic`: what all of its topics begin with; `discovery`: where Home Assistant looks, empty where nobody does; `commands`: whether orders are taken from there. */
  mqtt: table({ ...every, ...noticed, kind: oneOf(['mqtt']), url: broker, pin: maybe(pin), ca: maybe(path), proxy: maybe(proxy), topic: maybe(topic), discovery: maybe(text(/^([a-z0-9_-]{1,40}(\/[a-z0-9_-]{1,40}){0,3})?$/)), commands: maybe(yesNo) }),
});
export type Destination = Checked<typeof kinds>;

export const destinationSchema: Check<Destination> = (value, at) => {
  const destination = kinds(value, at);
  if ('url' in destination && proxyOf(destination) !== undefined && !['https:', 'mqtts:'].includes(destination.url.protocol)) throw new TypeError(`${at === '' ? '' : `${at}.`}url must begin with https:// or mqtts:// where there is a proxy: the proxy could read what is said`);
  return destination;
};

/** So many there may be. */
export const destinationsMax = 16;
const fileSchema = table({ v: oneOf([1]), destinations: list(destinationSchema, destinationsMax) });

/** TypeError names what is wrong. */
export function readDestinations(json: string): readonly Destination[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new TypeError('it is no JSON');
  }
  const { destinations } = fileSchema(value, '');
  const names = destinations.map((destination) => destination.name);
  const twice = names.find((one, index) => names.indexOf(one) !== index);
  if (twice !== undefined) throw new TypeError(`two destinations are called ${twice}`);
  return destinations;
}

const usualPorts: Readonly<Record<string, number>> = { 'https:': 443, 'http:': 80, 'mqtts:': 8883, 'mqtt:': 1883 };

export function portOf({ port, protocol }: URL): number {
  return port === '' ? usualPorts[protocol] ?? 0 : Number(port);
}

/** The TCP ports that the courier connects to; names are asked for on 53 where an answer is long. */
export function portsOf(destinations: readonly Destination[]): number[] {
  const ports = doorsOf(destinations).map(portOf);
  return [...new Set(ports.length === 0 ? [] : [53, ...ports])].toSorted((a, b) => a - b);
}

/** Hosts that it connects to: its proxies, and destinations without one. */
export function hostsOf(destinations: readonly Destination[]): string[] {
  return [...new Set(doorsOf(destinations).map(({ hostname }) => hostname.replaceAll(/^\[|\]$/g, '')))].toSorted();
}

/** What it is reached through. */
export function proxyOf(destination: Destination): URL | undefined {
  return 'proxy' in destination ? destination.proxy : undefined;
}

function doorsOf(destinations: readonly Destination[]): URL[] {
  return destinations.flatMap((destination) => ('url' in destination ? [proxyOf(destination) ?? destination.url] : []));
}

/** What the courier reads and writes besides its own folders. */
export function placesOf(destinations: readonly Destination[]): { readonly reads: string[]; readonly writes: string[] } {
  return {
    reads: destinations.flatMap((destination) => ('ca' in destination && destination.ca !== undefined ? [destination.ca] : [])),
    writes: destinations.flatMap((destination) => (destination.kind === 'folder' ? [destination.path] : [])),
  };
}
