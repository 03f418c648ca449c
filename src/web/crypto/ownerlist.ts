/** The owner list on the owner's device: made, changed, verified and opened there. The rules are shared with the hub (`seal/format/ownerlist.ts`). */
import { sha256 } from '@noble/hashes/sha2.js';
import { SallyportError, reasonOf } from '../../base/errors.ts';
import { fingerprintWords } from '../../policy/wordlist.ts';
import {
  ownerFileText, ownerKeys, ownerNamespace, parseOwnerFile, signedOwnerList, spaceComment, whyNotNext, type FormerIdentity, type OwnerDevice, type OwnerList, type OwnerSpace,
} from '../../seal/format/ownerlist.ts';
import { openWhole, sealArmored } from './age.ts';
import { toHex, utf8, wipe } from './bytes.ts';
import { checkRecipient, Identity, identityTextBytes } from './identity.ts';
import { verifySignature } from './sshsig.ts';

export type { OwnerDevice, OwnerList, OwnerSpace } from '../../seal/format/ownerlist.ts';

/** A space's identities that somebody can open, the one in force first where it is among them. */
export interface OpenedSpace {
  readonly space: string;
  readonly identities: readonly Identity[];
}

export type OwnerChange =
  /** One more of the owner's devices: it opens every space with its past, and may sign the next list. */
  | { readonly kind: 'device'; readonly device: OwnerDevice }
  /** A device that was lost or given away: every space gets a new identity that it never had. */
  | { readonly kind: 'device removed'; readonly recipient: string }
  /** Somebody joins a space: with its past, or only from now on. */
  | { readonly kind: 'member'; readonly space: string; readonly recipient: string; readonly past: boolean }
  /** Somebody leaves a space, or all of them where none is named. */
  | { readonly kind: 'member removed'; readonly space?: string; readonly recipient: string }
  | { readonly kind: 'space'; readonly name: string }
  /** A new identity for the same people, as when a camera comes from another space. */
  | { readonly kind: 'renewed'; readonly space: string }
  /** Another kit in place of one that was lost or stolen. */
  | { readonly kind: 'kit'; readonly recipient: string; readonly signer: string }
  /** Nothing changes: a new kit signs once, so that who has it in hand later finds a list of its own to begin with. */
  | { readonly kind: 'kit confirmed' };

const spaceNamePattern = /^[a-z0-9][a-z0-9-]{0,39}$/;
const lineFeed = 0x0a;

/** Number 1: one space, `home`, for the kit and the first device. */
export function firstOwnerList(kit: Identity, device: OwnerDevice, nowMs: number): string {
  const list: OwnerList = {
    v: 1, number: 1, made: new Date(nowMs).toISOString(), kit: kit.recipient, spaces: [newSpace('home', [kit.recipient, device.recipient])], signer: kit.signer, devices: [device],
  };
  return signed(list, kit);
}

/**
 * Verified as the hub does: without `known` the kit must have signed it; with `known`, the text of a list that was verified before, that
 * list's kit or one of its devices, and it must not be older. SP_OWNER_LIST.
 */
export function verifyOwnerList(text: string, known?: string): OwnerList {
  try {
    const next = parseOwnerFile(text, checkRecipient);
    const reason = whyNotNext(known === undefined ? undefined : parseOwnerFile(known, checkRecipient), next);
    if (reason !== undefined) throw new Error(reason);
    return verifiedBy(text, [next.by]);
  } catch (error) {
    throw refused(reasonOf(error));
  }
}

/**
 * Verified for somebody who has not seen each list: `earlier` are those before it, the oldest first, as the hub keeps them, and each must be allowed to follow
 * the one before. The first of them must follow `from.known`, or else be signed by one of `from.keys`; with neither, a list that is signed by its own
 * kit or device is believed at its first sight. SP_OWNER_LIST.
 */
export function followOwnerLists(text: string, earlier: readonly string[], from: { readonly known?: string | undefined; readonly keys?: readonly string[] | undefined }): OwnerList {
  try {
    if (from.known !== undefined) {
      const { number } = parsed(from.known).list;
      return along([...earlier.filter((one) => parsed(one).list.number > number), text], from.known);
    }
    if (from.keys === undefined) return verifiedBy(text, ownerKeys(parsed(text).list));
    const all = [...earlier, text];
    const begin = all.findLastIndex((one) => from.keys?.includes(parsed(one).by));
    if (begin === -1) throw new Error('it is signed by another owner than before');
    verifiedBy(all[begin] as string, from.keys);
    return begin === all.length - 1 ? parsed(text).list : along(all.slice(begin + 1), all[begin] as string);
  } catch (error) {
    throw error instanceof SallyportError && error.code === 'SP_OWNER_LIST' ? error : refused(reasonOf(error));
  }
}

function along(texts: readonly string[], known: string): OwnerList {
  let last = known;
  for (const text of texts) {
    verifyOwnerList(text, last);
    last = text;
  }
  return parsed(last).list;
}

