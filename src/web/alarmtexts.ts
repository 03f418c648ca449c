/**
 * The words of alarms, each fetched sealed and opened once: what a list shows beside the pictures. An alarm's words may still change while it
 * lasts and shortly after, so they are read again until then. Pure but for what it is given.
 */
import type { PageAlarm } from '../api/pagecontract.ts';
import type { AlarmText } from '../policy/alarmtext.ts';

type Of = Pick<PageAlarm, 'id' | 'camera' | 'slot' | 'generation' | 'toMs' | 'pictures'>;

/** More at once would keep the hub's other answers waiting. */
const atOnceMax = 3;
const keptMax = 2_000;
/** By then whoever was in an alarm has been looked at. */
const settledMs = 60_000;

export class AlarmTexts {
  readonly #load: (of: Of, signal: AbortSignal) => Promise<AlarmText>;
  readonly #texts = new Map<string, { readonly text: AlarmText; readonly settled: boolean }>();

  constructor(load: (of: Of, signal: AbortSignal) => Promise<AlarmText>) {
    this.#load = load;
  }

  /** What is open by now. */
  get texts(): ReadonlyMap<string, AlarmText> {
    return new Map([...this.#texts].map(([id, { text }]) => [id, text]));
  }

  /** Which of them are to be opened, or read again. */
  lacking<A extends Of>(alarms: readonly A[]): A[] {
    return alarms.filter(({ id, pictures }) => pictures.includes('text') && this.#texts.get(id)?.settled !== true);
  }

  /** Opens what is lacking, in that order; `tell` after each. What does not open stays without words. */
  async open(alarms: readonly Of[], nowMs: number, signal: AbortSignal, tell: () => void): Promise<void> {
    const waiting = this.lacking(alarms);
    const next = async (): Promise<void> => {
      for (let of = waiting.shift(); of !== undefined && !signal.aborted; of = waiting.shift()) {
        const text = await this.#load(of, signal).catch(() => undefined);
        if (signal.aborted) return;
        if (text !== undefined) this.#keep(of.id, text, of.toMs !== undefined && of.toMs + settledMs < nowMs);
        tell();
      }
    };
    await Promise.all(Array.from({ length: atOnceMax }, next));
  }

  clear(): void {
    this.#texts.clear();
  }

  #keep(id: string, text: AlarmText, settled: boolean): void {
    this.#texts.delete(id);
    this.#texts.set(id, { text, settled });
    for (const oldest of this.#texts.keys()) {
      if (this.#texts.size <= keptMax) break;
      this.#texts.delete(oldest);
    }
  }
}
