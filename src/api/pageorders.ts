/** Orders to hold and to erase that a browser is at work on: only who began one goes on with it, and for its own camera. The hub forgets them with what they are about (duties/headers.ts). */
import { SallyportError } from '../base/errors.ts';
import { hourMs, secondMs } from '../base/units.ts';

interface PageOrder {
  readonly account: string;
  readonly camera: string;
}

/** More than can be under way at once. */
const ordersMax = 64;
/** Orders that nobody signed, of one account within an hour: one may be for many hours, so that nobody needs more. */
const unsignedMax = 12;

export class PageOrders {
  readonly #orders = new Map<string, PageOrder>();
  /** By account: when, by the monotonic clock. */
  readonly #unsigned = new Map<string, number[]>();

  add(order: string, account: string, camera: string): void {
    this.#orders.set(order, { account, camera });
    for (const oldest of this.#orders.keys()) {
      if (this.#orders.size <= ordersMax) break;
      this.#orders.delete(oldest);
    }
  }

  /** SP_PAGE_UNKNOWN, also when it is somebody else's. */
  check(order: string, account: string, camera: string): void {
    const known = this.#orders.get(order);
    if (known?.account !== account || known.camera !== camera) throw new SallyportError('SP_PAGE_UNKNOWN', { what: 'order' });
  }

  /** Before an order that nobody signed. SP_PAGE_TRIES. */
  countUnsigned(account: string, nowMs: number): void {
    const lately = (this.#unsigned.get(account) ?? []).filter((ms) => nowMs - ms < hourMs);
    const [oldest] = lately;
    if (oldest !== undefined && lately.length >= unsignedMax) throw new SallyportError('SP_PAGE_TRIES', { seconds: Math.ceil((oldest + hourMs - nowMs) / secondMs) });
    this.#unsigned.set(account, [...lately, nowMs]);
  }

  end(order: string): void {
    this.#orders.delete(order);
  }
}
