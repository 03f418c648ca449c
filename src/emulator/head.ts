/** The moving head of a camera: where it looks follows from the clock alone, so nothing runs while it moves. */
import type { Clock } from '../base/clock.ts';

export const axes = ['pan', 'tilt', 'zoom'] as const;
export type Axis = (typeof axes)[number];
export type Position = Readonly<Record<Axis, number>>;

/** In ONVIF's generic spaces. */
export const limits: Readonly<Record<Axis, { readonly min: number; readonly max: number }>> = { pan: { min: -1, max: 1 }, tilt: { min: -1, max: 1 }, zoom: { min: 0, max: 1 } };

/** Of a space's unit in a second, at full speed. */
const unitsASecond: Readonly<Record<Axis, number>> = { pan: 0.5, tilt: 0.5, zoom: 0.25 };

export const presetsMax = 32;

/** Slower than this and a move would never be over. */
const speedMin = 0.001;

interface Motion {
  readonly from: number;
  readonly startMs: number;
  /** Units a millisecond. */
  readonly speed: number;
  readonly endMs: number;
}

export class PtzHead {
  readonly presets = new Map<string, { name: string; position: Position }>();
  home: Position = { pan: 0, tilt: 0, zoom: 0 };
  readonly #clock: Clock;
  readonly #motions: Record<Axis, Motion>;

  constructor(clock: Clock) {
    this.#clock = clock;
    const still: Motion = { from: 0, startMs: 0, speed: 0, endMs: 0 };
    this.#motions = { pan: still, tilt: still, zoom: still };
  }

  get position(): Position {
    return { pan: this.#at('pan'), tilt: this.#at('tilt'), zoom: this.#at('zoom') };
  }

  moving(axis: Axis): boolean {
    return this.#clock.monotonicMs() < this.#motions[axis].endMs;
  }

  /** At `speed` of its full speed (above 0, to 1). */
  goTo(axis: Axis, target: number, speed = 1): void {
    const from = this.#at(axis);
    const startMs = this.#clock.monotonicMs();
    const perMs = (unitsASecond[axis] * Math.max(speedMin, speed)) / 1000;
    this.#motions[axis] = { from, startMs, speed: Math.sign(target - from) * perMs, endMs: startMs + Math.abs(target - from) / perMs };
  }

  /** Until the limit, or as long as it may; `velocity` -1 to 1. */
  drive(axis: Axis, velocity: number, timeoutMs: number): void {
    if (velocity === 0) {
      this.stop(axis);
      return;
    }
    this.goTo(axis, velocity > 0 ? limits[axis].max : limits[axis].min, Math.abs(velocity));
    const motion = this.#motions[axis];
    this.#motions[axis] = { ...motion, endMs: Math.min(motion.endMs, motion.startMs + timeoutMs) };
  }

  stop(axis: Axis): void {
    this.#motions[axis] = { from: this.#at(axis), startMs: 0, speed: 0, endMs: 0 };
  }

  #at(axis: Axis): number {
    const { from, startMs, speed, endMs } = this.#motions[axis];
    const { min, max } = limits[axis];
    return Math.min(max, Math.max(min, from + speed * Math.max(0, Math.min(this.#clock.monotonicMs(), endMs) - startMs)));
  }
}