/**
 * The next list after `text`, which must be verified (`verifyOwnerList`). `signer` is the kit or a device of that list; it must be a member of each space
 * that the change is about, else SP_WRONG_IDENTITY. A slot is still sealed to former identities until it is sealed anew (`resealSlot`).
 */
export function nextOwnerList(text: string, signer: Identity, change: OwnerChange, nowMs: number): string {
  const { list } = parsed(text);
  if (!ownerKeys(list).includes(signer.signer)) throw refused('this device may not sign the next one');
  return signed({ ...changed(list, signer, change), number: list.number + 1, made: new Date(nowMs).toISOString() }, signer);
}

/** Every space of which `identity` is a member, with all identities of it that it opens. The caller closes them. SP_OWNER_LIST, SP_WRONG_IDENTITY. */
export function openSpaces(list: OwnerList, identity: Identity): OpenedSpace[] {
  return list.spaces.map((space) => ({ space: space.name, identities: generationsOf(space).filter(({ members }) => members.includes(identity.recipient)).map((one) => openIdentity(one, space.name, identity)) }))
    .filter(({ identities }) => identities.length > 0);
}

/** The identity that slots of `recipient` are to be sealed to now: the space's newest one for the same people, which is that one itself where nobody of them left since. */
export function heirOf(list: OwnerList, space: string, recipient: string): string {
  const generations = list.spaces.filter(({ name }) => name === space).flatMap(generationsOf);
  const one = generations.find((known) => known.recipient === recipient);
  return (one === undefined ? undefined : generations.find(({ members }) => sameMembers(members, one.members)))?.recipient ?? recipient;
}

/** Spaces in which slots may be left that are to be sealed anew. */
export function spacesToRenew(list: OwnerList): string[] {
  return list.spaces.filter((space) => generationsOf(space).some(({ recipient }) => heirOf(list, space.name, recipient) !== recipient)).map(({ name }) => name);
}

/**
 * Six words for a device, which two people compare before one of them signs for it: a hub that slips in a key of its own says other words. They
 * are of both keys, for an owner's device signs as well as opens.
 */
export function deviceWords({ recipient, signer }: Pick<OwnerDevice, 'recipient' | 'signer'>): string[] {
  return fingerprintWords(toHex(sha256(utf8(`${recipient}\n${signer}`))));
}

function changed(list: OwnerList, signer: Identity, change: OwnerChange): OwnerList {
  const eachSpace = (next: (space: OwnerSpace) => OwnerSpace): OwnerList => ({ ...list, spaces: list.spaces.map(next) });
  const oneSpace = (name: string, next: (space: OwnerSpace) => OwnerSpace): OwnerList => {
    if (!list.spaces.some((space) => space.name === name)) throw refused(`it has no space called ${name}`);
    return eachSpace((space) => (space.name === name ? next(space) : space));
  };
  switch (change.kind) {
    case 'device': {
      const devices = (list.devices ?? []).filter(({ signer: known }) => known !== change.device.signer);
      return { ...eachSpace((space) => admitted(space, change.device.recipient, signer)), devices: [...devices, change.device] };
    }
    case 'device removed': {
      const devices = (list.devices ?? []).filter(({ recipient }) => recipient !== change.recipient);
      return { ...eachSpace((space) => expelled(space, change.recipient, signer)), devices };
    }
    case 'member':
      checkRecipient(change.recipient);
      return oneSpace(change.space, (space) => (change.past ? admitted(space, change.recipient, signer) : renewed(space, withMember(space.members, change.recipient), signer, space)));
    case 'member removed':
      return change.space === undefined ? eachSpace((space) => expelled(space, change.recipient, signer)) : oneSpace(change.space, (space) => expelled(space, change.recipient, signer));
    case 'space': {
      if (!spaceNamePattern.test(change.name)) throw refused(`${JSON.stringify(change.name.slice(0, 60))} is no name of a space`);
      if (list.spaces.some(({ name }) => name === change.name)) throw refused(`it has a space called ${change.name} already`);
      return { ...list, spaces: [...list.spaces, newSpace(change.name, [list.kit, ...(list.devices ?? []).map(({ recipient }) => recipient)])] };
    }
    case 'renewed':
      return oneSpace(change.space, (space) => renewed(space, space.members, signer, space));
    case 'kit': {
      if (signer.signer === list.signer) throw refused('another kit is signed by an owner\'s device, not by the old kit');
      checkRecipient(change.recipient);
      const devices = list.devices?.filter((device) => device.recipient !== list.kit && device.signer !== list.signer);
      return { ...eachSpace((space) => expelled(space, list.kit, signer, change.recipient)), kit: change.recipient, signer: change.signer, ...(devices === undefined ? {} : { devices }) };
    }
    case 'kit confirmed':
      return list;
  }
}

/** The same identities, sealed to one more. */
function admitted(space: OwnerSpace, recipient: string, signer: Identity): OwnerSpace {
  const former = (space.former ?? []).map((one) => (one.members.includes(signer.recipient) ? resealed(one, space.name, withMember(one.members, recipient), signer) : one));
  return { ...space, ...resealed(space, space.name, withMember(space.members, recipient), signer), ...(space.former === undefined ? {} : { former }) };
}

