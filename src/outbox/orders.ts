/** What the hub may ask of the courier, and what the courier may answer: closed schemas, which both sides check. Pure. */
import { list, maybe, oneOf, table, text, variants, whole, yesNo, type Checked } from '../base/closed.ts';
import { errorTable, type ErrorCode } from '../base/errors.ts';
import { commandRefusals } from '../policy/commanding.ts';
import { referencePattern } from '../policy/pieces.ts';
import { noticeMessageKinds, noticePictureBytesMax } from '../policy/noticing.ts';
import { presenceKinds } from '../policy/presence.ts';
import { bodyBytesMax, orderNamePattern } from './boxfile.ts';

/** 128 random bits, chosen by the hub; says nothing about what it names. */
export const objectPattern = /^[0-9a-f]{32}$/;
/** What a destination is called; also the name of its credentials' files. */
export const destinationPattern = /^[a-z0-9][a-z0-9-]{0,39}$/;
/** What the phone is told instead of a camera's name. */
export const aliasPattern = /^[a-z0-9][a-z0-9-]{0,39}$/;
const sha256Pattern = /^[0-9a-f]{64}$/;

/** For the ledger: what kind of thing left. `keyring`: the one object of slots for a store that is to survive the hub. */
export const objectClasses = ['segment', 'hold', 'hours', 'keyring', 'picture'] as const;
export type ObjectClass = (typeof objectClasses)[number];

const timeMs = whole(0, 2 ** 48);
const every = { v: oneOf([1]), to: text(destinationPattern), made_ms: timeMs };
export const rangeBytesMax = 16 * 2 ** 20;
export const listedMax = 1000;
/** Places that a camera can be turned to, as far as they are told. */
export const placesMax = 32;

export const orderSchema = variants('order', {
  put: table({ ...every, order: oneOf(['put']), object: text(referencePattern), class: oneOf(objectClasses), size: whole(1, bodyBytesMax), sha256: text(sha256Pattern), replace: yesNo }),
  /** Of one that lies there in pieces: how long it was when it was sent last, and its hash, if it may have been replaced. */
  delete: table({ ...every, order: oneOf(['delete']), object: text(referencePattern), size: maybe(whole(1, bodyBytesMax)), sha256: maybe(text(sha256Pattern)) }),
  get: table({ ...every, order: oneOf(['get']), object: text(referencePattern), from: whole(0, bodyBytesMax), length: whole(1, rangeBytesMax), or_less: maybe(yesNo) }),
  list: table({ ...every, order: oneOf(['list']), after: maybe(text(objectPattern)) }),
  probe: table({ ...every, order: oneOf(['probe']) }),
  /** `size` and `sha256`: of the sealed picture that is its body, where it has one. */
  notice: table({ ...every, order: oneOf(['notice']), kind: oneOf(noticeMessageKinds), camera: maybe(text(aliasPattern)), at_ms: timeMs, id: text(objectPattern), over: maybe(yesNo), size: maybe(whole(1, noticePictureBytesMax)), sha256: maybe(text(sha256Pattern)) }),
  /** For a broker of a home: one camera as it is now. `shown`: of what it is told at all; `gone`: it is there no more; `places`: how many it can be turned to. */
  state: table({
    ...every, order: oneOf(['state']), camera: text(aliasPattern), at_ms: timeMs, gone: maybe(yesNo), online: yesNo, private: yesNo,
    shown: list(oneOf(presenceKinds), presenceKinds.length), seen: list(oneOf(presenceKinds), presenceKinds.length), sealed_ms: maybe(timeMs), places: maybe(whole(1, placesMax)),
  }),
  /** What became of a command that came back: the courier may forget it. */
  heard: table({ ...every, order: oneOf(['heard']), command: text(orderNamePattern), camera: maybe(text(aliasPattern)), outcome: oneOf(['done', ...commandRefusals]) }),
  /** Stands in another order's place, under its name: it is not wanted any more. */
  withdraw: table({ ...every, order: oneOf(['withdraw']), was: oneOf(['put', 'delete', 'get', 'list', 'probe', 'notice', 'state', 'heard']) }),
});
export type Order = Checked<typeof orderSchema>;
/** Of the order's body. */
export function bodyBytesOf(order: Order): number {
  return order.order === 'put' || order.order === 'notice' ? order.size ?? 0 : 0;
}

export type OrderOf<K extends Order['order']> = Extract<Order, { readonly order: K }>;

/**
 * What may come back on its own: somebody at a destination asks for something. `place`: the how-manieth of the places that `state` told of. It is a
 * stranger's wish: the hub does what `policy/commanding.ts` allows, and says what became of it (`heard`).
 */
export const commandSchema = variants('do', {
  privacy: table({ v: oneOf([1]), from: text(destinationPattern), at_ms: timeMs, do: oneOf(['privacy']), camera: text(aliasPattern), on: yesNo }),
  place: table({ v: oneOf([1]), from: text(destinationPattern), at_ms: timeMs, do: oneOf(['place']), camera: text(aliasPattern), place: whole(1, placesMax) }),
});
export type Command = Checked<typeof commandSchema>;

/** How it is known that the far end holds what was sent: by its own checksum, by reading it back, or by its size alone. */
export const proofs = ['checksum', 'read back', 'size'] as const;
export type Proof = (typeof proofs)[number];

export const answerSchema = table({
  v: oneOf([1]),
  /** The name of the order's file. */
  name: text(orderNamePattern),
  to: text(destinationPattern),
  /** `unknown`: what lay there could not be read. */
  order: oneOf(['put', 'delete', 'get', 'list', 'probe', 'notice', 'state', 'heard', 'withdraw', 'unknown']),
  outcome: oneOf(['done', 'failed', 'withdrawn']),
  at_ms: timeMs,
  /** How often it was begun, and how many bytes of it went out in all: what was sent twice is seen here. */
  attempts: whole(0, 2 ** 31),
  sent_bytes: whole(0, 2 ** 52),
  proof: maybe(oneOf(proofs)),
  /** Of a failure. */
  code: maybe(oneOf(Object.keys(errorTable) as ErrorCode[])),
  reason: maybe(text(/^[ -~]*$/, 300)),
  /** Of the body, where there is one: what `get` read; the names of `list`, one a line. */
  size: maybe(whole(0, rangeBytesMax)),
  sha256: maybe(text(sha256Pattern)),
  /** `list`: whether there are more; how many names there that are none of ours. */
  more: maybe(yesNo),
  foreign: maybe(whole(0, 2 ** 31)),
  /** `probe`; of a `put` `keeps_versions` alone, where the far end has said so by itself. */
  may: maybe(list(oneOf(['put', 'get', 'delete']), 3)),
  keeps_versions: maybe(oneOf(['yes', 'no', 'unknown'])),
  overwrites: maybe(oneOf(['yes', 'no', 'unknown'])),
});
export type Answer = Checked<typeof answerSchema>;
