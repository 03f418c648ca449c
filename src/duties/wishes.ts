/**
 * What the owner asks for by signature: to keep footage longer, to end that, to erase a time. The document is in words that a person can
 * read; what the hub takes from it is exactly what was signed, once.
 */
import { canonicalJson } from '../base/canonical.ts';
import type { UnixMs } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import type { OwnerList } from '../seal/owner.ts';
import type { Vault } from '../vault/vault.ts';
import { checkOwner, useOnce } from './consent.ts';

/** SSHSIG namespaces: a signature to keep never serves to erase. */
export const holdNamespace = 'sallyport-hold';
export const eraseNamespace = 'sallyport-erase';

export interface Signed {
  readonly document: string;
  readonly signature: string;
}

export interface HoldWish {
  readonly what: 'hold';
  readonly camera: string;
  readonly fromMs: UnixMs;
  readonly toMs: UnixMs;
  readonly untilMs: UnixMs;
  readonly label: string;
}

export interface ReleaseWish {
  readonly what: 'release';
  readonly order: string;
}

export interface EraseWish {
  readonly what: 'erase';
  readonly camera: string;
  readonly fromMs: UnixMs;
  readonly toMs: UnixMs;
  /** In the owner's words; stands in the receipt. */
  readonly why: string;
}

export type Wish = HoldWish | ReleaseWish | EraseWish;

/** Canonical JSON, times in ISO 8601. */
export function wishDocument(wish: Wish, madeMs: UnixMs): string {
  const made = iso(madeMs);
  if (wish.what === 'release') return canonicalJson({ v: 1, what: 'release', order: wish.order, made });
  const { camera, fromMs, toMs } = wish;
  const range = { v: 1, camera, from: iso(fromMs), to: iso(toMs), made };
  return wish.what === 'hold'
    ? canonicalJson({ ...range, what: 'hold', until: iso(wish.untilMs), label: wish.label })
    : canonicalJson({ ...range, what: 'erase', why: wish.why });
}

/** What the owner signed. SP_NO_OWNER; SP_BAD_SIGNATURE when somebody else signed it, it says something else, or it was used before. */
export async function takeWish<K extends Wish['what']>(vault: Vault, owner: OwnerList | undefined, signed: Signed, kind: K): Promise<Extract<Wish, { what: K }>> {
  const what = kind === 'erase' ? 'the order to erase' : kind === 'hold' ? 'the order to hold' : 'the order to release';
  checkOwner(owner, signed, kind === 'erase' ? eraseNamespace : holdNamespace, what);
  const wish = wishIn(signed.document);
  if (wish?.what !== kind) throw new SallyportError('SP_BAD_SIGNATURE', { what, reason: 'it says something else' });
  await useOnce(vault, signed, what);
  return wish as Extract<Wish, { what: K }>;
}

/** Undefined when the document is not what `wishDocument` would have written. */
function wishIn(document: string): Wish | undefined {
  const fields = fieldsOf(document);
  const text = (name: string): string => {
    const value = fields.get(name);
    return typeof value === 'string' ? value : '';
  };
  const ms = (name: string): UnixMs => Date.parse(text(name));
  const wish: Wish = text('what') === 'release'
    ? { what: 'release', order: text('order') }
    : text('what') === 'hold'
      ? { what: 'hold', camera: text('camera'), fromMs: ms('from'), toMs: ms('to'), untilMs: ms('until'), label: text('label') }
      : { what: 'erase', camera: text('camera'), fromMs: ms('from'), toMs: ms('to'), why: text('why') };
  try {
    return wishDocument(wish, ms('made')) === document ? wish : undefined;
  } catch {
    return undefined; // A time that is none.
  }
}

function fieldsOf(document: string): Map<string, unknown> {
  try {
    const value: unknown = JSON.parse(document);
    return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  } catch {
    return new Map();
  }
}

function iso(ms: UnixMs): string {
  return new Date(ms).toISOString();
}
