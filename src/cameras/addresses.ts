/** Where a camera may be, and where nothing that it says may lead. Pure: knows no socket and no clock. */
import { BlockList, isIPv4 } from 'node:net';
import { plainWord } from './charset.ts';

/** The device service of a camera. */
export interface CameraAddress {
  /** An IPv4 address, or a host name of the local network. */
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** By HTTPS; then nothing is asked by plain HTTP any more. */
  readonly secure?: boolean;
}

/** One IPv4 address of this machine. */
export interface LocalInterface {
  readonly name: string;
  readonly address: string;
  readonly netmask: string;
  /** Loopback. */
  readonly internal: boolean;
}

export const defaultPath = '/onvif/device_service';
const pathMax = 256;

/** Private and shared ranges (RFC 1918, 3927, 6598) and loopback: what a site uses inside. */
const siteRanges = rangesOf([['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['169.254.0.0', 16], ['100.64.0.0', 10], ['127.0.0.0', 8]]);
/** "This host", and the addresses that a camera gives itself when nobody gave it one: both stand for "where I answer from". */
const selfRanges = rangesOf([['0.0.0.0', 8], ['169.254.0.0', 16]]);
const loopbackRange = rangesOf([['127.0.0.0', 8]]);

function rangesOf(ranges: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [network, bits] of ranges) list.addSubnet(network, bits);
  return list;
}

export function isLoopback(address: string): boolean {
  return isIPv4(address) && loopbackRange.check(address);
}

/** Whether an address belongs to a site: a private range, or a network that this machine is in. */
export function isOfSite(address: string, interfaces: readonly LocalInterface[]): boolean {
  return isIPv4(address) && (siteRanges.check(address) || interfaces.some((local) => isInNetwork(address, local)));
}

export function isInNetwork(address: string, local: LocalInterface): boolean {
  if (!isIPv4(address)) return false;
  const mask = toNumber(local.netmask);
  return (toNumber(address) & mask) === (toNumber(local.address) & mask);
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, octet) => (sum << 8) | Number(octet), 0);
}

/** `00-1A-2B-3C-4D-5E` → `00:1a:2b:3c:4d:5e`; undefined for what is none, or nobody's alone (zeros, a group's). */
export function hardwareAddress(text: string | undefined): string | undefined {
  const digits = /^[0-9a-f]{2}(?:[:.-]?[0-9a-f]{2}){5}$/i.test(text ?? '') ? (text ?? '').replaceAll(/[:.-]/g, '').toLowerCase() : '';
  if (digits === '' || /^0+$/.test(digits) || (Number.parseInt(digits.slice(0, 2), 16) & 1) === 1) return undefined;
  return digits.replaceAll(/(..)(?=.)/g, '$1:');
}

/** For sorting: 10.0.0.9 before 10.0.0.10. */
export function compareAddresses(a: string, b: string): number {
  return (toNumber(a) >>> 0) - (toNumber(b) >>> 0);
}

export type XAddrVerdict =
  | { readonly accepted: true; readonly port: number; readonly path: string; readonly secure: boolean; readonly xaddrs: string[] }
  | { readonly accepted: false; readonly reason: string };

/**
 * Judges the XAddrs of a ProbeMatch (WS-Discovery 5.3, ONVIF Core 7.3) that came from `sender`. The address of the camera is always the
 * sender's: a datagram that names another host is left out, one that names no usable host (0.0.0.0, 169.254.x, fe80::) is taken to mean itself.
 * Plain HTTP is preferred, for that is what an adopted camera is asked by.
 */
