/**
 * Privacy now, and by schedule: whether a space is private. Whatever is not known is private: until the state could be read, nothing
 * is watched. What somebody switched is in the working database before it is in force, so that no restart forgets it.
 */
import type { CanonicalValue } from '../base/canonical.ts';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { Turns } from '../base/turns.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import { liftedUntil, privacyAt, type PrivacyRule, type PrivacySwitch } from '../policy/privacy.ts';
import type { Place } from '../policy/sun.ts';
import { isoTime } from '../policy/times.ts';
import type { Vault } from '../vault/vault.ts';

export interface PrivacyOptions {
  readonly vault: Pick<Vault, 'setting' | 'putSetting' | 'audit'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly rules: () => { readonly privacy: readonly PrivacyRule[]; readonly place?: Place };
  /** Those that there are. */
  readonly spaces: () => readonly string[];
  /** A space became private, or is so no more. What it does is done when its promise is. */
  readonly onChange: () => Promise<void>;
}

export interface SpacePrivacy {
  /** Undefined while it is not known. */
  readonly sinceMs: UnixMs | undefined;
  readonly untilMs: UnixMs | undefined;
  readonly by: 'hand' | 'rule' | 'doubt';
}

const settingName = 'privacy';
const retryMs = 5 * secondMs;

export class PrivacyDuty {
  readonly #o: PrivacyOptions;
  readonly #loop: Loop;
  /** Undefined: not read yet. */
  #switches: readonly PrivacySwitch[] | undefined;
  /** What was in force when it was last told. */
  #told = '';
  readonly #turns = new Turns();

  constructor(o: PrivacyOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  /** Before cameras are watched for the first time. Does not fail: what cannot be read is private, and tried again. */
  async load(): Promise<void> {
    try {
      this.#switches = ((await this.#o.vault.setting(settingName)) ?? []) as unknown as PrivacySwitch[];
    } catch (error) {
      this.#o.log.error({ component: 'privacy', code: asSallyportError(error).code }, `whether a space is private is not known, so all are: ${asSallyportError(error).message}`);
    }
    this.#told = this.#inForce();
  }

  start(): void {
    this.#loop.start(() => this.#turn());
  }

  /** Rules, or the place, are other ones now. */
  nudge(): void {
    this.#loop.nudge();
  }

  async close(): Promise<void> {
    await this.#loop.close();
    await this.#turns.idle();
  }

  /** Undefined: pictures and sound may be taken there. */
  of(space: string): SpacePrivacy | undefined {
    if (this.#switches === undefined) return { sinceMs: undefined, untilMs: undefined, by: 'doubt' };
    const { privacy, place } = this.#o.rules();
    return privacyAt(space, privacy, this.#switches, place, this.#now).private;
  }

  /**
   * Somebody says so; done when the cameras of the space are cut off, or watched again. To take it back during a rule's time lifts the
   * rule until that time ends. SP_SPACE_UNKNOWN; SP_DATABASE and the like: then nothing has changed.
   */
  switch(space: string, on: boolean, by: { readonly who: 'cli' | 'page' | 'hub'; readonly account?: string }): Promise<void> {
    if (!this.#o.spaces().includes(space)) return Promise.reject(new SallyportError('SP_SPACE_UNKNOWN', { space, known: this.#o.spaces().join(', ') || 'none' }));
    return this.#turns.take(async () => {
      const { privacy, place } = this.#o.rules();
      const nowMs = this.#now;
      const untilMs = on ? undefined : liftedUntil(space, privacy, place, nowMs);
      const others = (this.#switches ?? await this.#stored()).filter((one) => one.space !== space);
      const known = this.#switches?.find((one) => one.space === space);
      if (on && known?.on === true) return;
      const changed = [...others, ...(on || untilMs !== undefined ? [{ space, on, sinceMs: nowMs, ...(untilMs === undefined ? {} : { untilMs }) }] : [])];
      const audit = (): Promise<void> => this.#o.vault.audit({ what: on ? 'privacy.on' : 'privacy.off', who: by.who, ...(by.account === undefined ? {} : { account: by.account }), detail: { space, ...(untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() }) } });
      // Nobody lifts it without a line; and no line that fails keeps it from coming.
      if (!on) await audit();
      await this.#o.vault.putSetting(settingName, changed as unknown as CanonicalValue);
      this.#switches = changed;
      await this.#tell();
      this.#loop.nudge();
      if (on) await audit();
    });
  }

  async #stored(): Promise<readonly PrivacySwitch[]> {
    return ((await this.#o.vault.setting(settingName)) ?? []) as unknown as PrivacySwitch[];
  }

  async #turn(): Promise<number> {
    if (this.#switches === undefined) await this.load().then(() => { this.#told = ''; });
    await this.#tell();
    if (this.#switches === undefined) return retryMs;
    const { privacy, place } = this.#o.rules();
    const nowMs = this.#now;
    const spaces = [...new Set([...privacy, ...this.#switches].map(({ space }) => space))];
    const next = Math.min(...spaces.map((space) => privacyAt(space, privacy, this.#switches ?? [], place, nowMs).nextMs ?? Number.POSITIVE_INFINITY));
    // Each minute at the latest, for the wall clock may be set.
    return Math.min(minuteMs, Math.max(1, next - nowMs));
  }

  async #tell(): Promise<void> {
    const inForce = this.#inForce();
    if (inForce === this.#told) return;
    try {
      await this.#o.onChange();
      this.#told = inForce;
    } catch (error) {
      this.#o.log.error({ component: 'privacy', code: asSallyportError(error).code }, asSallyportError(error).message);
    }
  }

  #inForce(): string {
    if (this.#switches === undefined) return 'unknown';
    const spaces = [...new Set([...this.#o.rules().privacy, ...this.#switches].map(({ space }) => space))].toSorted();
    return spaces.filter((space) => this.of(space) !== undefined).join(' ');
  }

  get #now(): UnixMs {
    return Math.round(this.#o.clock.wallMs());
  }
}

/** For people: why there is no picture. */
export function privacyInWords({ by, untilMs }: SpacePrivacy): string {
  if (by === 'doubt') return 'private, because it is not known whether it should be';
  return untilMs === undefined ? 'private: neither watched nor recorded until somebody switches it back' : `private until ${isoTime(untilMs)} by schedule: neither watched nor recorded`;
}
