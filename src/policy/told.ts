/**
 * What was told once and does not last (a new camera, a new device, a new destination): remembered for a week, so that whoever looks later still reads it, with
 * what to do. Pure.
 */
import { list, maybe, oneOf, table, text, whole, type Checked } from '../base/closed.ts';
import type { UnixMs } from '../base/clock.ts';
import { dayMs } from '../base/units.ts';
import { noticeKinds, type NoticeKind } from './notices.ts';

export const toldForMs = 7 * dayMs;
/** The newest; of what is beyond, the audit tells. */
export const toldOnceMax = 20;

const detailMax = 500;
const plain = /^[^\p{C}]*$/u;
const onceSchema = table({ kind: oneOf(Object.keys(noticeKinds) as NoticeKind[]), camera: maybe(text(plain, 100)), detail: text(plain, detailMax), at_ms: whole(0, 2 ** 48) });
const schema = table({ v: oneOf([1]), told: list(onceSchema, toldOnceMax) });
export type ToldOnce = Checked<typeof onceSchema>;

/** None where there are none, or none that can be read: the audit has them all the same. */
export function readTold(value: unknown): readonly ToldOnce[] {
  try {
    return value === undefined ? [] : schema(value, '').told;
  } catch {
    return [];
  }
}

export function withTold(before: readonly ToldOnce[], one: ToldOnce): readonly ToldOnce[] {
  return [...before, { ...one, detail: one.detail.slice(0, detailMax) }].slice(-toldOnceMax);
}

/** The newest first; a clock that went back hides none. */
export function toldLately(told: readonly ToldOnce[], nowMs: UnixMs): readonly ToldOnce[] {
  return told.filter(({ at_ms: atMs }) => nowMs - atMs < toldForMs).toReversed();
}
