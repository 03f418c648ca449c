/**
 * Accounts: who may use the page. A passphrase never comes here: the browser stretches it and sends the half that logs in, of which a hash is
 * kept; the other half, which wraps the device's identity, stays there. Each change is in one transaction with its line in the audit, which
 * names an account by its id, so that with the account everything that names the person is gone.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { Secret } from '../base/secret.ts';
import { dayMs, hourMs, minuteMs } from '../base/units.ts';
import type { Right, Role } from '../policy/access.ts';
import { recoverNamespace, type Recovery } from '../policy/ownerdocuments.ts';
import { readOwnerList, type OwnerList } from '../seal/owner.ts';
import { verifySignature } from '../seal/sshsig.ts';
import type { AccountRow, AccountsChange, DeviceRow, InvitationRow, TokenRow, Vault } from '../vault/vault.ts';
import type { AuditEntry } from '../vault/audit.ts';
import { AccountBook, hashOf, nameKeyOf, newId, newKey, type BesideSetting } from './accountbook.ts';
import { FirstHour } from './firsthour.ts';
import { ListKeys } from './listkeys.ts';
import { LoginGuard } from './loginguard.ts';
import type { Notices } from './notices.ts';
import { bringsKit } from './owner.ts';
import { falseStretch, isHalf, stretchOf, verifierOf, type LoginSecret, type Stretch } from './passphrase.ts';
import { Principal, Sessions, type Visitor } from './sessions.ts';

export type { Visitor } from './sessions.ts';
export { Principal } from './sessions.ts';

const accountsMax = 200;
const devicesMax = 20;
const invitationsMax = 50;
const tokensMax = 50;
export const invitationMs = 2 * dayMs;
const tokenMsMax = 400 * dayMs;
const recoveriesKept = 200;
/** A kit may lie in another room. */
const recoveryMsMax = hourMs;

const sweepEveryMs = minuteMs;
const falseSaltName = 'page false salt';
const erasingName = 'page erasing';
const recoveredName = 'page recovered';

export interface NewDevice { readonly name: string; readonly recipient: string; readonly signer: string }
export interface Person { readonly name: string; readonly nickname?: string; readonly picture?: string; readonly language?: string; readonly timeZone?: string }

/** Somebody is in: the cookie that says so from now on. */
export interface Entered { readonly principal: Principal; readonly cookie: string }

export interface AccountsOptions {
  readonly vault: Pick<Vault, 'accountsBook' | 'changeAccounts' | 'sessionUsed' | 'secret' | 'putSecret' | 'setting' | 'putSetting' | 'audit' | 'forgetDeleted' | 'publicKey'>;
  /** The owner's list that is in force. */
  readonly ownerList: () => OwnerList | undefined;
  /** Puts a newer list in force, and the same one again. SP_OWNER_LIST. */
  readonly takeOwnerList: (text: string) => Promise<void>;
  /** A new copy of the database, and the older ones destroyed. */
  readonly renewCopies: (why: string) => Promise<void>;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly log: Log;
}

export class AccountsDuty {
  readonly #o: AccountsOptions;
  readonly #loop: Loop;
  readonly #guard: LoginGuard;
  readonly #keys: ListKeys;
  readonly first: FirstHour;
  readonly sessions: Sessions;
  #book: AccountBook | undefined;
  /** Taken in the first hour; should the account fail after it, it is brought again. */
  #firstList: string | undefined;
  #falseSalt: Buffer = Buffer.alloc(0);
  constructor(o: AccountsOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
    this.first = new FirstHour(o.clock);
    this.#guard = new LoginGuard(o);
    this.#keys = new ListKeys({ ...o, book: () => this.book });
    this.sessions = new Sessions({ clock: o.clock, log: o.log, book: () => this.book });
  }

  async open(): Promise<void> {
    const { vault } = this.#o;
    this.#book = await AccountBook.load(vault, () => this.sessions.check());
    let falseSalt = await vault.secret(falseSaltName);
    if (falseSalt === undefined) {
      falseSalt = new Secret(newKey().text);
      await vault.putSecret(falseSaltName, falseSalt);
    }
    this.#falseSalt = Buffer.from(falseSalt.reveal(), 'base64url');
  }

  start(): void {
    this.#loop.start(() => this.#turn());
  }

  async close(): Promise<void> {
    this.sessions.close();
    await this.#loop.close();
  }

