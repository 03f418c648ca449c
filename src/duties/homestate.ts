/**
 * Tells brokers of the home how each camera is: whether it runs, is private, sees something, and when it was sealed last. One order a camera is
 * under way at a time, so what changes faster than the broker takes it is told as it is then; each few minutes it is told again.
 */
import type { CanonicalValue } from '../base/canonical.ts';
import type { Clock, UnixMs } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { hourMs, minuteMs, secondMs } from '../base/units.ts';
import { placesMax, type Answer, type Order } from '../outbox/orders.ts';
import type { Change, ObservationKind } from '../policy/observations.ts';
import { appear, leave, nextLeaveMs, nobody, presenceKinds, seenAt, type CameraState, type Presence } from '../policy/presence.ts';
import { aliasOf, isToldOf, type CameraNumbers, type NoticeDestination } from '../policy/telling.ts';
import type { Vault } from '../vault/vault.ts';
import type { Ledger } from './ledger.ts';

export interface HomeCamera {
  readonly id: string;
  readonly alias?: string;
  readonly space: string;
}

export interface HomeStateOptions {
  readonly vault: Pick<Vault, 'setting' | 'putSetting'>;
  readonly outbox: Pick<Ledger, 'cameraState' | 'orders'>;
  readonly destinations: () => readonly NoticeDestination[];
  readonly cameras: () => readonly HomeCamera[];
  readonly numbers: () => CameraNumbers;
  readonly status: (camera: string) => { readonly online: boolean; readonly sealedMs: UnixMs | undefined };
  readonly isPrivate: (space: string) => boolean;
  /** The saved places of a camera, as the camera itself names them; rejects where it has none, or does not answer. */
  readonly places: (camera: string) => Promise<readonly string[]>;
  readonly clock: Clock;
  readonly log: Log;
}

interface Places {
  readonly tokens: readonly string[];
  readonly untilMs: number;
}

const settingName = 'cameras told of';
/** Also what changes by itself (whether a camera runs) is looked at so often. */
const lookMs = 2 * secondMs;
/** Told again, for a broker that has forgotten. */
const againMs = 5 * minuteMs;
const placesMs = 6 * hourMs;
const placesRetryMs = 10 * minuteMs;

export class HomeStateDuty {
  readonly #o: HomeStateOptions;
  readonly #loop: Loop;
  #presence: Presence = nobody;
  /** By destination and alias: what was told last, and when (monotonic). */
  readonly #told = new Map<string, { readonly text: string; readonly atMs: number }>();
  readonly #places = new Map<string, Places>();
  /** Aliases that a destination was told of; also before this start. */
  #aliases: Record<string, readonly string[]> | undefined;

