/** Slots in the browser: opened to play, and sealed anew when somebody leaves a space or the kit changes. */
import { SallyportError } from '../../base/errors.ts';
import { looksArmored } from '../../seal/format/armor.ts';
import { asciiOf } from '../../seal/format/header.ts';
import { openWhole, sealArmored } from './age.ts';
import { utf8, wipe, type Bytes } from './bytes.ts';
import { Identity } from './identity.ts';

export const slotTextBytes = 1024;

const lineFeed = 0x0a;
const blank = 0x20;

export interface SlotPeriod {
  readonly camera: string;
  readonly class: string;
  readonly startMs: number;
}

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
    const armored = utf8(sealArmored(plain, recipients));
    if (armored.length > slotTextBytes) throw new SallyportError('SP_SLOT_TOO_LONG', { recipients: recipients.length });
    const text = new Uint8Array(slotTextBytes).fill(blank);
    text.set(armored);
    text[slotTextBytes - 1] = lineFeed;
    return text;
  } finally {
    wipe(plain);
  }
}

function openText(slotText: Uint8Array, identities: readonly Identity[], what: string): { plain: Bytes; period: SlotPeriod; keyStart: number } {
  if (!looksArmored(slotText)) throw new SallyportError('SP_SLOT_MISSING', { what });
  const plain = openWhole(slotText, identities, what);
  const end = plain.indexOf(lineFeed);
  const period = periodOf(asciiOf(plain.subarray(0, Math.max(0, end))));
  if (period !== undefined && plain[plain.length - 1] === lineFeed) return { plain, period, keyStart: end + 1 };
  wipe(plain);
  throw new SallyportError('SP_BAD_IDENTITY', { file: what, reason: 'it was not written as a slot' });
}

/** "# front-door footage 2026-11-24T05:00:00Z" */
function periodOf(comment: string): SlotPeriod | undefined {
  const [, camera, klass, start] = /^# ([a-z0-9-]+) ([a-z]+) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z)$/.exec(comment) ?? [];
  if (camera === undefined || klass === undefined || start === undefined) return undefined;
  const startMs = Date.parse(start);
  return Number.isNaN(startMs) ? undefined : { camera, class: klass, startMs };
}
