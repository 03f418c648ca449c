/** `out/`: what is to leave the house. The hub's side writes it, the courier's side reads it and can change nothing. */
import { createHash, randomBytes } from 'node:crypto';
import { watch } from 'node:fs';
import { Turns } from '../base/turns.ts';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { ensureFolder } from '../base/files.ts';
import { isExpired, noRoomFor, outboxBounds, type OutboxBounds, type OutboxHeld } from '../policy/outbox.ts';
import { noticePictureBytesMax, type NoticeMessage } from '../policy/noticing.ts';
import { referencePattern } from '../policy/pieces.ts';
import type { CameraState } from '../policy/presence.ts';
import type { Sealed } from '../seal/sealed.ts';
import { BoxFile, headBytes, bodyBytesMax, listBox, removeBoxFile, removeParts, writeBoxFile, type BoxHook, type BoxStamp } from './boxfile.ts';
import { bodyBytesOf, destinationPattern, orderSchema, type ObjectClass, type Order, type OrderOf } from './orders.ts';

export interface OutboxOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly bounds?: OutboxBounds;
  readonly hook?: BoxHook;
}

export interface Placed {
  /** Of the order's file; its answer comes under the same name. */
  readonly name: string;
  readonly object: string;
}

type Wanted<O = Order> = O extends Order ? Omit<O, 'v' | 'made_ms'> : never;

/** The hub's side. Each order stays until `settle`, which is for whoever has written its answer into the ledger. */
export class Outbox {
  readonly #o: OutboxOptions;
  readonly #orders = new Map<string, { readonly order: Order; readonly bytes: number }>();
  /** Orders that were in an order's place when the folder was opened, and cannot be read; they are shown, and removed by nobody but the owner. */
  readonly #odd: string[] = [];
  #lastMs = 0;
  /** One change after another, so that what is counted is so. */
  readonly #turns = new Turns();

  private constructor(o: OutboxOptions) {
    this.#o = o;
  }

  static async open(o: OutboxOptions): Promise<Outbox> {
    const outbox = new Outbox(o);
    await ensureFolder(o.folder, 0o750);
    await removeParts(o.folder);
    for (const { name, sizeBytes } of (await listBox(o.folder)).files) {
      try {
        const file = await BoxFile.open(o.folder, name, orderSchema);
        await file.close();
        outbox.#orders.set(name, { order: file.head, bytes: sizeBytes });
      } catch {
        outbox.#odd.push(name);
      }
      outbox.#lastMs = Math.max(outbox.#lastMs, Number(name.slice(0, 15)));
    }
    return outbox;
  }

