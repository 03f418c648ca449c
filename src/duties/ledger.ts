/**
 * The hub's side of the outbox, and the ledger of all that left by it. Whatever is to leave the house goes through here, and has a line: what, where to,
 * why, for whom, and what came of it. An order is settled only when its answer is in the ledger, so nothing goes unsaid, whatever is killed when.
 * What the courier answers is a stranger's word: it counts for the order that was given, and for no other.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { joinPath } from '../base/files.ts';
import { Loop } from '../base/loop.ts';
import { hourMs, secondMs } from '../base/units.ts';
import { BackReader, type Returned } from '../outbox/back.ts';
import type { BoxHook } from '../outbox/boxfile.ts';
import { bodyBytesOf, type Answer, type ObjectClass, type Order, type OrderOf } from '../outbox/orders.ts';
import { Outbox, type Placed } from '../outbox/out.ts';
import type { NoticeMessage } from '../policy/noticing.ts';
import type { OutboxBounds } from '../policy/outbox.ts';
import type { CameraState } from '../policy/presence.ts';
import type { Sealed } from '../seal/sealed.ts';
import type { LedgerAnswer, LedgerLine, Vault } from '../vault/vault.ts';

export interface LedgerOptions {
  readonly vault: Pick<Vault, 'far'>;
  /** With `out/` and `back/` in it. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** As the owner has said yes to it; empty for what is no destination (any more). */
  readonly purposeOf: (destination: string) => string;
  readonly auditMs: () => number;
  readonly bounds?: OutboxBounds;
  /** For tests that kill between steps. */
  readonly hook?: BoxHook;
  readonly afterStep?: (step: 'placed' | 'noted' | 'answered' | 'settled') => Promise<void> | void;
}

/** About an object of the vault's book. */
export interface FarFacts {
  readonly id: number;
  readonly madeMs?: UnixMs;
  readonly covers?: number;
}

export interface PutFacts {
  readonly to: string;
  readonly class: ObjectClass;
  readonly object: string;
  readonly replace?: boolean;
  readonly camera: string;
  /** Whose keys open it. */
  readonly recipients: readonly string[];
  readonly far?: FarFacts;
}

/** A sealed picture that goes with a notice, and whose keys open it. */
export interface NoticePicture {
  readonly sealed: Sealed;
  readonly recipients: readonly string[];
}

/** What came back for an order that somebody waits for. */
export interface Reply {
  readonly answer: Answer;
  /** Of `get` and `list`. */
  readonly body: Buffer | undefined;
}

/** While something is out; the folder is watched besides. */
const lookMs = secondMs;
const idleMs = 10 * secondMs;
const expireEveryMs = hourMs;

export class Ledger {
  readonly #o: LedgerOptions;
  #opened: Outbox | undefined;
  readonly #back: BackReader;
  readonly #loop: Loop;
  readonly #waiting = new Map<string, { readonly resolve: (reply: Reply) => void; readonly reject: (error: SallyportError) => void }>();
  readonly #listeners = new Set<(answer: Answer, order: Order) => void>();
  #watch: { close(): void } | undefined;
  #expiredMs = -Infinity;
  #last: { readonly answer: Answer; readonly atMs: UnixMs } | undefined;
  #problem: SallyportError | undefined;

  constructor(o: LedgerOptions) {
    this.#o = o;
    this.#back = new BackReader(joinPath(o.folder, 'back'));
    this.#loop = new Loop(o.clock);
  }

