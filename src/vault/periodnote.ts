/**
 * What the hub must know of a period when the working database is gone, beside the period's slot: sealed to the hub's own identity,
 * in the same block of the keyring, so that it dies by the same overwriting. It holds no private key. docs/FORMAT.md describes it.
 */
import { canonicalJson } from '../base/canonical.ts';
import type { UnixMs } from '../base/clock.ts';
import { isSallyportError } from '../base/errors.ts';
import type { Identity } from '../seal/identity.ts';
import { openWhole } from '../seal/opener.ts';
import { sealWhole } from '../seal/sealer.ts';
import { slotBlockBytes, slotTextBytes } from '../seal/slot.ts';
import type { Period, PeriodClass } from './periodtable.ts';
import type { HoldMaker } from './holdtable.ts';

/** Always of one size, right behind the slot's text. */
export const noteBytes = 1_024;
export const noteOffset = slotTextBytes;

/** Age header and payload nonce for one recipient, and the tag of the one chunk. */
const sealedOverhead = 184 + 16;

/** With the wish that it belongs to, where it is a hold's. */
export type NotedPeriod = Omit<Period, 'id'> & { readonly slotSha256: string; readonly order?: string; readonly maker?: HoldMaker };

export function sealNote(period: NotedPeriod, hubRecipient: string): Buffer {
  const plain = Buffer.alloc(noteBytes - sealedOverhead, ' ');
  plain.write(canonicalJson({
    v: 1, camera: period.camera, class: period.class, start_ms: period.startMs, end_ms: period.endMs, deadline_ms: period.deadlineMs,
    slot: period.slot, generation: period.generation, recipient: period.recipient, slot_sha256: period.slotSha256, order: period.order, maker: period.maker,
  }));
  return sealWhole(plain, [hubRecipient]);
}

/** Undefined when it is none, not for this hub, or of another slot than the one that it lies beside. */
export function openNote(sealed: Uint8Array, hub: Identity, beside: { slot: number; slotSha256: string }): NotedPeriod | undefined {
  try {
    const period = periodIn(openWhole(sealed.subarray(0, noteBytes), [hub], 'a note').toString('utf8'));
    return period?.slot === beside.slot && period.slotSha256 === beside.slotSha256 ? period : undefined;
  } catch (error) {
    if (isSallyportError(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function periodIn(text: string): NotedPeriod | undefined {
  const fields = new Map(Object.entries(JSON.parse(text) as Record<string, unknown>));
  const textOf = (name: string, pattern: RegExp): string | undefined => {
    const value = fields.get(name);
    return typeof value === 'string' && pattern.test(value) ? value : undefined;
  };
  const countOf = (name: string): UnixMs | undefined => {
    const value = fields.get(name);
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  };
  const [camera, klass, recipient, slotSha256] = [textOf('camera', /^[a-z0-9][a-z0-9-]{0,39}$/), textOf('class', /^(footage|database|hold|rest|alarm|person)$/), textOf('recipient', /^age1[a-z0-9]{58}$/), textOf('slot_sha256', /^[0-9a-f]{64}$/)];
  const [startMs, endMs, deadlineMs, slot, generation] = [countOf('start_ms'), countOf('end_ms'), countOf('deadline_ms'), countOf('slot'), countOf('generation')];
  if (fields.get('v') !== 1 || camera === undefined || klass === undefined || recipient === undefined || slotSha256 === undefined) return undefined;
  if (startMs === undefined || endMs === undefined || deadlineMs === undefined || slot === undefined || generation === undefined || endMs <= startMs) return undefined;
  const [order, maker] = [textOf('order', /^[0-9a-f]{8}$/), textOf('maker', /^(hub|device)$/)];
  return { camera, class: klass as PeriodClass, startMs, endMs, deadlineMs, slot, generation, recipient, slotSha256, ...(order === undefined ? {} : { order }), ...(maker === undefined ? {} : { maker: maker as HoldMaker }) };
}

/** A block's bytes behind its text: the note, then `random` for the rest. */
export function blockRest(note: Buffer | undefined, random: Buffer): Buffer {
  return note === undefined ? random : Buffer.concat([note, random.subarray(note.length)], slotBlockBytes - slotTextBytes);
}