  get book(): AccountBook {
    if (this.#book === undefined) throw new SallyportError('SP_PAGE_OFF', { what: 'logging in' });
    return this.#book;
  }

  /** `new`: nobody has an account. */
  get state(): 'new' | 'ready' {
    return this.book.accounts.size === 0 ? 'new' : 'ready';
  }

  /** What the audit calls an id: the person's name as long as the account is there. */
  nameOf(id: string): string | undefined {
    const row = this.#book?.accounts.get(id);
    return row === undefined ? undefined : row.nickname || row.name;
  }

  // the first hour

  /** SP_PAGE_CODE, SP_PAGE_TRIES. Answers a cookie. */
  begin(code: string, visitor: Visitor): string {
    if (this.state !== 'new') throw new SallyportError('SP_PAGE_CODE');
    const trying = this.#guard.begin(undefined, visitor, undefined);
    const cookie = this.first.enter(code);
    this.#guard.passed(trying);
    return cookie;
  }

  /**
   * Makes the first owner, after the list that the kit has signed is in force. Should the account fail after it, it is asked for again with
   * the same list. SP_OWNER_LIST, SP_PAGE_RIGHT.
   */
  makeFirst(a: { person: Person; login: LoginSecret; device: NewDevice; ownerList: string }, visitor: Visitor): Promise<Entered> {
    return this.book.inTurn(async () => {
      if (this.state !== 'new') throw new SallyportError('SP_PAGE_RIGHT');
      const account = this.#newAccount('owner', [], a.person, a.login);
      const list = readOwnerList(a.ownerList, 'of the page');
      const refused = (reason: string): SallyportError => new SallyportError('SP_OWNER_LIST', { file: 'of the page', reason });
      if (!list.spaces.some(({ members }) => members.includes(a.device.recipient))) throw refused('none of its spaces is sealed to this device');
      // A list that was there before proves nothing: whoever has the code could show it without the kit.
      if (list.number <= (this.#o.ownerList()?.number ?? 0) && this.#firstList !== a.ownerList) throw refused('it was in force before: the kit signs the next one for this device');
      await this.#o.takeOwnerList(a.ownerList);
      this.#firstList = a.ownerList;
      const entered = await this.#enter(account, a.device, visitor, { accounts: [account] }, [this.#line('page.owner-made', account.id)]);
      this.first.end();
      return entered;
    });
  }

  // logging in

  stretchOf(name: string): Stretch {
    const row = this.book.named(name);
    if (row !== undefined) return stretchOf(row);
    return falseStretch(this.#falseSalt, nameKeyOf(name));
  }

  /** SP_PAGE_LOGIN, SP_PAGE_TRIES. */
  async login(a: { name: string; half: string; device?: string }, visitor: Visitor): Promise<Entered> {
    const row = this.book.named(a.name);
    const device = row === undefined || a.device === undefined ? undefined : this.book.devicesOf(row.id).find(({ id }) => id === a.device);
    const trying = this.#guard.begin(nameKeyOf(a.name), visitor, device?.id);
    if (!isHalf(row ?? { ...this.stretchOf(a.name), verifier: '00'.repeat(32) }, a.half) || row === undefined) throw this.#guard.failed();
    this.#guard.passed(trying);
    return this.book.inTurn(async () => {
      const now = this.book.accounts.get(row.id);
      if (now === undefined || now.verifier !== row.verifier) throw new SallyportError('SP_PAGE_LOGIN');
      return this.#enter(now, device, visitor, {}, [this.#line('page.login', now.id)]);
    });
  }

  /**
   * A new passphrase and device for an owner, signed by the recovery kit; its other sessions and its invitations end. Nobody guesses a signature, so tries are not
   * limited: strangers' tries would keep the owner out. SP_BAD_SIGNATURE, SP_PAGE_UNKNOWN.
   */
  recover(a: { document: string; signature: string; read: (document: string) => Recovery }, visitor: Visitor): Promise<Entered> {
    return this.book.inTurn(async () => {
      const { vault, ownerList, clock } = this.#o;
      const owner = ownerList();
      if (owner === undefined) throw new SallyportError('SP_NO_OWNER');
      verifySignature({ message: a.document, signature: a.signature, namespace: recoverNamespace, publicKey: owner.signer, what: 'the recovery' });
      const { hub, name, login, device, madeMs } = a.read(a.document);
      const wrong = (reason: string): SallyportError => new SallyportError('SP_BAD_SIGNATURE', { what: 'the recovery', reason });
      if (hub !== vault.publicKey) throw wrong('it was given to another hub');
      if (Math.abs(clock.wallMs() - madeMs) > recoveryMsMax) throw wrong('it is not of this hour, by the hub\'s clock');
      const row = this.book.named(name);
      if (row?.role !== 'owner') throw new SallyportError('SP_PAGE_UNKNOWN', { what: 'owner' });
      const used = ((await vault.setting(recoveredName)) ?? []) as string[];
      const hash = hashOf(a.document);
      if (used.includes(hash)) throw wrong('it was used before');
      const account = { ...row, ...verifierOf(login) };
      const withoutSessions = this.book.sessionsOf(row.id).map(({ id }) => id);
      return this.#enter(account, device, visitor, { accounts: [account], withoutSessions, withoutInvitations: this.#invitationsOf(row.id) }, [this.#line('page.recovered', row.id)], [{ name: recoveredName, value: [...used, hash].slice(-recoveriesKept) }]);
    });
  }

  logout({ session, account }: Principal): Promise<void> {
    return this.book.inTurn(async () => {
      if (session !== undefined && this.book.sessions.has(session.id)) await this.book.write({ withoutSessions: [session.id] }, [this.#line('page.logout', account.id)]);
    });
  }

  endSession({ account }: Principal, id: string): Promise<void> {
    return this.book.inTurn(async () => {
      if (this.book.sessions.get(id)?.account !== account.id) throw new SallyportError('SP_PAGE_UNKNOWN', { what: 'session' });
      await this.book.write({ withoutSessions: [id] }, [this.#line('page.session-ended', account.id)]);
    });
  }

  // oneself

  changePerson({ account: { id } }: Principal, person: Partial<Person>): Promise<AccountRow> {
    return this.book.inTurn(async () => {
      const row = this.book.account(id);
      const name = person.name === undefined ? {} : { name: person.name, nameKey: this.#freeName(person.name, id) };
      const account = { ...row, ...defined(person), ...name };
      await this.book.write({ accounts: [account] }, [this.#line('page.person-changed', id)]);
      return account;
    });
  }

  /** All other sessions end. SP_PAGE_LOGIN, SP_PAGE_TRIES. */
  async changePassphrase(principal: Principal, a: { half: string; login: LoginSecret }, visitor: Visitor): Promise<void> {
    this.#checkHalf(principal, a.half, visitor);
    const { account: { id }, session } = principal;
    await this.book.inTurn(async () => {
      const row = this.book.account(id);
      await this.book.write({
        accounts: [{ ...row, ...verifierOf(a.login) }],
        withoutSessions: this.book.sessionsOf(id).filter((other) => other.id !== session?.id).map((other) => other.id),
      }, [this.#line('page.passphrase-changed', id)]);
    });
  }

  /** The device of this session from now on. One with the same keys keeps its id. */
  noteDevice({ account: { id }, session }: Principal, device: NewDevice): Promise<void> {
    return this.book.inTurn(async () => {
      const devices = this.book.devicesOf(id);
      const same = devices.find(({ recipient }) => recipient === device.recipient);
      const row = same === undefined ? this.#newDevice(id, device) : { ...same, ...device };
      const now = session === undefined ? undefined : this.book.sessions.get(session.id);
      await this.book.write({ devices: [row], withoutDevices: same === undefined ? this.#oldest(devices) : [], ...(now === undefined ? {} : { sessions: [{ ...now, device: row.id }] }) }, [this.#line('page.device-noted', id)]);
      // Not its name: what is told stays in the audit when the account is erased.
      if (same === undefined) this.#o.notices.tell('new device', `role ${this.book.account(id).role}`);
    });
  }

  /**
   * Forgets one of one's own devices and ends its sessions, this one too where it is that device's. Resolves to whether the list in force still
   * names its key: that one opens, and an owner's signs, until a list without it is signed. SP_PAGE_UNKNOWN.
   */
  removeDevice({ account }: Principal, id: string): Promise<{ listed: boolean }> {
    return this.book.inTurn(async () => {
      const device = this.book.devices.get(id);
      if (device?.account !== account.id) throw new SallyportError('SP_PAGE_UNKNOWN', { what: 'device' });
      const withoutSessions = this.book.sessionsOf(account.id).filter((session) => session.device === id).map((session) => session.id);
      const left = this.#keys.listed([device]);
      await this.book.write({ withoutDevices: [id], withoutSessions }, [this.#line('page.device-removed', account.id)], await this.#keys.leaving(left));
      await this.#keys.tellLeft();
      return { listed: left.length > 0 };
    });
  }

  /** That it is the account's person who asks, and not who has the session: by the passphrase once more. SP_PAGE_LOGIN, SP_PAGE_TRIES; SP_PAGE_RIGHT for a token. */
  prove(principal: Principal, half: string, visitor: Visitor): void {
    if (principal.session === undefined) throw new SallyportError('SP_PAGE_RIGHT');
    this.#checkHalf(principal, half, visitor);
  }

  async eraseOneself(principal: Principal, half: string, visitor: Visitor): Promise<void> {
    this.#checkHalf(principal, half, visitor);
    await this.erase(principal.account.id, principal);
  }

  // people

  /** SP_PAGE_LAST_OWNER. When it answers, no file of the data folder holds anything of the account. */
  async erase(id: string, by: Principal): Promise<void> {
    await this.book.inTurn(async () => {
      this.#checkOwnerStays(this.book.account(id));
      // The line that stays says by whom, and not who it was.
      const line = this.#line('page.account-erased', by.account.id === id ? undefined : by.account.id);
      const left = this.#keys.listed(this.book.devicesOf(id));
      await this.book.write({ withoutAccounts: [id] }, [line], [{ name: erasingName, value: true }, ...await this.#keys.leaving(left)]);
      await this.#keys.tellLeft();
    });
    await this.finishErasing();
  }

  changeAccount(id: string, a: { role?: Role; spaces?: readonly string[]; names?: boolean }, by: Principal): Promise<AccountRow> {
    return this.book.inTurn(async () => {
      const row = this.book.account(id);
      const account = { ...row, ...(a.role === undefined ? {} : { role: a.role }), ...(a.spaces === undefined ? {} : { spaces: [...new Set(a.spaces)] }), ...(a.names === undefined ? {} : { names: a.names }) };
      if (account.role !== 'owner') this.#checkOwnerStays(row);
      // Else who is an owner no more could come back by an invitation of their own.
      const withoutInvitations = account.role === 'owner' ? [] : this.#invitationsOf(id);
      await this.book.write({ accounts: [account], withoutInvitations }, [this.#line('page.account-changed', by.account.id, { of: id, role: account.role, spaces: [...account.spaces], ...(a.names === undefined ? {} : { names: a.names }) })]);
      return account;
    });
  }

  /** Answers the code, which is kept nowhere. */
  invite(a: { role: Role; spaces: readonly string[] }, { account: { id: by } }: Principal): Promise<{ id: string; code: string; untilMs: UnixMs }> {
    return this.book.inTurn(async () => {
      if (this.book.invitations.size >= invitationsMax) throw new SallyportError('SP_PAGE_FULL', { what: 'invitation', max: invitationsMax });
      const { text, hash } = newKey();
      const row: InvitationRow = { id: newId(), account: by, hash, role: a.role, spaces: [...new Set(a.spaces)], untilMs: this.#nowMs() + invitationMs };
      await this.book.write({ invitations: [row] }, [this.#line('page.invited', by, { role: row.role, spaces: [...row.spaces] })]);
      return { id: row.id, code: text, untilMs: row.untilMs };
    });
  }

  endInvitation(id: string, { account: { id: by } }: Principal): Promise<void> {
    return this.book.inTurn(async () => {
      if (!this.book.invitations.has(id)) throw new SallyportError('SP_PAGE_UNKNOWN', { what: 'invitation' });
      await this.book.write({ withoutInvitations: [id] }, [this.#line('page.invitation-ended', by)]);
    });
  }

  /** SP_PAGE_CODE, SP_PAGE_TRIES. */
  invitation(code: string, visitor: Visitor): InvitationRow {
    const trying = this.#guard.begin(undefined, visitor, undefined);
    const hash = hashOf(code);
    const row = [...this.book.invitations.values()].find((known) => known.hash === hash && known.untilMs > this.#nowMs());
    if (row === undefined) throw new SallyportError('SP_PAGE_CODE');
    this.#guard.passed(trying);
    return row;
  }

  join(a: { code: string; person: Person; login: LoginSecret; device?: NewDevice }, visitor: Visitor): Promise<Entered> {
    return this.book.inTurn(async () => {
      const invitation = this.invitation(a.code, visitor);
      const account = this.#newAccount(invitation.role, invitation.spaces, a.person, a.login);
      return this.#enter(account, a.device, visitor, { accounts: [account], withoutInvitations: [invitation.id] }, [this.#line('page.joined', account.id, { role: account.role })]);
    });
  }

  /** Whether a list would bring another kit, which `confirmed` must be signed by. SP_OWNER_LIST. */
  bringsKit(text: string, confirmed: string | undefined): Promise<boolean> {
    return bringsKit(text, confirmed, 'of the page', this.#o.vault);
  }

  /** A newer list, signed by the owner, and the one after it that a new kit has signed. SP_OWNER_LIST. */
  async takeList({ text, confirmed }: { readonly text: string; readonly confirmed?: string }, { account: { id: by } }: Principal): Promise<void> {
    const kit = this.#o.ownerList()?.kit;
    await this.#o.takeOwnerList(text);
    if (confirmed !== undefined) await this.#o.takeOwnerList(confirmed);
    await this.#o.vault.audit(this.#line('page.asked', by, { route: 'owner' }));
    if (kit !== undefined && this.#o.ownerList()?.kit !== kit) await this.#keys.noteKit();
    await this.#keys.tellKit();
    await this.book.inTurn(() => this.#keys.tellLeft());
  }

  // tokens

  /** Only rights that its maker has, and none over people or to names. Answers the token, which is kept nowhere. */
  makeToken(a: { name: string; rights: readonly Right[]; spaces?: readonly string[]; days: number }, { account: { id } }: Principal): Promise<{ id: string; token: string; untilMs: UnixMs }> {
    return this.book.inTurn(async () => {
      if (this.book.tokens.size >= tokensMax) throw new SallyportError('SP_PAGE_FULL', { what: 'token', max: tokensMax });
      if (a.rights.includes('people') || a.rights.includes('names')) throw new SallyportError('SP_PAGE_RIGHT');
      const { text, hash } = newKey();
      const nowMs = this.#nowMs();
      const row: TokenRow = { id: newId(), account: id, name: a.name, hash, rights: [...new Set(a.rights)], spaces: a.spaces === undefined ? undefined : [...new Set(a.spaces)], madeMs: nowMs, untilMs: nowMs + Math.min(tokenMsMax, a.days * dayMs) };
      await this.book.write({ tokens: [row] }, [this.#line('page.token-made', id, { token: row.id, rights: [...row.rights], until_ms: row.untilMs })]);
      return { id: row.id, token: text, untilMs: row.untilMs };
    });
  }

  endToken(id: string, { account: { id: by } }: Principal): Promise<void> {
    return this.book.inTurn(async () => {
      if (!this.book.tokens.has(id)) throw new SallyportError('SP_PAGE_UNKNOWN', { what: 'token' });
      await this.book.write({ withoutTokens: [id] }, [this.#line('page.token-ended', by, { token: id })]);
    });
  }

  // helpers

  #newAccount(role: Role, spaces: readonly string[], person: Person, login: LoginSecret): AccountRow {
    if (this.book.accounts.size >= accountsMax) throw new SallyportError('SP_PAGE_FULL', { what: 'account', max: accountsMax });
    const { name, nickname = '', picture = '', language = '', timeZone = '' } = person;
    return { id: newId(), role, name, nameKey: this.#freeName(name, undefined), nickname, picture, language, timeZone, spaces, names: false, ...verifierOf(login), madeMs: this.#nowMs() };
  }

  /**
   * Those that leave when another one comes: nobody is kept from a new device by forgotten ones. What the owner's list names stays longest, or else nobody
   * would know whose it is when the account goes.
   */
  #oldest(devices: readonly DeviceRow[]): string[] {
    const named = new Set(this.#o.ownerList()?.spaces.flatMap(({ members, former = [] }) => [members, ...former.map((one) => one.members)]).flat());
    const tooMany = Math.max(0, devices.length - devicesMax + 1);
    return devices.toSorted((a, b) => Number(named.has(a.recipient)) - Number(named.has(b.recipient)) || a.madeMs - b.madeMs).slice(0, tooMany).map(({ id }) => id);
  }

  #invitationsOf(account: string): string[] {
    return [...this.book.invitations.values()].filter((row) => row.account === account).map(({ id }) => id);
  }

  #freeName(name: string, own: string | undefined): string {
    const other = this.book.named(name);
    if (other !== undefined && other.id !== own) throw new SallyportError('SP_PAGE_NAME');
    return nameKeyOf(name);
  }

  /** A key is one account's: else removing somebody would take the key from another one who has it. SP_PAGE_REQUEST. */
  #newDevice(account: string, { name, recipient, signer }: NewDevice): DeviceRow {
    if ([...this.book.devices.values()].some((row) => row.recipient === recipient && row.account !== account)) throw new SallyportError('SP_PAGE_REQUEST', { reason: 'its key is that of another account' });
    return { id: newId(), account, name, recipient, signer, madeMs: this.#nowMs() };
  }

  /** In one transaction: what changes, the device where it is new, the session. */
  async #enter(account: AccountRow, device: NewDevice | DeviceRow | undefined, visitor: Visitor, change: AccountsChange, entries: readonly AuditEntry[], settings: readonly BesideSetting[] = []): Promise<Entered> {
    const known = device === undefined || 'id' in device ? device : this.book.devicesOf(account.id).find(({ recipient }) => recipient === device.recipient);
    const added = device === undefined || known !== undefined ? undefined : this.#newDevice(account.id, device);
    const { row, cookie, leaving } = this.sessions.make(account.id, (known ?? added)?.id, visitor);
    await this.book.write({
      ...change, ...(added === undefined ? {} : { devices: [added], withoutDevices: this.#oldest(this.book.devicesOf(account.id)) }), sessions: [row], withoutSessions: [...new Set([...(change.withoutSessions ?? []), ...leaving])],
    }, entries, settings);
    // The first owner's first device is nobody else's.
    if (added !== undefined && this.book.devices.size > 1) this.#o.notices.tell('new device', `role ${account.role}`);
    return { principal: new Principal(this.book.account(account.id), row), cookie };
  }

  #checkHalf({ account, session }: Principal, half: string, visitor: Visitor): void {
    const trying = this.#guard.begin(account.nameKey, visitor, session?.device);
    if (!isHalf(this.book.account(account.id), half)) throw this.#guard.failed();
    this.#guard.passed(trying);
  }

  #checkOwnerStays({ role }: AccountRow): void {
    if (role === 'owner' && this.book.owners.length === 1) throw new SallyportError('SP_PAGE_LAST_OWNER');
  }

  #line(what: string, account: string | undefined, detail?: AuditEntry['detail']): AuditEntry {
    return { what, who: 'page', ...(account === undefined ? {} : { account }), ...(detail === undefined ? {} : { detail }) };
  }

  /** What the deed could not finish is finished by a later turn. */
  async #turn(): Promise<number> {
    const { log } = this.#o;
    try {
      this.sessions.check();
      await this.#guard.tell();
      await this.book.inTurn(() => this.#dropOver());
      await this.book.inTurn(() => this.#keys.tellLeft());
      await this.#keys.tellKit();
      await this.finishErasing();
    } catch (error) {
      const problem = asSallyportError(error);
      log.warn({ component: 'accounts', code: problem.code }, problem.message);
    }
    return sweepEveryMs;
  }

  async #dropOver(): Promise<void> {
    const nowMs = this.#nowMs();
    const over = <T extends { id: string; untilMs: UnixMs }>(rows: Iterable<T>): string[] => [...rows].filter(({ untilMs }) => untilMs <= nowMs).map(({ id }) => id);
    const change = { withoutSessions: this.sessions.over(), withoutInvitations: over(this.book.invitations.values()), withoutTokens: over(this.book.tokens.values()) };
    if (Object.values(change).some((ids) => ids.length > 0)) await this.book.write(change);
  }

  /** Old pages of the database's log, and the copies of the database, hold what was erased. */
  async finishErasing(): Promise<void> {
    const { vault, renewCopies } = this.#o;
    if ((await vault.setting(erasingName)) !== true) return;
    await vault.forgetDeleted();
    await renewCopies('an account was erased');
    await vault.putSetting(erasingName, false);
    await vault.forgetDeleted();
  }

  #nowMs(): UnixMs {
    return Math.round(this.#o.clock.wallMs());
  }
}

/** What a person may change of the row, and no more, whatever else stands in the object. */
function defined({ name, nickname, picture, language, timeZone }: Partial<Person>): Partial<Person> {
  return Object.fromEntries(Object.entries({ name, nickname, picture, language, timeZone }).filter(([, value]) => value !== undefined));
}
