/**
 * How much waits in the outbox, and how long. The vault keeps what is to be sent, so the outbox may refuse: whoever wanted to put it in comes
 * again. What waits too long is withdrawn, and the ledger says so; nothing is dropped silently.
 */
import type { UnixMs } from '../base/clock.ts';
import { dayMs, hourMs, minuteMs } from '../base/units.ts';

export type OrderKind = 'put' | 'delete' | 'get' | 'list' | 'probe' | 'notice' | 'state' | 'heard' | 'withdraw';

/** What is older is withdrawn: footage after a week (its deadline at home usually comes first), a notice when it is no news any more (quiet hours are shorter), a state when a newer one should be told, a visitor's question when nobody waits. */
export const orderAgeMaxMs: Readonly<Record<OrderKind, number>> = {
  put: 7 * dayMs, delete: 30 * dayMs, get: 2 * minuteMs, list: 10 * minuteMs, probe: 10 * minuteMs, notice: 12 * hourMs, state: 2 * minuteMs, heard: hourMs, withdraw: Number.POSITIVE_INFINITY,
};

export interface OutboxHeld {
  readonly bytes: number;
  readonly orders: number;
}

export interface OutboxBounds {
  readonly bytesMax: number;
  readonly ordersMax: number;
}

export const outboxBounds: OutboxBounds = { bytesMax: 2 * 2 ** 30, ordersMax: 4096 };

/** Of the orders, an eighth is kept for what is no footage: a far store that is down must not keep notices and erasures from going. */
const keptForOthers = 1 / 8;

/** Why it must wait; undefined when it may go in. `bytes`: of the file, its head included. */
export function noRoomFor(kind: OrderKind, bytes: number, held: OutboxHeld, bounds: OutboxBounds): string | undefined {
  const ordersMax = kind === 'put' ? Math.floor(bounds.ordersMax * (1 - keptForOthers)) : bounds.ordersMax;
  if (held.orders >= ordersMax) return `${held.orders} orders wait already`;
  if (kind === 'put' && held.bytes + bytes > bounds.bytesMax) return `${held.bytes} bytes wait already`;
  return undefined;
}

export function isExpired(kind: OrderKind, madeMs: UnixMs, nowMs: UnixMs): boolean {
  return nowMs - madeMs > orderAgeMaxMs[kind];
}