export function judgeXAddrs(text: string, sender: string, o: { loopback: boolean }): XAddrVerdict {
  if (isLoopback(sender) && !o.loopback) return { accepted: false, reason: 'it is on this machine' };
  const words = text.split(/\s+/).filter((word) => word !== '').slice(0, 16);
  if (words.length === 0) return { accepted: false, reason: 'it names no address of its own (no XAddrs)' };
  const reasons: string[] = [];
  const usable: { url: URL; exact: boolean }[] = [];
  for (const word of words) {
    const url = URL.canParse(word) ? new URL(word) : undefined;
    const reason = url === undefined ? 'an address that is none' : refusalOf(url, sender);
    if (url === undefined || reason !== undefined) reasons.push(reason ?? '');
    else usable.push({ url, exact: url.hostname === sender });
  }
  const rank = (entry: { url: URL; exact: boolean }): number => (entry.url.protocol === 'http:' ? 0 : 2) + (entry.exact ? 0 : 1);
  const best = usable.sort((a, b) => rank(a) - rank(b))[0]?.url;
  if (best === undefined) return { accepted: false, reason: [...new Set(reasons)].join('; ') };
  const secure = best.protocol === 'https:';
  const port = best.port === '' ? (secure ? 443 : 80) : Number(best.port);
  return { accepted: true, port, path: best.pathname + best.search, secure, xaddrs: usable.map(({ url }) => withHost(url, sender)) };
}

function refusalOf(url: URL, sender: string): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `its address is ${plainWord(url.protocol, 16)} and not http:`;
  if (url.port === '0' || url.pathname.length + url.search.length > pathMax) return 'an address that cannot be used';
  if (url.hostname === sender) return undefined;
  if (url.hostname.startsWith('[')) return /^\[(?:fe[89ab][0-9a-f]:|::\])/.test(url.hostname) ? undefined : 'it has an IPv6 address only, which is not used';
  if (!isIPv4(url.hostname)) return 'it names itself by a host name';
  if (isLoopback(url.hostname)) return 'it points at this machine';
  return selfRanges.check(url.hostname) ? undefined : `it points at another host, ${url.hostname}`;
}

function withHost(url: URL, host: string): string {
  return `${url.protocol}//${host}${url.port === '' ? '' : `:${url.port}`}${url.pathname}${url.search}`;
}

/** Where one service of an adopted camera is reached. */
export interface Target extends CameraAddress {
  readonly secure: boolean;
}

export function deviceTarget(address: CameraAddress): Target {
  return { ...address, secure: address.secure === true };
}

/**
 * What a camera says about its own services, turned to the adopted address: the host is ours, port and path are its own. Where the
 * camera is reached through a forwarded port, the port that it believes its device service has stands for the one that we reach it by.
 * Of a camera that is reached by HTTPS a plain address means the same path by HTTPS: many name their plain addresses only.
 * Undefined for what is no HTTP address.
 */
export function adoptTarget(uri: string, adopted: CameraAddress, believedPort?: number): Target | undefined {
  const match = /^(https?):\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)(?::(\d{1,5}))?([/?][^#]*)?/i.exec(uri.trim());
  if (match === null) return undefined;
  const secure = match[1]?.toLowerCase() === 'https';
  const port = match[3] === undefined ? (secure ? 443 : 80) : Number(match[3]);
  if (port < 1 || port > 65_535) return undefined;
  const printed = printable(match[4] ?? '/');
  const path = printed.startsWith('/') ? printed : `/${printed}`;
  if (adopted.secure === true && !secure) return { host: adopted.host, port: adopted.port, path, secure: true };
  return { host: adopted.host, port: port === believedPort ? adopted.port : port, path, secure };
}

/**
 * An RTSP address turned to the adopted host, port and path as the camera gave them, user info taken out. What could break out of a
 * line or a quote is percent-encoded. Undefined for what is neither `rtsp:` nor `rtsps:`.
 */
export function adoptStreamUri(uri: string, adopted: CameraAddress): string | undefined {
  const match = /^(rtsps?):\/\/(?:[^/?#@]*@)?(?:\[[^\]]*\]|[^/?#:]*)(?::(\d{1,5}))?([/?].*)?$/is.exec(uri.trim());
  if (match === null || Number(match[2] ?? 554) < 1 || Number(match[2] ?? 554) > 65_535) return undefined;
  return `${match[1]?.toLowerCase()}://${adopted.host}${match[2] === undefined ? '' : `:${match[2]}`}${printable(match[3] ?? '/')}`;
}

/** Percent-encodes what is not printable ASCII, and quotes, blanks and backslashes. */
export function printable(text: string): string {
  return text.toWellFormed().replaceAll(/[^\u0021-\u007e]|["'\\<>`]/gu, (character) => encodeURIComponent(character).replace("'", '%27'));
}
