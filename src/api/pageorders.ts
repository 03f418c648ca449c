/** Orders to hold and to erase that a browser is at work on: only who began one goes on with it, and for its own camera. The hub forgets them with what they are about (duties/headers.ts). */
import { SallyportError } from '../base/errors.ts';

interface PageOrder {
  readonly account: string;
  readonly camera: string;
}

/** More than can be under way at once. */
const ordersMax = 64;

export class PageOrders {
  readonly #orders = new Map<string, PageOrder>();

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

  end(order: string): void {
    this.#orders.delete(order);
  }
}
