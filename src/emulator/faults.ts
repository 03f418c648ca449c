/** Faults that go on with emulated cameras: begun by order, ended by order or by themselves. What there is stands in faulttable.ts. */
import { Turns } from '../base/turns.ts';
import { SallyportError, reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { EmulatedCamera } from './camera.ts';
import { checkOrder, notPossible, type FaultOrder, type FaultRow } from './faulttable.ts';

export interface FaultState {
  readonly camera: string;
  readonly fault: string;
  readonly value: string | number | undefined;
}

const waitingMax = 1000;

/** What is going on with whom. Orders are followed one after the other. */
export class Faults {
  readonly #cameras: readonly EmulatedCamera[];
  readonly #log: Log;
  /** By camera and slot. */
  readonly #active = new Map<string, FaultState & { readonly row: FaultRow; timer: NodeJS.Timeout | undefined }>();
  readonly #waiting = new Set<NodeJS.Timeout>();
  readonly #turns = new Turns();

  constructor(cameras: readonly EmulatedCamera[], log: Log) {
    this.#cameras = cameras;
    this.#log = log;
  }

  /** Those that last. */
  list(): FaultState[] {
    return [...this.#active.values()].map(({ camera, fault, value }) => ({ camera, fault, value }));
  }

  /** Resolves when it has begun, or waits for its time. SP_EMULATED_FAULT when it cannot be. */
  async order(order: FaultOrder): Promise<void> {
    const { row, value } = checkOrder(order);
    const cameras = this.#chosen(order.camera);
    if (order.afterSeconds === undefined || order.afterSeconds === 0) {
      await this.#turns.take(() => Promise.all(cameras.map((camera) => this.#begin(camera, order, row, value))));
      return;
    }
    if (this.#waiting.size >= waitingMax) throw notPossible('too many others wait for their time');
    const timer = setTimeout(() => {
      this.#waiting.delete(timer);
      this.order({ ...order, afterSeconds: 0 }).catch((error: unknown) => this.#log.warn({ camera: order.camera, reason: reasonOf(error) }, 'a fault could not be played'));
    }, order.afterSeconds * 1000);
    this.#waiting.add(timer);
  }

  /** Ends the fault, or all of the camera. What is not going on is no error. */
  async end(o: { camera: string; fault?: string }): Promise<void> {
    const names = new Set(this.#chosen(o.camera).map(({ name }) => name));
    await this.#turns.take(async () => {
      for (const [key, state] of this.#active) {
        if (names.has(state.camera) && (o.fault === undefined || o.fault === state.fault)) await this.#finish(key);
      }
    });
  }

  /** What waits never begins; what goes on is left, for the cameras go too. */
  close(): void {
    for (const timer of this.#waiting) clearTimeout(timer);
    for (const { timer } of this.#active.values()) clearTimeout(timer);
    this.#waiting.clear();
    this.#active.clear();
  }

  async #begin(camera: EmulatedCamera, order: FaultOrder, row: FaultRow, value: string | number | undefined): Promise<void> {
    const key = `${camera.name} ${row.slot ?? order.fault}`;
    await this.#finish(key);
    await attempt(() => row.begin(camera, value as never));
    if (row.end === undefined) return;
    const timer = order.forSeconds === undefined ? undefined : setTimeout(() => {
      this.#turns.take(() => this.#active.get(key)?.timer === timer ? this.#finish(key) : Promise.resolve())
        .catch((error: unknown) => this.#log.warn({ camera: camera.name, reason: reasonOf(error) }, 'a fault could not be ended'));
    }, order.forSeconds * 1000);
    this.#active.set(key, { camera: camera.name, fault: order.fault, value, row, timer });
  }

  async #finish(key: string): Promise<void> {
    const state = this.#active.get(key);
    if (state === undefined) return;
    this.#active.delete(key);
    clearTimeout(state.timer);
    const camera = this.#cameras.find(({ name }) => name === state.camera) as EmulatedCamera;
    await attempt(() => state.row.end?.(camera, state.value as never));
  }

  #chosen(name: string): readonly EmulatedCamera[] {
    const chosen = name === '*' ? this.#cameras : this.#cameras.filter((camera) => camera.name === name);
    if (chosen.length === 0) throw notPossible(`no camera is called ${name.slice(0, 64)}`);
    return chosen;
  }
}

/** What a camera cannot do is told like what may not be asked for. */
async function attempt(step: () => void | Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    throw error instanceof SallyportError ? error : notPossible(reasonOf(error), error);
  }
}
