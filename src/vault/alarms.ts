/**
 * Alarms as the duties see them: a row that the hub may read, pictures sealed to the key of the camera's day, and second headers that keep the
 * footage around it for as long. A day of a camera has one key for all alarms that are kept equally long; its slot is in the keyring before
 * anything is sealed to it.
 *
 * Pictures lie in a file of their own (picturesfile.ts). When that cannot take them (locked, full, damaged), the alarm stands without, its row says
 * why, and whoever has the pictures may put them again. Nothing is kept in memory for it, and recording never waits.
 */
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError, isSallyportError } from '../base/errors.ts';
import { dayMs } from '../base/units.ts';
import type { FileKey } from '../seal/filekey.ts';
import { makeHold } from '../seal/hold.ts';
import { sealWhole } from '../seal/sealer.ts';
import { randomBytes } from '../seal/secure.ts';
import type { AlarmMarks, AlarmQuery, AlarmRow, NewAlarm, PictureName } from './alarmtable.ts';
import type { AuditEntry } from './audit.ts';
import type { DiskKeeper } from './diskkeeper.ts';
import { parseSegmentId } from './footagepaths.ts';
import { newOrderId, type Holding } from './holding.ts';
import type { SegmentKey } from './holdtable.ts';
import type { OpenSegments } from './opensegments.ts';
import type { NewPeriod } from './periodkeys.ts';
import type { Period, PeriodFacts } from './periodtable.ts';
import type { SealedPictures } from './picturesfile.ts';
import type { SegmentRow } from './segmenttable.ts';

export interface AlarmBeginning {
  readonly camera: string;
  /** The name of the rule that keeps it. */
  readonly rule: string;
  readonly kind: string;
  readonly atMs: UnixMs;
  readonly keepMs: number;
  /** age1… of those who may open its pictures and its footage: the kit and the space. */
  readonly recipients: readonly string[];
  /** How sure who saw it was, in thousandths. */
  readonly scorePm?: number;
}

export interface AlarmPictures {
  /** JPEGs. */
  readonly full?: Uint8Array;
  readonly crop?: Uint8Array;
  readonly thumb?: Uint8Array;
  /** Who was recognised, and whatever else words say. */
  readonly text?: CanonicalValue;
}

/** What a store told of an alarm that this database does not know. */
export interface AlarmFromAfar {
  readonly alarm: Omit<NewAlarm, 'periodId'>;
  /** Of its day's key. */
  readonly slot: number;
  /** Segments that were held for it. */
  readonly footage: readonly SegmentKey[];
  /** As they lay at home when they were sent last, which may be before or after what told of the alarm was made; undefined where there are none. */
  readonly pictures: SealedPictures | undefined;
}

/** Of each JPEG. */
export const alarmPictureBytesMax = 40 * 1024;
/** The text is always there and always so long, so that its size does not tell whether somebody was recognised. */
export const alarmTextBytes = 1_024;

const wordMax = 80;
const whyMax = 200;

export interface AlarmsOptions {
  readonly clock: Clock;
  readonly disk: DiskKeeper;
  readonly open: OpenSegments;
  readonly holding: Holding;
  readonly preparePeriod: (p: NewPeriod) => Promise<Period>;
}

export class Alarms {
  readonly #o: AlarmsOptions;

  constructor(options: AlarmsOptions) {
    this.#o = options;
  }