/**
 * New identities for those who stay, which the one who leaves never had: one in force, and one for each group of people that older footage is for,
 * so that its slots can be sealed anew (`heirOf`). The old ones are kept until then, sealed to those who stay.
 * @param instead Who comes in the place of a kit, before the others. What this device does not open stays as it is then.
 */
function expelled(space: OwnerSpace, recipient: string, signer: Identity, instead?: string): OwnerSpace {
  if (!generationsOf(space).some(({ members }) => members.includes(recipient))) return space;
  // Whoever renews a space must have been in it: else it could take the space from everybody.
  if (space.members.includes(recipient) && !space.members.includes(signer.recipient)) throw new SallyportError('SP_WRONG_IDENTITY', { what: `the space ${space.name}` });
  const after: FormerIdentity[] = [];
  for (const one of generationsOf(space)) {
    const goes = one.members.includes(recipient) && (instead === undefined || one.members.includes(signer.recipient));
    const members = goes ? [...(instead === undefined ? [] : [instead]), ...one.members.filter((member) => member !== recipient && member !== instead)] : one.members;
    if (goes && !after.some((newer) => sameMembers(newer.members, members))) after.push(newIdentity(space.name, members));
    after.push(goes ? resealed(one, space.name, members, signer) : { recipient: one.recipient, members: one.members, sealed: one.sealed });
  }
  const [now, ...former] = after;
  return { ...space, ...now, former };
}

/** A new identity for `members`; `past` says how the one in force and those before it are kept. */
function renewed(space: OwnerSpace, members: readonly string[], signer: Identity, past: FormerIdentity & { readonly former?: readonly FormerIdentity[] }): OwnerSpace {
  // Whoever renews a space must have been in it: else it could take the space from everybody.
  if (!space.members.includes(signer.recipient)) throw new SallyportError('SP_WRONG_IDENTITY', { what: `the space ${space.name}` });
  return { ...newSpace(space.name, members), former: [{ recipient: past.recipient, members: past.members, sealed: past.sealed }, ...(past.former ?? [])] };
}

function resealed(one: FormerIdentity, space: string, members: readonly string[], signer: Identity): FormerIdentity {
  const identity = openIdentity(one, space, signer);
  try {
    return { recipient: one.recipient, members, sealed: sealedIdentity(identity, space, members) };
  } finally {
    identity.close();
  }
}

function newSpace(name: string, members: readonly string[]): OwnerSpace {
  return { name, ...newIdentity(name, members) };
}

function newIdentity(name: string, members: readonly string[]): FormerIdentity {
  const identity = Identity.generate();
  try {
    return { recipient: identity.recipient, members, sealed: sealedIdentity(identity, name, members) };
  } finally {
    identity.close();
  }
}

function sealedIdentity(identity: Identity, space: string, members: readonly string[]): string {
  const comment = utf8(spaceComment(space));
  const plain = new Uint8Array(comment.length + identityTextBytes + 1);
  plain.set(comment);
  identity.writeText(plain.subarray(comment.length, comment.length + identityTextBytes));
  plain[plain.length - 1] = lineFeed;
  try {
    return sealArmored(plain, members);
  } finally {
    wipe(plain);
  }
}

function openIdentity({ sealed, recipient }: FormerIdentity, space: string, by: Identity): Identity {
  const what = `the space ${space}`;
  const plain = openWhole(utf8(sealed), [by], what);
  try {
    const keyStart = plain.indexOf(lineFeed) + 1;
    const identity = Identity.parseBytes(plain.subarray(keyStart, keyStart + identityTextBytes), what);
    if (identity.recipient === recipient) return identity;
    identity.close();
    throw refused(`the space ${space} holds another identity than it says`);
  } finally {
    wipe(plain);
  }
}

function signed(list: OwnerList, by: Identity): string {
  return ownerFileText(list, by.sign(signedOwnerList(list), ownerNamespace), by.signer);
}

function verifiedBy(text: string, keys: readonly string[]): OwnerList {
  const { list, signed: message, signature, by } = parsed(text);
  if (!keys.includes(by)) throw new Error('it is signed by another owner than before');
  verifySignature({ message, signature, namespace: ownerNamespace, publicKey: by, what: 'the owner list' });
  return list;
}

function parsed(text: string): ReturnType<typeof parseOwnerFile> {
  return parseOwnerFile(text, checkRecipient);
}

function generationsOf(space: OwnerSpace): FormerIdentity[] {
  return [space, ...(space.former ?? [])];
}

function sameMembers(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((member) => other.includes(member));
}

function withMember(members: readonly string[], recipient: string): string[] {
  return members.includes(recipient) ? [...members] : [...members, recipient];
}

function refused(reason: string): SallyportError {
  return new SallyportError('SP_OWNER_LIST', { file: 'of the owner', reason });
}
