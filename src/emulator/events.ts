/** What happens before a camera: the states of its topics, and who subscribed to them. */
import type { Clock, UnixMs } from '../base/clock.ts';
import { PullPoint, type Notice } from './pullpoint.ts';
import { eventKinds, type EventKind, type Topic, type Topics } from './topics.ts';

export class CameraEvents {
  readonly topics: Topics;
  readonly #clock: Clock;
  readonly #nowMs: () => UnixMs;
  readonly #on = new Set<EventKind>();
  readonly #points = new Map<string, PullPoint>();
  #count = 0;

  /** `nowMs` is the camera's own clock. */
  constructor(o: { topics: Topics; clock: Clock; nowMs: () => UnixMs }) {
    this.topics = o.topics;
    this.#clock = o.clock;
    this.#nowMs = o.nowMs;
  }

  /** It begins or ends; what is so already is told to nobody. */
  raise(kind: EventKind, on: boolean): void {
    const topics = this.topics[kind].filter((topic) => (topic.property ? this.#on.has(kind) !== on : on));
    if (on) this.#on.add(kind);
    else this.#on.delete(kind);
    const notices = topics.map((topic): Notice => ({ topic, on, atMs: this.#nowMs(), operation: 'Changed' }));
    for (const point of this.#points.values()) point.offer(notices);
  }

  isOn(kind: EventKind): boolean {
    return this.#on.has(kind);
  }

  /** The present state of each property. */
  states(): Notice[] {
    const atMs = this.#nowMs();
    return eventKinds.flatMap((kind) => this.topics[kind].filter(({ property }) => property).map((topic): Notice => ({ topic, on: this.#on.has(kind), atMs, operation: 'Initialized' })));
  }

  /** A subscription that begins with all states; undefined when there are `max` already. */
  subscribe(o: { lifeMs: number; keptAliveMs: number | undefined; max: number; wants: (topic: Topic, on: boolean) => boolean }): PullPoint | undefined {
    for (const [id, point] of this.#points) if (point.ended) this.#points.delete(id);
    if (this.#points.size >= o.max) return undefined;
    this.#count++;
    const point = new PullPoint({ ...o, id: String(this.#count), clock: this.#clock });
    this.#points.set(point.id, point);
    point.offer(this.states());
    return point;
  }

  point(id: string): PullPoint | undefined {
    const point = this.#points.get(id);
    return point?.ended === true ? undefined : point;
  }

  /** How many subscriptions live. */
  get subscriptions(): number {
    return [...this.#points.values()].filter(({ ended }) => !ended).length;
  }

  end(id: string): void {
    this.#points.get(id)?.end();
    this.#points.delete(id);
  }

  endAll(): void {
    for (const id of this.#points.keys()) this.end(id);
  }
}
