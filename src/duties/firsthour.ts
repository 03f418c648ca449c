/**
 * The first hour: as long as nobody has an account, a one-time code lets one browser in that may make the first owner and nothing else.
 * The code is known to whoever runs the hub (`sallyport pair`), lies in memory only, and goes with its hour or with the first owner. Wrong tries do not
 * end it, or anybody in the network could keep the owner out; it is too long to be guessed, and each address waits longer and longer.
 */
import { randomInt, timingSafeEqual } from 'node:crypto';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { hourMs, minuteMs } from '../base/units.ts';
import { hashOf, newKey } from './accountbook.ts';

/** None that is taken for another one: 30 letters and digits, 12 of them, nearly 59 bits. */
const letters = 'ABCDEFGHJKMNPQRSTVWXYZ23456789';
const groups = 3;
const groupLetters = 4;
const codeMs = hourMs;
/** How long the one that was let in may take; also for who looks for the kit. */
const enteredMs = 2 * hourMs;
const enteredMax = 8;
/** A code that is shown is good for a while yet. */
const shownMs = 10 * minuteMs;

interface Code {
  /** Without its hyphens. */
  readonly text: string;
  /** Monotonic: who sets a clock gains nothing. */
  readonly untilMs: number;
}

export class FirstHour {
  readonly #clock: Clock;
  #code: Code | undefined;
  /** SHA-256 of their cookies, and until when. */
  readonly #entered = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For the eyes of whoever runs the hub. A new one when there is none, or not for long. */
  show(): { code: string; untilMs: UnixMs } {
    const nowMs = this.#clock.monotonicMs();
    if (this.#code === undefined || this.#code.untilMs - nowMs < shownMs) this.#code = { text: makeCode(), untilMs: nowMs + codeMs };
    const { text, untilMs } = this.#code;
    return { code: (text.match(new RegExp(`.{${groupLetters}}`, 'g')) ?? []).join('-'), untilMs: Math.round(this.#clock.wallMs() + untilMs - nowMs) };
  }

  /** Answers a cookie. SP_PAGE_CODE. */
  enter(code: string): string {
    const known = this.#code;
    const nowMs = this.#clock.monotonicMs();
    if (known === undefined || known.untilMs <= nowMs) throw new SallyportError('SP_PAGE_CODE');
    if (!equal(normal(code), known.text)) throw new SallyportError('SP_PAGE_CODE');
    // Whoever reloads the page, or begins on another device, enters with the same code, until there is an owner.
    const { text, hash } = newKey();
    if (this.#entered.size >= enteredMax) this.#entered.delete(this.#entered.keys().next().value ?? '');
    this.#entered.set(hash, nowMs + enteredMs);
    return text;
  }

  has(cookie: string): boolean {
    return (this.#entered.get(hashOf(cookie)) ?? -Infinity) > this.#clock.monotonicMs();
  }

  /** There is an owner. */
  end(): void {
    this.#code = undefined;
    this.#entered.clear();
  }
}

function makeCode(): string {
  return Array.from({ length: groups * groupLetters }, () => letters[randomInt(letters.length)] ?? '').join('');
}

/** As people type it: small letters, blanks, with hyphens or without. */
function normal(code: string): string {
  return code.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
}

function equal(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(hashOf(a), 'hex'), Buffer.from(hashOf(b), 'hex'));
}
