/** Who the hub seals for: the owner's signed list, trusted at its first sight, and from then on only with the signature of its kit or of a device in it. */
import { SallyportError, asSallyportError } from '../base/errors.ts';
import { fileExists, readTextBounded } from '../base/files.ts';
import type { Log } from '../base/log.ts';
import { ownerKeys, readOwnerList, readTakenOwnerList, slotRecipients, type OwnerList } from '../seal/owner.ts';
import type { Vault } from '../vault/vault.ts';

const listBytesMax = 2 ** 20;
const kitsBeforeName = 'owner kits before';

export interface Owner {
  readonly list: OwnerList | undefined;
  /** Why there is no list, or why a newer one was not taken. */
  readonly problem: SallyportError | undefined;
}

/**
 * The list in force, after a newer one at `path` was taken. A list signed by somebody else is not taken: the one known before stays in
 * force, so that whoever can write the file cannot slip in a recipient. One that is not there, or that is older than what the page has brought since is no problem.
 */
export async function loadOwner(path: string | undefined, vault: Vault, log: Log): Promise<Owner> {
  const stored = await ownerListText(vault);
  const known = stored === undefined ? undefined : readTakenOwnerList(stored, 'the stored owner list');
  if (path === undefined || !(await fileExists(path))) {
    if (path !== undefined && known !== undefined) log.info({ component: 'owner', number: known.number }, `${path} is not there, and need not be: the owner's list in force is kept in the working database`);
    return { list: known, problem: known === undefined ? new SallyportError('SP_NO_OWNER') : undefined };
  }
  try {
    const text = await readTextBounded(path, listBytesMax);
    if (known !== undefined && isOlderOf(known, await kitsBefore(vault), text, path)) return { list: known, problem: undefined };
    return { list: await takeOwnerList(text, path, vault), problem: undefined };
  } catch (error) {
    const problem = asSallyportError(error);
    log.error({ component: 'owner', code: problem.code }, problem.message);
    return { list: known, problem };
  }
}

/** Text of the list in force. */
export async function ownerListText(vault: Pick<Vault, 'setting'>): Promise<string | undefined> {
  const stored = await vault.setting('owner list');
  return typeof stored === 'string' ? stored : undefined;
}

/** Texts of the lists before it, the oldest first: whoever knew one of them follows them to the one in force. */
export async function earlierOwnerLists(vault: Vault): Promise<string[]> {
  const stored = await vault.setting('owner lists before');
  return Array.isArray(stored) ? stored.filter((text) => typeof text === 'string') : [];
}

/** Puts a newer list in force, from wherever it came. SP_OWNER_LIST names `what`; then nothing has changed. The caller sees to it that slots are sealed by it from then on. */
export async function takeOwnerList(text: string, what: string, vault: Vault): Promise<OwnerList> {
  if (text.length > listBytesMax) throw new SallyportError('SP_OWNER_LIST', { file: what, reason: `it has ${text.length} characters` });
  const stored = await ownerListText(vault);
  const list = readOwnerList(text, what, stored);
  if (text !== stored) {
    // First what came before: a list without its way here could not be followed by a device that was away.
    if (stored !== undefined) await vault.putSetting('owner lists before', withinBounds([...(await earlierOwnerLists(vault)), stored]));
    await vault.putSetting('owner list', text);
    const before = stored === undefined ? undefined : readTakenOwnerList(stored, what);
    if (before !== undefined && before.kit !== list.kit) {
      await vault.putSetting(kitsBeforeName, [...(await kitsBefore(vault)), before.signer]);
      await vault.audit({ what: 'owner.kit-replaced', who: 'owner', detail: { number: list.number, signer: list.signer } });
    }
    await vault.audit({ what: 'owner.list-taken', who: 'owner', detail: { number: list.number, signer: list.signer, spaces: list.spaces.map((space) => space.name), devices: (list.devices ?? []).length } });
  }
  return list;
}

/**
 * Whether a list brings another kit than the one in force. Then `confirmed` must be the list after it, signed by the new kit: so nobody is left with a kit that
 * does not exist, and who comes back with it finds a list of its own. Nothing is put in force. SP_OWNER_LIST.
 */
export async function bringsKit(text: string, confirmed: string | undefined, what: string, vault: Pick<Vault, 'setting'>): Promise<boolean> {
  const stored = await ownerListText(vault);
  const list = readOwnerList(text, what, stored);
  if (confirmed !== undefined) {
    readOwnerList(confirmed, what, text);
    if (readOwnerList(confirmed, what).kit !== list.kit) throw new SallyportError('SP_OWNER_LIST', { file: what, reason: 'another kit has signed the list after it' });
  }
  const brings = stored !== undefined && readTakenOwnerList(stored, what).kit !== list.kit;
  if (brings && confirmed === undefined) throw new SallyportError('SP_OWNER_LIST', { file: what, reason: 'the new kit has not signed the list after it' });
  return brings;
}

/** Kit and space of a camera; nobody when there is no owner or no such space, and then nothing is recorded. */
export function recipientsOf(owner: Owner, space: string): readonly string[] {
  return owner.list === undefined || !owner.list.spaces.some((known) => known.name === space) ? [] : slotRecipients(owner.list, space);
}

/** A list of the same owner with a lower number, as the file is that was there first; of a kit that was replaced since, too. SP_OWNER_LIST when it is no list. */
function isOlderOf(known: OwnerList, kits: readonly string[], text: string, path: string): boolean {
  const list = readTakenOwnerList(text, path);
  return list.number < known.number && [...ownerKeys(known), ...kits].includes(list.signer);
}

/** Public keys of the kits that were replaced: they sign nothing any more, and a file from their time is no stranger's. */
async function kitsBefore(vault: Pick<Vault, 'setting'>): Promise<string[]> {
  const stored = await vault.setting(kitsBeforeName);
  return Array.isArray(stored) ? stored.filter((signer) => typeof signer === 'string') : [];
}

/** The latest of them, together no longer than one list may be. */
function withinBounds(texts: readonly string[]): string[] {
  let left = listBytesMax;
  const first = texts.findLastIndex((text) => (left -= text.length) < 0);
  return texts.slice(first + 1);
}
