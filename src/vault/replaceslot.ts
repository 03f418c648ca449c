/**
 * A slot's text put in the place of another one: the same period key, which the owner's device has sealed to other people (somebody left a space,
 * or the kit changed). The hub opens neither. 1. What is to become of the slot is written down; 2. the new text goes into both keyring files, one after
 * the other, over the old one; 3. the row takes its hash, and the old text counts as shredded. A kill in between is settled at the next opening: where
 * a file has the new text, the rest is done; where none has, nothing was done, and the old one stands.
 */
import type { UnixMs } from '../base/clock.ts';
import { canonicalJson } from '../base/canonical.ts';
import { SallyportError } from '../base/errors.ts';
import { checkSlotText } from '../seal/slot.ts';
import { textHash } from './keyringfile.ts';
import type { Parts } from './parts.ts';
import { sealNote } from './periodnote.ts';
import type { PeriodFacts } from './periodtable.ts';

export interface SlotReplacement {
  readonly slot: number;
  readonly generation: number;
  /** SHA-256 (hex) of the text that is replaced. */
  readonly from: string;
  /** 1,024 bytes. */
  readonly text: Buffer;
}

export type ReplaceStep = 'replace intended' | 'replace written';

type ReplaceParts = Pick<Parts, 'database' | 'keyring' | 'hubRecipient'>;

const replacingSetting = 'slot being replaced';

interface Replacing {
  readonly periodId: number;
  readonly slot: number;
  readonly from: string;
  readonly to: string;
  /** Of a person's: whom it is for from then on. */
  readonly sealedTo?: string;
}

/** Not beside a purge or a look at the keyring. SP_SLOT_CHANGED when the slot holds something else or its period is not live; what `checkSlotText` says; SP_WRITE. */
export async function replaceSlot(parts: ReplaceParts, r: SlotReplacement, nowMs: UnixMs, afterStep: (step: ReplaceStep) => Promise<void> | void = () => {}): Promise<void> {
  checkSlotText(r.text, `the new text of slot ${r.slot}`);
  await settleReplacement(parts, nowMs);
  const leaving = new Set((await parts.database.call('pendingPurges')).flatMap(({ periods }) => periods.map(({ id }) => id)));
  const period = (await parts.database.call('livePeriods')).find(({ slot, generation, id }) => slot === r.slot && generation === r.generation && !leaving.has(id));
  if (period === undefined || period.state !== 'live' || period.slotSha256 !== r.from) throw new SallyportError('SP_SLOT_CHANGED', { slot: r.slot });
  await putText(parts, period, { text: r.text }, nowMs, afterStep);
}

/** The three steps, of a living period. Not beside a purge or a look at the keyring. SP_WRITE. */
export async function putText(parts: ReplaceParts, period: PeriodFacts, { text, sealedTo }: { readonly text: Buffer; readonly sealedTo?: string }, nowMs: UnixMs, afterStep: (step: ReplaceStep) => Promise<void> | void = () => {}): Promise<void> {
  const replacing: Replacing = { periodId: period.id, slot: period.slot, from: period.slotSha256, to: textHash(text), ...(sealedTo === undefined ? {} : { sealedTo }) };
  if (replacing.to === replacing.from) return;
  await parts.database.call('putSetting', { name: replacingSetting, json: canonicalJson({ ...replacing }) });
  await afterStep('replace intended');
  try {
    const order = await parts.database.call('orderOf', { periodId: period.id });
    await parts.keyring.write(period.slot, text, sealNote({ ...period, ...(order === undefined ? {} : { order: order.order, maker: order.maker }), slotSha256: replacing.to }, parts.hubRecipient));
    await afterStep('replace written');
  } finally {
    // Also when only one file took it: then it is the new one that counts, and the other is mended from it.
    await settleReplacement(parts, nowMs);
  }
}

/** Ends a replacement that was under way, one way or the other. */
export async function settleReplacement({ database, keyring }: ReplaceParts, nowMs: UnixMs): Promise<void> {
  const replacing = JSON.parse(await database.call('setting', { name: replacingSetting }) ?? 'null') as Replacing | null;
  if (replacing === null) return;
  const written = (await keyring.candidates(replacing.slot)).some((text) => textHash(text) === replacing.to);
  if (written) await database.call('slotReplaced', { ...replacing, setting: replacingSetting, atMs: nowMs });
  else await database.call('removeSetting', { name: replacingSetting });
}
