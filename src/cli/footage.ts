/** What the commands share that open footage: the folder, the kit, the times, and telling the hub's audit about it. */
import { systemClock } from '../base/clock.ts';
import { parseTime } from '../base/units.ts';
import { Archive } from '../vault/archive.ts';
import type { Identity } from '../seal/identity.ts';
import { callHub } from './control.ts';
import { configOf, dataOf, identitiesOf } from './command.ts';

export const footageOptionsHelp = `
  --identity KIT   the recovery kit, or another age identity that may see it (else $SALLYPORT_IDENTITY)
  --data FOLDER    a data folder, or a copy of one: no running hub and no working key is needed
                   (else the configuration's)
Times: 2026-11-24T05:00:00Z, "2026-11-24 05:00" (local time), now, or "-10 min".`;

/** Opens the archive for as long as `work` takes; identities are wiped afterwards. */
export async function withArchive<T>(command: string, values: { data?: string | undefined; config?: string | undefined; identity?: string | undefined }, work: (archive: Archive, identities: Identity[]) => Promise<T>): Promise<T> {
  const identities = await identitiesOf(command, values.identity);
  try {
    const archive = await Archive.open(await dataOf(values), identities, {});
    try {
      return await work(archive, identities);
    } finally {
      await archive.close();
    }
  } finally {
    for (const identity of identities) identity.close();
  }
}

export function timeOf(command: string, text: string | undefined, fallback: number): number {
  return text === undefined ? fallback : parseTime(text, systemClock.wallMs(), command);
}

/**
 * Tells a running hub that its footage is opened, for the audit. Footage of a copied folder has no hub to tell: then there is
 * nothing to do, and nobody could enforce it, because the keys are the owner's.
 */
export async function noteInAudit(values: { data?: string | undefined; config?: string | undefined }, what: 'playback' | 'export', camera: string, fromMs: number, toMs: number): Promise<void> {
  if (values.data !== undefined && values.config === undefined) return;
  try {
    await callHub((await configOf(values.config)).socket, 'note', { what, camera, fromMs: Math.round(fromMs), toMs: Math.round(toMs) });
  } catch {
    // No hub runs here, or another one than this folder's: see above.
  }
}
