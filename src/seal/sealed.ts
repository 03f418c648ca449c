/**
 * What may leave the house: bytes that this room has sealed, or has recognised as sealed. The outbox takes nothing else, and the compiler sees to
 * it: the constructor is private, and a class with `#bytes` is never fitted by another object.
 */
import { SallyportError } from '../base/errors.ts';
import { parseHeader } from './format/header.ts';
import { checkHold } from './format/hold.ts';
import { padmeSize } from './format/padme.ts';
import { decodeSlotsObject } from './format/slotsobject.ts';
import { chunkPlainBytes, payloadNonceBytes, plainPayloadSize, sealedPayloadSize } from './format/stream.ts';
import { sealWhole } from './sealer.ts';

const blank = 0x20;

export class Sealed {
  readonly #bytes: Uint8Array;
  /** Whether its size says no more than a Padmé size, or one that all of its kind have. */
  readonly sizeHidden: boolean;

  private constructor(bytes: Uint8Array, sizeHidden: boolean) {
    this.#bytes = bytes;
    this.sizeHidden = sizeHidden;
  }

  /** Seals a text (JSON, lists), with blanks behind it up to a Padmé size. `plain` stays the caller's. SP_BAD_RECIPIENT. */
  static text(plain: Uint8Array, recipients: readonly string[]): Sealed {
    const padded = Buffer.alloc(padmeSize(plain.length), blank);
    padded.set(plain);
    return new Sealed(sealWhole(padded, recipients), true);
  }

  /**
   * A whole age file that was sealed before, such as a segment. Without its key nobody can tell that each chunk is sound, but that it is an age
   * file, to its last byte, can be told. SP_AGE_HEADER, SP_AGE_PAYLOAD.
   */
  static recognise(bytes: Uint8Array, what: string): Sealed {
    const header = parseHeader(bytes, what);
    if (!header.stanzas.every(({ args }) => args[0] === 'X25519')) throw new SallyportError('SP_AGE_HEADER', { what, reason: 'it is not sealed to X25519 recipients alone' });
    const payload = bytes.length - header.size - payloadNonceBytes;
    const plain = plainPayloadSize(Math.max(0, payload));
    if (payload !== sealedPayloadSize(plain)) throw new SallyportError('SP_AGE_PAYLOAD', { what, chunk: 0 });
    // A segment that a crash cut ends with a whole chunk, which says as little.
    return new Sealed(bytes, padmeSize(plain) === plain || plain % chunkPlainBytes === 0);
  }

  /** A second header of a segment, which holds no payload, and as all of them has one recipient. SP_AGE_HEADER. */
  static recogniseHold(bytes: Uint8Array, what: string): Sealed {
    checkHold(bytes, what);
    return new Sealed(bytes, true);
  }

  /**
   * The one object of slots for a store that is to survive the hub: its first line, slots that are age files for a kit and a space each, the
   * random name of a list beside each, blanks. SP_FAR_SLOTS.
   */
  static recogniseSlots(bytes: Uint8Array, what: string): Sealed {
    decodeSlotsObject(bytes, what);
    return new Sealed(bytes, true);
  }

  /** Not to be changed. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }
}
