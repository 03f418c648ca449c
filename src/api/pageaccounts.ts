/** Who one is, and who may come in: the page's routes without a session, those about oneself, and those about people, lists and tokens. */
import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Value from 'typebox/value';
import { SallyportError } from '../base/errors.ts';
import { version } from '../base/version.ts';
import { readRecovery, type Recovery } from '../policy/ownerdocuments.ts';
import type { AccountsDuty, Entered, Visitor } from '../duties/accounts.ts';
import { sessionMsMax, type Principal } from '../duties/sessions.ts';
import type { AccountRow, SessionRow } from '../vault/vault.ts';
import { isSecure, setCookie } from './pageauth.ts';
import { RecoverDocument, type Account, type PageReplyOf } from './pagecontract.ts';
import type { Handlers, PageRooms } from './pagerooms.ts';

export const done = { done: true } as const;

export function accountHandlers(rooms: PageRooms) {
  const { accounts, site } = rooms;
  const me = (principal: Principal): PageReplyOf<'me'> => meOf(accounts, principal);
  const enter = ({ request, reply }: { request: FastifyRequest; reply: FastifyReply }, { principal, cookie }: Entered): PageReplyOf<'me'> => {
    reply.header('set-cookie', setCookie(request.raw, cookie, sessionMsMax));
    return me(principal);
  };
  const ownerLists = async (): Promise<PageReplyOf<'ownerList'>> => {
    const { text, before } = await site.ownerLists();
    return { ...(text === undefined ? {} : { text }), earlier: before };
  };
  return {
    hello: async ({ request }) => helloOf(rooms, request.raw),
    firstBegin: async ({ request, reply, body, visitor }) => {
      reply.header('set-cookie', setCookie(request.raw, accounts.begin(body.code, visitor), sessionMsMax));
      return done;
    },
    loginStretch: async ({ body }) => accounts.stretchOf(body.name),
    login: async (ask) => enter(ask, await accounts.login(ask.body, ask.visitor)),
    inviteLook: async ({ body, visitor }) => {
      const { role, spaces, account, untilMs } = accounts.invitation(body.code, visitor);
      return { hub: site.config.name, role, spaces: [...spaces], from: accounts.nameOf(account) ?? '', untilMs };
    },
    join: async (ask) => enter(ask, await accounts.join(ask.body, ask.visitor)),
    recover: async (ask) => enter(ask, await accounts.recover({ ...ask.body, read: recoveryOf }, ask.visitor)),
    authority: async ({ reply }) => {
      const authority = rooms.shown()?.authority;
      if (authority === undefined) throw new SallyportError('SP_PAGE_OFF', { what: 'an authority of the hub\'s own' });
      return reply.type('application/x-x509-ca-cert').header('content-disposition', 'attachment; filename="sallyport-hub.crt"').send(authority);
    },
    firstOwner: async (ask) => enter(ask, await accounts.makeFirst(ask.body, ask.visitor)),
    logout: async ({ principal, request, reply }) => {
      await accounts.logout(principal);
      reply.header('set-cookie', setCookie(request.raw, undefined, 0));
      return done;
    },
    me: async ({ principal }) => me(principal),
    meChange: async ({ principal, body }) => {
      await accounts.changePerson(principal, body);
      return me(principal);
    },
    meErase: async ({ principal, body, visitor, request, reply }) => {
      await accounts.eraseOneself(principal, body.half, visitor);
      reply.header('set-cookie', setCookie(request.raw, undefined, 0));
      return done;
    },
    mePassphrase: async ({ principal, body, visitor }) => {
      await accounts.changePassphrase(principal, body, visitor);
      return done;
    },
    meDevice: async ({ principal, body }) => {
      await accounts.noteDevice(principal, body);
      return me(principal);
    },
    meDeviceRemove: async ({ principal, params, request, reply }) => {
      const { listed } = await accounts.removeDevice(principal, params['id'] ?? '');
      if (principal.session !== undefined && !accounts.book.sessions.has(principal.session.id)) reply.header('set-cookie', setCookie(request.raw, undefined, 0));
      return { done: true as const, listed };
    },
    sessions: async ({ principal }) => ({ sessions: accounts.book.sessionsOf(principal.account.id).map((row) => sessionOf(row, principal)) }),
    sessionEnd: async ({ principal, params }) => {
      await accounts.endSession(principal, params['id'] ?? '');
      return done;
    },
    // It names all spaces, and is signed as a whole: who opens no footage needs none of it.
    ownerList: async ({ principal }) => (principal.may('replay') ? ownerLists() : { earlier: [] }),
    firstList: ownerLists,
    accounts: async () => ({
      accounts: [...accounts.book.accounts.values()].map((row) => accountOf(accounts, row)),
      invitations: [...accounts.book.invitations.values()].map(({ id, role, spaces, untilMs }) => ({ id, role, spaces: [...spaces], untilMs })),
    }),
    // Who made owners by a session alone would have a passphrase of their own for all that asks for one.
    invite: async (ask) => {
      if (ask.body.role === 'owner') prove(accounts, ask, 'inviting an owner');
      return accounts.invite(ask.body, ask.principal);
    },
    inviteEnd: async ({ principal, params }) => {
      await accounts.endInvitation(params['id'] ?? '', principal);
      return done;
    },
    accountChange: async (ask) => {
      const { principal, params, body } = ask;
      const id = params['id'] ?? '';
      if (body.role === 'owner' && accounts.book.account(id).role !== 'owner') prove(accounts, ask, 'making an owner of somebody');
      else if (body.names === true) prove(accounts, ask, 'letting somebody see the names of persons');
      return accountOf(accounts, await accounts.changeAccount(id, body, principal));
    },
    accountErase: async ({ principal, params }) => {
      await accounts.erase(params['id'] ?? '', principal);
      return done;
    },
    // Who replaced the kit by a session alone could keep the owner from coming back.
    ownerListTake: async (ask) => {
      const { principal, body: { half: _, ...lists } } = ask;
      if (await accounts.bringsKit(lists.text, lists.confirmed)) prove(accounts, ask, 'replacing the recovery kit');
      await accounts.takeList(lists, principal);
      return done;
    },
    tokens: async () => ({
      tokens: [...accounts.book.tokens.values()].map(({ id, name, account, rights, spaces, madeMs, untilMs }) => ({ id, name, account, rights: [...rights], madeMs, untilMs, ...(spaces === undefined ? {} : { spaces: [...spaces] }) })),
    }),
    tokenMake: async ({ principal, body }) => accounts.makeToken(body, principal),
    tokenEnd: async ({ principal, params }) => {
      await accounts.endToken(params['id'] ?? '', principal);
      return done;
    },
  } satisfies Partial<Handlers>;
}

