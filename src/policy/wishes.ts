/**
 * What an owner asks for by signature: to keep footage longer, to end that, to erase a time, or what nobody knows at a destination. The document is canonical JSON in words that a
 * person can read, and its exact bytes are signed; pure, so that terminal, page and hub make and read the same. docs/FORMAT.md describes it.
 */
import { canonicalJson } from '../base/canonical.ts';

/** SSHSIG namespaces: a signature to keep never serves to erase. */
export const holdNamespace = 'sallyport-hold';
export const eraseNamespace = 'sallyport-erase';

export interface HoldWish {
  readonly what: 'hold';
  readonly camera: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly untilMs: number;
  readonly label: string;
}

export interface ReleaseWish {
  readonly what: 'release';
  readonly order: string;
}

export interface EraseWish {
  readonly what: 'erase';
  readonly camera: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** In the owner's words; stands in the receipt. */
  readonly why: string;
}

/** What the hub does not know is to go from a destination: exactly this, and nothing that came since. */
export interface ClearWish {
  readonly what: 'clear';
  readonly destination: string;
  readonly objects: number;
  /** SHA-256, in hexadecimal digits: `unknownText` of farunknown.ts. */
  readonly set: string;
}

export type Wish = HoldWish | ReleaseWish | EraseWish | ClearWish;

/** Canonical JSON, times in ISO 8601. */
export function wishDocument(wish: Wish, madeMs: number): string {
  const made = iso(madeMs);
  if (wish.what === 'release') return canonicalJson({ v: 1, what: 'release', order: wish.order, made });
  if (wish.what === 'clear') return canonicalJson({ v: 1, what: 'clear', destination: wish.destination, objects: wish.objects, set: wish.set, made });
  const { camera, fromMs, toMs } = wish;
  const range = { v: 1, camera, from: iso(fromMs), to: iso(toMs), made };
  return wish.what === 'hold'
    ? canonicalJson({ ...range, what: 'hold', until: iso(wish.untilMs), label: wish.label })
    : canonicalJson({ ...range, what: 'erase', why: wish.why });
}

/** Undefined when the document is not what `wishDocument` would have written. */
export function readWish(document: string): Wish | undefined {
  const fields = fieldsOf(document);
  const text = (name: string): string => {
    const value = fields.get(name);
    return typeof value === 'string' ? value : '';
  };
  const ms = (name: string): number => Date.parse(text(name));
  const wish: Wish = text('what') === 'release'
    ? { what: 'release', order: text('order') }
    : text('what') === 'clear'
      ? { what: 'clear', destination: text('destination'), objects: Number(fields.get('objects')), set: text('set') }
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

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
