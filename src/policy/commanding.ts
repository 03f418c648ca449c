/**
 * What may be ordered from outside, through a broker of the home: to make a camera's space private, and to turn a camera to a place that was
 * saved in it. Never the other way: that pictures are made again is said by somebody in the house, with a session.
 */
import type { UnixMs } from '../base/clock.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import { aliasOf, type CameraNumbers, type NoticeDestination } from './telling.ts';

/** Why a command is not followed, as its answer and the audit say it. */
export const commandRefusals = ['no right', 'lowers privacy', 'stale', 'too many', 'unknown', 'failed'] as const;
export type CommandRefusal = (typeof commandRefusals)[number];

/** As it came back; `outbox/orders.ts` has its schema. */
export type CommandWish = { readonly from: string; readonly at_ms: UnixMs; readonly camera: string } & ({ readonly do: 'privacy'; readonly on: boolean } | { readonly do: 'place'; readonly place: number });

export interface CommandFacts {
  readonly destinations: readonly NoticeDestination[];
  readonly cameras: readonly { readonly id: string; readonly space: string; readonly alias?: string }[];
  readonly numbers: CameraNumbers;
  /** How many of this destination's were looked at within the last hour. */
  readonly lately: number;
  readonly nowMs: UnixMs;
}

export type CommandDecision = { readonly do: 'raise privacy'; readonly camera: string; readonly space: string } | { readonly do: 'turn'; readonly camera: string; readonly place: number } | { readonly refuse: CommandRefusal; readonly camera: string | undefined };

/** A lamp switch is not used a minute after it was pressed. Courier and hub have one clock, so one that is ahead is no better. */
export const commandAgeMsMax = minuteMs;
const aheadMsMax = 5 * secondMs;
export const commandsPerHourMax = 120;

export function judgeCommand(wish: CommandWish, { destinations, cameras, numbers, lately, nowMs }: CommandFacts): CommandDecision {
  const destination = destinations.find(({ name, kind }) => name === wish.from && kind === 'mqtt');
  const camera = destination === undefined ? undefined : cameras.find((one) => aliasOf(one, numbers) === wish.camera);
  const refuse = (why: CommandRefusal): CommandDecision => ({ refuse: why, camera: camera?.id });
  if (destination?.commands !== true) return refuse('no right');
  if (nowMs - wish.at_ms > commandAgeMsMax || wish.at_ms - nowMs > aheadMsMax) return refuse('stale');
  if (wish.do === 'privacy' && !wish.on) return refuse('lowers privacy');
  if (camera === undefined) return refuse('unknown');
  if (lately >= commandsPerHourMax) return refuse('too many');
  return wish.do === 'privacy' ? { do: 'raise privacy', camera: camera.id, space: camera.space } : { do: 'turn', camera: camera.id, place: wish.place };
}