  /** Orders that lie there and have no line get one; lines whose orders are gone have come to nothing. SP_WRITE, SP_DATABASE. */
  async open(): Promise<void> {
    const { clock, vault, log, folder, bounds, hook } = this.#o;
    const outbox = await Outbox.open({ folder: joinPath(folder, 'out'), clock, ...(bounds === undefined ? {} : { bounds }), ...(hook === undefined ? {} : { hook }) });
    if (outbox.odd.length > 0) log.warn({ component: 'ledger', odd: outbox.odd.length }, 'there are files in the outbox that are no orders; they are left alone');
    const open = await vault.far.open();
    const known = new Set(open.map(({ name }) => name));
    for (const [name, order] of outbox.orders) if (!isState(order) && !known.has(name) && (await vault.far.line(name)) === undefined) await this.#remember(name, order);
    const lost = open.filter(({ name }) => !outbox.orders.has(name));
    if (lost.length > 0) {
      await vault.far.answered(lost.map((line) => ({ line, name: line.name, outcome: 'lost', answeredMs: Math.round(clock.wallMs()), attempts: 0, sentBytes: 0, proof: '', code: '', reason: 'its order is gone, and no answer came' })));
      log.warn({ component: 'ledger', orders: lost.length }, 'orders to the courier are gone without an answer; what they were about is sent again');
    }
    this.#opened = outbox;
  }

  start(): void {
    this.#loop.start(() => this.#turn());
  }

