/**
 * A broker of the home as a destination: cameras' states, kept there for who comes later; notices; and the orders of who lives there, as files for
 * the hub to judge. Nothing is decided here but what is no order at all, and how many of them are taken.
 */
import { SallyportError, asSallyportError } from '../base/errors.ts';
import { Loop } from '../base/loop.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import type { CommandWriter } from '../outbox/commands.ts';
import type { DestinationState } from '../outbox/courierstatus.ts';
import type { Order, OrderOf } from '../outbox/orders.ts';
import type { Found } from '../outbox/out.ts';
import { dropReasons, dropWords, nothingDropped, type DropReason } from '../policy/drops.ts';
import { available, availableTopic, cameraDiscovery, hubDiscovery, noticeMessage, orderTopics, readOrder, stateMessage, unavailable, type HomeMessage, type HomeRules } from '../policy/homeassistant.ts';
import type { NoticeMessage, NoticeRules } from '../policy/noticing.ts';
import type { CameraState } from '../policy/presence.ts';
import type { Credential } from './credentials.ts';
import type { Origin } from './line.ts';
import type { Messenger } from './messengers.ts';
import { Broker } from './mqtt.ts';
import { Notifier } from './notifier.ts';
import { answerTo, failed, type Destined, type Outcome, type SenderParts } from './sender.ts';

export interface HomeOptions extends SenderParts {
  readonly origin: Origin;
  readonly login: Credential | undefined;
  readonly home: HomeRules;
  readonly rules: NoticeRules;
  readonly commands: CommandWriter;
}

const idleMs = minuteMs;
/** No connection: looked again so soon, besides being woken when there is one. */
const downMs = 5 * secondMs;
/** Orders that are taken within a minute; what is beyond is dropped and counted. */
const ordersPerMinuteMax = 20;

export class HomeDestination implements Destined {
  readonly #o: HomeOptions;
  readonly #loop: Loop;
  readonly #broker: Broker;
  readonly #notifier: Notifier;
  #found: readonly Found[] = [];
  /** As they were told last, for a broker that has forgotten. */
  readonly #states = new Map<string, CameraState>();
  /** What this connection's broker was told of how to show each. */
  readonly #shown = new Map<string, string>();
  /** When orders were taken, monotonic. */
  #taken: number[] = [];
  #dropped = nothingDropped;
  #writing: Promise<void> = Promise.resolve();