/** What a session alone must not be enough for. SP_PAGE_PROOF, SP_PAGE_RIGHT for a token, SP_PAGE_LOGIN, SP_PAGE_TRIES. */
export function prove(accounts: AccountsDuty, { principal, visitor, body: { half } }: { readonly principal: Principal; readonly visitor: Visitor; readonly body: { readonly half?: string } }, what: string): void {
  if (half === undefined && principal.session !== undefined) throw new SallyportError('SP_PAGE_PROOF', { what });
  accounts.prove(principal, half ?? '', visitor);
}

function helloOf({ accounts, site, vault, shown, clock }: PageRooms, request: IncomingMessage): PageReplyOf<'hello'> {
  const certificate = isSecure(request) ? shown() : undefined;
  return {
    hub: site.config.name, key: vault.publicKey, version, nowMs: Math.round(clock.wallMs()), state: accounts.state,
    ...(certificate === undefined ? {} : { certificate: { words: [...certificate.words], fingerprint: certificate.fingerprint, own: certificate.own } }),
  };
}

function meOf(accounts: AccountsDuty, principal: Principal): PageReplyOf<'me'> {
  const { session } = principal;
  if (session === undefined) throw new SallyportError('SP_PAGE_SESSION');
  // As it is now: the request itself may have changed it.
  const row = accounts.book.account(principal.account.id);
  const now = accounts.book.sessions.get(session.id) ?? session;
  return { account: accountOf(accounts, row), rights: principal.rights, session: sessionOf(now, principal) };
}

function accountOf(accounts: AccountsDuty, { id, role, name, nickname, picture, language, timeZone, spaces, names, madeMs }: AccountRow): Account {
  const devices = accounts.book.devicesOf(id).map((device) => ({ id: device.id, name: device.name, recipient: device.recipient, signer: device.signer, madeMs: device.madeMs }));
  return { id, role, name, nickname, picture, language, timeZone, spaces: [...spaces], names, madeMs, devices };
}

function sessionOf({ id, device, agent, address, madeMs, usedMs }: SessionRow, principal: Principal): PageReplyOf<'sessions'>['sessions'][number] {
  return { id, agent, address, madeMs, usedMs, current: id === principal.session?.id, ...(device === undefined ? {} : { device }) };
}

/** SP_PAGE_REQUEST. */
function recoveryOf(document: string): Recovery {
  const recovery = readRecovery(document);
  if (recovery === undefined || !Value.Check(RecoverDocument, recovery)) throw new SallyportError('SP_PAGE_REQUEST', { reason: 'the signed document is no recovery' });
  return recovery;
}
