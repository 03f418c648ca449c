/** The owner's list: for whom slots are sealed, signed by the kit or a device of the owner, made and kept on the owner's device. */
import { SallyportError, reasonOf } from '../base/errors.ts';
import { ownerFileText, ownerNamespace, parseOwnerFile, signedOwnerList, spaceComment, whyNotNext, type FormerIdentity, type OwnerFile, type OwnerList, type OwnerSpace } from './format/ownerlist.ts';
import { checkRecipient, Identity, identityTextBytes } from './identity.ts';
import { openWhole } from './opener.ts';
import { sealArmored } from './sealer.ts';
import { secureAlloc, zero } from './sodium.ts';
import { verifySignature } from './sshsig.ts';

export { ownerKeys, type OwnerDevice, type OwnerList, type OwnerSpace } from './format/ownerlist.ts';

const lineFeed = 0x0a;

/** The first list: one space, `home`, whose identity is sealed to the kit. JSON text `{list, signature}`. */
export function makeOwnerList(kit: Identity, nowMs: number): string {
  const signer = kit.signer();
  try {
    const list: OwnerList = {
      v: 1, number: 1, made: new Date(nowMs).toISOString(), kit: kit.recipient, spaces: [makeSpace('home', [kit.recipient])], signer: signer.publicKey,
    };
    return ownerFileText(list, signer.sign(signedOwnerList(list), ownerNamespace), signer.publicKey);
  } finally {
    signer.close();
  }
}

/**
 * Verified: SP_OWNER_LIST names the file and what is wrong with it. Without `known` the kit must have signed it; with `known`, the text of a
 * list that was verified before, that list's kit or one of its devices, and it must not be older.
 */
export function readOwnerList(text: string, file: string, known?: string): OwnerList {
  try {
    const next = parseOwnerFile(text, checkRecipient);
    const reason = whyNotNext(known === undefined ? undefined : parseOwnerFile(known, checkRecipient), next);
    if (reason !== undefined) throw new Error(reason);
    verify(next, file);
    return next.list;
  } catch (error) {
    throw new SallyportError('SP_OWNER_LIST', { file, reason: reasonOf(error) }, error);
  }
}

/**
 * A list that was taken before and kept where only the hub writes: whoever it says has signed it did, and that is all that is asked.
 * SP_OWNER_LIST.
 */
export function readTakenOwnerList(text: string, file: string): OwnerList {
  try {
    const taken = parseOwnerFile(text, checkRecipient);
    verify(taken, file);
    return taken.list;
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
  return openSealedIdentity(spaceOf(list, space), space, identities);
}

/**
 * All identities of a space that `identities` open, the one in force first: older footage is sealed to former ones. The caller closes them.
 * SP_OWNER_LIST; SP_WRONG_IDENTITY when none opens.
 */
export function openSpaceHistory(list: OwnerList, space: string, identities: readonly Identity[]): Identity[] {
  const { former = [], ...current } = spaceOf(list, space);
  const ours = new Set(identities.map(({ recipient }) => recipient));
  const opened = [current, ...former].filter(({ members }) => members.some((member) => ours.has(member))).map((one) => openSealedIdentity(one, space, identities));
  if (opened.length === 0) throw new SallyportError('SP_WRONG_IDENTITY', { what: `the space ${space}` });
  return opened;
}

function verify({ signed, signature, by }: OwnerFile, what: string): void {
  verifySignature({ message: signed, signature, namespace: ownerNamespace, publicKey: by, what });
}

function openSealedIdentity({ sealed, recipient }: FormerIdentity, space: string, identities: readonly Identity[]): Identity {
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
  const comment = Buffer.from(spaceComment(name), 'latin1');
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