  async begin({ camera, rule, kind, atMs, keepMs, recipients, scorePm = 0 }: AlarmBeginning): Promise<AlarmRow> {
    const fromMs = Math.round(atMs);
    const startMs = Math.floor(fromMs / dayMs) * dayMs;
    const endMs = startMs + dayMs;
    const period = await this.#o.preparePeriod({ camera, class: 'alarm', startMs, endMs, deadlineMs: endMs + Math.round(keepMs), recipients, hold: { order: newOrderId(), maker: 'hub', label: '' } });
    const row = await this.#o.disk.call('openAlarm', {
      random: randomBytes(4).toString('hex'), periodId: period.id, camera, rule: rule.slice(0, wordMax), kind: kind.slice(0, wordMax), fromMs, toMs: undefined, scorePm: Math.round(Math.min(1_000, Math.max(0, scorePm))),
    });
    if (row === undefined || this.#o.open.isLeaving(period.id)) throw gone(row?.id ?? '');
    return row;
  }

  async end(id: string, atMs: UnixMs): Promise<void> {
    const toMs = Math.round(atMs);
    if (!(await this.#o.disk.call('endAlarm', { id, toMs }))) throw gone(id);
    // What only a restored database would want to know again.
    await this.#o.disk.call('endPictured', { id, toMs }).catch((error: unknown) => unreached(error));
  }

  async putPictures(id: string, pictures: AlarmPictures): Promise<void> {
    return this.#put(id, plainOf(id, pictures), 'putPictures');
  }

  /** In place of the words that it had; its pictures stay. */
  async putText(id: string, text: CanonicalValue): Promise<void> {
    return this.#put(id, plainOf(id, { text }), 'putText');
  }

  async #put(id: string, plain: readonly (readonly [PictureName, Uint8Array])[], call: 'putPictures' | 'putText'): Promise<void> {
    const found = await this.#o.disk.call('alarmPeriod', { id });
    if (found === undefined || this.#o.open.isLeaving(found.period.id)) throw gone(id);
    const { alarm, period } = found;
    if (period.recipient === '') throw new SallyportError('SP_ALARM', { alarm: id, reason: 'its day came back from a copy, and nothing more is sealed to its key' });
    const sealed = Object.fromEntries(plain.map(([which, bytes]) => [which, sealWhole(bytes, [period.recipient])]));
    for (const [which, bytes] of plain) if (which === 'text') bytes.fill(0);
    const { camera, rule, kind, fromMs, toMs, scorePm } = alarm;
    try {
      const facts = await this.#o.disk.call(call, { alarm: { id, camera, rule, kind, fromMs, toMs, scorePm, recipient: period.recipient }, sealed });
      await this.#o.disk.call('picturesPut', { id, facts });
    } catch (error) {
      // What it has already stays.
      if (isSallyportError(error, 'SP_PICTURES') && alarm.pictures.length === 0) await this.#o.disk.call('noPictures', { id, why: String(error.evidence['reason']).slice(0, whyMax) });
      throw error;
    }
  }

  async adopt({ alarm, slot, footage, pictures }: AlarmFromAfar): Promise<boolean> {
    const known = await this.#o.disk.call('adoptAlarm', { alarm, slot, footage });
    if (known === undefined) return false;
    if (pictures === undefined || known.recipient === '') return true;
    const facts = await this.#o.disk.call('putPictures', { alarm: { ...alarm, recipient: known.recipient }, sealed: pictures });
    await this.#o.disk.call('picturesPut', { id: alarm.id, facts });
    return true;
  }

  async picture(id: string, which: PictureName): Promise<{ sealed: Buffer; period: PeriodFacts }> {
    const found = await this.#o.disk.call('alarmPeriod', { id });
    if (found === undefined || this.#o.open.isLeaving(found.period.id)) throw gone(id);
    const sealed = found.alarm.pictures.includes(which) ? await this.#o.disk.call('sealedPicture', { id, which }) : undefined;
    if (this.#o.open.isLeaving(found.period.id)) throw gone(id);
    if (sealed === undefined) throw new SallyportError('SP_ALARM', { alarm: id, reason: `it has no such picture${found.alarm.picturesWhy === '' ? '' : `: ${found.alarm.picturesWhy}`}` });
    return { sealed: Buffer.from(sealed), period: found.period };
  }

  /** Keeps a segment for it, while the hub has the file key, which stays the caller's. False when the segment or the alarm is gone. */
  async hold(id: string, segment: string, fileKey: FileKey): Promise<boolean> {
    const [key, found] = [parseSegmentId(segment), await this.#o.disk.call('alarmPeriod', { id })];
    if (key === undefined || found === undefined || found.period.recipient === '' || key.camera !== found.alarm.camera) return false;
    // Another alarm of the day may have it already.
    await this.#o.holding.add(found.period, [{ stream: key.stream, seq: key.seq, header: makeHold(fileKey, found.period.recipient) }]);
    return this.#o.disk.call('alarmFootage', { id, segment: key });
  }

  async withoutFootage(id: string, why: string): Promise<void> {
    await this.#o.disk.call('noAlarmFootage', { id, why: why.slice(0, whyMax) });
  }

  footage(id: string): Promise<SegmentRow[]> {
    return this.#o.disk.call('footageOfAlarm', { id });
  }

  async mark(id: string, marks: AlarmMarks, by: Pick<AuditEntry, 'who' | 'account'>): Promise<void> {
    if (!(await this.#o.disk.call('markAlarm', { id, marks, by, atMs: Math.round(this.#o.clock.wallMs()) }))) throw gone(id);
  }

  list(q: AlarmQuery): Promise<AlarmRow[]> {
    return this.#o.disk.call('alarms', q);
  }

  find(id: string): Promise<AlarmRow | undefined> {
    return this.#o.disk.call('alarm', { id });
  }

  /** Which rules a camera's days of alarms are of. */
  rulesOf(camera: string): Promise<{ periodId: number; rule: string }[]> {
    return this.#o.disk.call('alarmRules', { camera });
  }

  /** No alarm of these rules lasts longer than so from now on. A day's key is shared by rules that keep equally long: it goes when the last of them lets it. */
  shorten(camera: string, keepMsOf: Readonly<Record<string, number>>): Promise<number> {
    return this.#o.disk.call('shortenAlarms', { camera, keepMs: keepMsOf, atMs: Math.round(this.#o.clock.wallMs()) });
  }
}

function plainOf(id: string, { full, crop, thumb, text }: AlarmPictures): [PictureName, Uint8Array][] {
  const refuse = (reason: string): never => {
    throw new SallyportError('SP_ALARM', { alarm: id, reason });
  };
  const jpegs = ([['full', full], ['crop', crop], ['thumb', thumb]] as const).flatMap(([which, bytes]): [PictureName, Uint8Array][] => {
    if (bytes === undefined) return [];
    if (bytes.length > alarmPictureBytesMax) refuse(`its picture ${which} has ${bytes.length} bytes, more than ${alarmPictureBytesMax}`);
    if (!isJpeg(bytes)) refuse(`its picture ${which} is no JPEG`);
    return [[which, bytes]];
  });
  const words = Buffer.from(canonicalJson(text ?? {}));
  if (words.length > alarmTextBytes) refuse(`its text has ${words.length} bytes, more than ${alarmTextBytes}`);
  return [...jpegs, ['text', Buffer.concat([words, Buffer.alloc(alarmTextBytes - words.length, ' ')])]];
}

function isJpeg(bytes: Uint8Array): boolean {
  return bytes.length > 4 && bytes[0] === 0xff && bytes[1] === 0xd8 && bytes.at(-2) === 0xff && bytes.at(-1) === 0xd9;
}

function gone(alarm: string): SallyportError {
  return new SallyportError('SP_ALARM', { alarm, reason: 'there is no such alarm (any more)' });
}

/** Pictures that cannot be reached are not missed where only what stands beside them would change. */
function unreached(error: unknown): void {
  if (!isSallyportError(error, 'SP_PICTURES')) throw asSallyportError(error);
}
