/**
 * The owner list: its shape, what is signed of it, and which list may follow which. Pure, so that the hub and the browser judge alike.
 * docs/FORMAT.md describes it.
 */
import { canonicalJson, type CanonicalValue } from '../../base/canonical.ts';

/** One of the owner's own devices: its identity opens the spaces, and its signer may sign the next list. */
export interface OwnerDevice {
  readonly name: string;
  readonly recipient: string;
  /** "ssh-ed25519 …" */
  readonly signer: string;
}

/** An identity that a space had before: older footage is sealed to it. */
export interface FormerIdentity {
  readonly recipient: string;
  /** To whom it is sealed; the kit first. */
  readonly members: readonly string[];
  /** Its identity file, armored. */
  readonly sealed: string;
}

export interface OwnerSpace extends FormerIdentity {
  readonly name: string;
  /** The latest first; absent when there is none. */
  readonly former?: readonly FormerIdentity[];
}

export interface OwnerList {
  readonly v: 1;
  /** Grows with each change; a hub takes no list with a lower number. */
  readonly number: number;
  /** ISO 8601 */
  readonly made: string;
  /** The kit's recipient. */
  readonly kit: string;
  readonly spaces: readonly OwnerSpace[];
  /** "ssh-ed25519 …", derived from the kit. */
  readonly signer: string;
  /** Absent when there is none, as in lists that are made with the kit alone. */
  readonly devices?: readonly OwnerDevice[];
}

/** A list as it stands in a file, with whom it says to be signed by. Nothing of it is verified yet. */
export interface OwnerFile {
  readonly list: OwnerList;
  /** What the signature covers; keys that we do not know included. */
  readonly signed: string;
  readonly signature: string;
  /** The public key that signed; the kit's where the file does not say. */
  readonly by: string;
}

export const ownerNamespace = 'sallyport-owner';

/** Beyond these a list is no household's any more. */
const spacesMax = 64;
const membersMax = 64;
const formerMax = 1000;
const devicesMax = 64;
const signerPattern = /^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}$/;

/** Canonical JSON of the list, over which the signature is made. */
export function signedOwnerList(list: OwnerList): string {
  return canonicalJson(list as unknown as CanonicalValue);
}

/** The file's text. `by` stands in it only when it is not the kit. */
export function ownerFileText(list: OwnerList, signature: string, by: string): string {
  return `${JSON.stringify({ list, signature, ...(by === list.signer ? {} : { by }) }, null, 2)}\n`;
}

/** Public keys whose signature the owner stands by: the kit's, then the devices'. */
export function ownerKeys(list: OwnerList): string[] {
  return [list.signer, ...(list.devices ?? []).map(({ signer }) => signer)];
}

/**
 * Why the list in `next` may not be taken where `known` is in force; undefined when it may. The signature itself is the caller's to verify,
 * with `next.by`. Without a known list only the kit can speak; with one, its kit and its devices can, and numbers only rise. Another kit is
 * a device's to bring, and the old one may neither open what comes nor sign then.
 */
export function whyNotNext(known: OwnerFile | undefined, next: OwnerFile): string | undefined {
  if (known === undefined) return next.by === next.list.signer ? undefined : 'it is signed by a device, and no list that knows the device is in force';
  if (!ownerKeys(known.list).includes(next.by)) return 'it is signed by another owner than before';
  const another = [next.list.kit !== known.list.kit, next.list.signer !== known.list.signer];
  if (another.includes(true)) {
    if (another.includes(false)) return 'its kit and the key that signs for it are not of one identity';
    // A kit is replaced because it is lost or stolen: whoever has the old one must not put another in its place.
    if (next.by === known.list.signer) return 'another kit takes the signature of an owner\'s device, not the old kit\'s';
    if (ownerNames(next.list).includes(known.list.kit)) return 'it names the old kit still';
  }
  if (next.list.number < known.list.number) return 'it is older than the one in force';
  if (next.list.number === known.list.number && next.signed !== known.signed) return 'it has the number of the one in force, and says something else';
  return undefined;
}

