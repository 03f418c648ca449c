/** The owner's audit as the page shows it: who did and watched what, in words; each sees what is about their spaces and about themselves. */
import type { UnixMs } from '../base/clock.ts';
import type { Vault } from '../vault/vault.ts';
import type { Principal } from './sessions.ts';

export interface TrailLine {
  readonly n: number;
  readonly atMs?: UnixMs;
  readonly who: string;
  readonly what: string;
  readonly camera?: string;
  /** Of the footage that it is about. */
  readonly fromMs?: UnixMs;
  readonly toMs?: UnixMs;
  readonly text: string;
}

export interface TrailRooms {
  readonly vault: Pick<Vault, 'auditBefore'>;
  readonly nameOf: (account: string) => string | undefined;
  readonly spaceOf: (camera: string) => string | undefined;
}

interface Entry {
  readonly at_ms?: number;
  readonly what?: string;
  readonly who?: string;
  readonly account?: string;
  readonly camera?: string;
  readonly detail?: unknown;
}

const textMax = 4000;
const linesAtOnce = 500;
/** For who may see few of them not all of the audit is read at once. */
const looksMax = 8;

const words: Readonly<Record<string, string>> = {
  'page.login': 'logged in', 'page.logout': 'logged out', 'page.logins-failed': 'passphrases that were wrong were tried', 'page.owner-made': 'made this hub\'s first owner',
  'page.recovered': 'got a new passphrase with the recovery kit', 'page.session-ended': 'ended a session', 'page.person-changed': 'changed own data',
  'page.passphrase-changed': 'changed the passphrase', 'page.device-noted': 'noted a device', 'page.device-removed': 'removed a device', 'page.account-erased': 'an account was erased', 'page.account-changed': 'changed what an account may',
  'page.invited': 'invited somebody', 'page.invitation-ended': 'took an invitation back', 'page.joined': 'joined by an invitation', 'page.token-made': 'made a token for a script',
  'page.token-ended': 'ended a token', 'page.asked': 'operated the hub', 'live.watched': 'watched live', 'live.listened': 'listened live', 'footage.playback': 'looked at recordings', 'footage.export': 'exported recordings', 'alarm.shown': 'looked at alarms',
  'privacy.on': 'switched pictures off', 'privacy.off': 'switched pictures on again', 'owner.list-taken': 'a new list of the owner is in force', 'owner.kit-replaced': 'another recovery kit took the place of the old one', 'camera.adopted': 'a camera was adopted',
  'camera.removed': 'a camera was taken out', 'camera.talk': 'talked through a camera', 'config.changed': 'the configuration changed',
  'camera.control': 'told a camera what to do', 'command.done': 'an order from outside was followed', 'command.refused': 'an order from outside was refused', 'camera.moved': 'a camera is at another address', 'camera.changed': 'a camera says that it has changed', 'camera.password-set': 'the hub got a camera\'s new password',
  'consent.asked': 'a change waits for an owner\'s yes', 'consent.given': 'an owner\'s signed yes was taken', 'slot.replaced': 'a key was sealed anew by an owner\'s device', 'deadlines.shortened': 'recordings are kept shorter than before',
  'database.copied': 'the database was copied', 'database.reconciled': 'the database and the disk were compared', 'database.restored': 'the database was restored from a copy', 'rebuild.period': 'an hour was read back from the disk',
  'key.made': 'an hour\'s key was made', 'keyring.damaged': 'the keyring is damaged', 'purge.shredded': 'an hour\'s key was overwritten', 'segment.closed': 'footage was sealed', 'segment.cut': 'footage was cut off, and what is whole was kept',
  'recovery.found': 'after a stop, footage was found and listed', 'recovery.missing': 'after a stop, footage is missing', 'recovery.removed': 'after a stop, remains were removed', 'scrub.list': 'the disk was checked',
  'notice.raised': 'something needs somebody', 'notice.settled': 'a notice is settled', 'notice.told': 'something happened that somebody should know of', 'vault.made': 'the vault was made', 'page.authority-made': 'the hub\'s own certificate authority was made', 'audit.expired': 'old lines of the audit went', erased: 'a line that was erased',
  'hold.asked': 'asked to keep footage longer', 'hold.made': 'footage is kept longer', 'hold.released': 'a hold was ended', 'hold.adopted': 'footage that is kept longer was found again', 'reconcile.held': 'footage went over to what keeps it longer',
  'erase.asked': 'asked to erase footage', 'segment.adopted': 'footage was found and listed',
  'hub.started': 'the hub started', 'purge.done': 'recordings were destroyed at their deadline',
};

