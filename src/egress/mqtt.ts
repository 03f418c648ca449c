/**
 * A connection to one broker, by MQTT 5: made by `http.ts` and `line.ts`, through a proxy where there is one, so that no password goes to anybody else, kept up, and made anew when it ends. The
 * broker forgets with it what was asked for: nothing is delivered later that was said while nobody was there. This file alone knows the package.
 */
import { MqttClient, type IClientOptions, type IPublishPacket } from 'mqtt';
import type { Duplex } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import { SallyportError, asSallyportError, isSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import type { HomeMessage } from '../policy/homeassistant.ts';
import { nextTry, retryMaxMs } from '../policy/sending.ts';
import type { Credential } from './credentials.ts';
import { openFar } from './http.ts';
import { translated, type Origin } from './line.ts';
import { Last } from './sender.ts';

export interface BrokerOptions {
  readonly origin: Origin;
  readonly login: Credential | undefined;
  /** The same at each connection, so that the broker ends an old one that it has not missed yet. */
  readonly client: string;
  /** Said by the broker when this connection is lost. */
  readonly will: HomeMessage;
  readonly topics: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** Connected, and again after each loss. What it throws ends the connection. */
  readonly onUp: (signal: AbortSignal) => Promise<void>;
  /** `fresh`: neither kept by the broker from before nor delivered a second time. */
  readonly onMessage: (topic: string, payload: Buffer, fresh: boolean) => void;
  readonly patienceMs?: number;
}

const patienceMs = 30 * secondMs;
const never = new AbortController().signal;
const keepAliveSeconds = 30;
/** A message that comes may be so long; a broker that sends more is left. */
const packetBytesMax = 64 * 1024;
/** One that lasted so long was no failure to connect. */
const steadyMs = minuteMs;

export class Broker {
  readonly #o: BrokerOptions;
  readonly #loop: Loop;
  #client: MqttClient | undefined;
  #problem: SallyportError | undefined;
  #failures = 0;
  readonly #last = new Last();
  /** Aborted when the connection is over. */
  #over = new AbortController();

  constructor(o: BrokerOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(() => this.#turn());
  }

  /** The broker hears that this is on purpose, after `last`. */
  async close(last?: HomeMessage): Promise<void> {
    if (last !== undefined && this.#client !== undefined) await this.publish(last, never).catch(() => {});
    await this.#loop.close();
  }

  /** Why there is no connection; undefined while there is one, or none was tried. */
  get problem(): SallyportError | undefined {
    return this.#problem;
  }

  /** For the status. */
  get last(): Last['state'] {
    return this.#last.state;
  }

  get up(): boolean {
    return this.#client !== undefined;
  }

  /** Resolves when the broker has it. SP_FAR_UNREACHABLE, SP_FAR_REFUSED; what kept it from connecting; SP_STOPPED. */
  async publish({ topic, payload, retain }: HomeMessage, signal: AbortSignal): Promise<void> {
    const client = this.#client;
    const { name } = this.#o.origin;
    if (client === undefined) throw this.#problem ?? new SallyportError('SP_FAR_UNREACHABLE', { destination: name, reason: 'there is no connection yet' });
    try {
      await this.#within(client.publishAsync(topic, payload, { qos: 1, retain }), signal);
      this.#last.ok(this.#o.clock.wallMs());
    } catch (error) {
      const problem = this.#translated(error, 'publish');
      if (!signal.aborted) this.#last.failed(problem, this.#o.clock.wallMs());
      throw problem;
    }
  }

  async #turn(): Promise<number> {
    const { clock, log, random, origin } = this.#o;
    const beganMs = clock.monotonicMs();
    try {
      await this.#connected();
      if (clock.monotonicMs() - beganMs >= steadyMs) this.#failures = 0;
      throw new SallyportError('SP_FAR_UNREACHABLE', { destination: origin.name, reason: 'the connection ended' });
    } catch (thrown) {
      if (this.#loop.signal.aborted) return 0;
      const error = asSallyportError(thrown);
      this.#problem = error;
      this.#last.failed(error, clock.wallMs());
      this.#failures++;
      // Nobody else tries; a broker that refuses may be told another password meanwhile, so it is asked, seldom.
      const next = nextTry(error.kind === 'refuse' ? 'retry' : error.kind, this.#failures, 0, undefined, random);
      const afterMs = error.kind === 'refuse' ? retryMaxMs : next === 'give up' ? retryMaxMs : next.afterMs;
      log.warn({ component: 'courier', destination: origin.name, code: error.code, againMs: afterMs }, error.message);
      return afterMs;
    }
  }

  /** From the first byte to the last of one connection. */
  async #connected(): Promise<void> {
    const { origin, log, topics, onUp } = this.#o;
    const { signal } = this.#loop;
    this.#over = new AbortController();
    const client = await this.#open(signal);
    try {
      this.#client = client;
      this.#problem = undefined;
      log.info({ component: 'courier', destination: origin.name }, 'connected to the broker');
      if (topics.length > 0) await this.#subscribe(client);
      await onUp(signal);
      this.#failures = 0;
      await ended(AbortSignal.any([this.#over.signal, signal]));
    } finally {
      this.#client = undefined;
      // The broker speaks the will unless the connection is taken leave of.
      if (signal.aborted) await this.#within(client.endAsync(false), never).catch(() => {});
      this.#over.abort();
      client.end(true);
      client.stream.destroy();
    }
  }

  async #open(signal: AbortSignal): Promise<MqttClient> {
    const { origin, login, client: clientId, will, onMessage } = this.#o;
    const socket = await openFar(origin, this.#o.patienceMs ?? patienceMs, signal).catch((error: unknown) => { throw translated(origin.name, error); });
    const options: IClientOptions = {
      protocolVersion: 5, clientId, clean: true, keepalive: keepAliveSeconds, reconnectPeriod: 0, connectTimeout: this.#o.patienceMs ?? patienceMs, resubscribe: false, queueQoSZero: false,
      properties: { sessionExpiryInterval: 0, maximumPacketSize: packetBytesMax, receiveMaximum: 16 },
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: will.retain },
      ...(login === undefined ? {} : { username: login.user, password: login.secret.reveal() }),
    };
    const over = this.#over;
    const client = new MqttClient(() => socket as unknown as ReturnType<ConstructorParameters<typeof MqttClient>[0]>, options);
    this.#bound(client, socket);
    client.on('message', (topic: string, payload: Buffer, packet: IPublishPacket) => onMessage(topic, payload, !packet.retain && !packet.dup));
    return await new Promise<MqttClient>((resolve, reject) => {
      const fail = (error: unknown): void => {
        over.abort(error);
        client.end(true);
        socket.destroy();
        reject(this.#translated(error, 'connect'));
      };
      const stop = (): void => fail(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      client.once('connect', () => { signal.removeEventListener('abort', stop); resolve(client); });
      client.on('error', fail);
      client.on('close', () => fail(new Error('the connection was closed')));
      client.on('disconnect', (packet) => fail(new Error(`the broker ends the connection (${packet.reasonCode ?? 0})`)));
    });
  }

  /** Whoever sends more than a message may hold, and no end of it, would fill this memory. */
  #bound(client: MqttClient, socket: Duplex): void {
    let bytes = 0;
    client.on('packetreceive', () => { bytes = 0; });
    socket.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > 4 * packetBytesMax) socket.destroy(new SallyportError('SP_FAR_ANSWER', { destination: this.#o.origin.name, reason: `a message of more than ${packetBytesMax} bytes comes` }));
    });
  }

  /** Without the right to ask for orders none come, and all else goes on. */
  async #subscribe(client: MqttClient): Promise<void> {
    const { topics, log, origin } = this.#o;
    try {
      // rh 2: nothing that was kept from before.
      await this.#within(client.subscribeAsync(Object.fromEntries(topics.map((topic) => [topic, { qos: 1 as const, rh: 2 }]))), this.#loop.signal);
    } catch (error) {
      const problem = this.#translated(error, 'subscribe');
      if (problem.code !== 'SP_FAR_REFUSED') throw problem;
      log.warn({ component: 'courier', destination: origin.name, code: problem.code }, problem.message);
    }
  }

  /** What the package leaves unanswered when a connection ends is answered here. */
  async #within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    const { clock, origin } = this.#o;
    const done = new AbortController();
    work.catch(() => {});
    const late = clock.sleep(this.#o.patienceMs ?? patienceMs, AbortSignal.any([done.signal, this.#over.signal, signal])).then(
      () => { throw new SallyportError('SP_FAR_UNREACHABLE', { destination: origin.name, reason: 'it does not answer' }); },
      () => {
        if (done.signal.aborted) return new Promise<T>(() => {});
        throw signal.aborted ? new SallyportError('SP_STOPPED', { what: `speaking with ${origin.name}` }) : new SallyportError('SP_FAR_UNREACHABLE', { destination: origin.name, reason: 'the connection ended' });
      },
    );
    try {
      return await Promise.race([work, late]);
    } finally {
      done.abort();
    }
  }

  #translated(error: unknown, what: string): SallyportError {
    if (isSallyportError(error)) return error;
    const destination = this.#o.origin.name;
    const { code } = error as { code?: unknown };
    if (typeof code !== 'number') return translated(destination, error);
    // Reason codes of MQTT 5; below 10 those of a broker that speaks an older one only.
    if ([4, 5, 134, 135, 138].includes(code)) return new SallyportError('SP_FAR_REFUSED', { destination, what, reason: `reason ${code}` });
    if ([3, 136, 137, 151].includes(code)) return new SallyportError('SP_FAR_BUSY', { destination, reason: `reason ${code}` });
    if (code === 1 || code === 132) return new SallyportError('SP_FAR_ANSWER', { destination, reason: 'it does not speak MQTT 5' });
    return new SallyportError('SP_FAR_ANSWER', { destination, reason: `reason ${code}` });
  }
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
