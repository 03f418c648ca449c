/** A hub in this process with its page open, and visitors who ask it by HTTPS as browsers and scripts do. */
import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { PageOperations, ReplyOf } from '../../src/api/contract.ts';
import { Page, type PageOptions, type PageParts } from '../../src/api/page.ts';
import type { Login, Me } from '../../src/api/pagecontract.ts';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { SallyportError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { callHub } from '../../src/cli/control.ts';
import { AccountsDuty } from '../../src/duties/accounts.ts';
import { Notices } from '../../src/duties/notices.ts';
import { takeOwnerList } from '../../src/duties/owner.ts';
import { Hub } from '../../src/hub.ts';
import { Identity } from '../../src/seal/identity.ts';
import { makeOwnerList, type OwnerList } from '../../src/seal/owner.ts';
import type { HubConfig, PageConfig } from '../../src/policy/settings.ts';
import { Vault } from '../../src/vault/vault.ts';
import { camera as cameraConfig, hub as hubConfig } from '../policy/configs.ts';
import { recordFilm } from '../web/crypto/world.ts';

/** The real one, moved ahead by what a test says. */
export class AheadClock implements Clock {
  aheadMs = 0;
  wallMs(): number { return systemClock.wallMs() + this.aheadMs; }
  monotonicMs(): number { return systemClock.monotonicMs() + this.aheadMs; }
  sleep(ms: number, signal?: AbortSignal): Promise<void> { return systemClock.sleep(ms, signal); }
}

export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly bytes: Buffer;
  /** Of JSON. */
  readonly body: Record<string, unknown>;
  /** The coded error, if it is one. */
  readonly code: string | undefined;
}

export interface Question {
  readonly body?: unknown;
  /** As it stands; else `body` as JSON. */
  readonly raw?: string | Buffer;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

const agent = new Agent({ rejectUnauthorized: false, keepAlive: true, maxSockets: 48 });

/** A browser: it keeps its cookie and says which page it is on. */
export class Browser {
  readonly base: string;
  cookie: string | undefined;
  /** The address that it comes from; any of this machine's. */
  readonly from: string | undefined;

  constructor(base: string, cookie?: string, from?: string) {
    this.base = base;
    this.cookie = cookie;
    this.from = from;
  }

  get origin(): string {
    return new URL(this.base).origin;
  }

  async ask(method: string, path: string, q: Question = {}): Promise<Answer> {
    const changes = method !== 'GET' && method !== 'HEAD';
    const headers: Record<string, string | undefined> = {
      ...(changes ? { 'origin': this.origin, 'content-type': 'application/json' } : {}),
      ...(this.cookie === undefined ? {} : { cookie: this.cookie }), ...q.headers,
    };
    const payload = q.raw ?? (q.body === undefined ? undefined : JSON.stringify(q.body));
    const answer = await ask(`${this.base}${path.startsWith('/') ? path : `/api/v1/${path}`}`, method, Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<string, string>, payload, this.from);
    const set = answer.headers['set-cookie']?.[0]?.split(';')[0];
    if (set !== undefined) this.cookie = set.endsWith('=') ? undefined : set;
    return answer;
  }

  get(path: string, headers: Question['headers'] = {}): Promise<Answer> {
    return this.ask('GET', path, { headers });
  }

  post(path: string, body: unknown = undefined): Promise<Answer> {
    return this.ask('POST', path, { body });
  }

  /** Throws for what is refused. */
  async must<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    const { status, body: answer } = await this.ask(method, path, { body });
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
    return answer as T;
  }
}

function ask(url: string, method: string, headers: Record<string, string>, payload: string | Buffer | undefined, from?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https') ? httpsRequest : httpRequest;
    const { hostname, port } = new URL(url);
    // Not the URL itself: it would tidy up the odd paths that tests ask for.
    const path = url.slice(new URL(url).origin.length);
    const call = send({
      host: hostname.replaceAll(/[[\]]/g, ''), port, path, method, ...(from === undefined ? {} : { localAddress: from }), headers: { ...headers, ...(payload === undefined ? {} : { 'content-length': String(Buffer.byteLength(payload)) }) }, ...(url.startsWith('https') ? { agent } : {}),
    }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('error', reject);
      reply.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const body = bytes.length > 0 && String(reply.headers['content-type']).includes('json') ? (JSON.parse(bytes.toString()) as Record<string, unknown>) : {};
        resolve({ status: reply.statusCode ?? 0, headers: reply.headers, bytes, body, code: (body['error'] as { code?: string } | undefined)?.code });
      });
    });
    // As browsers do: a connection that was kept may have been hung up meanwhile.
    call.on('error', (error) => (call.reusedSocket ? resolve(ask(url, method, headers, payload, from)) : reject(error)));
    call.end(payload);
  });
}

