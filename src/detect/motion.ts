/**
 * Whether something moves in a camera's picture, and where: on gray pictures of 160x90, five a second, so that it costs a twentieth of a
 * percent of a core. Pure: pictures and their times come in, nothing goes out but the answer.
 *
 * Of each pixel a running mean and a running deviation are kept, so that what always flickers counts little. A cell of 10x10 pixels moves
 * when enough of its pixels are away from their mean (something is there that is not usually) and some have changed since the picture
 * before (it moves now: what was left standing, or the ghost of what has gone, does not ring), and when it or a neighbour did so in
 * the picture before (a rain drop is in one picture only; while it rains, in the three before). How many are enough is learned for each cell
 * from its quiet pictures.
 *
 * When most of the picture changes at once it is the light, not somebody: all is learned anew from there. If that goes on for
 * `lightMsMax`, it is a motion after all: a camera that is carried off or covered must not go blind in silence.
 */
import { isInside, type ZonePoint } from '../policy/alarmrules.ts';
import { motionHeight, motionWidth } from '../policy/motionpicture.ts';
import type { Box } from './box.ts';

const cellSize = 10;
export const cellColumns = motionWidth / cellSize;
export const cellRows = motionHeight / cellSize;
const cellCount = cellColumns * cellRows;
const pixelCount = motionWidth * motionHeight;

export interface MotionOptions {
  /** Polygons that are never looked at, in fractions of the picture. */
  readonly masks?: readonly (readonly ZonePoint[])[];
  /** How long a motion lasts after its last moving cell (8 s). */
  readonly tailMs?: number;
  /** 0.5 needs twice as many pixels for a cell to move, 2 half as many (1). */
  readonly sensitivity?: number;
}

/**
 * `learning`: too few pictures yet, or the first after a long pause. `light`: most of the picture changed at once, so nothing is said
 * about motion. `frozen`: exactly the same picture for `frozenMs`; no sensor is so quiet, so the camera repeats itself.
 */
export type MotionState = 'learning' | 'still' | 'moving' | 'tail' | 'light' | 'frozen';

export interface MotionNow {
  readonly state: MotionState;
  /** While something moves and in the tail after it: the box round what moved in the last second in which anything did. */
  readonly moving: Box | undefined;
  /** The same, apart where cells do not touch: the largest first, at most four. */
  readonly boxes: readonly Box[];
  /** Cells that move in this picture: row * cellColumns + column, in order. */
  readonly cells: readonly number[];
}

const tailMsDefault = 8000;
/** Until mean and deviation are worth something. */
const learningMs = 4000;
/** Beyond it the picture before says nothing about what moves now. */
const gapMs = 2000;
/** Beyond it the light has changed too much for the mean. */
const forgetMs = 30_000;
/** Running mean and deviation forget half in 4 s. */
const learningRate = 0.035;
/** In a cell that moves the mean stays nearly as it is, for so long: who stands still is not learned away at once. */
const movingRate = 0.004;
const keptMsMax = 30_000;
/** Deviations from the mean, and the least number of gray levels, that a pixel must be away. */
const awayFactor = 4;
const awayLeast = 9;
const farAway = 24;
/** A change since the picture before counts from this share of that on. */
const changeFactor = 0.75;
/** Of a cell's 100 pixels. */
const awayPixels = 10;
const changedPixels = 4;
/** Deviations of a cell's own count in quiet pictures, which rain and leaves raise. */
const countFactor = 5;
const countRate = 0.02;
/** Pictures in a row in which a cell, or a neighbour, is over its count. */
const runNeeds = 2;
const runNeedsInRain = 4;
const cellsNeedInRain = 2;
/** Cells a picture that are over their count in it and not for long: with more it rains. */
const scatterUsual = 0.15;
const scatterMax = 6;
/** Cells with fewer pixels outside of masks are not looked at. */
const openPixels = 30;
/** Share of cells that change at once for it to be the light. */
const lightShare = 0.55;
const lightOffset = 30;
const settleMs = 1000;
const lightMsMax = 5000;
const frozenMs = 10_000;
/** Cells of this time make the boxes. */
const boxMs = 1000;
const boxesMax = 4;

