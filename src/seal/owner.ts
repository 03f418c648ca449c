/** The owner's list: for whom slots are sealed, signed by the kit, made and kept on the owner's device. */
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import { SallyportError, reasonOf } from '../base/errors.ts';
import { checkRecipient, Identity, identityTextBytes } from './identity.ts';
import { openWhole } from './opener.ts';
import { sealArmored } from './sealer.ts';
import { secureAlloc, zero } from './sodium.ts';
import { verifySignature } from './sshsig.ts';

export interface OwnerSpace {
  readonly name: string;
  readonly recipient: string;
  /** Recipients to whom the space's identity is sealed; the kit first. */
  readonly members: readonly string[];
  /** The space's identity file, armored. */
  readonly sealed: string;
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
}

const namespace = 'sallyport-owner';
const lineFeed = 0x0a;

/** The first list: one space, `home`, whose identity is sealed to the kit. JSON text `{list, signature}`. */
export function makeOwnerList(kit: Identity, nowMs: number): string {
  const signer = kit.signer();
  try {
    const list: OwnerList = {
      v: 1, number: 1, made: new Date(nowMs).toISOString(), kit: kit.recipient, spaces: [makeSpace('home', [kit.recipient])], signer: signer.publicKey,
    };
    return `${JSON.stringify({ list, signature: signer.sign(canonicalJson({ ...list, spaces: list.spaces.map((space) => ({ ...space })) }), namespace) }, null, 2)}\n`;
  } finally {
    signer.close();
  }
}

/** Verified: SP_OWNER_LIST names the file and what is wrong with it. */
export function readOwnerList(text: string, file: string): OwnerList {
  try {
    const { list, signature, signed } = parse(text);
    verifySignature({ message: canonicalJson(signed), signature, namespace, publicKey: list.signer, what: file });
    return list;
  } catch (error) {
    throw new SallyportError('SP_OWNER_LIST', { file, reason: reasonOf(error) }, error);
  }
}

/** Whom a slot of that space is sealed to: the kit and the space. SP_OWNER_LIST when there is no such space. */
export function slotRecipients(list: OwnerList, space: string): string[] {
  return [list.kit, spaceOf(list, space).recipient];
}

/** The space's identity, which the caller closes. SP_OWNER_LIST, SP_WRONG_IDENTITY. */
export function openSpace(list: OwnerList, space: string, identities: readonly Identity[]): Identity {
  const { sealed, recipient } = spaceOf(list, space);
  const what = `the space ${space}`;
  const plain = openWhole(Buffer.from(sealed), identities, what, secureAlloc);
  try {
    const keyStart = plain.indexOf(lineFeed) + 1;
    const identity = Identity.parseBytes(plain.subarray(keyStart, keyStart + identityTextBytes), what);
    if (identity.recipient === recipient) return identity;
    identity.close();
    throw new SallyportError('SP_OWNER_LIST', { file: 'of the owner', reason: `the space ${space} holds another identity than it says` });
  } finally {
    zero(plain);
  }
}

function makeSpace(name: string, members: readonly string[]): OwnerSpace {
  const comment = Buffer.from(`# space ${name}\n`, 'latin1');
  const plain = secureAlloc(comment.length + identityTextBytes + 1);
  const identity = Identity.generate();
  try {
    plain.set(comment);
    identity.writeText(plain.subarray(comment.length, comment.length + identityTextBytes));
    plain[plain.length - 1] = lineFeed;
    return { name, recipient: identity.recipient, members, sealed: sealArmored(plain, members) };
  } finally {
    identity.close();
    zero(plain);
  }
}

function spaceOf(list: OwnerList, name: string): OwnerSpace {
  const space = list.spaces.find((candidate) => candidate.name === name);
  if (space === undefined) throw new SallyportError('SP_OWNER_LIST', { file: 'of the owner', reason: `it has no space called ${name}` });
  return space;
}

/** `signed` is the list as it stands in the file, keys that we do not know included. Throws a plain Error that says what is missing. */
function parse(text: string): { list: OwnerList; signature: string; signed: CanonicalValue } {
  const outer = membersOf(JSON.parse(text), 'it');
  const list = membersOf(outer.get('list'), 'its list');
  if (list.get('v') !== 1) throw new Error('it has a version that is not known');
  const number = list.get('number');
  if (!Number.isSafeInteger(number) || (number as number) < 1) throw new Error('its number is none');
  const spaces = arrayOf(list.get('spaces'), 'its spaces').map(spaceFrom);
  if (spaces.length === 0) throw new Error('it has no space');
  if (new Set(spaces.map(({ name }) => name)).size !== spaces.length) throw new Error('two of its spaces have one name');
  return {
    signature: textOf(outer, 'signature'),
    signed: outer.get('list') as CanonicalValue,
    list: { v: 1, number: number as number, made: textOf(list, 'made'), kit: recipientOf(list, 'kit'), spaces, signer: textOf(list, 'signer') },
  };
}

function spaceFrom(value: unknown): OwnerSpace {
  const space = membersOf(value, 'a space');
  const members = arrayOf(space.get('members'), 'the members of a space').map((member) => recipientOf(new Map([['member', member]]), 'member'));
  return { name: textOf(space, 'name'), recipient: recipientOf(space, 'recipient'), members, sealed: textOf(space, 'sealed') };
}

function membersOf(value: unknown, what: string): Map<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} is no JSON object`);
  return new Map(Object.entries(value));
}

function arrayOf(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${what} are no list`);
  return value;
}

function textOf(object: ReadonlyMap<string, unknown>, key: string): string {
  const value = object.get(key);
  if (typeof value !== 'string') throw new Error(`its ${key} is no text`);
  return value;
}

function recipientOf(object: ReadonlyMap<string, unknown>, key: string): string {
  const recipient = textOf(object, key);
  checkRecipient(recipient);
  return recipient;
}