/** Whom what is recorded by this list is sealed to, and who signs the next one. */
function ownerNames(list: OwnerList): string[] {
  return [list.kit, ...list.spaces.flatMap(({ members }) => members), ...(list.devices ?? []).map(({ recipient }) => recipient)];
}

/** Throws a plain Error that says what is wrong. @param checkRecipient Throws for what is no age X25519 recipient. */
export function parseOwnerFile(text: string, checkRecipient: (recipient: string) => void): OwnerFile {
  const outer = membersOf(JSON.parse(text), 'it');
  const value = membersOf(outer.get('list'), 'its list');
  if (value.get('v') !== 1) throw new Error('it has a version that is not known');
  const number = value.get('number');
  if (!Number.isSafeInteger(number) || (number as number) < 1) throw new Error('its number is none');
  const recipientOf = (object: ReadonlyMap<string, unknown>, key: string): string => {
    const recipient = textOf(object, key);
    checkRecipient(recipient);
    return recipient;
  };
  const identityFrom = (object: ReadonlyMap<string, unknown>): FormerIdentity => ({
    recipient: recipientOf(object, 'recipient'),
    members: arrayOf(object.get('members'), 'the members of a space', membersMax).map((member) => recipientOf(new Map([['member', member]]), 'member')),
    sealed: textOf(object, 'sealed'),
  });
  const spaceFrom = (entry: unknown): OwnerSpace => {
    const space = membersOf(entry, 'a space');
    const former = space.has('former') ? arrayOf(space.get('former'), 'the former identities of a space', formerMax).map((one) => identityFrom(membersOf(one, 'a former identity'))) : undefined;
    return { name: textOf(space, 'name'), ...identityFrom(space), ...(former === undefined ? {} : { former }) };
  };
  const deviceFrom = (entry: unknown): OwnerDevice => {
    const device = membersOf(entry, 'a device');
    return { name: textOf(device, 'name'), recipient: recipientOf(device, 'recipient'), signer: signerOf(device, 'signer') };
  };
  const spaces = arrayOf(value.get('spaces'), 'its spaces', spacesMax).map(spaceFrom);
  if (spaces.length === 0) throw new Error('it has no space');
  if (new Set(spaces.map(({ name }) => name)).size !== spaces.length) throw new Error('two of its spaces have one name');
  const devices = value.has('devices') ? arrayOf(value.get('devices'), 'its devices', devicesMax).map(deviceFrom) : undefined;
  if (devices !== undefined && new Set(devices.map(({ signer }) => signer)).size !== devices.length) throw new Error('two of its devices have one key');
  const signer = textOf(value, 'signer');
  return {
    list: { v: 1, number: number as number, made: textOf(value, 'made'), kit: recipientOf(value, 'kit'), spaces, signer, ...(devices === undefined ? {} : { devices }) },
    signed: canonicalJson(outer.get('list') as CanonicalValue),
    signature: textOf(outer, 'signature'),
    by: outer.has('by') ? signerOf(outer, 'by') : signer,
  };
}

/** The identity file that a space's `sealed` holds, up to its key: `# space home` and a line feed. */
export function spaceComment(name: string): string {
  return `# space ${name}\n`;
}

function membersOf(value: unknown, what: string): Map<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} is no JSON object`);
  return new Map(Object.entries(value));
}

function arrayOf(value: unknown, what: string, max: number): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${what} are no list`);
  if (value.length > max) throw new Error(`${what} are more than ${max}`);
  return value;
}

function textOf(object: ReadonlyMap<string, unknown>, key: string): string {
  const value = object.get(key);
  if (typeof value !== 'string') throw new Error(`its ${key} is no text`);
  return value;
}

function signerOf(object: ReadonlyMap<string, unknown>, key: string): string {
  const signer = textOf(object, key);
  if (!signerPattern.test(signer)) throw new Error(`its ${key} is no public key`);
  return signer;
}
