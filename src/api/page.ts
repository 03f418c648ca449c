/**
 * The page's door: HTTPS for the network, plain HTTP for this machine itself. It opens after recording has begun, and nothing that goes wrong
 * here touches recording: a port that is taken, a certificate that cannot be read, a crowd. What is wrong is said, and tried again.
 */
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import type { Clock } from '../base/clock.ts';
import { SallyportError, asSallyportError, reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import type { AccountsDuty } from '../duties/accounts.ts';
import type { Notices } from '../duties/notices.ts';
import { WatchLog } from '../duties/watchlog.ts';
import { Crowd } from '../policy/crowd.ts';
import { vpnWarnings, waysOf } from '../policy/reachable.ts';
import type { PageConfig } from '../policy/settings.ts';
import type { Way } from '../policy/ways.ts';
import type { Vault } from '../vault/vault.ts';
import type { PageOperations, PageState, PairReply } from './contract.ts';
import { PageFiles } from './pagefiles.ts';
import type { DutyParts, PageSite } from './pagerooms.ts';
import { makeServer } from './pageroutes.ts';
import { PageSockets, type SocketPart } from './pagesockets.ts';
import { ownAddresses, reachOf, type Reach } from './reach.ts';
import { Certificates, namesAddress } from './tls.ts';

export type { AlarmsPart, PeoplePart, PlaybackPart, PrivacyPart } from './pagerooms.ts';
export { rangeOf, type SealedFile } from './pagesegments.ts';
export type { SocketPart } from './pagesockets.ts';

/** What other duties bring, for requests and for sockets. */
export interface PageParts extends DutyParts, SocketPart {}

export interface PageOptions {
  readonly config: PageConfig;
  readonly hubName: string;
  readonly accounts: AccountsDuty;
  readonly site: PageSite;
  readonly vault: Vault;
  readonly operations: () => PageOperations;
  readonly parts: PageParts;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the built page lies. */
  readonly folder: string;
}

/** Each browser that has what the page needs speaks it: Chrome since 70, Firefox since 63, Safari since 12.1. */
const versionMin = 'TLSv1.3';
const retryMs = 15 * secondMs;
/** Addresses come and go; certificates end. */
const lookEveryMs = minuteMs;
const connectionLimits = { max: 512, ofNetworkMax: 64, ofAccountMax: 64 };
/** Beyond what the crowd lets in: for those that leave, and are not gone yet. */
const connectionsMax = 640;
const headersMs = 10 * secondMs;
const requestMs = 30 * secondMs;
/** Nothing comes and nothing goes. Longer than the longest order takes, which is a search of a minute. */
const idleMs = 150 * secondMs;
const keepAliveMs = 30 * secondMs;
const headerBytesMax = 16 * 1024;
const waysMax = 32;
const requestsOfConnectionMax = 10_000;

export class Page {
  readonly #o: PageOptions;
  readonly #loop: Loop;
  readonly #certificates: Certificates;
  readonly #files: PageFiles;
  readonly #sockets: PageSockets;
  readonly #watchLog: WatchLog;
  /** By who is at the other end, and of those whoever is in stays. */
  readonly #connections = new Crowd<string>(connectionLimits);
  readonly #ends = new Map<string, Socket>();
  #reach: Reach;
  #ways: readonly Way[] = [];
  #https: FastifyInstance | undefined;
  #http: FastifyInstance | undefined;
  #problem: SallyportError | undefined;
  #opened = false;
  #turning: Promise<number> | undefined;

  constructor(o: PageOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
    this.#reach = reachOf(o.config.names);
    this.#certificates = new Certificates({ vault: o.vault, config: o.config, hubName: o.hubName, reach: () => this.#reach, clock: o.clock });
    this.#files = new PageFiles(o.folder, o.log);
    this.#watchLog = new WatchLog(o.vault, o.clock);
    this.#sockets = new PageSockets({ accounts: o.accounts, site: o.site, watchLog: this.#watchLog, parts: o.parts, clock: o.clock, log: o.log, reach: () => this.#reach, isIn: (request, account) => this.#connections.keep(endOf(request.socket), account) });
  }

  /** Resolves after the first try; it never fails. */
  async start(): Promise<void> {
    if (!this.#o.config.enabled) return;
    const waitMs = await this.#turn();
    this.#loop.start(() => this.#turn(), waitMs);
  }

  async close(): Promise<void> {
    this.#sockets.close();
    await this.#loop.close();
    await Promise.all([this.#https, this.#http].map((server) => server?.close()));
    // Should the disk take no line now, the next start makes it.
    await this.#watchLog.close().catch(() => {});
  }

  /** Cameras or their spaces are other ones now. */
  siteChanged(): void {
    this.#sockets.check();
  }

  /** Looks again now: a port may be free, a certificate may have been put there. Never fails. */
  async retry(): Promise<void> {
    await this.#turn();
  }

  get state(): Static<typeof PageState> {
    const { config, accounts } = this.#o;
    const { shown } = this.#certificates;
    const problem = this.#problem ?? shown?.problem;
    return {
      enabled: config.enabled, urls: this.#urls(), ...(this.#https === undefined ? {} : { ways: [...this.#ways] }),
      ...(this.#opened ? { state: accounts.state } : {}),
      ...(shown === undefined ? {} : { fingerprint: shown.fingerprint, words: [...shown.words], own: shown.own }),
      ...(problem === undefined ? {} : { problem: problem.toJSON() }),
    };
  }

  /** In words, for `status`. */
  get warnings(): string[] {
    const { shown } = this.#certificates;
    return [...(shown?.warning === undefined ? [] : [shown.warning]), ...(this.#https === undefined ? [] : vpnWarnings(this.#ways))];
  }

  /** For whoever runs the hub: with the one-time code, as long as there is no account. */
  pair(): Static<typeof PairReply> {
    const page = this.state;
    return page.state === 'new' ? { page, ...this.#o.accounts.first.show() } : { page };
  }

  /** Opens what is not open yet, and renews what grows old. Never rejects. */
  #turn(): Promise<number> {
    this.#turning ??= this.#open().finally(() => {
      this.#turning = undefined;
    });
    return this.#turning;
  }

  async #open(): Promise<number> {
    const { accounts, notices, log, config } = this.#o;
    try {
      if (!this.#opened) {
        await accounts.open();
        accounts.start();
        await this.#watchLog.open();
        await this.#files.load();
        this.#opened = true;
      }
      this.#reach = reachOf(config.names);
      const renewed = await this.#certificates.renew();
      if (renewed) this.#showCertificate();
      this.#ways = await this.#findWays();
      // One that cannot be opened keeps not the other one shut.
      const [https, http] = await Promise.allSettled([this.#https ?? this.#listenSecure(), this.#http ?? this.#listenHere()]);
      if (https.status === 'fulfilled') this.#https = https.value;
      if (http.status === 'fulfilled') this.#http = http.value;
      for (const opened of [https, http]) if (opened.status === 'rejected') throw opened.reason;
      this.#problem = undefined;
      notices.settle('page unreachable');
      // A disk that is away: the next look does it.
      await this.#watchLog.settle().catch(() => {});
      return lookEveryMs;
    } catch (error) {
      const problem = asSallyportError(error);
      if (this.#problem?.message !== problem.message) log.error({ component: 'page', code: problem.code }, `the page is not open: ${problem.message}`);
      this.#problem = problem;
      if (this.#https === undefined) notices.raise('page unreachable', problem.message);
      return retryMs;
    }
  }

  async #findWays(): Promise<readonly Way[]> {
    const certificate = this.#certificates.shown?.pair.certificate;
    return waysOf(await ownAddresses(), (address) => certificate !== undefined && namesAddress(certificate, address)).slice(0, waysMax);
  }

  #showCertificate(): void {
    const { shown } = this.#certificates;
    if (shown === undefined || this.#https === undefined) return;
    // Whatever is not named here again is as Node has it.
    (this.#https.server as unknown as HttpsServer).setSecureContext({ cert: shown.pair.certificate, key: shown.pair.key, minVersion: versionMin });
  }

  async #listenSecure(): Promise<FastifyInstance> {
    const { shown } = this.#certificates;
    if (shown === undefined) throw new SallyportError('SP_PAGE_CERTIFICATE', { reason: 'there is none' });
    const make = (): Promise<FastifyInstance> => this.#make({
      https: { cert: shown.pair.certificate, key: shown.pair.key, minVersion: versionMin, handshakeTimeout: headersMs, headersTimeout: headersMs, maxHeaderSize: headerBytesMax, connectionsCheckingInterval: 2000 },
    });
    const { port } = this.#o.config;
    // A machine without IPv6 has no `::`.
    return listen(await make(), '::', port).catch(async (error: unknown) => {
      if (!['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'].includes(codeOf(error))) throw taken(error, `port ${port}`);
      return listen(await make(), '0.0.0.0', port).catch((again: unknown) => {
        throw taken(again, `port ${port}`);
      });
    });
  }

  async #listenHere(): Promise<FastifyInstance> {
    const { httpPort } = this.#o.config;
    return listen(await this.#make({ http: { headersTimeout: headersMs, maxHeaderSize: headerBytesMax, connectionsCheckingInterval: 2000 } }), '127.0.0.1', httpPort).catch((error: unknown) => {
      throw taken(error, `127.0.0.1 port ${httpPort}`);
    });
  }

  async #make(options: object): Promise<FastifyInstance> {
    const { accounts, site, vault, operations, parts, clock, log } = this.#o;
    const server = await makeServer({
      accounts, site, vault, operations: operations(), watchLog: this.#watchLog, clock, log, reach: () => this.#reach, shown: () => this.#certificates.shown, files: this.#files,
      isIn: (request, account) => this.#connections.keep(endOf(request.socket), account),
      playback: parts.playback, alarms: parts.alarms, privacy: parts.privacy, people: parts.people, still: parts.still, logs: parts.logs,
    }, { ...options, requestTimeout: requestMs, connectionTimeout: idleMs, keepAliveTimeout: keepAliveMs, maxRequestsPerSocket: requestsOfConnectionMax, forceCloseConnections: true });
    const door = server.server as HttpServer;
    door.maxConnections = connectionsMax;
    door.on('connection', (socket: Socket) => this.#let(socket));
    door.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => void this.#sockets.upgrade(request, socket, head));
    return server;
  }

  /** Before anything of it is read. */
  #let(socket: Socket): void {
    const end = endOf(socket);
    const entered = this.#connections.enter(end, socket.remoteAddress ?? '');
    if (entered === 'full') {
      socket.destroy();
      return;
    }
    if (entered.leaves !== undefined) this.#ends.get(entered.leaves)?.destroy();
    this.#ends.set(end, socket);
    socket.once('close', () => {
      if (this.#ends.get(end) !== socket) return;
      this.#ends.delete(end);
      this.#connections.leave(end);
    });
  }

  #urls(): string[] {
    const secure = portOf(this.#https);
    const here = portOf(this.#http);
    const { names, addresses } = this.#reach;
    const hosts = [...names.filter((name) => name !== 'localhost'), ...addresses.filter((address) => !/^(127\.|::1$|fe80|169\.254\.)/.test(address)).map((address) => (address.includes(':') ? `[${address}]` : address)), '127.0.0.1'];
    return [
      ...(secure === undefined ? [] : hosts.map((host) => `https://${host}${secure === 443 ? '' : `:${secure}`}`)),
      ...(here === undefined ? [] : [`http://127.0.0.1:${here}`]),
    ];
  }
}

async function listen(server: FastifyInstance, host: string, port: number): Promise<FastifyInstance> {
  try {
    await server.listen({ host, port, ...(host === '::' ? { ipv6Only: false } : {}) });
    return server;
  } catch (error) {
    await server.close().catch(() => {});
    throw error;
  }
}

/** The same for a TLS socket and the one below it. */
function endOf({ remoteAddress, remotePort, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localPort}`;
}

function portOf(server: FastifyInstance | undefined): number | undefined {
  const address = server?.server.address();
  return typeof address === 'object' && address !== null ? address.port : undefined;
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}

function taken(error: unknown, address: string): SallyportError {
  if (error instanceof SallyportError) return error;
  return codeOf(error) === 'EADDRINUSE' ? new SallyportError('SP_PORT_TAKEN', { address }, error) : new SallyportError('SP_PAGE_OFF', { what: `the page on ${address} (${reasonOf(error)})` }, error);
}
