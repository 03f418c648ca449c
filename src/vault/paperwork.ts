/** Signed papers on disk: receipts, checkpoints and the hub's public key, each JSON beside its SSHSIG, all of them also in the database. */
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { fileExists, listFolder, readTextBounded, removeFile, writeFileAtomic } from '../base/files.ts';
import type { Signer } from '../seal/sshsig.ts';
import { checkpointFilesMax, checkpointJson, checkpointNamespace } from './checkpoints.ts';
import type { WorkingDatabase } from './database.ts';
import type { SignedText } from './receipts.ts';

export interface PaperParts {
  readonly folder: string;
  readonly clock: Clock;
  readonly database: WorkingDatabase;
  readonly signer: Signer;
}

export function receiptFile(folder: string, number: number): string {
  return join(folder, 'receipts', `${number}.json`);
}

export function checkpointFile(folder: string, number: number): string {
  return join(folder, 'checkpoints', `${number}.json`);
}

export function publicKeyFile(folder: string): string {
  return join(folder, 'hub.pub');
}

/** Signs where everything stands, into the table and then onto the disk; the oldest files beyond the newest few leave. Not for two callers at once. */
export async function issueCheckpoint(parts: PaperParts): Promise<{ number: number; file: string }> {
  const facts = await parts.database.call('checkpointFacts', { atMs: parts.clock.wallMs() });
  const json = checkpointJson(facts);
  const signed = { number: facts.number, json, signature: parts.signer.sign(json, checkpointNamespace) };
  await parts.database.call('addCheckpoint', { facts, signed });
  const file = checkpointFile(parts.folder, facts.number);
  await writeSigned(file, signed);
  await removeSigned(checkpointFile(parts.folder, facts.number - checkpointFilesMax));
  return { number: facts.number, file };
}

export async function fileReceipt(folder: string, signed: SignedText): Promise<string> {
  const file = receiptFile(folder, signed.number);
  await writeSigned(file, signed);
  return file;
}

/** Writes what a kill kept from the disk, and removes checkpoints that are not among the newest. Other files are left alone. */
export async function completePapers(parts: PaperParts): Promise<void> {
  const publicKey = `${parts.signer.publicKey} sallyport-hub\n`;
  const file = publicKeyFile(parts.folder);
  if (!(await fileExists(file)) || (await readTextBounded(file, 1_000)) !== publicKey) await writeFileAtomic(file, publicKey, 0o644);

  const onDisk = new Set(await listFolder(join(parts.folder, 'receipts')));
  for (const number of await parts.database.call('receiptNumbers')) {
    if (onDisk.has(`${number}.json`) && onDisk.has(`${number}.json.sig`)) continue;
    const receipt = await parts.database.call('receipt', { number });
    if (receipt !== undefined) await fileReceipt(parts.folder, receipt);
  }

  const newest = await parts.database.call('newestCheckpoints', { limit: checkpointFilesMax });
  const names = new Set(await listFolder(join(parts.folder, 'checkpoints')));
  for (const signed of newest) {
    if (!names.has(`${signed.number}.json`) || !names.has(`${signed.number}.json.sig`)) await writeSigned(checkpointFile(parts.folder, signed.number), signed);
  }
  const oldestKept = newest.at(-1)?.number ?? 0;
  for (const name of names) {
    const number = Number(/^(\d{1,15})\.json(\.sig)?$/.exec(name)?.[1] ?? Number.NaN);
    if (number < oldestKept) await removeFile(join(parts.folder, 'checkpoints', name));
  }
}

export async function removeSigned(file: string): Promise<void> {
  await removeFile(file);
  await removeFile(`${file}.sig`);
}

/** The signature first: a JSON file on disk always has it beside it. */
async function writeSigned(file: string, { json, signature }: SignedText): Promise<void> {
  await writeFileAtomic(`${file}.sig`, signature, 0o644);
  await writeFileAtomic(file, json, 0o644);
}
