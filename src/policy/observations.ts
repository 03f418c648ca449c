/**
 * What a camera's events mean as observations: something begins, lasts while any property of the camera says so, and ends. All times are
 * the hub's own, by the arrival of the event: cameras' clocks are off by hours, years, or a zone.
 */
import { secondMs } from '../base/units.ts';

/** What may be observed. `line`: a line or the edge of a field was crossed. `input`: a contact at the camera. `firmware`, `restart`: of the camera itself, as the hub finds it. Who somebody is is never among it. */
export const observationKinds = ['motion', 'person', 'vehicle', 'pet', 'face', 'package', 'line', 'sound', 'doorbell', 'tamper', 'input', 'firmware', 'restart'] as const;
export type ObservationKind = (typeof observationKinds)[number];

/** One thing that an event says. */
export interface Signal {
  readonly kind: ObservationKind;
  /** The camera's word for the picture or input that it is about, cleaned; may be empty. */
  readonly source: string;
  /**
   * Which property of the camera says so: several may say the same kind of one source, as motion by cells and by region. An `off` ends all
   * whose name begins so, of any kind: that a person is gone may be said without the word.
   */
  readonly property: string;
  readonly says: 'on' | 'off' | 'moment';
  /** False where the camera only repeats that it is so, and may never say that it is over: silence ends it. */
  readonly tellsEnd: boolean;
}

/** A row of the vault, of which `toMs` is not known while it lasts. Kind, source and beginning name it. */
export interface Change {
  readonly kind: ObservationKind;
  readonly source: string;
  readonly fromMs: number;
  readonly toMs: number | undefined;
}

/** What lasts now, by kind and source. */
export type Ongoing = ReadonlyMap<string, Lasting>;

interface Lasting {
  readonly kind: ObservationKind;
  readonly source: string;
  readonly fromMs: number;
  readonly lastMs: number;
  /** The properties that say so, and whether each tells its end. */
  readonly properties: ReadonlyMap<string, boolean>;
}

export const nothingLasts: Ongoing = new Map();

/** Of one camera at once; what is beyond is dropped and counted. */
export const ongoingMax = 64;
const propertiesMax = 16;
/** What is not repeated for so long, by a camera that tells no end, was over when it was said last. */
export const silenceMs = 30 * secondMs;

export interface Taken {
  readonly ongoing: Ongoing;
  readonly changes: readonly Change[];
  readonly dropped: number;
}

/** What these signals begin and end, in their order. */
export function takeSignals(before: Ongoing, signals: readonly Signal[], nowMs: number): Taken {
  const ongoing = new Map(before);
  const changes = new Map<string, Change>();
  let dropped = 0;
  const change = ({ kind, source, fromMs }: Omit<Change, 'toMs'>, toMs: number | undefined): void =>
    void changes.set(`${keyOf({ kind, source })}\n${fromMs}`, { kind, source, fromMs, toMs: toMs === undefined ? undefined : Math.max(fromMs, toMs) });
  for (const signal of signals) {
    const key = keyOf(signal);
    const known = ongoing.get(key);
    if (signal.says === 'moment') {
      if (known === undefined) change({ ...signal, fromMs: nowMs }, nowMs);
    } else if (signal.says === 'on') {
      const lasting = known ?? { kind: signal.kind, source: signal.source, fromMs: nowMs, lastMs: nowMs, properties: new Map() };
      if ((known === undefined && ongoing.size >= ongoingMax) || (!lasting.properties.has(signal.property) && lasting.properties.size >= propertiesMax)) {
        dropped++;
        continue;
      }
      ongoing.set(key, { ...lasting, lastMs: nowMs, properties: new Map([...lasting.properties, [signal.property, signal.tellsEnd]]) });
      if (known === undefined) change(lasting, undefined);
    } else {
      for (const [key, lasting] of ongoing) {
        const properties = new Map([...lasting.properties].filter(([property]) => !property.startsWith(signal.property)));
        if (properties.size === lasting.properties.size) continue;
        if (properties.size > 0) ongoing.set(key, { ...lasting, lastMs: nowMs, properties });
        else {
          ongoing.delete(key);
          change(lasting, nowMs);
        }
      }
    }
  }
  return { ongoing, changes: [...changes.values()], dropped };
}

/** What silence has ended: of a property that tells no end, nothing was heard for `silenceMs`. */
export function endBySilence(before: Ongoing, nowMs: number): Omit<Taken, 'dropped'> {
  const over = [...before].filter(([, { properties, lastMs }]) => nowMs - lastMs >= silenceMs && [...properties.values()].every((tellsEnd) => !tellsEnd));
  const gone = new Set(over.map(([key]) => key));
  return { ongoing: new Map([...before].filter(([key]) => !gone.has(key))), changes: over.map(([, lasting]) => endOf(lasting, lasting.lastMs)) };
}

/** The camera is heard no more: whatever lasted is only known to have lasted until it was heard last. */
export function endAll(before: Ongoing, heardMs: number): Omit<Taken, 'dropped'> {
  return { ongoing: nothingLasts, changes: [...before.values()].map((lasting) => endOf(lasting, Math.max(lasting.lastMs, heardMs))) };
}

function endOf({ kind, source, fromMs }: Lasting, toMs: number): Change {
  return { kind, source, fromMs, toMs: Math.max(fromMs, toMs) };
}

function keyOf({ kind, source }: Pick<Signal, 'kind' | 'source'>): string {
  return `${kind}\n${source}`;
}
