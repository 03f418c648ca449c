/**
 * What is remembered of notices over a restart: which ones stand and were told, and which are told to somebody still. Pure: a hub that starts
 * anew raises what lasts once more, and nobody shall hear of it twice.
 */
import { list, maybe, oneOf, table, text, whole, yesNo, type Checked } from '../base/closed.ts';
import type { UnixMs } from '../base/clock.ts';
import { hourMs, minuteMs } from '../base/units.ts';
import { noticeMessageKinds, type NoticeMessageKind } from './noticing.ts';

const timeMs = whole(0, 2 ** 48);
const id = text(/^[0-9a-f]{32}$/);
const camera = maybe(text(/^[^\p{C}]{1,100}$/u));
const kind = oneOf(noticeMessageKinds);

/** Told, and not over. */
const openSchema = table({ kind, camera, id, at_ms: timeMs });
/** `to`: the destinations that have not got it; `alarm`: whose picture may go along. */
const waitingSchema = table({ kind, camera, id, at_ms: timeMs, over: maybe(yesNo), alarm: maybe(text(/^[0-9a-f]{16}$/)), to: list(text(/^[a-z0-9][a-z0-9-]{0,39}$/), 16) });

export const toldMax = 500;
const schema = table({ v: oneOf([1]), open: list(openSchema, toldMax), waiting: list(waitingSchema, toldMax) });
export type OpenNotice = Checked<typeof openSchema>;
export type WaitingNotice = Checked<typeof waitingSchema>;
export type NoteState = Checked<typeof schema>;

export const nothingTold: NoteState = { v: 1, open: [], waiting: [] };

/** Nothing where there is none, or none that can be read: then something may be told twice. */
export function readNoteState(value: unknown): NoteState {
  try {
    return value === undefined ? nothingTold : schema(value, '');
  } catch {
    return nothingTold;
  }
}

export interface Begun {
  readonly kind: NoticeMessageKind;
  readonly camera: string | undefined;
  readonly id: string;
  readonly atMs: UnixMs;
}

export function standing(state: NoteState, kind: NoticeMessageKind, camera: string | undefined): OpenNotice | undefined {
  return state.open.find((one) => one.kind === kind && one.camera === camera);
}

/** A notice that begins to stand; the same state where it stands already, for it was told. */
export function begin(state: NoteState, notice: Begun, to: readonly string[]): NoteState {
  if (standing(state, notice.kind, notice.camera) !== undefined) return state;
  const told = { kind: notice.kind, ...(notice.camera === undefined ? {} : { camera: notice.camera }), id: notice.id, at_ms: Math.round(notice.atMs) };
  return addWaiting({ ...state, open: [...state.open, told].slice(-toldMax) }, { ...told, to });
}

/** It is over: told under the same number, to whoever heard of its beginning. */
export function finish(state: NoteState, kind: NoticeMessageKind, camera: string | undefined, atMs: UnixMs, to: readonly string[]): NoteState {
  const told = standing(state, kind, camera);
  if (told === undefined) return state;
  return addWaiting({ ...state, open: state.open.filter((one) => one !== told) }, { ...told, at_ms: Math.round(atMs), over: true, to });
}

/** An alarm: it rings once and does not stand. */
export function ring(state: NoteState, notice: Begun & { readonly alarm?: string | undefined }, to: readonly string[]): NoteState {
  const { kind, camera, id, alarm, atMs } = notice;
  return addWaiting(state, { kind, ...(camera === undefined ? {} : { camera }), id, at_ms: Math.round(atMs), ...(alarm === undefined ? {} : { alarm }), to });
}

/** One that has got it; with nobody left, it waits no more. */
export function placed(state: NoteState, notice: WaitingNotice, to: string): NoteState {
  return { ...state, waiting: state.waiting.flatMap((one) => (one.id !== notice.id || one.over !== notice.over ? [one] : one.to.length === 1 && one.to[0] === to ? [] : [{ ...one, to: one.to.filter((name) => name !== to) }])) };
}

/** What is too old to be told, and what is for destinations that there are no more, goes. */
export function dropOld(state: NoteState, destinations: readonly string[], nowMs: UnixMs): NoteState {
  const waiting = state.waiting.map((one) => ({ ...one, to: one.to.filter((name) => destinations.includes(name)) })).filter((one) => one.to.length > 0 && nowMs - one.at_ms < 12 * hourMs);
  return waiting.length === state.waiting.length && waiting.every((one, index) => one.to.length === state.waiting[index]?.to.length) ? state : { ...state, waiting };
}

/** After a start: what lasts has been raised again by then; what was not is over. */
export const raisedAgainMs = 10 * minuteMs;

function addWaiting(state: NoteState, one: WaitingNotice): NoteState {
  return one.to.length === 0 ? state : { ...state, waiting: [...state.waiting, one].slice(-toldMax) };
}
