/** Who the hub seals for: the owner's signed list, trusted at its first sight and from then on only with the same signer. */
import { SallyportError, asSallyportError } from '../base/errors.ts';
import { fileExists, readTextBounded } from '../base/files.ts';
import type { Log } from '../base/log.ts';
import { readOwnerList, slotRecipients, type OwnerList } from '../seal/owner.ts';
import type { AuditEntry } from '../vault/audit.ts';
import type { Vault } from '../vault/vault.ts';

const listBytesMax = 2 ** 20;
const listName = 'owner list';
/** The number of the newest list that came by the page. */
const pageNumberName = 'owner list page';

export interface Owner {
  readonly list: OwnerList | undefined;
  /** Why there is no list, or why a newer one was not taken. */
  readonly problem: SallyportError | undefined;
}

/**
 * Reads the list at `path`. A list signed by somebody else, or an older one, is not taken: the one known before stays in force,
 * so that whoever can write the file cannot slip in a recipient.
 */
export async function loadOwner(path: string | undefined, vault: Vault, log: Log): Promise<Owner> {
  const stored = await vault.setting(listName);
  const known = typeof stored === 'string' ? readOwnerList(stored, 'the stored owner list') : undefined;
  if (path === undefined || (known === undefined && !(await fileExists(path)))) return { list: known, problem: known === undefined ? new SallyportError('SP_NO_OWNER') : undefined };
  try {
    const text = await readTextBounded(path, listBytesMax);
    const list = readOwnerList(text, path);
    if (known !== undefined && list.signer !== known.signer) throw new SallyportError('SP_OWNER_LIST', { file: path, reason: 'it is signed by another owner than before' });
    // What the page took since is newer than what lies there, and that is as it should be.
    if (known !== undefined && list.number < known.number && (await vault.setting(pageNumberName)) === known.number) return { list: known, problem: undefined };
    if (known !== undefined && list.number < known.number) throw new SallyportError('SP_OWNER_LIST', { file: path, reason: 'it is older than the one in force' });
    if (text !== stored) {
      await vault.putSetting(listName, text);
      await vault.audit(takenLine(list));
    }
    return { list, problem: undefined };
  } catch (error) {
    const problem = asSallyportError(error);
    log.error({ component: 'owner', code: problem.code }, problem.message);
    return { list: known, problem };
  }
}

/** A list that came by the page: newer than the one in force, by the same owner. Answers it with what is to be remembered. SP_OWNER_LIST. */
export async function judgePageList(text: string, vault: Pick<Vault, 'setting'>): Promise<{ list: OwnerList; settings: { name: string; value: string | number }[]; entries: AuditEntry[] }> {
  const file = 'of the page';
  if (Buffer.byteLength(text) > listBytesMax) throw new SallyportError('SP_OWNER_LIST', { file, reason: `it is larger than ${listBytesMax} bytes` });
  const stored = await vault.setting(listName);
  const known = typeof stored === 'string' ? readOwnerList(stored, 'the stored owner list') : undefined;
  const list = readOwnerList(text, file);
  if (known !== undefined && list.signer !== known.signer) throw new SallyportError('SP_OWNER_LIST', { file, reason: 'it is signed by another owner than before' });
  if (known !== undefined && list.number <= known.number) throw new SallyportError('SP_OWNER_LIST', { file, reason: 'it is not newer than the one in force' });
  return {
    list,
    settings: [{ name: listName, value: text }, { name: pageNumberName, value: list.number }],
    entries: [takenLine(list)],
  };
}

/** The text of the list in force, for the devices that open their spaces with it. */
export async function ownerListText(vault: Pick<Vault, 'setting'>): Promise<string | undefined> {
  const stored = await vault.setting(listName);
  return typeof stored === 'string' ? stored : undefined;
}

function takenLine(list: OwnerList): AuditEntry {
  return { what: 'owner.list-taken', who: 'owner', detail: { number: list.number, signer: list.signer, spaces: list.spaces.map((space) => space.name) } };
}

/** Kit and space of a camera; nobody when there is no owner or no such space, and then nothing is recorded. */
export function recipientsOf(owner: Owner, space: string): readonly string[] {
  return owner.list === undefined || !owner.list.spaces.some((known) => known.name === space) ? [] : slotRecipients(owner.list, space);
}
