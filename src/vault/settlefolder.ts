/**
 * What a start does with a data folder, and the return of its disk: every file is a row's again, purges are ended, papers are written. When
 * the database was put back, what happened since comes first.
 */
import { canonicalJson } from '../base/canonical.ts';
import type { Parts } from './parts.ts';
import { completePapers } from './paperwork.ts';
import type { PurgeParts } from './purge.ts';
import { endReconcile, keptFoldersSetting, reconcile, reconcileSetting, type ReconcileOrder, type Reconciliation } from './reconcile.ts';
import { recover, type Kept, type Recovery } from './recover.ts';
import { settleReplacement } from './replaceslot.ts';
import { loadWorkingKey } from './workingkey.ts';

export interface Settled {
  readonly recovery: Recovery;
  readonly reconciliation: Reconciliation | undefined;
}

/** `isInHand`: paths that something else settles, which knows more. */
export async function settleFolder(parts: Parts, purgeParts: PurgeParts, isInHand: (path: string) => boolean, workingKeyFile: string | undefined): Promise<Settled> {
  await settleReplacement(parts, purgeParts.clock.wallMs());
  const { kept, reconciliation } = await bringInLine(parts, purgeParts, workingKeyFile);
  const recovery = await recover(purgeParts, isInHand, kept);
  if (kept.folders.size > 0) await parts.database.call('putSetting', { name: keptFoldersSetting, json: canonicalJson([...kept.folders].sort()) });
  if (kept.putBack) await endReconcile(purgeParts);
  await completePapers(purgeParts);
  return { recovery, reconciliation };
}

async function bringInLine(parts: Parts, purgeParts: PurgeParts, workingKeyFile: string | undefined): Promise<{ kept: Kept; reconciliation: Reconciliation | undefined }> {
  const setting = async (name: string): Promise<unknown> => JSON.parse(await parts.database.call('setting', { name }) ?? 'null');
  const folders = new Set(((await setting(keptFoldersSetting)) ?? []) as string[]);
  const order = (await setting(reconcileSetting)) as ReconcileOrder | null;
  if (order === null) return { kept: { folders, unknownKeys: false, putBack: false }, reconciliation: undefined };
  const workingKey = await loadWorkingKey({ folder: parts.folder, ...(workingKeyFile === undefined ? {} : { credential: workingKeyFile }), mayCreate: false });
  const hub = workingKey.hubIdentity();
  workingKey.close();
  try {
    const reconciliation = await reconcile(purgeParts, hub, order);
    return { kept: { folders, unknownKeys: reconciliation.unknownSlots > 0, putBack: true }, reconciliation };
  } finally {
    hub.close();
  }
}