/** What was asked through the page, by its route. */
const asked: Readonly<Record<string, string>> = {
  discover: 'looked for cameras', adopt: 'took a camera in', moved: 'followed a camera to another address', secret: 'gave a camera\'s new password', camera: 'told a camera what to do', cameras: 'gave a camera another name or space',
  accept: 'said yes to a change', keep: 'kept footage shorter, which destroyed some of it', settings: 'changed settings, which destroyed something', slots: 'sealed a key anew for those who stay', hold: 'kept footage longer', release: 'ended a hold', erase: 'began to erase a time', 'erase-hours': 'began to erase whole hours, without a key',
};

/** A page of it, the newest first. */
export async function auditTrail({ vault, nameOf, spaceOf }: TrailRooms, principal: Principal, q: { before?: number | undefined; limit?: number | undefined }): Promise<{ lines: TrailLine[]; total: number }> {
  const limit = q.limit ?? 100;
  const lines: TrailLine[] = [];
  let total = 0;
  let { before } = q;
  for (let looks = 0; looks < looksMax && lines.length < limit; looks++) {
    const page = await vault.auditBefore(before, linesAtOnce);
    total = page.total;
    for (const { n, entry } of page.lines) {
      const parsed = parse(entry);
      if (lines.length < limit && maySee(parsed, principal, spaceOf)) lines.push(lineOf(n, parsed, nameOf));
      before = n;
    }
    if (page.lines.length < linesAtOnce) break;
  }
  return { lines, total };
}

function maySee({ camera, account }: Entry, principal: Principal, spaceOf: TrailRooms['spaceOf']): boolean {
  if (principal.account.role === 'owner' && principal.token?.spaces === undefined) return true;
  if (camera !== undefined) return principal.may('audit', spaceOf(camera)) && principal.rank.spaces.includes(spaceOf(camera) ?? '');
  return account === principal.account.id;
}

function lineOf(n: number, { at_ms, what = '', who = '', account, camera, detail }: Entry, nameOf: TrailRooms['nameOf']): TrailLine {
  const more = detail === undefined || detail === null ? '' : typeof detail === 'string' ? detail : JSON.stringify(detail);
  const route = what === 'page.asked' && typeof detail === 'object' && detail !== null && 'route' in detail ? asked[String(detail.route)] : undefined;
  const said = route ?? words[what] ?? what;
  return {
    n, ...(at_ms === undefined ? {} : { atMs: at_ms }), what, ...(camera === undefined ? {} : { camera }), ...rangeOf(detail),
    who: account === undefined ? who : nameOf(account) ?? 'somebody whose account is gone',
    text: `${said}${more === '' ? '' : ` ${more}`}`.slice(0, textMax),
  };
}

function rangeOf(detail: unknown): { fromMs?: UnixMs; toMs?: UnixMs } {
  const { from_ms: fromMs, to_ms: toMs } = (typeof detail === 'object' && detail !== null ? detail : {}) as { from_ms?: unknown; to_ms?: unknown };
  return typeof fromMs === 'number' && typeof toMs === 'number' ? { fromMs, toMs } : {};
}

/** An erased text leaves its place. */
function parse(entry: string | null): Entry {
  return entry === null ? { what: 'erased' } : (JSON.parse(entry) as Entry);
}
