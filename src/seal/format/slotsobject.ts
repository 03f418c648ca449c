/**
 * The slots object (docs/FORMAT.md, "The slots object"): for `slots = "far"`, the slots of all periods of which something is far, in one object, so that
 * a burnt hub is no lost footage. A line that says whose it is, then an entry of 1,280 bytes for each slot and destination, then blanks up to a
 * Padmé size. Pure, and shared with the browser.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { SallyportError } from '../../base/errors.ts';
import { decodeArmor } from './armor.ts';
import { asciiOf, parseHeader } from './header.ts';
import { padmeSize } from './padme.ts';
import { slotTextBytes } from './slot.ts';
import { payloadNonceBytes, plainPayloadSize, sealedPayloadSize } from './stream.ts';

export interface SlotsHeader {
  /** The vault's id. */
  readonly hub: string;
  readonly madeMs: number;
}

export interface SlotsEntry {
  /** The 1,024 bytes as they stand in the keyring. */
  readonly slotText: Uint8Array;
  /** Where the period's list lies, and under which name; one slot may be in several entries. */
  readonly destination: string;
  readonly list: string;
}

export interface SlotsObject extends SlotsHeader {
  readonly entries: readonly SlotsEntry[];
}

export const slotPlaceBytes = 256;
export const slotsEntryBytes = slotTextBytes + slotPlaceBytes;
/** The first line is within this. */
export const slotsHeadBytesMax = 256;
/** An object of the outbox holds no more. */
export const slotsEntriesMax = 50_000;

const lineFeed = 0x0a;
const blank = 0x20;
const recipientsMax = 5;
const hubPattern = /^[!-~]{1,80}$/;
const destinationPattern = /^[a-z0-9][a-z0-9-]{0,39}$/;
/** As `policy/pieces.ts` has it. */
const objectPattern = /^[0-9a-f]{32}(?:\.[1-9][0-9]{4,6})?$/;

/** Entries in the order of their lists' names, which are random, so that their order says nothing. Slots and names are not looked at: a reader does. */
export function encodeSlotsObject({ hub, madeMs, entries }: SlotsObject): Uint8Array<ArrayBuffer> {
  const head = encoded(`${canonicalJson({ v: 1, hub, made_ms: Math.round(madeMs), slots: entries.length })}\n`);
  const bytes = new Uint8Array(padmeSize(head.length + entries.length * slotsEntryBytes)).fill(blank);
  bytes.set(head);
  for (const [index, { slotText, destination, list }] of entries.toSorted((a, b) => (a.list < b.list ? -1 : 1)).entries()) {
    const at = head.length + index * slotsEntryBytes;
    bytes.set(slotText, at);
    bytes.set(encoded(canonicalJson({ destination, list })), at + slotTextBytes);
    bytes[at + slotsEntryBytes - 1] = lineFeed;
  }
  return bytes;
}

/** Strict: what `encodeSlotsObject` would not have written is refused, so that nothing else can hide in it. SP_FAR_SLOTS. */
export function decodeSlotsObject(bytes: Uint8Array, what: string): SlotsObject {
  const refuse = (reason: string): never => {
    throw new SallyportError('SP_FAR_SLOTS', { what, reason });
  };
  const head = readSlotsHead(bytes) ?? refuse('it does not begin as one does');
  const end = head.bytes + head.slots * slotsEntryBytes;
  if (bytes.length !== padmeSize(end)) refuse(`it has ${bytes.length} bytes and should have ${padmeSize(end)}`);
  if (bytes.subarray(end).some((byte) => byte !== blank)) refuse('something stands behind its last slot');
  const entries = Array.from({ length: head.slots }, (_, index) => entryOf(bytes.subarray(head.bytes + index * slotsEntryBytes).subarray(0, slotsEntryBytes), (reason) => refuse(`slot ${index}: ${reason}`)));
  return { hub: head.hub, madeMs: head.madeMs, entries };
}

/** Its first line, of at least its first `slotsHeadBytesMax` bytes or all of it; undefined when it is none. */
export function readSlotsHead(bytes: Uint8Array): (SlotsHeader & { readonly slots: number; readonly bytes: number }) | undefined {
  const end = bytes.subarray(0, slotsHeadBytesMax).indexOf(lineFeed);
  if (end === -1) return undefined;
  const line = asciiOf(bytes.subarray(0, end));
  const [, hub, made, slots] = /^\{"hub":"([!-~]+)","made_ms":(0|[1-9]\d{0,14}),"slots":(0|[1-9]\d{0,8}),"v":1\}$/.exec(line) ?? [];
  if (hub === undefined || !hubPattern.test(hub) || Number(slots) > slotsEntriesMax) return undefined;
  const head = { hub, madeMs: Number(made), slots: Number(slots) };
  return canonicalJson({ v: 1, hub, made_ms: head.madeMs, slots: head.slots }) === line ? { ...head, bytes: end + 1 } : undefined;
}

/** Whether an object of that size may be one: sealed files have other sizes, so of a store with many objects few are looked at. */
export function maySlotsObjectBe(bytes: number): boolean {
  return bytes >= 32 && bytes <= padmeSize(slotsHeadBytesMax + slotsEntriesMax * slotsEntryBytes) && padmeSize(bytes) === bytes;
}

function entryOf(entry: Uint8Array, refuse: (reason: string) => never): SlotsEntry {
  const slotText = entry.subarray(0, slotTextBytes);
  const line = asciiOf(entry.subarray(slotTextBytes));
  const [, json = '', destination = '', list = ''] = /^(\{"destination":"([^"]*)","list":"([^"]*)"\}) *\n$/.exec(line) ?? [];
  if (json === '' || !destinationPattern.test(destination) || !objectPattern.test(list)) refuse('it does not say where its list is');
  const wrong = slotTextFault(slotText);
  if (wrong !== undefined) refuse(wrong);
  return { slotText, destination, list };
}

/** Armored age text to a kit and a space or more, to its last byte, and blanks behind it: nothing else. */
function slotTextFault(text: Uint8Array): string | undefined {
  const ascii = asciiOf(text);
  if (!/^-----BEGIN AGE ENCRYPTED FILE-----\n[A-Za-z0-9+/=\n]+\n-----END AGE ENCRYPTED FILE-----\n? *\n$/.test(ascii)) return 'its text is no armor with blanks behind it';
  try {
    const file = decodeArmor(text, 'a slot');
    const { stanzas, size } = parseHeader(file, 'a slot');
    if (stanzas.length < 2 || stanzas.length > recipientsMax || stanzas.some(({ args }) => args[0] !== 'X25519')) return 'it is not sealed to a kit and a space';
    const payload = file.length - size - payloadNonceBytes;
    return payload === sealedPayloadSize(plainPayloadSize(Math.max(0, payload))) ? undefined : 'its payload is of no size that one has';
  } catch (error) {
    return (error as Error).message;
  }
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
