/**
 * Alarms for who looks at them: what there is, the sealed pictures of one, the word that somebody has seen it or that it was none, and what
 * a rule would have kept. The hub opens no picture: it gives out what lies there, with the slot that the visitor's own key opens.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { dayMs } from '../base/units.ts';
import { anywhere, asksPlace, endObservation, endVisits, judge, noVisits, visit, type Verdict, type Visits } from '../policy/alarmrules.ts';
import { wordsOfNotice } from '../policy/notices.ts';
import type { ObservationKind } from '../policy/observations.ts';
import { duePeriods } from '../policy/retention.ts';
import type { HubConfig } from '../policy/settings.ts';
import type { AuditEntry } from '../vault/audit.ts';
import type { AlarmMarks, AlarmQuery, AlarmRow, ObservationRow, PeriodFacts, PictureName, SegmentRow, Vault } from '../vault/vault.ts';
import { noticeNumberOf } from './notify.ts';
import type { SeenPlaces } from './seenplaces.ts';
import type { Timekeeper } from './timekeeper.ts';

export interface AlarmListOptions {
  readonly vault: Pick<Vault, 'far' | 'alarms' | 'alarm' | 'alarmPicture' | 'alarmFootage' | 'markAlarm' | 'slotText' | 'observations' | 'audit'>;
  readonly timekeeper: Pick<Timekeeper, 'verdict'>;
  readonly config: () => Pick<HubConfig, 'alarms' | 'zones' | 'place' | 'cameras'>;
  readonly places: Pick<SeenPlaces, 'of'>;
  readonly clock: Clock;
}

export interface AlarmShown {
  readonly alarm: AlarmRow;
  /** Age files for the key of the alarm's day. */
  readonly pictures: readonly { readonly which: PictureName; readonly sealed: Buffer }[];
  /** The sealed key of its day. */
  readonly slot: Buffer;
  /** Held for it, the earliest first. */
  readonly footage: readonly SegmentRow[];
}

/** What a notice was about whose number, or its beginning, somebody has read on a phone. */
export interface NoticeFound {
  readonly id: string;
  readonly kind: string;
  /** What the camera is called outside, as far as the ledger has it. */
  readonly alias: string | undefined;
  readonly atMs: UnixMs;
  /** Of what the hub itself had to say: in words, and what to do. */
  readonly text: string | undefined;
  readonly todo: string | undefined;
  /** While it is there. */
  readonly alarm: AlarmRow | undefined;
}

export interface AlarmsAsked extends AlarmQuery {
  /** In the place of `cameras`. */
  readonly camera?: string | undefined;
}

export interface RuleTest {
  /** Of how many observations. */
  readonly observations: number;
  /** How many it kept, and why not the others. */
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>;
  /** The visits that would have been alarms, the earliest first. */
  readonly visits: readonly { readonly camera: string; readonly kind: string; readonly fromMs: UnixMs }[];
  /** Of how many that the hub saw itself the place is not known any more: zones, masks and sizes are left out for these. */
  readonly unplaced: number;
}

const observationsMax = 10_000;
/** Alarms that are looked through for a notice's number, and at once. */
const alarmsMax = 100_000;
const alarmsAtOnce = 2_000;
/** Of notices whose numbers begin alike. */
const noticesMax = 8;

export class AlarmList {
  readonly #o: AlarmListOptions;

  constructor(o: AlarmListOptions) {
    this.#o = o;
  }

