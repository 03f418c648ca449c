/** What the hub says of segments: where each is asked for, and which keys may open it. None of it opens anything. */
import type { Timeline } from '../../api/pagecontract.ts';
import { SallyportError } from '../../base/errors.ts';
import { HubAnswer } from './fetcher.ts';

export type StreamName = 'main' | 'sub';
export type FootageTimeline = Pick<Timeline, 'periods' | 'segments' | 'gaps' | 'moreFromMs'>;
export type Segment = FootageTimeline['segments'][number];

/** One segment of the timeline, as it is read: whose it is, and how it is called in errors. */
export interface SegmentOf {
  readonly camera: string;
  readonly stream: StreamName;
  readonly segment: Segment;
  readonly what: string;
}

/** A key that opens a segment: by its own header, or by a second one. */
export interface Way {
  readonly slot: number;
  readonly generation: number;
  readonly held: boolean;
}

export const apiPath = '/api/v1';

export function segmentOf(camera: string, stream: StreamName, segment: Segment): SegmentOf {
  return { camera, stream, segment, what: `${camera} ${stream} ${segment.seq} of ${new Date(segment.startMs).toISOString()}` };
}

/** Where the hub gives a period's sealed key. */
export function slotPath(camera: string, { slot, generation }: { readonly slot: number; readonly generation: number }): string {
  return `${apiPath}/slots/${encodeURIComponent(camera)}/${slot}/${generation}`;
}

export function segmentPath(camera: string, stream: StreamName, seq: number): string {
  return `${apiPath}/segments/${encodeURIComponent(camera)}/${stream}/${seq}`;
}

/** A picture of an alarm, or its text, sealed. */
export function alarmPath({ camera, alarm, picture }: { readonly camera: string; readonly alarm: string; readonly picture: string }): string {
  return `${apiPath}/alarms/${encodeURIComponent(camera)}/${encodeURIComponent(alarm)}/${picture}`;
}

export function holdPath(camera: string, stream: StreamName, seq: number, slot: number): string {
  return `${apiPath}/holds/${encodeURIComponent(camera)}/${stream}/${seq}/${slot}`;
}

/** Its own header first, unless its key is gone; then the second ones. */
export function waysInto({ slot, generation, holds = [] }: Segment): Way[] {
  return [...(holds.some((hold) => hold.slot === slot) ? [] : [{ slot, generation, held: false }]), ...holds.map((hold) => ({ ...hold, held: true }))];
}

/** What one way into a segment fails with, where another one may open. */
export function isUseless(error: unknown): boolean {
  if (isGone(error) || (error instanceof HubAnswer && error.error.code === 'SP_HOLD_DAMAGED')) return true;
  return error instanceof SallyportError && (['SP_WRONG_IDENTITY', 'SP_AGE_HEADER', 'SP_AGE_MAC', 'SP_AGE_PAYLOAD', 'SP_SEGMENT_METADATA'] as const).some((code) => code === error.code);
}

export function isGone(error: unknown): boolean {
  return (error instanceof HubAnswer && error.gone) || (error instanceof SallyportError && error.code === 'SP_SLOT_MISSING');
}
