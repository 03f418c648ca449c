/**
 * The key by which an owner lends the hub the keys of persons (`faces.lock = "owner"`). It says what it is in its first line, and whoever opens one looks:
 * what the hub asks to have opened and sealed to itself must not be a space's key or a period's, which the kit opens, too.
 */
import { SallyportError } from '../base/errors.ts';
import { Identity, identityTextBytes } from './identity.ts';
import { openWhole } from './opener.ts';
import { sealArmored, sealWhole } from './sealer.ts';
import { secureAlloc, zero } from './sodium.ts';

const comment = Buffer.from('# sallyport lender\n');
const lineFeed = 0x0a;
const lineBytes = identityTextBytes + 1;

/** Armored, for the kit and the owners' devices. */
export function sealLender(lender: Identity, recipients: readonly string[]): string {
  const plain = secureAlloc(comment.length + lineBytes);
  try {
    plain.set(comment);
    lender.writeText(plain.subarray(comment.length, comment.length + identityTextBytes));
    plain[plain.length - 1] = lineFeed;
    return sealArmored(plain, recipients);
  } finally {
    zero(plain);
  }
}

/** The caller closes it. SP_WRONG_IDENTITY; SP_FACES_LEND when it is something else. */
export function openLender(sealed: string, identities: readonly Identity[]): Identity {
  const what = 'the keys of who is enrolled';
  const plain = openWhole(Buffer.from(sealed, 'latin1'), identities, what, secureAlloc);
  try {
    if (plain.length !== comment.length + lineBytes || !plain.subarray(0, comment.length).equals(comment) || plain[plain.length - 1] !== lineFeed) throw new SallyportError('SP_FACES_LEND', { reason: 'the hub asks for another key than of who is enrolled' });
    return Identity.parseBytes(plain.subarray(comment.length, -1), what);
  } finally {
    zero(plain);
  }
}

/** For the hub's door. */
export function sealLent(lenders: readonly Identity[], door: string): Buffer {
  const plain = secureAlloc(Math.max(1, lenders.length) * lineBytes);
  try {
    for (const [index, lender] of lenders.entries()) {
      lender.writeText(plain.subarray(index * lineBytes, index * lineBytes + identityTextBytes));
      plain[(index + 1) * lineBytes - 1] = lineFeed;
    }
    return sealWhole(plain.subarray(0, lenders.length * lineBytes), [door]);
  } finally {
    zero(plain);
  }
}

/** The caller closes them. SP_FACES_LEND. */
export function openLent(sealed: Uint8Array, door: Identity): Identity[] {
  const found: Identity[] = [];
  let plain: Buffer | undefined;
  try {
    plain = openWhole(sealed, [door], 'what was lent', secureAlloc);
    for (let at = 0; at < plain.length; at += lineBytes) found.push(Identity.parseBytes(plain.subarray(at, at + identityTextBytes), 'what was lent'));
    return found;
  } catch (error) {
    for (const identity of found) identity.close();
    throw new SallyportError('SP_FACES_LEND', { reason: 'it does not open here; the hub was restarted meanwhile, or it is damaged' }, error);
  } finally {
    if (plain !== undefined) zero(plain);
  }
}
