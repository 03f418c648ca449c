/**
 * How the page asks the hub: each call typed by the contract. Methods and paths are written here once more, because the contract's own
 * table would bring its schemas along; the compiler compares the two.
 */
import type { pageRoutes, PageQueryOf, PageReplyOf, PageRequestOf, PageRouteName } from '../api/pagecontract.ts';
import { noteHubTime } from './hubtime.ts';

/** Without what comes as bytes or over a socket, what the keys' worker asks, and what only scripts ask for. */
type Asked = Exclude<PageRouteName, 'live' | 'panel' | 'talk' | 'still' | 'slot' | 'segment' | 'alarmPicture' | 'personPicture' | 'holdHeader' | 'hold' | 'holdHeaders' | 'holdDone' | 'release' | 'erase' | 'eraseHeaders' | 'authority' | 'cameraChange' | 'metrics' | 'openapi'>;
type RouteTable = { readonly [R in Asked]: readonly [method: (typeof pageRoutes)[R]['method'], path: (typeof pageRoutes)[R]['path']] };

const base = '/api/v1';

const routes: RouteTable = {
  hello: ['GET', '/hello'],
  firstBegin: ['POST', '/first/begin'],
  loginStretch: ['POST', '/login/stretch'],
  login: ['POST', '/login'],
  inviteLook: ['POST', '/invitations/look'],
  join: ['POST', '/invitations/join'],
  recover: ['POST', '/recover'],
  firstList: ['GET', '/first/owner'],
  firstOwner: ['POST', '/first/owner'],
  logout: ['POST', '/logout'],
  me: ['GET', '/me'],
  meChange: ['PATCH', '/me'],
  meErase: ['DELETE', '/me'],
  mePassphrase: ['POST', '/me/passphrase'],
  meDevice: ['POST', '/me/devices'],
  meDeviceRemove: ['DELETE', '/me/devices/:id'],
  sessions: ['GET', '/sessions'],
  sessionEnd: ['DELETE', '/sessions/:id'],
  ownerList: ['GET', '/owner'],
  accounts: ['GET', '/accounts'],
  invite: ['POST', '/invitations'],
  inviteEnd: ['DELETE', '/invitations/:id'],
  accountChange: ['PATCH', '/accounts/:id'],
  accountErase: ['DELETE', '/accounts/:id'],
  ownerListTake: ['POST', '/owner'],
  cameras: ['GET', '/cameras'],
  timeline: ['GET', '/timeline'],
  alarms: ['GET', '/alarms'],
  notice: ['GET', '/notices'],
  alarmMark: ['POST', '/alarms'],
  alarmTest: ['POST', '/alarms/test'],
  noteExport: ['POST', '/exports'],
  holds: ['GET', '/holds'],
  eraseLook: ['POST', '/erase/look'],
  eraseHours: ['POST', '/erase/hours'],
  erasePlan: ['POST', '/erase/plan'],
  eraseDone: ['POST', '/erase/done'],
  status: ['GET', '/status'],
  discover: ['POST', '/discover'],
  adopt: ['POST', '/adopt'],
  moved: ['POST', '/moved'],
  destinationSecret: ['POST', '/destinations/secret'],
  secret: ['POST', '/secret'],
  camera: ['POST', '/camera'],
  ptz: ['POST', '/ptz'],
  accept: ['POST', '/accept'],
  pending: ['GET', '/pending'],
  keep: ['POST', '/keep'],
  privacy: ['POST', '/privacy'],
  audit: ['GET', '/audit'],
  egress: ['GET', '/egress'],
  spaces: ['GET', '/spaces'],
  slotCameras: ['GET', '/slots'],
  slotReplace: ['POST', '/slots'],
  settingsSchema: ['GET', '/settings/schema'],
  settings: ['GET', '/settings'],
  settingsPlan: ['POST', '/settings/plan'],
  settingsChange: ['POST', '/settings'],
  logs: ['GET', '/logs'],
  tokens: ['GET', '/tokens'],
  tokenMake: ['POST', '/tokens'],
  tokenEnd: ['DELETE', '/tokens/:id'],
  people: ['GET', '/people'],
  peopleCheck: ['POST', '/people/check'],
  enrol: ['POST', '/people'],
  personRenew: ['POST', '/people/:person/renew'],
  personForget: ['POST', '/people/:person/forget'],
};