export interface PageSite {
  readonly folder: string;
  readonly data: string;
  readonly clock: AheadClock;
  readonly hub: Hub;
  readonly base: string;
  readonly plain: string;
  pair(): Promise<ReplyOf<'pair'>>;
  browser(): Browser;
}

/** Cameras in two spaces, at addresses where nothing answers. */
const cameras = `
[[camera]]
id = "front"
address = "127.9.9.1"
user = "u"
record = false
events = false

[[camera]]
id = "garden"
address = "127.9.9.2"
user = "u"
space = "garden"
record = false
events = false
`;

export function configText(page = ''): string {
  return `name = "Test"\ndata = "data"\n[page]\nport = 0\nhttp_port = 0\n${page}\n[time]\nsource = "system"\n${cameras}`;
}

export async function startPage(t: Test, o: { folder?: string; clock?: AheadClock; config?: string } = {}): Promise<PageSite> {
  const folder = o.folder ?? await mkdtemp(join(tmpdir(), 'sp-'));
  if (o.folder === undefined) t.teardown(() => rm(folder, { recursive: true, force: true }));
  const clock = o.clock ?? new AheadClock();
  const configPath = join(folder, 'sallyport.toml');
  await writeFile(configPath, o.config ?? configText());
  const hub = new Hub();
  t.teardown(() => hub.close().catch(() => {}));
  await hub.start({ configPath, clock });
  const data = join(folder, 'data');
  const pair = (): Promise<ReplyOf<'pair'>> => callHub(join(data, 'control.sock'), 'pair', {});
  const { urls } = (await pair()).page;
  const base = urls.find((url) => url.startsWith('https://127.0.0.1')) ?? '';
  const plain = urls.find((url) => url.startsWith('http://')) ?? '';
  return { folder, data, clock, hub, base, plain, pair, browser: () => new Browser(base) };
}

/** A minute of footage of so many hours ago, as a hub left them that was here before; to be kept for so many days. */
export async function recordBefore(folder: string, clock: Clock, rows: readonly { readonly camera: string; readonly hoursAgo: number; readonly keepDays: number }[]): Promise<void> {
  const vault = await Vault.open({ folder: join(folder, 'data'), clock, log: silentLog, hubName: 'Test' });
  const hourMs = 3_600_000;
  for (const { camera, hoursAgo, keepDays } of rows) {
    const startMs = (Math.floor(clock.wallMs() / hourMs) - hoursAgo) * hourMs;
    const endMs = startMs + hourMs;
    const period = await vault.preparePeriod({ camera, class: 'footage', startMs, endMs, deadlineMs: endMs + (keepDays * 24 * hourMs), recipients: [Identity.generate().recipient] });
    await recordFilm(vault, period, { wallMs: startMs, rounds: 21 });
  }
  await vault.close();
}

export function newHalf(): string {
  return randomBytes(32).toString('base64url');
}

export function newLogin(half = newHalf()): Login {
  return { stretch: { salt: newHalf(), memoryKib: 65_536, passes: 3 }, half };
}

export function deviceOf(identity: Identity, name = 'phone'): { name: string; recipient: string; signer: string } {
  const signer = identity.signer();
  try {
    return { name, recipient: identity.recipient, signer: signer.publicKey };
  } finally {
    signer.close();
  }
}

export interface Owned {
  readonly kit: Identity;
  readonly browser: Browser;
  readonly half: string;
  readonly me: Me;
}

/** The first hour. The device is the kit itself here: the list that tests sign has no other member. */
export async function makeOwner(site: Pick<PageSite, 'browser' | 'pair' | 'clock'>, name = 'Olga Owner'): Promise<Owned> {
  const kit = Identity.generate();
  const browser = site.browser();
  const { code } = await site.pair();
  await browser.must('POST', 'first/begin', { code });
  const half = newHalf();
  const me = await browser.must<Me>('POST', 'first/owner', { person: { name }, login: newLogin(half), device: deviceOf(kit), ownerList: makeOwnerList(kit, site.clock.wallMs()) });
  return { kit, browser, half, me };
}

/** @param half The inviter's, where an owner is invited. */
export async function joinAs(site: Pick<PageSite, 'browser'>, owner: Browser, role: string, spaces: readonly string[], name = `a ${role} of ${spaces.join(' and ')}`, half?: string): Promise<Owned> {
  const { code } = await owner.must<{ code: string }>('POST', 'invitations', { role, spaces, ...(half === undefined ? {} : { half }) });
  const browser = site.browser();
  const own = newHalf();
  const kit = Identity.generate();
  const me = await browser.must<Me>('POST', 'invitations/join', { code, person: { name }, login: newLogin(own), device: deviceOf(kit, 'their phone') });
  return { kit, browser, half: own, me };
}

