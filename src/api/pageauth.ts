/**
 * Who may come in: each request and each WebSocket is judged here before anything is read of it. Its host must be one of the hub's own names
 * (a stranger's name that leads here, by DNS, is none); what changes something must come from the hub's own page, said by `Origin`, or carry
 * a script's token; then the session, and its right where the route names one.
 */
import type { IncomingMessage } from 'node:http';
import { SallyportError } from '../base/errors.ts';
import type { AccountsDuty } from '../duties/accounts.ts';
import type { Principal, Visitor } from '../duties/sessions.ts';
import { rights, type Right } from '../policy/access.ts';
import type { PageRoute } from './pagecontract.ts';
import { bareAddress, hostOf, type Reach } from './reach.ts';

/** `__Host-` keeps it from other names and from being set by plain HTTP. A browser takes that prefix by HTTPS only. */
export const secureCookie = '__Host-sallyport';
export const plainCookie = 'sallyport-here';

const cookiePattern = /^[A-Za-z0-9_-]{43}$/;
const readingMethods: readonly (string | undefined)[] = ['GET', 'HEAD'];

/** Who asks, as far as the route needs it. */
export type Who =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'first' }
  | { readonly kind: 'account'; readonly principal: Principal; /** The cookie was exchanged. */ readonly cookie?: string };

export function checkHost(request: IncomingMessage, reach: Reach): void {
  const host = hostOf(request.headers.host ?? '');
  if (host === undefined || (!reach.names.includes(host) && !reach.addresses.includes(bareAddress(host)))) throw new SallyportError('SP_PAGE_ORIGIN', { reason: 'it is for another host' });
}

/**
 * A browser says where a request comes from: `Origin` with all that may change something, `Sec-Fetch-Site` with everything. A page on
 * another port of this machine counts as the same site to a browser, and its cookies come along; here it is a stranger.
 */
export function checkOrigin(request: IncomingMessage, options: { readonly websocket: boolean }): void {
  const { origin, host = '', 'sec-fetch-site': site } = request.headers;
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw new SallyportError('SP_PAGE_ORIGIN', { reason: 'another site sends it' });
  const own = `${isSecure(request) ? 'https' : 'http'}://${host.toLowerCase()}`;
  if (origin !== undefined && origin !== own) throw new SallyportError('SP_PAGE_ORIGIN', { reason: 'another page sends it' });
  const changes = options.websocket || !readingMethods.includes(request.method);
  if (changes && origin === undefined && bearerOf(request) === undefined) throw new SallyportError('SP_PAGE_ORIGIN', { reason: 'it does not say from which page it is' });
}

/** Forms and pictures of other pages cannot send this type without being asked first, and the answer is no. */
export function checkContentType(request: IncomingMessage): void {
  if (readingMethods.includes(request.method)) return;
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/json') throw new SallyportError('SP_PAGE_REQUEST', { reason: 'its content type is not application/json' });
}

/** The route's `need`, without the object that it is about. SP_PAGE_SESSION, SP_PAGE_RIGHT. */
export async function whoIs(request: IncomingMessage, route: Pick<PageRoute, 'need' | 'path'>, accounts: AccountsDuty, options: { readonly mayTurn: boolean }): Promise<Who> {
  const { need } = route;
  if (need === 'nobody') return { kind: 'nobody' };
  const token = bearerOf(request);
  if (token !== undefined) return { kind: 'account', principal: ofToken(token, route, accounts) };
  const cookie = cookieOf(request);
  if (cookie === undefined) throw new SallyportError('SP_PAGE_SESSION');
  if (need === 'first') {
    if (!accounts.first.has(cookie)) throw new SallyportError('SP_PAGE_SESSION');
    return { kind: 'first' };
  }
  const found = await accounts.sessions.ofCookie(cookie, options);
  if (found === undefined) throw new SallyportError('SP_PAGE_SESSION');
  if (isRight(need) && !found.principal.may(need)) throw new SallyportError('SP_PAGE_RIGHT');
  return { kind: 'account', principal: found.principal, ...(found.cookie === undefined ? {} : { cookie: found.cookie }) };
}

/** A token has rights only: it is nobody's own account. The list of cameras is what its rights are about. */
function ofToken(token: string, { need, path }: Pick<PageRoute, 'need' | 'path'>, accounts: AccountsDuty): Principal {
  const principal = cookiePattern.test(token) ? accounts.sessions.ofToken(token) : undefined;
  if (principal === undefined) throw new SallyportError('SP_PAGE_SESSION');
  const allowed = isRight(need) ? principal.may(need) : need === 'account' && (path === '/cameras' || path === '/openapi.json');
  if (!allowed) throw new SallyportError('SP_PAGE_RIGHT');
  return principal;
}

function isRight(need: PageRoute['need']): need is Right {
  return (rights as readonly string[]).includes(need);
}

export function isSecure(request: IncomingMessage): boolean {
  return (request.socket as { encrypted?: boolean }).encrypted === true;
}

export function visitorOf(request: IncomingMessage): Visitor {
  return { address: bareAddress((request.socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '')), agent: request.headers['user-agent'] ?? '' };
}

/** Of two cookies of one name none is believed. */
export function cookieOf(request: IncomingMessage): string | undefined {
  const name = isSecure(request) ? secureCookie : plainCookie;
  const values = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim()).filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
  return values.length === 1 && cookiePattern.test(values[0] ?? '') ? values[0] : undefined;
}

/** What a browser is told to keep; undefined forgets it. */
export function setCookie(request: IncomingMessage, cookie: string | undefined, maxAgeMs: number): string {
  const secure = isSecure(request);
  return `${secure ? secureCookie : plainCookie}=${cookie ?? ''}; Path=/; Max-Age=${cookie === undefined ? 0 : Math.floor(maxAgeMs / 1000)}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}

function bearerOf(request: IncomingMessage): string | undefined {
  return /^Bearer ([^\s]{1,200})$/i.exec(request.headers.authorization ?? '')?.[1];
}
