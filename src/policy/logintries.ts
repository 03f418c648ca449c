/**
 * How often a passphrase may be tried. Each failed try makes the next one wait longer, counted by the name that was tried and by the
 * address that it came from. A browser that shows a device id of that account is counted by this id alone: strangers who fill the other
 * counters never lock the owner out. A try counts as failed from its beginning, so that many at once gain nothing.
 */
import { dayMs, minuteMs, secondMs } from '../base/units.ts';

export interface Try {
  /** As it is compared; of an account that is there or not. Undefined for a code, which is too long to be guessed: then only the address counts. */
  readonly nameKey: string | undefined;
  readonly address: string;
  /** A device id that the hub knows of this very account. */
  readonly device: string | undefined;
}

/** So many fail before anything waits: people mistype. */
const freeTries = 5;
const firstWaitMs = 2 * secondMs;
const waitMsMax = 15 * minuteMs;
/** Of an address several people may come. */
const freeOfAddress = 20;
const forgottenAfterMs = dayMs;
const ofAddress = 'address ';
/** Beyond it the counter that rested longest is dropped. */
const countersMax = 20_000;

interface Counter {
  readonly count: number;
  /** Monotonic, of the last failed try. */
  readonly lastMs: number;
}

export class LoginTries {
  readonly #counters = new Map<string, Counter>();

  /** How long to wait before this one may be tried; 0 for now. */
  waitMs(t: Try, nowMs: number): number {
    return Math.max(0, ...keysOf(t).map(([key, free]) => {
      const counter = this.#counterOf(key, nowMs);
      return counter === undefined ? 0 : counter.lastMs + waitAfter(counter.count, free) - nowMs;
    }));
  }

  /** It is being tried; until `passed` says otherwise it has failed. */
  begin(t: Try, nowMs: number): void {
    for (const [key] of keysOf(t)) {
      const count = (this.#counterOf(key, nowMs)?.count ?? 0) + 1;
      // The order of a Map is that of insertion: the first is the one that rested longest.
      this.#counters.delete(key);
      this.#counters.set(key, { count, lastMs: nowMs });
    }
    for (const key of this.#counters.keys()) {
      if (this.#counters.size <= countersMax) break;
      this.#counters.delete(key);
    }
  }

  /** It was right. The address keeps all but this try: who has an account must not try others' for free. */
  passed(t: Try): void {
    for (const [key] of keysOf(t)) {
      const counter = this.#counters.get(key);
      if (counter === undefined || !key.startsWith(ofAddress)) this.#counters.delete(key);
      else this.#counters.set(key, { ...counter, count: counter.count - 1 });
    }
  }

  #counterOf(key: string, nowMs: number): Counter | undefined {
    const counter = this.#counters.get(key);
    return counter === undefined || nowMs - counter.lastMs > forgottenAfterMs ? undefined : counter;
  }
}

/**
 * That of the account, and that of the address; a known device has one of its own only. For a code the very address counts, not its network: all of a house share
 * one in IPv6, and more addresses make a code no easier to guess.
 */
function keysOf({ nameKey, address, device }: Try): (readonly [key: string, free: number])[] {
  if (device !== undefined) return [[`device ${device}`, freeTries]];
  if (nameKey === undefined) return [[`${ofAddress}${address} for a code`, freeOfAddress]];
  return [[`name ${nameKey}`, freeTries], [`${ofAddress}${networkOf(address)}`, freeOfAddress]];
}

/** Doubling from 2 s to 15 minutes. */
function waitAfter(count: number, free: number): number {
  return count < free ? 0 : Math.min(waitMsMax, firstWaitMs * 2 ** Math.min(count - free, 20));
}

/** One household has a whole /64 of IPv6 addresses, and so has an attacker. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '').toLowerCase();
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('::') as [string, string | undefined];
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const all = tail === undefined ? groups : [...groups, ...Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => '0'), ...rest];
  return `${all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
