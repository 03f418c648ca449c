/** The page of a hub in a case: its owner, visitors from many addresses of loopback, and what they do to it. */
import { readFile, readdir } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import WebSocket from 'ws';
import type { ReplyOf } from '../../../src/api/contract.ts';
import { callHub } from '../../../src/cli/control.ts';
import { AheadClock, Browser, makeOwner, type Owned } from '../../api/pagekit.ts';
import { quickConfig, type SiteOptions, type TestSite } from '../../e2e/site.ts';
import type { FaultRun } from '../fault.ts';
import { holesIn } from './audit.ts';
import { withSite } from './faultsite.ts';
import { untilAllSeal } from './hub.ts';

export interface PageOfSite {
  readonly base: string;
  readonly plain: string;
  readonly securePort: number;
  readonly plainPort: number;
  readonly owner: Owned;
  browser(from?: string): Browser;
}

/** A hub that records, whose owner came by the page. */
export function withPage<T>(run: FaultRun, options: SiteOptions & { cameras?: number }, use: (site: TestSite, page: PageOfSite) => Promise<T>): Promise<T> {
  return withSite(run, { config: quickConfig(), ...options, owner: false, adopt: false }, async (site) => {
    const { base, plain } = await doorsOf(site);
    const browser = (from?: string): Browser => new Browser(base, undefined, from);
    const owner = await makeOwner({ browser, pair: () => pair(site), clock: new AheadClock() });
    await Promise.all(site.cameras.map((camera) => site.adopt(camera)));
    await untilAllSeal(run, site);
    return use(site, { base, plain, securePort: Number(new URL(base).port), plainPort: Number(new URL(plain).port), owner, browser });
  });
}

export function pair(site: TestSite): Promise<ReplyOf<'pair'>> {
  return callHub(join(site.data, 'control.sock'), 'pair', {});
}

export async function doorsOf(site: TestSite): Promise<{ base: string; plain: string }> {
  const { urls } = (await pair(site)).page;
  return { base: urls.find((url) => url.startsWith('https://127.0.0.1')) ?? '', plain: urls.find((url) => url.startsWith('http://')) ?? '' };
}

/** One of `count` visitors, no more than 50 of them at an address. */
export function addressOf(n: number): string {
  return `127.77.${Math.floor(n / 50)}.1`;
}

/** A connection by TCP, or by TLS where `secure`. */
export function enterPage(page: Pick<PageOfSite, 'securePort' | 'plainPort'>, o: { from: string; secure: boolean }, behave: (socket: Socket) => void): Socket {
  const to = { host: '127.0.0.1', localAddress: o.from };
  const socket = o.secure
    ? tlsConnect({ ...to, port: page.securePort, rejectUnauthorized: false, servername: 'localhost' }, () => behave(socket))
    : createConnection({ ...to, port: page.plainPort }, () => behave(socket));
  socket.on('error', () => {});
  return socket;
}

export interface Watcher {
  readonly socket: WebSocket;
  readonly opened: Promise<boolean>;
  /** The code it was closed with. */
  readonly closed: Promise<number>;
  received(): { readonly messages: number; readonly bytes: number };
}

/** Somebody who watches a camera. */
export function watchLive(browser: Browser, camera: string, o: { from?: string; stream?: 'main' | 'sub'; pongs?: boolean } = {}): Watcher {
  const socket = new WebSocket(`${browser.base.replace('https', 'wss')}/api/v1/live?camera=${camera}&stream=${o.stream ?? 'main'}`, {
    rejectUnauthorized: false, origin: browser.origin, autoPong: o.pongs !== false, ...(o.from === undefined ? {} : { localAddress: o.from }), headers: browser.cookie === undefined ? {} : { cookie: browser.cookie },
  });
  const got = { messages: 0, bytes: 0 };
  socket.on('error', () => {});
  socket.on('message', (data, isBinary) => {
    if (!isBinary) return;
    got.messages++;
    got.bytes += (data as Buffer).length;
  });
  const closed = new Promise<number>((resolve) => { socket.on('close', resolve); });
  const opened = Promise.race([new Promise<boolean>((resolve) => { socket.on('open', () => resolve(true)); }), closed.then(() => false)]);
  return { socket, opened, closed, received: () => ({ ...got }) };
}

export async function rssBytes(site: TestSite): Promise<number> {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${site.hub?.pid}/status`, 'latin1'))?.[1] ?? 0) * 1024;
}

export async function descriptors(site: TestSite): Promise<number> {
  return (await readdir(`/proc/${site.hub?.pid}/fd`)).length;
}

export async function gapCount(site: TestSite): Promise<number> {
  return (await site.list()).gaps.length;
}

/** What recording missed since there were so many gaps. */
export async function missedSince(site: TestSite, gapsBefore: number): Promise<string[]> {
  const rows = await site.list();
  return [...holesIn(rows).map((hole) => `unexplained: ${hole}`), ...rows.gaps.slice(gapsBefore).map(({ camera, reason, fromMs, toMs }) => `${camera} has a gap of ${((toMs - fromMs) / 1000).toFixed(1)} s: ${reason}`)];
}
