/** Slots in the browser: opened to play, and sealed anew when somebody leaves a space or the kit changes. */
import { SallyportError } from '../../base/errors.ts';
import { looksArmored } from '../../seal/format/armor.ts';
import { asciiOf } from '../../seal/format/header.ts';
import { readSlotComment, slotTextOf, type SlotPeriod } from '../../seal/format/slot.ts';
import { openWhole, sealArmored } from './age.ts';
import { utf8, wipe, type Bytes } from './bytes.ts';
import { Identity } from './identity.ts';

const lineFeed = 0x0a;

/** The period's identity, which the caller closes. SP_SLOT_MISSING when it holds no armor (shredded), SP_WRONG_IDENTITY. */
export function openSlot(slotText: Uint8Array, identities: readonly Identity[], what: string): SlotPeriod & { identity: Identity } {
  const { plain, period, keyStart } = openText(slotText, identities, what);
  try {
    return { identity: Identity.parseBytes(plain.subarray(keyStart, -1), what), ...period };
  } finally {
    wipe(plain);
  }
}

/** The same key for other recipients: a whole new text of the slot. SP_SLOT_MISSING, SP_WRONG_IDENTITY, SP_SLOT_TOO_LONG. */
export function resealSlot(slotText: Uint8Array, identities: readonly Identity[], recipients: readonly string[]): Bytes {
  const { plain } = openText(slotText, identities, 'a slot');
  try {
    const text = slotTextOf(utf8(sealArmored(plain, recipients)));
    if (text === undefined) throw new SallyportError('SP_SLOT_TOO_LONG', { recipients: recipients.length });
    return text;
  } finally {
    wipe(plain);
  }
}

function openText(slotText: Uint8Array, identities: readonly Identity[], what: string): { plain: Bytes; period: SlotPeriod; keyStart: number } {
  if (!looksArmored(slotText)) throw new SallyportError('SP_SLOT_MISSING', { what });
  const plain = openWhole(slotText, identities, what);
  const end = plain.indexOf(lineFeed);
  const period = readSlotComment(asciiOf(plain.subarray(0, Math.max(0, end))));
  if (period !== undefined && plain[plain.length - 1] === lineFeed) return { plain, period, keyStart: end + 1 };
  wipe(plain);
  throw new SallyportError('SP_BAD_IDENTITY', { file: what, reason: 'it was not written as a slot' });
}
