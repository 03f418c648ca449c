/**
 * Tells the owner what must be heard of: once when it begins, once when it is over, in the audit, the log and the status. The list of
 * what may ring is closed (`policy/notices.ts`). A disk that cannot take the audit line now gets it later.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { noticeKinds, type NoticeKind } from '../policy/notices.ts';
import type { Vault } from '../vault/vault.ts';

export interface Notice {
  readonly kind: NoticeKind;
  /** The camera that it is about; none when it is about the hub. */
  readonly camera: string | undefined;
  /** What is known of the case, such as a file or an error; no name of a person, no picture. */
  readonly detail: string;
  readonly sinceMs: UnixMs;
}

export interface NoticesOptions {
  readonly vault: Pick<Vault, 'audit'>;
  readonly clock: Clock;
  readonly log: Log;
  /** One begins to stand, or is over; must not throw. For whoever tells it outside. */
  readonly onRaised?: (kind: NoticeKind, camera: string | undefined) => void;
  readonly onSettled?: (kind: NoticeKind, camera: string | undefined) => void;
  readonly onTold?: (notice: Notice) => void;
}

interface Line {
  readonly what: 'notice.raised' | 'notice.settled' | 'notice.told';
  readonly notice: Notice;
}

/** Lines that wait for a disk; beyond it the oldest is dropped, for the log has it. */
const waitingMax = 200;

export class Notices {
  readonly #o: NoticesOptions;
  readonly #open = new Map<string, Notice>();
  #waiting: Line[] = [];
  #writing: Promise<void> = Promise.resolve();

  constructor(o: NoticesOptions) {
    this.#o = o;
  }

  get open(): readonly Notice[] {
    return [...this.#open.values()];
  }

  /** Rings when this kind is not open for this camera yet; else only the detail is renewed. */
  raise(kind: NoticeKind, detail: string, camera?: string): void {
    const key = keyOf(kind, camera);
    const before = this.#open.get(key);
    const notice: Notice = { kind, camera, detail, sinceMs: before?.sinceMs ?? Math.round(this.#o.clock.wallMs()) };
    this.#open.set(key, notice);
    if (before !== undefined) return;
    this.#o.log.warn({ component: 'notices', notice: kind, camera }, `${noticeSentence(notice)} ${noticeKinds[kind].todo}`);
    this.#note({ what: 'notice.raised', notice });
    this.#o.onRaised?.(kind, camera);
  }

  /** What happened and does not last: told once, and not among those that stand. */
  tell(kind: NoticeKind, detail: string, camera?: string): void {
    const notice: Notice = { kind, camera, detail, sinceMs: Math.round(this.#o.clock.wallMs()) };
    this.#o.log.warn({ component: 'notices', notice: kind, camera }, `${noticeSentence(notice)} ${noticeKinds[kind].todo}`);
    this.#note({ what: 'notice.told', notice });
    this.#o.onTold?.(notice);
  }

  /** It is over. */
  settle(kind: NoticeKind, camera?: string): void {
    const notice = this.#open.get(keyOf(kind, camera));
    if (notice === undefined) return;
    this.#open.delete(keyOf(kind, camera));
    this.#o.log.info({ component: 'notices', notice: kind, camera }, 'over');
    this.#note({ what: 'notice.settled', notice });
    this.#o.onSettled?.(kind, camera);
  }

  /** Tries again to write what a failing disk did not take. Never rejects. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async close(): Promise<void> {
    await this.flush();
  }

  #note(line: Line): void {
    this.#waiting.push(line);
    if (this.#waiting.length > waitingMax) this.#waiting.shift();
    void this.flush();
  }

  async #write(): Promise<void> {
    for (let line = this.#waiting[0]; line !== undefined; line = this.#waiting[0]) {
      const { kind, camera, detail, sinceMs } = line.notice;
      try {
        await this.#o.vault.audit({ what: line.what, who: 'hub', ...(camera === undefined ? {} : { camera }), detail: { kind, detail, since_ms: sinceMs } });
      } catch {
        return; // The disk: `flush` is called again.
      }
      if (this.#waiting[0] === line) this.#waiting.shift();
    }
  }
}

/** "front-door: nothing is being sealed (no key frame for 30 s)." */
export function noticeSentence({ kind, camera, detail }: Notice): string {
  return `${camera === undefined ? '' : `${camera}: `}${noticeKinds[kind].sentence}${detail === '' ? '' : ` (${detail})`}.`;
}

function keyOf(kind: NoticeKind, camera: string | undefined): string {
  return `${kind}\n${camera ?? ''}`;
}