  constructor(o: HomeOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
    this.#broker = new Broker({
      origin: o.origin, login: o.login, client: `sallyport-${o.home.topic.replaceAll('/', '-')}`, will: this.#availability(unavailable), topics: orderTopics(o.home), clock: o.clock, log: o.log, random: o.random,
      onUp: (signal) => this.#up(signal), onMessage: (topic, payload, fresh) => this.#ordered(topic, payload, fresh),
    });
    const messenger: Messenger = {
      name: o.origin.name,
      picturesMax: 0,
      send: async (notices: readonly NoticeMessage[], _message: string, _urgent: boolean, signal: AbortSignal) => {
        const messages = notices.map((notice) => noticeMessage(o.home, notice));
        for (const message of messages) await this.#broker.publish(message, signal);
        return messages.reduce((sum, message) => sum + bytesOf(message), 0);
      },
      close: async () => {},
    };
    this.#notifier = new Notifier({ ...o, messenger });
  }

  take(found: readonly Found[]): void {
    const isNotice = ({ order }: Found): boolean => order?.order === 'notice' || (order?.order === 'withdraw' && order.was === 'notice');
    this.#notifier.take(found.filter(isNotice));
    this.#found = found.filter((one) => !isNotice(one));
    this.#loop.nudge();
  }

  start(): void {
    this.#broker.start();
    this.#notifier.start();
    this.#loop.start(() => this.#turn());
  }

  async close(): Promise<void> {
    await Promise.all([this.#loop.close(), this.#notifier.close()]);
    await this.#broker.close(this.#availability(unavailable));
    await this.#writing;
  }

  state(): Omit<DestinationState, 'name'> {
    const waiting = this.#found.filter(({ name }) => !this.#o.back.has(name)).length;
    const notices = this.#notifier.state();
    return { waiting: waiting + notices.waiting, active: 0, off: [], notices: true, ...(this.#dropped === nothingDropped ? {} : { dropped: this.#dropped }), ...this.#broker.last };
  }

  async #turn(): Promise<number> {
    const { back, log, origin } = this.#o;
    let waits = false;
    try {
      for (const { name, order } of this.#found) {
        if (order === undefined || back.has(name)) continue;
        const outcome = await this.#do(order);
        if (outcome === undefined) waits = true;
        // Not in the journal: told twice, a state is the same state.
        else await back.answer(answerTo(name, order, outcome, { attempts: 1, sent_bytes: outcome.sent_bytes ?? 0, faults: 0 }, this.#o.clock));
        if (this.#loop.signal.aborted) break;
      }
    } catch (error) {
      // Our own disk: what was not answered is done again.
      log.error({ component: 'courier', destination: origin.name, error: asSallyportError(error).message }, 'states wait');
      waits = true;
    }
    return waits ? downMs : idleMs;
  }

  /** Undefined: later. */
  async #do(order: Order): Promise<Outcome | undefined> {
    const { origin } = this.#o;
    if (order.order === 'withdraw') return { outcome: 'withdrawn' };
    try {
      if (order.order === 'state') return await this.#tell(order);
      if (order.order === 'heard') return await this.#heard(order);
      throw new SallyportError('SP_FAR_FEATURE', { destination: origin.name, feature: order.order, reason: 'it takes states and notices alone' });
    } catch (thrown) {
      const error = asSallyportError(thrown);
      if (error.kind === 'retry' || error.code === 'SP_STOPPED') return undefined;
      if (!error.code.startsWith('SP_FAR_')) throw error;
      return failed(error);
    }
  }

  async #tell(order: OrderOf<'state'>): Promise<Outcome> {
    const { camera, at_ms: atMs, gone, online, private: isPrivate, shown, seen, sealed_ms: sealedMs, places } = order;
    const state: CameraState = { camera, atMs, online, private: isPrivate, shown, seen, ...(gone === undefined ? {} : { gone }), ...(sealedMs === undefined ? {} : { sealedMs }), ...(places === undefined ? {} : { places }) };
    this.#states.set(camera, state);
    const sent = await this.#say(state, this.#loop.signal);
    if (gone === true) this.#states.delete(camera);
    return { outcome: 'done', sent_bytes: sent };
  }

  /** The hub has judged it: whoever asked sees the camera as it is, whatever they had hoped for. */
  async #heard({ command, camera }: OrderOf<'heard'>): Promise<Outcome> {
    await this.#o.commands.remove(command);
    const state = camera === undefined ? undefined : this.#states.get(camera);
    if (state !== undefined && this.#broker.up) await this.#broker.publish(stateMessage(this.#o.home, state), this.#loop.signal).catch(() => {});
    return { outcome: 'done' };
  }

  /** How it is shown, where that is new; then the state. */
  async #say(state: CameraState, signal: AbortSignal): Promise<number> {
    const { home } = this.#o;
    const discovery = cameraDiscovery(home, state);
    const shown = discovery.map(({ payload }) => payload).join();
    const messages: HomeMessage[] = [...(this.#shown.get(state.camera) === shown ? [] : discovery), stateMessage(home, state)];
    let bytes = 0;
    for (const message of messages) {
      await this.#broker.publish(message, signal);
      bytes += bytesOf(message);
    }
    this.#shown.set(state.camera, shown);
    return bytes;
  }

  /** A broker may have forgotten everything: it is told all that is known. */
  async #up(signal: AbortSignal): Promise<void> {
    this.#shown.clear();
    for (const message of [...hubDiscovery(this.#o.home), this.#availability(available)]) await this.#broker.publish(message, signal);
    for (const state of this.#states.values()) await this.#say(state, signal);
    this.#loop.nudge();
  }

  #availability(payload: string): HomeMessage {
    return { topic: availableTopic(this.#o.home), payload, retain: true };
  }

  #ordered(topic: string, payload: Buffer, fresh: boolean): void {
    const { home, clock, origin, commands, log } = this.#o;
    const nowMs = clock.monotonicMs();
    this.#taken = this.#taken.filter((ms) => nowMs - ms < minuteMs);
    const order = fresh ? readOrder(home, topic, payload) : undefined;
    if (order === undefined || this.#taken.length >= ordersPerMinuteMax) return this.#drop(order === undefined ? 'odd' : 'flood');
    this.#taken.push(nowMs);
    this.#writing = this.#writing.then(async () => {
      if (!(await commands.put({ ...order, from: origin.name }))) this.#drop('waiting');
    }).catch((error: unknown) => log.error({ component: 'courier', destination: origin.name, error: asSallyportError(error).message }, 'an order was not written'));
  }

  /** Said for the first and then each hundredth: a flood shall not fill the log. The hub reads the counts, for the ledger. */
  #drop(why: DropReason): void {
    const before = dropReasons.reduce((sum, reason) => sum + this.#dropped[reason], 0);
    this.#dropped = { ...this.#dropped, [why]: this.#dropped[why] + 1 };
    if (before % 100 === 0) this.#o.log.warn({ component: 'courier', destination: this.#o.origin.name, dropped: before + 1 }, `an order that came was dropped: ${dropWords[why]}`);
  }
}

function bytesOf({ topic, payload }: HomeMessage): number {
  return Buffer.byteLength(topic) + Buffer.byteLength(payload);
}
