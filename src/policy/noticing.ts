/**
 * What goes to a phone, and when: closed kinds, no names, no pictures but sealed ones. The first notice of a kind goes at once; what follows it within the
 * grouping time goes as one message; a destination gets no more messages an hour than it should; at quiet hours only what is urgent rings.
 * Nothing is dropped here: what must wait, waits and is counted in the message that comes.
 */
import type { UnixMs } from '../base/clock.ts';
import { hourMs, minuteMs } from '../base/units.ts';
import { noticeKinds, observedKinds } from './notices.ts';
import { inHours, type DayHours } from './sending.ts';

/** What the hub itself has to say, and what was observed. */
export const noticeMessageKinds = [...(Object.keys(noticeKinds) as (keyof typeof noticeKinds)[]), ...(Object.keys(observedKinds) as (keyof typeof observedKinds)[])] as const;
export type NoticeMessageKind = (typeof noticeMessageKinds)[number];

export interface NoticeMessage {
  readonly kind: NoticeMessageKind;
  /** Not the camera's name: what the owner lets the world call it. */
  readonly camera: string | undefined;
  readonly atMs: UnixMs;
  /** Random; with it the hub's page finds what it is about. */
  readonly id: string;
  /** What was told under the same id is over. It never rings at quiet hours. */
  readonly over?: boolean | undefined;
}

/** Of a sealed picture that goes with a notice: 24 KiB, sealed. */
export const noticePictureBytesMax = 32 * 1024;
/** More than so many do not go with one message; the page has the others. */
export const noticePicturesMax = 8;

export interface NoticeRules {
  readonly groupMs: number;
  readonly perHourMax: number;
  readonly quiet: readonly DayHours[];
  /** Kinds that ring at quiet hours too. */
  readonly urgent: readonly NoticeMessageKind[];
}

export const noticeRules: NoticeRules = {
  groupMs: minuteMs, perHourMax: 30, quiet: [],
  urgent: ['recording stopped', 'disk full', 'disk failing', 'disk gone', 'keyring damaged', 'purge overdue', 'failed logins', 'kit replaced', 'certificate changed', 'firmware changed', 'audit broken', 'new device', 'new destination', 'tamper'],
};

/** A message that went out; those of the last hour matter. */
export interface SentMessage {
  readonly kinds: readonly NoticeMessageKind[];
  readonly atMs: UnixMs;
}

export interface NoticeDecision<N> {
  /** What goes now as one message, in order; empty when nothing does. */
  readonly send: readonly N[];
  /** When to decide again, while something waits. */
  readonly againMs: UnixMs | undefined;
}

/** `localMinute`: minutes since midnight where the hub is, now. */
export function decideNotices<N extends { readonly notice: NoticeMessage }>(waiting: readonly N[], sent: readonly SentMessage[], rules: NoticeRules, nowMs: UnixMs, localMinute: number): NoticeDecision<N> {
  const quiet = inHours(rules.quiet, localMinute);
  const loud = waiting.filter(({ notice }) => !quiet || isUrgent(notice, rules));
  const lastHour = sent.filter(({ atMs }) => nowMs - atMs < hourMs && atMs <= nowMs);
  // An urgent one is never held back by a limit that was used up by others, only by its own group.
  const urgent = loud.filter(({ notice }) => isUrgent(notice, rules) && lastOf(notice.kind, lastHour, nowMs, rules.groupMs) === undefined);
  if (urgent.length > 0) return { send: loud.filter(({ notice }) => isUrgent(notice, rules)), againMs: waiting.length > urgent.length ? nowMs + rules.groupMs : undefined };
  if (loud.length === 0) return { send: [], againMs: waiting.length === 0 ? undefined : nowMs + minuteMs };
  if (lastHour.length >= rules.perHourMax) return { send: [], againMs: Math.min(...lastHour.map(({ atMs }) => atMs)) + hourMs };
  const freedMs = loud.map(({ notice }) => lastOf(notice.kind, lastHour, nowMs, rules.groupMs)).map((lastMs) => (lastMs === undefined ? nowMs : lastMs + rules.groupMs));
  const firstMs = Math.min(...freedMs);
  return firstMs <= nowMs ? { send: loud, againMs: loud.length < waiting.length ? nowMs + minuteMs : undefined } : { send: [], againMs: firstMs };
}

export function isUrgent({ kind, over }: NoticeMessage, rules: Pick<NoticeRules, 'urgent'>): boolean {
  return over !== true && rules.urgent.includes(kind);
}

/** When this kind last went out, if that was within the grouping time. */
function lastOf(kind: NoticeMessageKind, sent: readonly SentMessage[], nowMs: UnixMs, groupMs: number): UnixMs | undefined {
  return sent.filter(({ kinds, atMs }) => kinds.includes(kind) && nowMs - atMs < groupMs).map(({ atMs }) => atMs).toSorted((a, b) => b - a)[0];
}

/** So much of a notice's number stands in its text; the hub's page finds it by that. */
export const noticeDigits = 8;

/** "motion, camera-2, 14:32 UTC, no. 1a2b3c4d (and 3 more)"; "recording stopped, over, camera-2, 14:40 UTC, no. 1a2b3c4d". */
export function noticeText(notices: readonly NoticeMessage[]): string {
  const [first, ...others] = notices;
  if (first === undefined) return '';
  const time = new Date(first.atMs).toISOString().slice(11, 16);
  return `${[first.kind, ...(first.over === true ? ['over'] : []), ...(first.camera === undefined ? [] : [first.camera]), `${time} UTC`, `no. ${first.id.slice(0, noticeDigits)}`].join(', ')}${others.length === 0 ? '' : ` (and ${others.length} more)`}`;
}
