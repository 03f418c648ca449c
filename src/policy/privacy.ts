/**
 * When a space is private: its cameras are then neither watched nor recorded. Somebody has switched it, or a rule of the configuration
 * says so at this time of the day. A switch to private holds until somebody switches it back; a switch back during a rule's time lifts
 * the rule until that time ends.
 */
import type { UnixMs } from '../base/clock.ts';
import { scheduleAt, timesInWords, type Schedule } from './schedule.ts';
import type { Place } from './sun.ts';

export interface PrivacyRule extends Schedule {
  readonly space: string;
}

/** What somebody has said by hand. */
export interface PrivacySwitch {
  readonly space: string;
  readonly on: boolean;
  readonly sinceMs: UnixMs;
  /** Of a switch back: until when rules are lifted. */
  readonly untilMs?: UnixMs;
}

export interface PrivacyNow {
  /** Undefined: pictures may be made. */
  readonly private: { readonly sinceMs: UnixMs; readonly untilMs: UnixMs | undefined; readonly by: 'hand' | 'rule' } | undefined;
  /** When it is to be looked at again at the latest. */
  readonly nextMs: UnixMs | undefined;
}

export function privacyAt(space: string, rules: readonly PrivacyRule[], switches: readonly PrivacySwitch[], place: Place | undefined, nowMs: UnixMs): PrivacyNow {
  const { running, nextMs: ruleMs } = scheduleAt(rules.filter((rule) => rule.space === space), place, nowMs);
  const hand = switches.find((one) => one.space === space);
  const liftedMs = hand !== undefined && !hand.on ? hand.untilMs ?? Number.NEGATIVE_INFINITY : Number.NEGATIVE_INFINITY;
  const changes = [ruleMs ?? Number.NEGATIVE_INFINITY, liftedMs].filter((ms) => ms > nowMs);
  const nextMs = changes.length === 0 ? undefined : Math.min(...changes);
  if (hand?.on === true) return { private: { sinceMs: hand.sinceMs, untilMs: undefined, by: 'hand' }, nextMs };
  if (running === undefined || nowMs < liftedMs) return { private: undefined, nextMs };
  return { private: { sinceMs: running[0], untilMs: running[1], by: 'rule' }, nextMs };
}

/** Until when a switch back lifts the rules; undefined when none holds. */
export function liftedUntil(space: string, rules: readonly PrivacyRule[], place: Place | undefined, nowMs: UnixMs): UnixMs | undefined {
  return scheduleAt(rules.filter((rule) => rule.space === space), place, nowMs).running?.[1];
}

/** Rules of `before` that `after` has no more: taking them away lowers privacy. */
export function rulesLost(before: readonly PrivacyRule[], after: readonly PrivacyRule[]): readonly PrivacyRule[] {
  const kept = new Set(after.map(ruleInWords));
  return before.filter((rule) => !kept.has(ruleInWords(rule)));
}

export function ruleInWords(rule: PrivacyRule): string {
  return `${rule.space} is private ${timesInWords(rule)}`;
}