  async close(): Promise<void> {
    this.#watch?.close();
    await this.#loop.close();
    for (const { reject } of this.#waiting.values()) reject(new SallyportError('SP_STOPPED', { what: 'waiting for the courier' }));
    this.#waiting.clear();
  }

  /** Called after each answer that is in the ledger. It must not throw. */
  onAnswer(listener: (answer: Answer, order: Order) => void): void {
    this.#listeners.add(listener);
  }

  /** What waits between the doors, and what came back last. */
  get state(): { readonly orders: number; readonly bytes: number; readonly last: { readonly answer: Answer; readonly atMs: UnixMs } | undefined; readonly problem: SallyportError | undefined } {
    return { ...(this.#opened?.held ?? { orders: 0, bytes: 0 }), last: this.#last, problem: this.#problem };
  }

  /** What was asked for and is not settled. */
  get orders(): ReadonlyMap<string, Order> {
    return this.#opened?.orders ?? new Map();
  }

  /** It is opened by the first turn: a disk that refuses it keeps no hub from recording. SP_OUTBOX_FULL before. */
  get #outbox(): Outbox {
    if (this.#opened === undefined) throw new SallyportError('SP_OUTBOX_FULL', { reason: 'it is not open yet' });
    return this.#opened;
  }

  /** SP_OUTBOX_FULL, SP_OUTBOX_ORDER, SP_WRITE; SP_DATABASE: then it is in the outbox, and its line comes with its answer. */
  async put(sealed: Sealed, { to, class: klass, object, replace, camera, recipients, far }: PutFacts): Promise<Placed> {
    const placed = await this.#outbox.put(sealed, { to, class: klass, object, ...(replace === undefined ? {} : { replace }) });
    await this.#note(placed, camera, recipients, far);
    return placed;
  }

  /** `known`: how long it is, of one that lies there in pieces; and its hash, if it may have been replaced. */
  async delete(to: string, object: string, { camera, far, known }: { readonly camera: string; readonly far?: FarFacts; readonly known?: { readonly bytes: number; readonly sha256: string | undefined } }): Promise<Placed> {
    const placed = await this.#outbox.delete(to, object, known);
    await this.#note(placed, camera, [], far);
    return placed;
  }

  async notice(to: string, message: NoticeMessage, picture?: NoticePicture): Promise<Placed> {
    const placed = await this.#outbox.notice(to, message, picture?.sealed);
    await this.#note(placed, message.camera ?? '', picture?.recipients ?? []);
    return placed;
  }

  /** How a camera is; it has no line of its own, for each takes the place of the one before: the sums of the day have it. */
  async cameraState(to: string, state: CameraState): Promise<Placed> {
    const placed = await this.#outbox.state(to, state);
    this.#loop.nudge();
    return placed;
  }

  /** What became of a command that came from there. */
  async heard(to: string, command: string, camera: string | undefined, outcome: OrderOf<'heard'>['outcome']): Promise<Placed> {
    const placed = await this.#outbox.heard(to, command, camera, outcome);
    await this.#note(placed, camera ?? '', []);
    return placed;
  }

  /** What lies there under the name, or a part of it; resolves with what the courier brought. When `signal` aborts before, it is withdrawn, and never settles. SP_FAR_…, SP_STOPPED. */
  get(to: string, object: string, from: number, length: number, camera = '', signal?: AbortSignal): Promise<Reply> {
    return this.#ask(() => this.#outbox.get(to, object, from, length), camera, signal);
  }

  list(to: string, after?: string): Promise<Reply> {
    return this.#ask(() => this.#outbox.list(to, after));
  }

  probe(to: string): Promise<Reply> {
    return this.#ask(() => this.#outbox.probe(to));
  }

  /** It is not wanted any more; its answer says how far the courier had come. */
  async withdraw(name: string): Promise<void> {
    await this.#outbox.withdraw(name);
  }

  async #ask(place: () => Promise<Placed>, camera = '', signal?: AbortSignal): Promise<Reply> {
    const placed = await place();
    const reply = new Promise<Reply>((resolve, reject) => { this.#waiting.set(placed.name, { resolve, reject }); });
    // Nobody may be there yet when it is told.
    reply.catch(() => {});
    await this.#note(placed, camera, []);
    const giveUp = (): void => {
      if (!this.#waiting.delete(placed.name)) return;
      this.withdraw(placed.name).catch((error: unknown) => this.#o.log.debug({ component: 'ledger', code: asSallyportError(error).code }, 'an order that nobody waits for was not withdrawn'));
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    if (signal?.aborted === true) giveUp();
    return reply;
  }

  async #note({ name }: Placed, camera: string, recipients: readonly string[], far?: FarFacts): Promise<void> {
    await this.#o.afterStep?.('placed');
    const order = this.#outbox.orders.get(name);
    if (order !== undefined) await this.#o.vault.far.asked(this.#lineOf(name, order, camera, recipients), far);
    await this.#o.afterStep?.('noted');
    this.#loop.nudge();
  }

  /** An order of before the last end: its line was not durable, or never written. */
  async #remember(name: string, order: Order): Promise<void> {
    const { far } = this.#o.vault;
    const object = 'object' in order ? await far.object(order.to, order.object) : undefined;
    // A list's content is not known any more: made at the beginning of time, it is soon put again.
    await far.asked(this.#lineOf(name, order, object?.camera ?? '', []), object === undefined ? undefined : { id: object.id, madeMs: 1 });
  }

  #lineOf(name: string, order: Order, camera: string, recipients: readonly string[]): LedgerLine {
    return {
      name, atMs: order.made_ms, destination: order.to, purpose: this.#o.purposeOf(order.to), kind: order.order === 'withdraw' ? order.was : order.order,
      class: order.order === 'put' ? order.class : order.order === 'notice' ? order.kind : order.order === 'heard' ? order.outcome : '', camera, object: 'object' in order ? order.object : '',
      sizeBytes: bodyBytesOf(order), sha256: 'sha256' in order && order.order !== 'delete' ? order.sha256 ?? '' : '', recipients,
    };
  }

  async #turn(): Promise<number> {
    const { clock, log } = this.#o;
    this.#watch ??= this.#back.watch(() => this.#loop.nudge());
    try {
      if (this.#opened === undefined) await this.open();
      await this.look();
      if (clock.monotonicMs() - this.#expiredMs >= expireEveryMs) await this.#expire();
      this.#problem = undefined;
    } catch (error) {
      this.#problem = asSallyportError(error);
      log.error({ component: 'ledger', code: this.#problem.code }, `answers of the courier wait: ${this.#problem.message}`);
      return idleMs;
    }
    return this.state.orders > 0 ? lookMs : idleMs;
  }

  /** One look; for the loop, and for tests. Answers how many orders were settled. */
  async look(): Promise<number> {
    const { vault, clock, afterStep } = this.#o;
    const { orders } = this;
    if (orders.size === 0) return 0;
    const back = (await this.#back.scan()).flatMap((returned) => {
      const order = orders.get(returned.name);
      return order === undefined ? [] : [{ returned, order, answer: this.#judge(returned, order) }];
    });
    if (back.length === 0) return 0;
    const bodies = new Map<string, Buffer | SallyportError>();
    for (const { returned: { name }, answer } of back) if (answer !== undefined && answer.size !== undefined && this.#waiting.has(name)) bodies.set(name, await this.#back.body(name).catch((error: unknown) => asSallyportError(error)));
    await vault.far.answered(back.map(({ returned, order, answer }) => ({ ...this.#answerOf(returned, answer), line: this.#lineOf(returned.name, order, '', []) })));
    await afterStep?.('answered');
    for (const { returned: { name } } of back) await this.#outbox.settle(name);
    await afterStep?.('settled');
    for (const { returned, order, answer } of back) this.#tell(returned.name, order, answer, bodies.get(returned.name));
    const lastAnswer = back.findLast(({ answer }) => answer !== undefined)?.answer;
    if (lastAnswer !== undefined) this.#last = { answer: lastAnswer, atMs: Math.round(clock.wallMs()) };
    return back.length;
  }

  /** The answer, if it is one to this order. */
  #judge({ answer, refused }: Returned, order: Order): Answer | undefined {
    const fits = answer !== undefined && (answer.to === order.to || answer.order === 'unknown') && (answer.order === order.order || answer.order === 'unknown' || (order.order === 'withdraw' && answer.order === order.was))
      && (answer.outcome !== 'withdrawn' || order.order === 'withdraw');
    if (fits) return answer;
    this.#o.log.warn({ component: 'ledger', code: refused?.code ?? 'SP_OUTBOX_FILE' }, refused?.message ?? 'an answer of the courier is none to the order that was given');
    return undefined;
  }

  #answerOf({ name, refused }: Returned, answer: Answer | undefined): LedgerAnswer {
    const answeredMs = Math.round(this.#o.clock.wallMs());
    // What cannot be read may have been sent, so it counts as a failure that is tried again.
    if (answer === undefined) return { name, outcome: 'failed', answeredMs, attempts: 1, sentBytes: 0, proof: '', code: 'SP_OUTBOX_FILE', reason: refused === undefined ? 'the answer is none to this order' : String(refused.evidence['reason'] ?? '') };
    return { name, outcome: answer.outcome, answeredMs, attempts: answer.attempts, sentBytes: answer.sent_bytes, proof: answer.proof ?? '', code: answer.code ?? '', reason: answer.reason ?? '' };
  }

  #tell(name: string, order: Order, answer: Answer | undefined, body: Buffer | SallyportError | undefined): void {
    const waiting = this.#waiting.get(name);
    this.#waiting.delete(name);
    if (answer !== undefined) for (const listener of this.#listeners) listener(answer, order);
    if (waiting === undefined) return;
    if (answer === undefined) waiting.reject(new SallyportError('SP_OUTBOX_FILE', { file: name, reason: 'the answer cannot be used' }));
    else if (body instanceof SallyportError) waiting.reject(body);
    else if (answer.outcome !== 'done') waiting.reject(new SallyportError('SP_FAR_NO', { destination: answer.to, order: answer.order, code: answer.code ?? answer.outcome, reason: answer.reason ?? 'it was withdrawn' }));
    else waiting.resolve({ answer, body });
  }

  async #expire(): Promise<void> {
    const { clock, vault, auditMs, log } = this.#o;
    const nowMs = clock.wallMs();
    const expired = await this.#outbox.expire(nowMs);
    if (expired.length > 0) log.info({ component: 'ledger', orders: expired.length }, 'orders that waited too long are withdrawn');
    await vault.far.dropLines(nowMs - auditMs());
    this.#expiredMs = clock.monotonicMs();
  }
}

function isState(order: Order): boolean {
  return order.order === 'state' || (order.order === 'withdraw' && order.was === 'state');
}