  get held(): OutboxHeld {
    return { orders: this.#orders.size, bytes: [...this.#orders.values()].reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  /** What was asked for and is not settled, in its order. */
  get orders(): ReadonlyMap<string, Order> {
    return new Map([...this.#orders].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([name, { order }]) => [name, order]));
  }

  get odd(): readonly string[] {
    return this.#odd;
  }

  /**
   * Asks to send this. `object`: the name it is to have; a random one when absent. `replace`: another object of that name may be there. Resolves
   * when it is on the disk. SP_OUTBOX_FULL, SP_OUTBOX_ORDER, SP_WRITE.
   */
  put(sealed: Sealed, o: { readonly to: string; readonly class: ObjectClass; readonly object?: string; readonly replace?: boolean }): Promise<Placed> {
    const { bytes, sizeHidden } = sealed;
    const object = o.object ?? randomName();
    if (!sizeHidden) throw new SallyportError('SP_OUTBOX_ORDER', { reason: 'its size would say how much it holds' });
    if (bytes.length === 0 || bytes.length > bodyBytesMax) throw new SallyportError('SP_OUTBOX_ORDER', { reason: `it is not 1 to ${bodyBytesMax} bytes long` });
    return this.#place({ order: 'put', to: o.to, object, class: o.class, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), replace: o.replace ?? false }, object, bytes);
  }

  /** `known`: of one that lies there in pieces. */
  delete(to: string, object: string, known?: { readonly bytes: number; readonly sha256: string | undefined }): Promise<Placed> {
    return this.#place({ order: 'delete', to, object, size: known?.bytes, sha256: known?.sha256 }, object);
  }

  /** With `orLess`, also of an object that ends before. */
  get(to: string, object: string, from: number, length: number, orLess?: true): Promise<Placed> {
    return this.#place({ order: 'get', to, object, from, length, ...(orLess === undefined ? {} : { or_less: orLess }) }, object);
  }

  list(to: string, after?: string): Promise<Placed> {
    return this.#place({ order: 'list', to, after }, '');
  }

  probe(to: string): Promise<Placed> {
    return this.#place({ order: 'probe', to }, '');
  }

  /** `picture`: the small one of the alarm that it tells of. SP_OUTBOX_ORDER when that is too large, or its size would say how much it shows. */
  notice(to: string, { kind, camera, atMs, id, over }: NoticeMessage, picture?: Sealed): Promise<Placed> {
    if (picture !== undefined && (!picture.sizeHidden || picture.bytes.length > noticePictureBytesMax)) throw new SallyportError('SP_OUTBOX_ORDER', { reason: 'its picture is too large, or of a size that tells' });
    const body = picture === undefined ? {} : { size: picture.bytes.length, sha256: createHash('sha256').update(picture.bytes).digest('hex') };
    return this.#place({ order: 'notice', to, kind, camera, at_ms: Math.round(atMs), id, over, ...body }, id, picture?.bytes);
  }

  /** What a broker of the home is told of a camera. */
  state(to: string, { camera, atMs, gone, online, private: isPrivate, shown, seen, sealedMs, places }: CameraState): Promise<Placed> {
    return this.#place({ order: 'state', to, camera, at_ms: Math.round(atMs), gone, online, private: isPrivate, shown, seen, sealed_ms: sealedMs === undefined ? undefined : Math.round(sealedMs), places }, '');
  }

  /** What became of a command of `to`: the courier may take it away. */
  heard(to: string, command: string, camera: string | undefined, outcome: OrderOf<'heard'>['outcome']): Promise<Placed> {
    return this.#place({ order: 'heard', to, command, camera, outcome }, '');
  }

  /** It is not wanted any more: its bytes go at once, its answer says how far the courier had come. */
  withdraw(name: string): Promise<void> {
    return this.#turns.take(async () => {
      const before = this.#orders.get(name)?.order;
      if (before === undefined || before.order === 'withdraw') return;
      const order: Order = { v: 1, order: 'withdraw', to: before.to, made_ms: before.made_ms, was: before.order };
      const bytes = await writeBoxFile(this.#o.folder, name, order, undefined, this.#o.hook);
      this.#orders.set(name, { order, bytes });
    });
  }

  /** Withdraws what has waited too long (`policy/outbox.ts`); names it. */
  async expire(nowMs: UnixMs): Promise<string[]> {
    const old = [...this.#orders].filter(([, { order }]) => isExpired(order.order, order.made_ms, nowMs)).map(([name]) => name);
    for (const name of old) await this.withdraw(name);
    return old;
  }

  /** Its answer is in the ledger: the courier may forget it. */
  settle(name: string): Promise<void> {
    return this.#turns.take(async () => {
      await removeBoxFile(this.#o.folder, name);
      this.#orders.delete(name);
    });
  }

  #place(wanted: Wanted, object: string, body?: Uint8Array): Promise<Placed> {
    if (!destinationPattern.test(wanted.to)) throw new SallyportError('SP_OUTBOX_ORDER', { reason: 'the destination is no name of one' });
    if (object !== '' && !referencePattern.test(object)) throw new SallyportError('SP_OUTBOX_ORDER', { reason: 'the object\'s name is not 32 hexadecimal digits' });
    return this.#turns.take(async () => {
      const made = Math.round(this.#o.clock.wallMs());
      const full = noRoomFor(wanted.order, headBytes + (body?.length ?? 0), this.held, this.#o.bounds ?? outboxBounds);
      if (full !== undefined) throw new SallyportError('SP_OUTBOX_FULL', { reason: full });
      const order = checked({ ...wanted, v: 1, made_ms: made });
      // Later than every name before, also when the clock has gone back: orders keep their order.
      this.#lastMs = Math.max(made, this.#lastMs + 1);
      const name = `${String(this.#lastMs).padStart(15, '0')}-${randomName()}`;
      const bytes = await writeBoxFile(this.#o.folder, name, order, body, this.#o.hook);
      this.#orders.set(name, { order, bytes });
      return { name, object };
    });
  }
}

/** What the courier found under a name. */
export interface Found extends BoxStamp {
  readonly order: Order | undefined;
  /** Why it is refused: SP_OUTBOX_FILE; or SP_READ, while the disk does not give it. */
  readonly refused: SallyportError | undefined;
}

/** The courier's side: looks, and opens what it is to send. */
export class OutReader {
  readonly #folder: string;
  #known = new Map<string, Found>();
  /** Names in `out/` that are none of an order. */
  odd = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** All that is there now, in its order; heads are read once. SP_READ. */
  async scan(): Promise<readonly Found[]> {
    const { files, odd } = await listBox(this.#folder);
    this.odd = odd;
    const found: Found[] = [];
    for (const file of files) {
      const known = this.#known.get(file.name);
      const one = known?.stamp === file.stamp ? known : await this.#look(file);
      if (one !== undefined) found.push(one);
    }
    // What the disk did not give is asked for again.
    this.#known = new Map(found.filter(({ refused }) => refused?.code !== 'SP_READ').map((one) => [one.name, one]));
    return found;
  }

  /** The file of an order with what is to be sent. SP_OUTBOX_FILE, SP_READ. */
  open(name: string): Promise<BoxFile<Order>> {
    return BoxFile.open(this.#folder, name, orderSchema);
  }

  /** Calls when something in the folder may have changed; what a watch misses, the next scan sees. */
  watch(onChange: () => void): { close(): void } {
    try {
      const watcher = watch(this.#folder, onChange);
      watcher.on('error', () => {});
      return watcher;
    } catch {
      // No watch is left on this machine, or the folder is not there yet.
      return { close() {} };
    }
  }

  async #look(file: BoxStamp): Promise<Found | undefined> {
    try {
      const box = await this.open(file.name);
      await box.close();
      const refused = box.bodyBytes === bodyBytesOf(box.head) ? undefined : new SallyportError('SP_OUTBOX_FILE', { file: file.name, reason: 'its size is not what its head says' });
      return { ...file, order: box.head, refused };
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
      // Settled between listing and opening.
      if ((error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
      return { ...file, order: undefined, refused: error };
    }
  }
}

export function randomName(): string {
  return randomBytes(16).toString('hex');
}

function checked(order: unknown): Order {
  try {
    return orderSchema(order, '');
  } catch (error) {
    throw new SallyportError('SP_OUTBOX_ORDER', { reason: (error as Error).message }, error);
  }
}