  constructor(o: HomeStateOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(() => this.#turn());
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  /** A camera's own events. */
  changed(camera: string, changes: readonly Change[]): void {
    for (const { kind, source, fromMs, toMs } of changes) {
      const name = `camera ${kind} ${source} ${fromMs}`;
      if (toMs === undefined || toMs === fromMs) this.appeared({ camera, kind, name, lasts: toMs === undefined });
      else this.left(camera, name);
    }
  }

  appeared(seen: { readonly camera: string; readonly kind: ObservationKind; readonly name: string; readonly lasts: boolean }): void {
    this.#presence = appear(this.#presence, seen, this.#o.clock.monotonicMs());
    this.#loop.nudge();
  }

  left(camera: string, name: string): void {
    this.#presence = leave(this.#presence, camera, name, this.#o.clock.monotonicMs());
    this.#loop.nudge();
  }

  /** What became of an order. */
  answered(order: Order, { outcome }: Pick<Answer, 'outcome'>): void {
    if (order.order !== 'state') return;
    if (order.gone === true && outcome === 'done') {
      void this.#remember(order.to, (this.#aliases?.[order.to] ?? []).filter((alias) => alias !== order.camera))
        .catch((error: unknown) => this.#o.log.debug({ component: 'homestate', code: asSallyportError(error).code }, 'that a camera was taken back was not written'));
    }
    // What was not told is told again, when its time has come.
    if (outcome !== 'done') this.#told.delete(`${order.to} ${order.camera}`);
    this.#loop.nudge();
  }

  /** Cameras, destinations or privacy are other ones now. */
  nudge(): void {
    this.#loop.nudge();
  }

  /** The camera's own name of the how-manieth place; undefined when there is none. */
  placeOf(camera: string, place: number): string | undefined {
    return this.#places.get(camera)?.tokens[place - 1];
  }

  async #turn(): Promise<number> {
    const brokers = this.#o.destinations().filter(({ kind }) => kind === 'mqtt');
    if (brokers.length === 0) return minuteMs;
    try {
      this.#aliases ??= ((await this.#o.vault.setting(settingName)) ?? {}) as Record<string, readonly string[]>;
      for (const broker of brokers) await this.#tell(broker);
    } catch (error) {
      this.#o.log.debug({ component: 'homestate', code: asSallyportError(error).code }, 'the state of cameras waits');
    }
    const nowMs = this.#o.clock.monotonicMs();
    return Math.min(lookMs, Math.max(1, (nextLeaveMs(this.#presence, nowMs) ?? Infinity) - nowMs));
  }

  async #tell(broker: NoticeDestination): Promise<void> {
    const { cameras, outbox, clock } = this.#o;
    const underWay = new Set([...outbox.orders.values()].flatMap((order) => (order.order === 'state' && order.to === broker.name ? [order.camera] : [])));
    const states: CameraState[] = [];
    for (const camera of cameras()) {
      const state = await this.#stateOf(broker, camera);
      if (state !== undefined) states.push(state);
    }
    const known = this.#aliases?.[broker.name] ?? [];
    const aliases = states.map(({ camera }) => camera);
    const gone = known.filter((alias) => !aliases.includes(alias));
    // Before they are told: what was told once is taken back some day.
    await this.#remember(broker.name, [...aliases, ...gone]);
    const taken = gone.map((camera): CameraState => ({ camera, atMs: clock.wallMs(), gone: true, online: false, private: false, shown: [], seen: [] }));
    for (const state of [...taken, ...states]) if (!underWay.has(state.camera)) await this.#send(broker.name, state);
  }

  /** Undefined while it has no number yet. */
  async #stateOf({ kinds, commands }: NoticeDestination, { id, alias, space }: HomeCamera): Promise<CameraState | undefined> {
    const { numbers, status, isPrivate, clock } = this.#o;
    if (alias === undefined && !Object.hasOwn(numbers(), id)) return undefined;
    const { online, sealedMs } = status(id);
    const hidden = isPrivate(space);
    const shown = presenceKinds.filter((kind) => isToldOf({ kinds }, kind));
    // Of a space that is private nothing is seen, whatever was seen a moment ago.
    const seen = hidden ? [] : seenAt(this.#presence, id, clock.monotonicMs()).filter((kind) => shown.includes(kind));
    const places = commands === true && online && !hidden ? await this.#placesOf(id) : this.#places.get(id)?.tokens.length ?? 0;
    return {
      camera: aliasOf({ id, ...(alias === undefined ? {} : { alias }) }, numbers()), atMs: clock.wallMs(), online, private: hidden, shown, seen,
      ...(sealedMs === undefined ? {} : { sealedMs }), ...(places > 0 && commands === true ? { places } : {}),
    };
  }

  /** Asked for seldom; nobody waits for the camera: what is not known yet is told when it is. */
  async #placesOf(camera: string): Promise<number> {
    const { places, clock } = this.#o;
    const known = this.#places.get(camera);
    const nowMs = clock.monotonicMs();
    if (known === undefined || known.untilMs <= nowMs) {
      this.#places.set(camera, { tokens: known?.tokens ?? [], untilMs: nowMs + placesRetryMs });
      void places(camera).then((tokens) => {
        this.#places.set(camera, { tokens: tokens.slice(0, placesMax), untilMs: clock.monotonicMs() + placesMs });
        this.#loop.nudge();
      }, () => {}); // It has none, or does not answer now.
    }
    return this.#places.get(camera)?.tokens.length ?? 0;
  }

  async #send(to: string, state: CameraState): Promise<void> {
    const { clock, outbox } = this.#o;
    const { atMs: _, sealedMs: __, ...rest } = state;
    const key = `${to} ${state.camera}`;
    const text = JSON.stringify(rest);
    const nowMs = clock.monotonicMs();
    const told = this.#told.get(key);
    if (told !== undefined && told.text === text && nowMs - told.atMs < againMs) return;
    await outbox.cameraState(to, state);
    this.#told.set(key, { text, atMs: nowMs });
  }

  async #remember(broker: string, aliases: readonly string[]): Promise<void> {
    const before = this.#aliases?.[broker] ?? [];
    if (before.length === aliases.length && before.every((alias) => aliases.includes(alias))) return;
    this.#aliases = { ...this.#aliases, [broker]: aliases };
    await this.#o.vault.putSetting(settingName, this.#aliases as unknown as CanonicalValue);
  }
}
