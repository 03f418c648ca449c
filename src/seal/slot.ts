/** Period keys and the slots that hold them: 1,024 bytes of armored age text that stock `dd … | age -d -i kit.txt` opens. */
import { SallyportError } from '../base/errors.ts';
import { decodeArmor, looksArmored } from './format/armor.ts';
import { parseHeader } from './format/header.ts';
import { readSlotComment, slotComment, slotTextBytes, slotTextOf, type SlotPeriod } from './format/slot.ts';
import { Identity, identityTextBytes } from './identity.ts';
import { openWhole } from './opener.ts';
import { sealArmored } from './sealer.ts';
import { secureAlloc, zero } from './sodium.ts';

export { slotTextBytes, type SlotPeriod } from './format/slot.ts';

/** One slot's place in the keyring: the text, then random bytes. */
export const slotBlockBytes = 4096;

const recipientsMax = 5;
const lineFeed = 0x0a;

/**
 * A new period key: its public half, and its private half sealed to `recipients` as a slot's text (armored age, blanks, a final
 * newline). The private half is wiped before this returns. SP_SLOT_TOO_LONG over five recipients, and with five when the names of
 * camera and class have more than 13 characters together; SP_BAD_RECIPIENT.
 */
export function makePeriodKey(period: SlotPeriod, recipients: readonly string[]): { recipient: string; slotText: Buffer } {
  const identity = Identity.generate();
  try {
    return { recipient: identity.recipient, slotText: sealPeriodKey(period, identity, recipients) };
  } finally {
    identity.close();
  }
}

/** The text of a slot for a key that is there already: `identity` stays the caller's. As `makePeriodKey`. */
export function sealPeriodKey(period: SlotPeriod, identity: Identity, recipients: readonly string[]): Buffer {
  if (recipients.length > recipientsMax) throw new SallyportError('SP_SLOT_TOO_LONG', { recipients: recipients.length });
  const comment = commentOf(period);
  const plain = secureAlloc(comment.length + identityTextBytes + 1);
  try {
    plain.set(comment);
    identity.writeText(plain.subarray(comment.length, comment.length + identityTextBytes));
    plain[plain.length - 1] = lineFeed;
    const text = slotTextOf(Buffer.from(sealArmored(plain, recipients), 'latin1'));
    if (text === undefined) throw new SallyportError('SP_SLOT_TOO_LONG', { recipients: recipients.length });
    return Buffer.from(text.buffer);
  } finally {
    zero(plain);
  }
}

/** The period's identity, which the caller closes. SP_SLOT_MISSING when it holds no armor (shredded), SP_WRONG_IDENTITY. */
export function openSlot(slotText: Uint8Array, identities: readonly Identity[], what: string): SlotPeriod & { identity: Identity } {
  if (!looksLikeSlot(slotText)) throw new SallyportError('SP_SLOT_MISSING', { what });
  const plain = openWhole(slotText, identities, what, secureAlloc);
  try {
    const end = plain.indexOf(lineFeed);
    const period = readSlotComment(plain.toString('latin1', 0, Math.max(0, end)));
    if (period === undefined || plain[plain.length - 1] !== lineFeed) throw new SallyportError('SP_BAD_IDENTITY', { file: what, reason: 'it was not written as a slot' });
    return { identity: Identity.parseBytes(plain.subarray(end + 1, -1), what), ...period };
  } finally {
    zero(plain);
  }
}

/** False for random bytes and empty space; true does not say that it opens. */
export function looksLikeSlot(slotText: Uint8Array): boolean {
  return looksArmored(slotText);
}

/** Whether a text that was made elsewhere is one that a slot may hold, as far as that shows without a key. SP_AGE_ARMOR, SP_AGE_HEADER, SP_SLOT_TOO_LONG. */
export function checkSlotText(slotText: Uint8Array, what: string): void {
  if (slotText.length !== slotTextBytes || slotText[slotTextBytes - 1] !== lineFeed) throw new SallyportError('SP_AGE_ARMOR', { what, reason: `it has ${slotText.length} bytes, or no line feed at its end` });
  const { stanzas } = parseHeader(decodeArmor(slotText, what), what);
  if (stanzas.length > recipientsMax) throw new SallyportError('SP_SLOT_TOO_LONG', { recipients: stanzas.length });
  // The kit and a space: one alone would lock somebody out who must not be.
  if (stanzas.length < 2 || stanzas.some(({ args }) => args[0] !== 'X25519')) throw new SallyportError('SP_AGE_HEADER', { what, reason: 'it is not sealed to a kit and a space' });
}

function commentOf(period: SlotPeriod): Buffer {
  const comment = slotComment(period);
  if (readSlotComment(comment) === undefined) throw new SallyportError('SP_INTERNAL', { reason: `no slot can be named "${comment}"` });
  return Buffer.from(`${comment}\n`, 'latin1');
}