export class Motion {
  readonly #tailMs: number;
  readonly #need: number;
  /** Pixels of each cell outside of masks; 0 for a cell that is not looked at. */
  readonly #open: Uint8Array;
  readonly #mean = new Float32Array(pixelCount);
  readonly #deviation = new Float32Array(pixelCount).fill(4);
  /** Gray levels that a pixel must be away from its mean; Infinity under a mask. */
  readonly #limit: Float32Array;
  readonly #before = new Float32Array(pixelCount);
  /** Running mean and deviation of the count of pixels away in quiet pictures. */
  readonly #usual = new Float32Array(cellCount);
  readonly #swing = new Float32Array(cellCount).fill(1);
  /** When each cell moved last; -Infinity: never. */
  readonly #movedMs = new Float64Array(cellCount).fill(-Infinity);
  /** Since when each cell's mean is kept. */
  readonly #keptMs = new Float64Array(cellCount).fill(NaN);
  readonly #away = new Uint8Array(cellCount);
  readonly #changed = new Uint8Array(cellCount);
  /** Cells over their count in the picture before, and for how many pictures they, or a neighbour, have been. */
  #runs: ReadonlyMap<number, number> = new Map();
  /** Running number of cells that are over their count for no longer than a drop of rain is. */
  #scatter = 0;
  #atMs = -Infinity;
  #learnedFromMs = -Infinity;
  #sameSinceMs = -Infinity;
  #settledMs = -Infinity;
  #lightSinceMs: number | undefined;
  #lastMovedMs = -Infinity;

  constructor({ masks = [], tailMs = tailMsDefault, sensitivity = 1 }: MotionOptions = {}) {
    this.#tailMs = tailMs;
    this.#need = 1 / Math.min(4, Math.max(0.25, sensitivity));
    this.#limit = limitsOf(masks);
    this.#open = openOf(this.#limit);
  }

  /**
   * The next picture: `motionWidth * motionHeight` gray values, which are not kept beyond the next call, and its time by any clock that
   * goes forward. Throws RangeError for another size. A time that goes back, or jumps, costs the comparison with the picture before.
   */
  frame(gray: Uint8Array, atMs: number): MotionNow {
    if (gray.length !== pixelCount) throw new RangeError(`a picture of ${gray.length} pixels instead of ${motionWidth}x${motionHeight}`);
    const sinceMs = atMs - this.#atMs;
    this.#atMs = atMs;
    if (sinceMs < 0 || sinceMs > forgetMs) return this.#begin(gray, atMs);
    const answer = sinceMs > gapMs ? this.#afterGap(gray, atMs) : this.#compare(gray, atMs);
    this.#before.set(gray);
    return answer;
  }

  /** Overwrites what is known of the picture. The next one begins anew. */
  clear(): void {
    this.#mean.fill(0);
    this.#before.fill(0);
    this.#atMs = -Infinity;
  }