  /** The newest first; what is past its deadline is given to nobody. SP_DATABASE, SP_DISK. */
  async list(q: AlarmsAsked): Promise<AlarmRow[]> {
    const { camera, cameras, ...rest } = q;
    const rows = await this.#o.vault.alarms({ ...rest, ...(camera === undefined ? { cameras } : { cameras: [camera] }) });
    return rows.filter((row) => row.deadlineMs > this.#o.clock.wallMs());
  }

  /** SP_ALARM, SP_FOOTAGE_LOCKED past its deadline, SP_PICTURES, SP_KEYRING, SP_DISK. */
  async show(id: string, who: 'cli' | 'page'): Promise<AlarmShown> {
    const { vault } = this.#o;
    const alarm = await this.#find(id);
    const pictures: { which: PictureName; sealed: Buffer }[] = [];
    let period: PeriodFacts | undefined;
    for (const which of alarm.pictures) {
      const found = await vault.alarmPicture(id, which);
      period = found.period;
      if (this.#isLocked(found.period)) throw new SallyportError('SP_FOOTAGE_LOCKED', { what: `the alarm ${id}` });
      pictures.push({ which, sealed: found.sealed });
    }
    if (who === 'cli') await vault.audit({ what: 'alarm.shown', who, camera: alarm.camera, detail: { alarm: id } });
    return { alarm, pictures, slot: period === undefined ? Buffer.alloc(0) : await vault.slotText(period), footage: await vault.alarmFootage(id) };
  }

  /** One sealed picture, an age file for the key of the alarm's day. SP_ALARM, also where it is another camera's; SP_FOOTAGE_LOCKED past its deadline; SP_PICTURES, SP_DISK. */
  async picture(camera: string, id: string, which: PictureName): Promise<{ readonly alarm: AlarmRow; readonly sealed: Buffer }> {
    const alarm = await this.#find(id, camera);
    const { sealed, period } = await this.#o.vault.alarmPicture(id, which);
    if (this.#isLocked(period)) throw new SallyportError('SP_FOOTAGE_LOCKED', { what: `the alarm ${id}` });
    return { alarm, sealed };
  }

  /** `by`: who says so, for the audit. SP_ALARM when it is gone, or another camera's. */
  async mark(id: string, marks: AlarmMarks, by: Pick<AuditEntry, 'who' | 'account'>, camera?: string): Promise<AlarmRow> {
    await this.#find(id, camera);
    await this.#o.vault.markAlarm(id, marks, by);
    return this.#find(id);
  }

  /** What a rule would have made of the last day's observations. Where they were in the picture, and how large, is known of what this run of the hub has seen itself. `rules`: those of a configuration that is not in force yet. SP_ALARM_RULE. */
  async test(name: string, rules?: HubConfig['alarms']): Promise<RuleTest> {
    const { vault, clock, config, places } = this.#o;
    const { alarms: inForce, zones, place, cameras } = config();
    const alarms = rules ?? inForce;
    const rule = alarms.find((one) => one.name === name);
    if (rule === undefined) throw new SallyportError('SP_ALARM_RULE', { rule: name, known: alarms.map((one) => one.name).join(', ') || 'none' });
    const nowMs = Math.round(clock.wallMs());
    const rows = await vault.observations({ fromMs: nowMs - dayMs, toMs: nowMs, limit: observationsMax });
    const verdicts: Partial<Record<Verdict, number>> = {};
    const visits: RuleTest['visits'][number][] = [];
    let state: Visits = noVisits;
    let going: { readonly row: ObservationRow; readonly toMs: UnixMs }[] = [];
    let unplaced = 0;
    for (const row of rows) {
      const camera = cameras.find(({ id }) => id === row.camera);
      // The word of who observed it: the hub's own sources are named so.
      const by = /^hub( |$)/.test(row.source) ? 'hub' : 'camera';
      const kind = row.kind as ObservationKind;
      const facts = { space: camera?.space ?? '', detect: camera?.detect ?? 'both', zones, place };
      const seen = { camera: row.camera, kind, by, atMs: row.fromMs } as const;
      const known = by === 'hub' ? places.of(row) : [];
      const isLost = by === 'hub' && known.length === 0;
      // Whoever comes into a zone later, or nearer, rings then.
      const verdict = known.length === 0 ? judge({ ...(isLost ? anywhere(rule) : rule), enabled: true }, seen, facts)
        : known.map(({ atMs, box }) => judge({ ...rule, enabled: true }, { ...seen, atMs, box }, facts)).reduce((one, next) => (one === 'rings' ? one : next));
      if (isLost && verdict === 'rings' && (asksPlace(rule) || zones.some(({ camera: of, mask }) => mask && of === row.camera))) unplaced++;
      verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
      if (verdict !== 'rings') continue;
      for (const over of going.filter(({ toMs }) => toMs <= row.fromMs)) state = endObservation(state, over.row.camera, nameOf(over.row), over.toMs);
      going = going.filter(({ toMs }) => toMs > row.fromMs);
      state = endVisits(state, row.fromMs).visits;
      const after = visit(state, rule, { camera: row.camera, atMs: row.fromMs }, { name: nameOf(row), lasts: row.toMs !== row.fromMs });
      state = after.visits;
      going.push({ row, toMs: row.toMs ?? nowMs });
      if (after.events.some(({ what }) => what === 'begun')) visits.push({ camera: row.camera, kind: row.kind, fromMs: row.fromMs });
    }
    return { observations: rows.length, verdicts, visits, unplaced };
  }

  /** The newest first: alarms by the number that is made of each one's id, whatever else was told by the ledger's lines. SP_DATABASE, SP_DISK. */
  async ofNotice(begins: string): Promise<NoticeFound[]> {
    const found = new Map<string, NoticeFound>();
    let before: Pick<AlarmRow, 'fromMs' | 'id'> | undefined;
    for (let looked = 0; looked < alarmsMax && found.size < noticesMax; looked += alarmsAtOnce) {
      const rows = await this.list({ fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: alarmsAtOnce, ...(before === undefined ? {} : { before }) });
      for (const alarm of rows) {
        const id = noticeNumberOf(alarm.id);
        if (id.startsWith(begins)) found.set(id, { id, kind: alarm.kind, alias: undefined, atMs: alarm.fromMs, ...wordsOf(alarm.kind), alarm });
      }
      before = rows.at(-1);
      if (before === undefined) break;
    }
    for (const { object: id, class: kind, camera, atMs } of await this.#o.vault.far.notices(begins, noticesMax)) {
      const known = found.get(id);
      if (known !== undefined) found.set(id, { ...known, alias: camera === '' ? undefined : camera });
      else found.set(id, { id, kind, alias: camera === '' ? undefined : camera, atMs, ...wordsOf(kind), alarm: undefined });
    }
    return [...found.values()].toSorted((a, b) => b.atMs - a.atMs).slice(0, noticesMax);
  }

  async #find(id: string, camera?: string): Promise<AlarmRow> {
    const alarm = await this.#o.vault.alarm(id);
    if (alarm === undefined || (camera !== undefined && alarm.camera !== camera)) throw new SallyportError('SP_ALARM', { alarm: id, reason: 'there is none of that name (any more)' });
    return alarm;
  }

  #isLocked(period: PeriodFacts): boolean {
    return duePeriods([period], this.#o.clock.wallMs(), { stepsBack: this.#o.timekeeper.verdict?.stepsBack ?? [] }).length > 0;
  }
}

function wordsOf(kind: string): Pick<NoticeFound, 'text' | 'todo'> {
  const known = wordsOfNotice(kind);
  return { text: known?.sentence, todo: known?.todo };
}

function nameOf({ kind, source, fromMs }: ObservationRow): string {
  return `${kind} ${source} ${fromMs}`;
}
