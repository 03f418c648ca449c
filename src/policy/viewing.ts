/** What a live viewer gets who takes pictures more slowly than they come. Recording is another reader and never notices. */
import { secondMs } from '../base/units.ts';

export interface Viewing {
  readonly mode: 'all' | 'key frames';
  /** Since when it is behind, monotonic; undefined while it gets all. */
  readonly behindSinceMs: number | undefined;
}

/** What was sent to the viewer and has not arrived there. */
export interface Waiting {
  readonly bytes: number;
  /** How long the oldest of it has waited. */
  readonly ms: number;
}

export interface NextPicture extends Waiting {
  readonly track: 'video' | 'audio';
  readonly keyFrame: boolean;
  readonly nowMs: number;
}

export interface ViewingStep {
  readonly next: Viewing;
  readonly decision: 'send' | 'leave out' | 'cut';
  /** The mode has changed to this. */
  readonly news: Viewing['mode'] | undefined;
  /** Of a cut, in words. */
  readonly why?: string;
}

/** A viewer begins at a key frame, which the ring sees to. */
export const viewingBegins: Viewing = { mode: 'all', behindSinceMs: undefined };

/** Room for the current group of pictures of a usual camera, which is sent at once at the beginning. */
export const behindBytes = 4 * 2 ** 20;
export const behindMs = 2 * secondMs;
/** So far it must have come again before it gets all. */
const caughtUpBytes = 2 ** 19;
const caughtUpMs = secondMs;
/** More is never kept for a viewer. */
export const waitingBytesMax = 16 * 2 ** 20;
/** Nothing has arrived for so long: nobody is there. */
export const waitingMsMax = 15 * secondMs;
/** A viewer that is behind for so long will not catch up. */
export const behindMsMax = 60 * secondMs;
export const viewersOfCameraMax = 64;
export const viewersMax = 256;
/** Streams that are made into MPEG-1 for panels at once; each takes a part of a processor. */
export const panelEncodersMax = 4;

export function nextForViewer(viewing: Viewing, picture: NextPicture): ViewingStep {
  const { bytes, ms, nowMs, track, keyFrame } = picture;
  if (bytes >= waitingBytesMax) return cut(viewing, `${bytes} bytes wait to be sent`);
  if (ms >= waitingMsMax) return cut(viewing, `nothing has arrived for ${Math.round(ms / secondMs)} s`);
  if (viewing.behindSinceMs !== undefined && nowMs - viewing.behindSinceMs >= behindMsMax) return cut(viewing, `it has been behind for ${Math.round(behindMsMax / secondMs)} s`);
  const late = bytes >= behindBytes || ms >= behindMs;
  if (viewing.mode === 'all') {
    return late ? { next: fallenBehind(viewing, nowMs), decision: 'leave out', news: 'key frames' } : { next: viewing, decision: 'send', news: undefined };
  }
  if (late || track === 'audio' || !keyFrame) return { next: viewing, decision: 'leave out', news: undefined };
  const caughtUp = bytes <= caughtUpBytes && ms <= caughtUpMs;
  return caughtUp ? { next: viewingBegins, decision: 'send', news: 'all' } : { next: viewing, decision: 'send', news: undefined };
}

/** Something was left out for it, here or before. */
export function fallenBehind({ behindSinceMs }: Viewing, nowMs: number): Viewing {
  return { mode: 'key frames', behindSinceMs: behindSinceMs ?? nowMs };
}

function cut(next: Viewing, why: string): ViewingStep {
  return { next, decision: 'cut', news: undefined, why };
}
