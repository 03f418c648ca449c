/** All notices for one phone or program: grouped, limited and held back as `policy/noticing.ts` decides, sent as one message, each answered for itself. */
import { createHash } from 'node:crypto';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import { Loop } from '../base/loop.ts';
import { hourMs, minuteMs } from '../base/units.ts';
import type { DestinationState } from '../outbox/courierstatus.ts';
import type { Order } from '../outbox/orders.ts';
import type { Found } from '../outbox/out.ts';
import { decideNotices, isUrgent, type NoticeMessage, type NoticeRules, type SentMessage } from '../policy/noticing.ts';
import { nextTry } from '../policy/sending.ts';
import type { Messenger } from './messengers.ts';
import { answerTo, failed, Last, retryIn, type Destined, type Outcome, type SenderParts } from './sender.ts';

export interface NotifierOptions extends SenderParts {
  readonly messenger: Messenger;
  readonly rules: NoticeRules;
}

interface Waiting {
  readonly name: string;
  readonly order: Order;
  readonly notice: NoticeMessage;
  /** How long the picture is that goes with it. */
  readonly picture: number;
}

export class Notifier implements Destined {
  readonly #o: NotifierOptions;
  readonly #loop: Loop;
  #found: readonly Found[] = [];
  /** Of the last hour. */
  #sent: SentMessage[] = [];
  #failures = 0;
  #notBeforeMs = 0;
  readonly #last = new Last();

  constructor(o: NotifierOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  take(found: readonly Found[]): void {
    this.#found = found;
    this.#loop.nudge();
  }

  start(): void {
    this.#loop.start(() => this.#turn());
  }

  async close(): Promise<void> {
    await this.#loop.close();
    await this.#o.messenger.close();
  }

  state(): Omit<DestinationState, 'name'> {
    const { back, clock } = this.#o;
    const waiting = this.#found.filter(({ name }) => !back.has(name)).length;
    return { waiting, active: 0, off: [], notices: true, ...retryIn(this.#notBeforeMs, clock.monotonicMs()), ...this.#last.state };
  }

  async #turn(): Promise<number> {
    const { clock, back, rules, messenger, log } = this.#o;
    try {
      const waiting: Waiting[] = [];
      for (const { name, order } of this.#found) {
        if (order === undefined || back.has(name)) continue;
        if (order.order === 'notice') waiting.push({ name, order, notice: { kind: order.kind, camera: order.camera, atMs: order.at_ms, id: order.id, over: order.over }, picture: order.size ?? 0 });
        else await this.#answer(name, order, order.order === 'withdraw' ? { outcome: 'withdrawn' } : failed(new SallyportError('SP_FAR_FEATURE', { destination: messenger.name, feature: order.order, reason: 'it takes notices alone' })));
      }
      const beforeMs = this.#notBeforeMs - clock.monotonicMs();
      if (beforeMs > 0) return beforeMs;
      const nowMs = clock.wallMs();
      this.#sent = this.#sent.filter(({ atMs }) => nowMs - atMs < hourMs);
      const { send, againMs } = decideNotices(waiting, this.#sent, rules, nowMs, this.#o.localMinute());
      if (send.length > 0) await this.#send(send);
      return send.length > 0 ? 0 : Math.min(minuteMs, againMs === undefined ? minuteMs : Math.max(0, againMs - nowMs));
    } catch (error) {
      // Our own disk: what was not written down is done again.
      log.error({ component: 'courier', destination: messenger.name, error: asSallyportError(error).message }, 'notices wait');
      return minuteMs;
    }
  }

  async #send(group: readonly Waiting[]): Promise<void> {
    const { clock, journal, log, messenger, rules, random } = this.#o;
    const signal = this.#loop.signal;
    const pictures = await this.#picturesOf(group);
    for (const { name } of group) await journal.write(name, { ...journal.of(name), attempts: journal.of(name).attempts + 1, sent_bytes: journal.of(name).sent_bytes + (pictures.get(name)?.length ?? 0) });
    const message = createHash('sha256').update(group.map(({ name }) => name).join()).digest('hex').slice(0, 32);
    try {
      const saidBytes = await messenger.send(group.map(({ name, notice }) => ({ ...notice, picture: pictures.get(name) })), message, group.some(({ notice }) => isUrgent(notice, rules)), signal);
      this.#sent.push({ kinds: group.map(({ notice }) => notice.kind), atMs: clock.wallMs() });
      this.#failures = 0;
      this.#last.ok(clock.wallMs());
      // What one message said of several stands at the first.
      for (const [index, { name, order }] of group.entries()) await this.#answer(name, order, { outcome: 'done', ...(index === 0 ? { sent_bytes: journal.of(name).sent_bytes + saidBytes } : {}) });
      log.info({ component: 'courier', destination: messenger.name, notices: group.length }, 'notified');
    } catch (thrown) {
      if (signal.aborted) return;
      const error = asSallyportError(thrown);
      if (!error.code.startsWith('SP_FAR_')) throw error;
      this.#last.failed(error, clock.wallMs());
      this.#failures++;
      const waitMs = error.evidence['waitMs'];
      const next = nextTry(error.kind, this.#failures, error.kind === 'fault' ? this.#failures : 0, typeof waitMs === 'number' ? waitMs : undefined, random);
      log.warn({ component: 'courier', destination: messenger.name, code: error.code, notices: group.length }, error.message);
      if (next === 'give up') for (const { name, order } of group) await this.#answer(name, order, failed(error));
      else this.#notBeforeMs = clock.monotonicMs() + next.afterMs;
    }
  }

  /** The first of the group. One that is not what its order says is left out, and said: a notice matters more. */
  async #picturesOf(group: readonly Waiting[]): Promise<Map<string, Buffer>> {
    const { out, messenger, log } = this.#o;
    const pictures = new Map<string, Buffer>();
    for (const { name, order, picture } of group.filter((one) => one.picture > 0).slice(0, messenger.picturesMax)) {
      try {
        const file = await out.open(name);
        try {
          const bytes = await file.read(0, picture);
          if (!('sha256' in order) || createHash('sha256').update(bytes).digest('hex') !== order.sha256) throw new SallyportError('SP_OUTBOX_FILE', { file: name, reason: 'its picture is not what its head says' });
          pictures.set(name, bytes);
        } finally {
          await file.close();
        }
      } catch (error) {
        log.warn({ component: 'courier', destination: messenger.name, code: asSallyportError(error).code }, 'a notice goes without its picture');
      }
    }
    return pictures;
  }

  async #answer(name: string, order: Order, outcome: Outcome): Promise<void> {
    await this.#o.back.answer(answerTo(name, order, outcome, this.#o.journal.of(name), this.#o.clock));
  }
}
