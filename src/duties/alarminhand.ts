/** An alarm from its beginning until nothing more can be held for it: its row, its pictures and words, and the footage around it. */
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import type { Clock, UnixMs } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { secondMs } from '../base/units.ts';
import type { AlarmPictures } from '../capture/moments.ts';
import { alarmMsMax, holdFor, zonesOf, type AlarmRule, type Best, type Box, type Seen } from '../policy/alarmrules.ts';
import { alarmTextOf } from '../policy/alarmtext.ts';
import type { HubConfig } from '../policy/settings.ts';
import type { FileKeys } from '../seal/filekey.ts';
import type { Vault } from '../vault/vault.ts';
import type { SealedSegment } from './record.ts';

export interface InHandOptions {
  readonly vault: Pick<Vault, 'openAlarm' | 'endAlarm' | 'putAlarmPictures' | 'putAlarmText' | 'holdForAlarm' | 'noteAlarmFootage'>;
  readonly fileKeys: Pick<FileKeys, 'lend'>;
  readonly config: () => Pick<HubConfig, 'zones'>;
  /** Whom its alarms are sealed for. */
  readonly recipients: (camera: string) => readonly string[];
  /** The pictures of a moment (monotonic), as far as its stream is still in memory; undefined when there are none. Never rejects. */
  readonly pictures: (camera: string, atMs: number, about: Box | undefined) => Promise<AlarmPictures | undefined>;
  /** What stands in an alarm's text for a person: empty when that person counts no more. */
  readonly markOf: (person: string, alarm: string) => string;
  /** A rule rings: for whoever tells it outside; must not throw. Without an `id`, it could not be kept. */
  readonly onRing?: (alarm: { readonly camera: string; readonly kind: Observed['kind']; readonly atMs: UnixMs; readonly id: string | undefined }) => void;
  /** Its first pictures are stored, or there will be none; must not throw. */
  readonly onPictured?: (alarm: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** What somebody has observed, or goes on observing. */
export interface Observed extends Seen {
  /** Its own among all that the camera's observers have told and not ended. */
  readonly name: string;
  /** Until `ended`. */
  readonly lasts: boolean;
  /** How sure who saw it was, 0 to 1. */
  readonly score?: number;
  /** Where and when it is seen best until now. */
  readonly best?: Best;
  /** The id of who it is, once that is certain. */
  readonly person?: string | undefined;
  /** It may be somebody enrolled, and is not certain, until now. */
  readonly unsure?: boolean | undefined;
}

export interface Closed extends SealedSegment {
  readonly camera: string;
  readonly closedMs: UnixMs;
}

/** What one alarm needs of the duty that has all of them. */
export interface InHandDuty {
  readonly counts: { withoutPictures: number; notHeld: number };
  /** Its camera's segments that were closed lately. */
  readonly closed: () => readonly Closed[];
  /** It is in the vault, or has an end there. */
  readonly noted: () => void;
  /** It is in the vault's hands no more: it could not be kept. */
  readonly lost: () => void;
  /** The next turn may have to come sooner. */
  readonly nudge: () => void;
  /** The duty's end waits for it. */
  readonly track: (work: Promise<void>) => void;
}

/** A better picture waits so long for one that is better still; the streams keep twice as much in memory. */
const betterMs = 5 * secondMs;

export class AlarmInHand {
  readonly #o: InHandOptions;
  readonly #duty: InHandDuty;
  readonly camera: string;
  readonly rule: AlarmRule;
  readonly fromMs: UnixMs;
  /** The observations that belong to it. */
  readonly names = new Set<string>();
  #toMs: UnixMs | undefined;
  #id: string | undefined;
  #ended = false;
  #held = 0;
  /** Why a segment of it could not be held. */
  #why: string | undefined;
  /** That are to be held, and were not yet. */
  #waiting: readonly Closed[] = [];
  /** The camera's zones that they were in. */
  readonly #zones = new Set<string>();
  /** The first of them who was recognised. */
  #person: string | undefined;
  /** Those of them of whom it is open who they are. */
  readonly #unsure = new Set<string>();
  /** What its pictures show. */
  #shown: Best | undefined;
  /** What is seen better since, and when pictures of it are made at the latest: before it leaves the memory. */
  #better: { readonly best: Best; readonly byMs: UnixMs } | undefined;
  /** The words that the vault has of it. */
  #said = '';
  /** What is being written of it, in its order. */
  #writing: Promise<void> = Promise.resolve();

  constructor(o: InHandOptions, duty: InHandDuty, { camera, rule, fromMs }: { readonly camera: string; readonly rule: AlarmRule; readonly fromMs: UnixMs }) {
    this.#o = o;
    this.#duty = duty;
    this.camera = camera;
    this.rule = rule;
    this.fromMs = fromMs;
  }

  /** Undefined while it is open. */
  get toMs(): UnixMs | undefined {
    return this.#toMs;
  }

  /** Undefined until the vault has it. */
  get id(): string | undefined {
    return this.#id;
  }

  /** Its end is in the vault. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Some of it is to be held, and was not yet. */
  get waits(): boolean {
    return this.#waiting.length > 0;
  }

  /** When better pictures of it are made; undefined where nothing is seen better. */
  get betterMs(): UnixMs | undefined {
    return this.#better?.byMs;
  }

  /** Puts it into the vault, with its first pictures. Never rejects. */
  async keep(seen: Observed): Promise<void> {
    const { vault, recipients, log } = this.#o;
    this.names.add(seen.name);
    this.#shown = seen.best;
    const best = seen.best ?? { atMs: seen.atMs, box: seen.box };
    // Before anything else: what is in memory now is gone in some seconds.
    const pictures = this.#picturesOf(best);
    try {
      const { id } = await vault.openAlarm({
        camera: this.camera, rule: this.rule.name, kind: seen.kind, atMs: this.fromMs, keepMs: this.rule.keepMs, recipients: recipients(this.camera), scorePm: Math.round((seen.score ?? 1) * 1000),
      });
      this.#id = id;
      this.#o.onRing?.({ camera: this.camera, kind: seen.kind, atMs: this.fromMs, id });
      this.#duty.noted();
      this.want(this.#duty.closed());
      await this.#write(async () => this.#putPictures(id, await pictures));
      this.#o.onPictured?.(id);
      if (this.#toMs !== undefined) await this.end(this.#toMs);
    } catch (error) {
      this.#duty.lost();
      // Somebody is there all the same.
      if (this.#id === undefined) this.#o.onRing?.({ camera: this.camera, kind: seen.kind, atMs: this.fromMs, id: undefined });
      log.error({ component: 'alarms', camera: this.camera, code: asSallyportError(error).code }, `an alarm was not kept: ${asSallyportError(error).message}`);
      wipe(await pictures);
    }
  }

  /** What one of its observations tells beside that it goes on. */
  learn({ name, atMs, box, best, person, unsure }: Observed): void {
    for (const zone of box === undefined ? [] : zonesOf(this.camera, box, this.#o.config().zones)) this.#zones.add(zone);
    if (best !== undefined && best.worth > ((this.#better?.best ?? this.#shown)?.worth ?? -Infinity)) {
      this.#better = { best, byMs: this.#better?.byMs ?? atMs + betterMs };
      this.#duty.nudge();
    }
    if (unsure === true) this.#unsure.add(name);
    else this.#unsure.delete(name);
    if (person !== undefined && this.#person === undefined) {
      this.#person = person;
      this.#duty.track(this.#say());
    }
  }

  /** Pictures of what is seen better since, in place of those that it has. Without any those stay. */
  async improve(): Promise<void> {
    const [better, id] = [this.#better, this.#id];
    if (better === undefined || id === undefined) return;
    this.#better = undefined;
    const pictures = await this.#picturesOf(better.best);
    if (pictures === undefined) return;
    this.#shown = better.best;
    await this.#write(() => this.#putPictures(id, pictures));
  }

  /** Holds those of the segments that belong to it. */
  want(segments: readonly Closed[]): void {
    const { fromMs, rule: { beforeMs, afterMs } } = this;
    const wanted: Closed[] = [];
    for (const segment of segments) {
      const decision = holdFor({ segment, alarm: { fromMs, toMs: this.#toMs, beforeMs, afterMs }, nowMs: this.#now });
      if (decision === 'hold') wanted.push(segment);
      else if (decision === 'too late') this.#miss('it was decided too late: the hub had no key of its footage any more');
    }
    const known = new Set(this.#waiting.map(({ id }) => id));
    this.#waiting = [...this.#waiting, ...wanted.filter(({ id }) => !known.has(id))];
    if (this.waits && this.#id !== undefined) this.#duty.track(this.hold());
  }

  /** Those that wait. What cannot be held now waits on. */
  async hold(): Promise<void> {
    const { vault, fileKeys, log } = this.#o;
    const [waiting, id] = [this.#waiting, this.#id];
    if (id === undefined) return;
    this.#waiting = [];
    const again: Closed[] = [];
    for (const segment of waiting) {
      const key = fileKeys.lend(segment.id);
      if (key === undefined) {
        this.#miss('the hub had no key of its footage any more');
        continue;
      }
      try {
        if (await vault.holdForAlarm(id, segment.id, key)) this.#held++;
        else this.#miss('its footage was gone already');
      } catch (error) {
        log.debug({ component: 'alarms', camera: this.camera, segment: segment.id, code: asSallyportError(error).code }, 'a segment is not held yet');
        again.push(segment);
      } finally {
        key.close();
      }
    }
    this.#waiting = [...again, ...this.#waiting];
  }

  /** Its end, now or as soon as the vault has it and takes it: until it is `ended`, this is called again. */
  async end(toMs: UnixMs): Promise<void> {
    this.#toMs = Math.min(toMs, this.fromMs + alarmMsMax);
    if (this.#id === undefined || this.#ended) return;
    this.#duty.track(this.#say());
    try {
      await this.#o.vault.endAlarm(this.#id, this.#toMs);
      this.#ended = true;
      this.#duty.noted();
    } catch (error) {
      this.#o.log.debug({ component: 'alarms', camera: this.camera, code: asSallyportError(error).code }, 'an alarm is not ended yet');
    }
  }

  /** Nothing more is held for it: where nothing was, its row says why. */
  async settle(): Promise<void> {
    if (this.#id === undefined || this.#held > 0) return;
    await this.#o.vault.noteAlarmFootage(this.#id, this.#why ?? 'nothing was recorded at its time')
      .catch((error: unknown) => this.#o.log.debug({ component: 'alarms', camera: this.camera, code: asSallyportError(error).code }, 'why an alarm has no footage was not written'));
  }

  #picturesOf({ atMs, box }: { readonly atMs: UnixMs; readonly box?: Box | undefined }): Promise<AlarmPictures | undefined> {
    return this.#o.pictures(this.camera, this.#o.clock.monotonicMs() - (this.#now - atMs), box);
  }

  async #putPictures(id: string, pictures: AlarmPictures | undefined): Promise<void> {
    const { vault, log } = this.#o;
    if (pictures === undefined) {
      this.#duty.counts.withoutPictures++;
      return;
    }
    const text = this.#textOf(id);
    try {
      const { full, crop, thumb } = pictures;
      await vault.putAlarmPictures(id, { full, thumb, text, ...(crop === undefined ? {} : { crop }) });
      this.#said = canonicalJson(text);
    } catch (error) {
      const { code, message } = asSallyportError(error);
      if (this.#said === '') this.#duty.counts.withoutPictures++;
      log.error({ component: 'alarms', camera: this.camera, code }, `${this.#said === '' ? 'an alarm has no pictures' : 'an alarm keeps the pictures that it has'}: ${message}`);
    } finally {
      wipe(pictures);
    }
  }

  /** Its words, where they are others now. Without pictures it has none: an alarm that is nothing but words would tell that there was something to say. */
  #say(): Promise<void> {
    return this.#write(async () => {
      const { vault, log } = this.#o;
      if (this.#id === undefined || this.#said === '') return;
      const text = this.#textOf(this.#id);
      if (canonicalJson(text) === this.#said) return;
      try {
        await vault.putAlarmText(this.#id, text);
        this.#said = canonicalJson(text);
      } catch (error) {
        log.debug({ component: 'alarms', camera: this.camera, code: asSallyportError(error).code }, 'what an alarm says was not written');
      }
    });
  }

  #textOf(id: string): CanonicalValue {
    const person = this.#person;
    const mark = person === undefined ? '' : this.#o.markOf(person, id);
    return alarmTextOf({ zones: [...this.#zones], person: mark === '' ? undefined : mark, unsure: person === undefined && this.#unsure.size > 0 });
  }

  /** One deed after the other, so that an older picture or word never takes the place of a newer one. */
  #write(deed: () => Promise<void>): Promise<void> {
    return this.#writing = this.#writing.then(deed, deed);
  }

  #miss(why: string): void {
    this.#duty.counts.notHeld++;
    this.#why = why;
  }

  get #now(): UnixMs {
    return Math.round(this.#o.clock.wallMs());
  }
}

function wipe(pictures: AlarmPictures | undefined): void {
  for (const bytes of [pictures?.full, pictures?.crop, pictures?.thumb]) bytes?.fill(0);
}
