/** A store as somebody reads it who may not speak to it: each question goes through `out/` to the courier, and its answer comes through `back/`. */
import type { Clock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { minuteMs } from '../base/units.ts';
import type { BackReader } from '../outbox/back.ts';
import { rangeBytesMax, type Answer } from '../outbox/orders.ts';
import type { Outbox, Placed } from '../outbox/out.ts';

export interface FarStore {
  /** Of the destination. */
  readonly name: string;
  /** Every object that is there, with its size. SP_FAR_…; SP_FAR_UNREACHABLE when no answer comes. */
  list(): AsyncGenerator<readonly [object: string, bytes: number]>;
  /** Exactly these bytes. SP_FAR_MISSING, and as `list`. */
  read(object: string, from: number, length: number): Promise<Buffer>;
  /** All of it, however long it is. SP_FAR_MISSING; SP_FAR_ANSWER when it is longer than `bytesMax`. */
  readWhole(object: string, bytesMax: number): Promise<Buffer>;
}

export interface FarAskerOptions {
  readonly outbox: Outbox;
  readonly back: BackReader;
  readonly clock: Clock;
  /** So long without an answer, and nobody waits any more. */
  readonly patienceMs?: number;
  /** What the courier said last, for whoever waited in vain. */
  readonly lastWords?: () => string | undefined;
}

const patienceMsDefault = 2 * minuteMs;
const lookMs = 15;
/** Eight cameras for three years, about: whoever lists more lists without end. */
const listedMax = 2 ** 24;

export class FarAsker {
  readonly #o: FarAskerOptions;
  readonly #waiting = new Map<string, { readonly to: string; readonly tell: (answer: Answer) => void; readonly fail: (error: unknown) => void; readonly untilMs: number }>();
  #looks = false;
  #over: SallyportError | undefined;

  constructor(o: FarAskerOptions) {
    this.#o = o;
  }

  store(name: string): FarStore {
    return { name, list: () => this.#list(name), read: (object, from, length) => this.#read(name, object, from, length), readWhole: (object, bytesMax) => this.#readWhole(name, object, bytesMax) };
  }

  /** Whoever waits still, and whoever asks from now on, is told this. */
  end(error: SallyportError): void {
    this.#over ??= error;
    for (const { fail } of this.#waiting.values()) fail(error);
    this.#waiting.clear();
  }

  async *#list(to: string): AsyncGenerator<readonly [string, number]> {
    let count = 0;
    for (let after: string | undefined, more = true; more;) {
      const from = after;
      const { answer, body } = await this.#ask(to, () => this.#o.outbox.list(to, from));
      const lines = body.toString('latin1').split('\n').filter((line) => line !== '');
      for (const line of lines) {
        const [, object, bytes] = /^([0-9a-f]{32}) (\d{1,15})$/.exec(line) ?? [];
        if (object === undefined) throw new SallyportError('SP_FAR_ANSWER', { destination: to, reason: 'its list has a line that is none' });
        if (++count > listedMax) throw new SallyportError('SP_FAR_ANSWER', { destination: to, reason: `it lists more than ${listedMax} objects` });
        after = object;
        yield [object, Number(bytes)];
      }
      // Whatever it says, it goes on from name to name.
      more = answer.more === true && after !== undefined && after > (from ?? '');
    }
  }

  async #read(to: string, object: string, from: number, length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let at = from; at < from + length; at += rangeBytesMax) {
      const piece = Math.min(rangeBytesMax, from + length - at);
      pieces.push((await this.#ask(to, () => this.#o.outbox.get(to, object, at, piece), object)).body);
    }
    return pieces.length === 1 ? pieces[0] as Buffer : Buffer.concat(pieces);
  }

  async #readWhole(to: string, object: string, bytesMax: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let at = 0; at <= bytesMax; at += rangeBytesMax) {
      const { body } = await this.#ask(to, () => this.#o.outbox.get(to, object, at, rangeBytesMax, true), object);
      pieces.push(body);
      if (body.length < rangeBytesMax) return Buffer.concat(pieces);
    }
    throw new SallyportError('SP_FAR_ANSWER', { destination: to, reason: `${object} is longer than ${bytesMax} bytes` });
  }

  async #ask(to: string, place: () => Promise<Placed>, object = ''): Promise<{ answer: Answer; body: Buffer }> {
    if (this.#over !== undefined) throw this.#over;
    const { name } = await place();
    try {
      const answer = await this.#answerTo(name, to);
      if (answer.outcome !== 'done') throw failureOf(answer, object);
      return { answer, body: (answer.size ?? 0) > 0 ? await this.#o.back.body(name) : Buffer.alloc(0) };
    } finally {
      // Settled whatever came of it: what nobody waits for is not fetched.
      await this.#o.outbox.settle(name);
    }
  }

  #answerTo(name: string, to: string): Promise<Answer> {
    const untilMs = this.#o.clock.monotonicMs() + (this.#o.patienceMs ?? patienceMsDefault);
    const answer = new Promise<Answer>((tell, fail) => { this.#waiting.set(name, { to, tell, fail, untilMs }); });
    if (!this.#looks) void this.#look();
    return answer;
  }

  /** As long as somebody waits. */
  async #look(): Promise<void> {
    this.#looks = true;
    while (this.#waiting.size > 0) {
      try {
        for (const { name, answer, refused } of await this.#o.back.scan()) {
          const one = this.#waiting.get(name);
          if (one === undefined) continue;
          this.#waiting.delete(name);
          if (answer !== undefined) one.tell(answer);
          else one.fail(refused);
        }
      } catch (error) {
        for (const { fail } of this.#waiting.values()) fail(error);
        this.#waiting.clear();
      }
      const nowMs = this.#o.clock.monotonicMs();
      for (const [name, { to, fail, untilMs }] of this.#waiting) {
        if (untilMs > nowMs) continue;
        this.#waiting.delete(name);
        fail(new SallyportError('SP_FAR_UNREACHABLE', { destination: to, reason: this.#o.lastWords?.() ?? 'no answer came' }));
      }
      if (this.#waiting.size > 0) await this.#o.clock.sleep(lookMs);
    }
    this.#looks = false;
  }
}

/** The courier's own words for it. */
function failureOf({ code, reason, to }: Answer, object: string): SallyportError {
  const error = new SallyportError(code ?? 'SP_FAR_ANSWER', { destination: to, object, reason: reason ?? '' });
  if (reason !== undefined) error.message = reason;
  return error;
}