export interface Door {
  readonly folder: string;
  readonly clock: AheadClock;
  readonly vault: Vault;
  readonly accounts: AccountsDuty;
  readonly page: Page;
  readonly notices: Notices;
  readonly base: string;
  readonly plain: string;
  browser(): Browser;
  owner(): Promise<Owned>;
  /** Into another space, as a new configuration has it. */
  moveCamera(camera: string, space: string): void;
  member(owner: Browser, role: string, spaces: readonly string[]): Promise<Owned>;
}

/** What a test may put behind a page's doors. */
export interface Behind {
  readonly vault: Vault;
  readonly clock: AheadClock;
  readonly owner: { readonly list: OwnerList | undefined; readonly problem: undefined };
  readonly config: HubConfig;
}

const off = async (): Promise<never> => {
  throw new SallyportError('SP_PAGE_OFF', { what: 'what this test has not put there' });
};

/** Nothing is recorded or shown, and nothing is private. */
const nothingBehind: PageParts = {
  alarms: { list: off, picture: off, mark: off, test: off, ofNotice: off }, live: off, panel: off, talk: off, still: off, destinationSecret: off, logs: off, playback: { timeline: off, slot: off, segment: off, secondHeader: off }, privacy: { of: () => undefined, switch: off }, people: { list: off, picture: off, check: off, enrol: off, renew: off, forget: off },
};

/** The page alone, over a real vault, with what a test puts behind its doors; no camera is watched. */
export async function openDoor(t: Test, parts: Partial<PageParts> | ((behind: Behind) => Partial<PageParts>), more: Partial<PageConfig> = {}, operations: (behind: Behind) => Partial<PageOperations> = () => ({}), ofSite: Partial<PageOptions['site']> = {}): Promise<Door> {
  const folder = await mkdtemp(join(tmpdir(), 'sp-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const clock = new AheadClock();
  const vault = await Vault.open({ folder: join(folder, 'data'), clock, log: silentLog, hubName: 'Test' });
  const notices = new Notices({ vault, clock, log: silentLog });
  let list: OwnerList | undefined;
  const accounts = new AccountsDuty({
    vault, notices, clock, log: silentLog, ownerList: () => list,
    takeOwnerList: async (text) => { list = await takeOwnerList(text, 'of the page', vault); },
    renewCopies: (why) => vault.renewCopies(why),
  });
  const behind: Behind = { vault, clock, owner: { get list() { return list; }, problem: undefined }, config: hubConfig(3, [cameraConfig('front'), { ...cameraConfig('garden'), space: 'garden' }]) };
  const offered = operations(behind) as PageOperations;
  const site: { -readonly [K in keyof PageOptions['site']]: PageOptions['site'][K] } = { config: behind.config, cameras: [], facts: async () => undefined, owner: behind.owner, ownerLists: async () => ({ text: undefined, before: [] }), changeCamera: async () => [], settings: async () => ({ keys: [], cameras: [], privacy: [], zones: [], alarms: [], destinations: [], recordings: [], restart: [] }), rulesAfter: async () => [], planSettings: async () => ({ changes: [], losses: [], leavesOut: [], problems: [] }), changeSettings: async () => [], spaces: ['home', 'garden'], ...ofSite };
  const page = new Page({
    config: { enabled: true, port: 0, httpPort: 0, names: [], panels: false, ...more }, hubName: 'Test', accounts, vault, notices, clock, log: silentLog, parts: { ...nothingBehind, ...(typeof parts === 'function' ? parts(behind) : parts) }, folder: join(folder, 'page'), operations: () => offered, site,
  });
  t.teardown(async () => {
    await page.close();
    await accounts.close();
    await vault.close();
  });
  await page.start();
  const base = page.state.urls.find((url) => url.startsWith('https://127.0.0.1')) ?? '';
  const plain = page.state.urls.find((url) => url.startsWith('http://')) ?? '';
  const house: PageSite = { folder, data: join(folder, 'data'), clock, hub: new Hub(), base, plain, pair: async () => page.pair(), browser: () => new Browser(base) };
  return { folder, clock, vault, accounts, page, notices, base, plain, browser: house.browser, owner: () => makeOwner(house), member: (owner, role, spaces) => joinAs(house, owner, role, spaces),
    moveCamera(camera, space) {
      site.config = { ...site.config, cameras: site.config.cameras.map((one) => (one.id === camera ? { ...one, space } : one)) };
      page.siteChanged();
    },
  };
}
