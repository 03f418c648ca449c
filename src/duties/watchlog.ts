/**
 * Who watched what, for the audit: one line for what somebody watches or fetches, not one for each picture, connection or piece. A line is
 * written before anything is given out; where the disk takes none, live pictures go on, and recordings, which are the same disk's, do not.
 */
import type { Clock } from '../base/clock.ts';
import { hourMs, minuteMs } from '../base/units.ts';
import type { AuditEntry } from '../vault/audit.ts';
import type { Vault } from '../vault/vault.ts';

const sameLiveMs = 10 * minuteMs;
const samePlaybackMs = hourMs;
const rememberedMax = 10_000;

export class WatchLog {
  readonly #vault: Pick<Vault, 'audit'>;
  readonly #clock: Clock;
  /** Key of a line → monotonic time until which it stands for more of the same. */
  readonly #said = new Map<string, number>();

  readonly #writing = new Map<string, Promise<void>>();

  constructor(vault: Pick<Vault, 'audit'>, clock: Clock) {
    this.#vault = vault;
    this.#clock = clock;
  }

  /** `what`: watched, or with sound from now on. */
  async live(account: string, camera: string, stream: string, what: 'live.watched' | 'live.listened' = 'live.watched'): Promise<void> {
    await this.#say([what, account, camera, stream].join('\n'), sameLiveMs, { what, who: 'page', account, camera, detail: { stream } }).catch(() => {});
  }

  /** A period of a camera: with its key what was recorded in it opens for who has the right one. */
  async playback(account: string, camera: string, period: { slot: number; generation: number; fromMs?: number | undefined; toMs?: number | undefined }): Promise<void> {
    const { slot, generation, fromMs, toMs } = period;
    await this.#say(['playback', account, camera, slot, generation].join('\n'), samePlaybackMs, { what: 'footage.playback', who: 'page', account, camera, detail: { slot, generation, from_ms: fromMs, to_ms: toMs } });
  }

  /** The alarms of a camera's day: with its key all their pictures open. */
  async alarms(account: string, camera: string, period: { slot: number; generation: number; fromMs?: number | undefined; toMs?: number | undefined }): Promise<void> {
    const { slot, generation, fromMs, toMs } = period;
    await this.#say(['alarms', account, camera, slot, generation].join('\n'), samePlaybackMs, { what: 'alarm.shown', who: 'page', account, camera, detail: { slot, generation, from_ms: fromMs, to_ms: toMs } });
  }

  async #say(key: string, sameMs: number, entry: AuditEntry): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if ((this.#said.get(key) ?? -Infinity) > nowMs) return;
    const writing = this.#writing.get(key) ?? this.#vault.audit(entry).finally(() => this.#writing.delete(key));
    this.#writing.set(key, writing);
    await writing;
    this.#said.delete(key);
    this.#said.set(key, nowMs + sameMs);
    for (const [known, untilMs] of this.#said) {
      if (this.#said.size <= rememberedMax && untilMs > nowMs) break;
      this.#said.delete(known);
    }
  }
}