  #begin(gray: Uint8Array, atMs: number): MotionNow {
    this.#mean.set(gray);
    this.#deviation.fill(4);
    this.#before.set(gray);
    this.#usual.fill(0);
    this.#swing.fill(1);
    this.#movedMs.fill(-Infinity);
    this.#keptMs.fill(NaN);
    this.#runs = new Map();
    this.#scatter = 0;
    this.#learnedFromMs = this.#sameSinceMs = this.#settledMs = atMs;
    this.#lightSinceMs = undefined;
    this.#lastMovedMs = -Infinity;
    return nothing('learning');
  }

  #afterGap(gray: Uint8Array, atMs: number): MotionNow {
    const { offset } = this.#count(gray);
    if (this.#awayShare() > lightShare || Math.abs(offset) > lightOffset) return this.#begin(gray, atMs);
    this.#runs = new Map();
    return this.#said(atMs, []);
  }

  #compare(gray: Uint8Array, atMs: number): MotionNow {
    if (!same(gray, this.#before)) this.#sameSinceMs = atMs;
    if (atMs - this.#sameSinceMs >= frozenMs) return { ...this.#said(atMs, []), ...(this.#tailing(atMs) ? {} : { state: 'frozen' as const }) };
    const { offset, step } = this.#count(gray);
    const learning = atMs - this.#learnedFromMs < learningMs;
    if (!learning && (this.#changedShare() > lightShare || Math.abs(step) > lightOffset)) return this.#light(gray, atMs);
    if (this.#lightSinceMs !== undefined && atMs - this.#settledMs >= settleMs) this.#lightSinceMs = undefined;
    const settled = !learning && atMs - this.#settledMs >= settleMs;
    const runs = this.#runs = this.#lengthen(this.#overCount(), learning);
    const cells = settled ? this.#lasting(runs) : [];
    this.#learn(gray, atMs, runs, offset, learning || !settled);
    if (learning) return nothing('learning');
    const said = this.#said(atMs, cells);
    return settled || said.state === 'moving' ? said : { ...said, state: 'light' };
  }

  /** Most of it changed at once: the mean begins anew, so that what stands there now is usual. */
  #light(gray: Uint8Array, atMs: number): MotionNow {
    this.#lightSinceMs ??= atMs;
    this.#settledMs = atMs;
    this.#mean.set(gray);
    this.#keptMs.fill(NaN);
    this.#runs = new Map();
    const cells = atMs - this.#lightSinceMs < lightMsMax ? [] : Array.from(this.#open.keys()).filter((cell) => this.#open[cell] !== 0);
    const said = this.#said(atMs, cells);
    return said.state === 'moving' ? said : { ...said, state: 'light' };
  }

  /**
   * Counts each cell's pixels that are away from their mean, and those that changed since the picture before, both less what the whole
   * picture grew brighter: most cameras' exposure moves a little all the time.
   */
  #count(gray: Uint8Array): { offset: number; step: number } {
    const offset = middleDifference(gray, this.#mean, this.#open), step = middleDifference(gray, this.#before, this.#open);
    const mean = this.#mean, before = this.#before, limit = this.#limit;
    for (let cell = 0; cell < cellCount; cell++) {
      let away = 0, changed = 0;
      for (let line = 0, at = firstOf(cell); line < cellSize; line++, at += motionWidth) {
        for (let pixel = at; pixel < at + cellSize; pixel++) {
          const value = gray[pixel] as number, bound = limit[pixel] as number;
          if (Math.abs(value - (mean[pixel] as number) - offset) > bound) away++;
          if (Math.abs(value - (before[pixel] as number) - step) > changeFactor * bound) changed++;
        }
      }
      this.#away[cell] = away;
      this.#changed[cell] = changed;
    }
    return { offset, step };
  }

  /** Of the cells that are looked at. */
  #awayShare(): number {
    return shareOf(this.#away, this.#open, 0.4);
  }

  #changedShare(): number {
    return shareOf(this.#changed, this.#open, 0.3);
  }

  #overCount(): number[] {
    const over: number[] = [];
    for (let cell = 0; cell < cellCount; cell++) {
      const open = this.#open[cell] as number;
      if (open === 0) continue;
      const share = (open / cellSize ** 2) * this.#need;
      const least = Math.max(awayPixels * share, (this.#usual[cell] as number) + countFactor * (this.#swing[cell] as number));
      if ((this.#away[cell] as number) >= Math.min(least, 0.8 * open) && (this.#changed[cell] as number) >= Math.max(1, changedPixels * share)) over.push(cell);
    }
    return over;
  }

  /** Each with the number of pictures in a row that it, or a neighbour, has been over its count. */
  #lengthen(over: readonly number[], quick: boolean): Map<number, number> {
    const runs = new Map(over.map((cell) => [cell, 1 + Math.max(...(neighbours[cell] as readonly number[]).map((near) => this.#runs.get(near) ?? 0))]));
    const brief = over.filter((cell) => (runs.get(cell) as number) < runNeedsInRain).length;
    this.#scatter += (quick ? 0.1 : countRate) * (Math.min(brief, scatterMax) - this.#scatter);
    return runs;
  }

  /** Those that are no rain. */
  #lasting(runs: ReadonlyMap<number, number>): number[] {
    const rains = this.#scatter > scatterUsual;
    const cells = [...runs.keys()].filter((cell) => (runs.get(cell) as number) >= (rains ? runNeedsInRain : runNeeds));
    return rains && cells.length < cellsNeedInRain ? [] : cells;
  }

  #learn(gray: Uint8Array, atMs: number, candidates: ReadonlyMap<number, number>, offset: number, quick: boolean): void {
    for (let cell = 0; cell < cellCount; cell++) {
      const moves = candidates.has(cell);
      if (!moves) this.#keptMs[cell] = NaN;
      else if (Number.isNaN(this.#keptMs[cell])) this.#keptMs[cell] = atMs;
      const kept = moves && atMs - (this.#keptMs[cell] as number) < keptMsMax;
      this.#learnCount(cell, quick ? 0.1 : kept ? countRate / 8 : countRate);
      this.#learnPixels(gray, cell, quick ? 0.12 : kept ? movingRate : learningRate, offset);
    }
  }

  #learnCount(cell: number, rate: number): void {
    const difference = (this.#away[cell] as number) - (this.#usual[cell] as number);
    (this.#usual[cell] as number) += rate * difference;
    (this.#swing[cell] as number) += rate * (Math.max(1, Math.abs(difference)) - (this.#swing[cell] as number));
  }

  /** The deviation is that from the mean, less what all pixels have in common: a slow change of the light is none. */
  #learnPixels(gray: Uint8Array, cell: number, rate: number, offset: number): void {
    const mean = this.#mean, deviation = this.#deviation, limit = this.#limit;
    for (let line = 0, at = firstOf(cell); line < cellSize; line++, at += motionWidth) {
      for (let pixel = at; pixel < at + cellSize; pixel++) {
        const difference = (gray[pixel] as number) - (mean[pixel] as number), noise = deviation[pixel] as number;
        mean[pixel] = (mean[pixel] as number) + rate * difference;
        // What is far away is something else, not noise: it raises the deviation slowly.
        const learned = noise + rate * (Math.min(Math.abs(difference - offset), farAway) - noise);
        deviation[pixel] = learned;
        if (limit[pixel] !== Infinity) limit[pixel] = Math.max(awayLeast, awayFactor * learned);
      }
    }
  }

  #tailing(atMs: number): boolean {
    return atMs - this.#lastMovedMs < this.#tailMs;
  }

  #said(atMs: number, cells: readonly number[]): MotionNow {
    for (const cell of cells) this.#movedMs[cell] = atMs;
    if (cells.length > 0) this.#lastMovedMs = atMs;
    if (!this.#tailing(atMs)) return nothing('still');
    const recent = new Set(Array.from(this.#movedMs.keys()).filter((cell) => this.#lastMovedMs - (this.#movedMs[cell] as number) <= boxMs));
    const boxes = groupsOf(recent).map(boxOf).slice(0, boxesMax);
    return { state: cells.length > 0 ? 'moving' : 'tail', moving: boxOf([...recent]), boxes, cells: cells.toSorted((a, b) => a - b) };
  }
}

function nothing(state: MotionState): MotionNow {
  return { state, moving: undefined, boxes: [], cells: [] };
}

/** Of a cell's first pixel. */
function firstOf(cell: number): number {
  return Math.floor(cell / cellColumns) * cellSize * motionWidth + (cell % cellColumns) * cellSize;
}

function limitsOf(masks: readonly (readonly ZonePoint[])[]): Float32Array {
  return Float32Array.from({ length: pixelCount }, (_, at) => {
    const middle: ZonePoint = [((at % motionWidth) + 0.5) / motionWidth, (Math.floor(at / motionWidth) + 0.5) / motionHeight];
    return masks.some((points) => isInside(middle, points)) ? Infinity : awayLeast;
  });
}

function openOf(limit: Float32Array): Uint8Array {
  const open = new Uint8Array(cellCount);
  for (let at = 0; at < pixelCount; at++) if (limit[at] !== Infinity) (open[Math.floor(at / motionWidth / cellSize) * cellColumns + Math.floor((at % motionWidth) / cellSize)] as number)++;
  return open.map((count) => (count < openPixels ? 0 : count));
}

function same(a: Uint8Array, b: Float32Array): boolean {
  for (let at = 0; at < pixelCount; at++) if (a[at] !== b[at]) return false;
  return true;
}

const differences = new Float32Array(cellCount);

/** How much brighter the picture is: by the middle one of its cells, so that somebody close by does not count. Each second line will do. */
function middleDifference(gray: Uint8Array, usual: Float32Array, open: Uint8Array): number {
  let looked = 0;
  for (let cell = 0; cell < cellCount; cell++) {
    if (open[cell] === 0) continue;
    let sum = 0;
    for (let line = 0, at = firstOf(cell); line < cellSize; line += 2, at += 2 * motionWidth) {
      for (let pixel = at; pixel < at + cellSize; pixel++) sum += (gray[pixel] as number) - (usual[pixel] as number);
    }
    differences[looked++] = sum / (cellSize ** 2 / 2);
  }
  return looked === 0 ? 0 : differences.subarray(0, looked).sort()[looked >> 1] as number;
}

/** Share of the cells that are looked at in which more than `least` of the open pixels were counted. */
function shareOf(counts: Uint8Array, open: Uint8Array, least: number): number {
  let looked = 0, over = 0;
  for (let cell = 0; cell < cellCount; cell++) {
    const pixels = open[cell] as number;
    if (pixels === 0) continue;
    looked++;
    if ((counts[cell] as number) > least * pixels) over++;
  }
  return looked === 0 ? 0 : over / looked;
}

/** Of each cell: itself and the eight round it. */
const neighbours: readonly (readonly number[])[] = Array.from({ length: cellCount }, (_, cell) => {
  const row = Math.floor(cell / cellColumns), column = cell % cellColumns;
  return [-1, 0, 1].flatMap((down) => [-1, 0, 1].map((right) => [row + down, column + right] as const))
    .filter(([r, c]) => r >= 0 && r < cellRows && c >= 0 && c < cellColumns).map(([r, c]) => r * cellColumns + c);
});

/** Cells that touch, the largest group first. */
function groupsOf(cells: ReadonlySet<number>): number[][] {
  const left = new Set(cells);
  const groups: number[][] = [];
  for (const first of cells) {
    if (!left.delete(first)) continue;
    const group = [first];
    for (const cell of group) for (const near of (neighbours[cell] as readonly number[])) if (left.delete(near)) group.push(near);
    groups.push(group);
  }
  return groups.sort((a, b) => b.length - a.length);
}

function boxOf(cells: readonly number[]): Box {
  const columns = cells.map((cell) => cell % cellColumns), rows = cells.map((cell) => Math.floor(cell / cellColumns));
  const x = Math.min(...columns), y = Math.min(...rows);
  return { x: x / cellColumns, y: y / cellRows, width: (Math.max(...columns) + 1 - x) / cellColumns, height: (Math.max(...rows) + 1 - y) / cellRows };
}
