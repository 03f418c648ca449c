/**
 * Whether the service manager's watchdog is fed: while segments close, or while there is a stated reason why none can. Unfed, the hub
 * is restarted; so it is left unfed only where a restart may help, and never twice for a stream that no restart has brought back.
 */
import { minuteMs } from '../base/units.ts';

export interface StreamPulse {
  readonly camera: string;
  /** Recording is wanted, and there is an owner to seal for. */
  readonly wanted: boolean;
  /** For how long pictures have come without a break; undefined when none come. */
  readonly deliveringMs: number | undefined;
  /** Since a segment of it was sealed; undefined when none was since the hub started. */
  readonly sealedAgoMs: number | undefined;
  /** Why nothing can be sealed now, in words that the owner is told too. */
  readonly excuse: string | undefined;
}

export interface Heartbeat {
  readonly feed: boolean;
  readonly because: string;
}

/** Segments are cut after 90 s at the latest; a slow card may take a minute to sync one. */
export const sealLateMs = 4 * minuteMs;

export function heartbeat(streams: readonly StreamPulse[], hubExcuse: string | undefined): Heartbeat {
  const silent = streams.filter(stoppedSilently);
  if (silent.length === 0) return { feed: true, because: 'what is delivered is sealed, or it is known why not' };
  const names = silent.map(({ camera }) => camera).join(', ');
  if (hubExcuse !== undefined) return { feed: true, because: `nothing of ${names} is sealed, and a restart would not help: ${hubExcuse}` };
  return { feed: false, because: `nothing of ${names} was sealed for over ${sealLateMs / minuteMs} minutes, though pictures come, and nobody knows why` };
}

/** It was recorded since the start, so a start brings it back; one that never was would make the hub restart for ever. */
function stoppedSilently({ wanted, deliveringMs, sealedAgoMs, excuse }: StreamPulse): boolean {
  return wanted && excuse === undefined && deliveringMs !== undefined && deliveringMs > sealLateMs && sealedAgoMs !== undefined && sealedAgoMs > sealLateMs;
}