/** What the hub answered instead of what was asked for, in its words; `offline` when it did not answer. */
export class HubError extends Error {
  readonly code: string;
  readonly hint: string;
  readonly status: number;

  constructor({ code, message, hint = '', status = 0 }: { code: string; message: string; hint?: string; status?: number }) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.status = status;
  }
}

export const offline = 'offline';

/** Whatever the path calls it: each names one thing at most. */
type Params<R extends Asked> = (typeof pageRoutes)[R]['path'] extends `${string}:${string}` ? { readonly id: string } : { readonly id?: never };
type Body<R extends Asked> = PageRequestOf<R> extends undefined ? { readonly body?: never } : { readonly body: PageRequestOf<R> };
type Query<R extends Asked> = PageQueryOf<R> extends undefined ? { readonly query?: never } : { readonly query: PageQueryOf<R> };
export type Question<R extends Asked> = Params<R> & Body<R> & Query<R> & { readonly signal?: AbortSignal };

/** The session has ended, wherever that was noticed. */
let onSessionOver: (error: HubError) => void = () => {};
/** A second way out of a promise's error: no page has to know where people log in. */
export function whenSessionIsOver(tell: (error: HubError) => void): void {
  onSessionOver = tell;
}

export async function ask<R extends Asked>(name: R, question: Question<R>): Promise<PageReplyOf<R>> {
  const { id, body, query, signal } = question as { id?: string; body?: unknown; query?: Record<string, unknown>; signal?: AbortSignal };
  const [method, path] = routes[name];
  const search = new URLSearchParams(Object.entries(query ?? {}).filter(([, value]) => value !== undefined).map(([key, value]) => [key, String(value)])).toString();
  // Each change carries a body, so that each has the content type without which the hub refuses it.
  const sent = method === 'GET' ? {} : { body: JSON.stringify(body ?? {}), headers: { 'content-type': 'application/json' } };
  const response = await reach(`${base}${path.replace(/:[a-z]+/, encodeURIComponent(id ?? ''))}${search === '' ? '' : `?${search}`}`, { method, ...sent, ...(signal === undefined ? {} : { signal }) });
  if (!response.ok) {
    const error = await errorOf(response);
    // Not a passphrase that was wrong, which is a 401, too.
    if (error.code === 'SP_PAGE_SESSION') onSessionOver(error);
    throw error;
  }
  return await response.json() as PageReplyOf<R>;
}

export function socketAddress(path: 'live' | 'panel' | 'talk', query: Record<string, string>): string {
  return `${location.protocol === 'http:' ? 'ws' : 'wss'}://${location.host}${base}/${path}?${new URLSearchParams(query).toString()}`;
}

async function reach(address: string, init: RequestInit): Promise<Response> {
  const askedMs = Date.now();
  try {
    const response = await fetch(address, { credentials: 'same-origin', cache: 'no-store', redirect: 'error', ...init });
    noteHubTime(response.headers.get('date'), askedMs);
    return response;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new HubError({ code: offline, message: '' });
  }
}

async function errorOf(response: Response): Promise<HubError> {
  const said = await response.json().catch(() => undefined) as { error?: { code?: unknown; message?: unknown; hint?: unknown } } | undefined;
  const text = (value: unknown, otherwise: string): string => typeof value === 'string' ? value : otherwise;
  return new HubError({ code: text(said?.error?.code, `HTTP ${response.status}`), message: text(said?.error?.message, response.statusText), hint: text(said?.error?.hint, ''), status: response.status });
}
