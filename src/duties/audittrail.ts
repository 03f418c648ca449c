/** The owner's audit as visitors see it: who did and watched what, by the codes that the page has words for; each sees what is about their spaces and about themselves. */
import type { UnixMs } from '../base/clock.ts';
import type { Vault } from '../vault/vault.ts';
import type { Principal } from './sessions.ts';

export interface TrailLine {
  readonly n: number;
  readonly atMs?: UnixMs;
  /** Of a person the name, '' when the account is gone; else who did it by code: `hub`, `cli`, `page`, … */
  readonly who: string;
  readonly person: boolean;
  readonly what: string;
  /** Of `page.asked`: what was asked, by its route. */
  readonly route?: string;
  readonly camera?: string;
  /** Of the footage that it is about. */
  readonly fromMs?: UnixMs;
  readonly toMs?: UnixMs;
  /** What was noted of it, as it was noted: JSON, or a word. */
  readonly detail?: string;
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

const detailMax = 4000;
const linesAtOnce = 500;
/** For who may see few of them not all of the audit is read at once. */
const looksMax = 8;

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
  if (principal.isWholeOwner) return true;
  if (camera !== undefined) return principal.may('audit', spaceOf(camera)) && principal.rank.spaces.includes(spaceOf(camera) ?? '');
  return account === principal.account.id;
}

function lineOf(n: number, { at_ms, what = '', who = '', account, camera, detail }: Entry, nameOf: TrailRooms['nameOf']): TrailLine {
  const more = detail === undefined || detail === null ? '' : typeof detail === 'string' ? detail : JSON.stringify(detail);
  const route = what === 'page.asked' && typeof detail === 'object' && detail !== null && 'route' in detail ? String(detail.route) : undefined;
  return {
    n, ...(at_ms === undefined ? {} : { atMs: at_ms }), what, ...(route === undefined ? {} : { route }), ...(camera === undefined ? {} : { camera }), ...rangeOf(detail),
    who: account === undefined ? who : nameOf(account) ?? '', person: account !== undefined, ...(more === '' ? {} : { detail: more.slice(0, detailMax) }),
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
