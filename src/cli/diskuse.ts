/** The disk of a data folder, and what each camera's footage takes of it, without its hub. */
import { opendir, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** More files than this are not counted: what is told is then less than what is there. */
const filesMax = 200_000;

export interface DiskUse {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly footage: ReadonlyMap<string, number>;
}

/** Of the nearest folder that is there, for a data folder that is still to be made; undefined when none can be asked. */
export async function diskUse(data: string): Promise<DiskUse | undefined> {
  for (let folder = data; ; folder = dirname(folder)) {
    try {
      const facts = await statfs(folder);
      return { freeBytes: facts.bavail * facts.bsize, totalBytes: facts.blocks * facts.bsize, footage: await footageOf(join(data, 'footage')) };
    } catch {
      if (folder === dirname(folder)) return undefined;
    }
  }
}

async function footageOf(folder: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  let files = 0;
  try {
    for await (const entry of await opendir(folder, { recursive: true })) {
      if (!entry.isFile()) continue;
      if (++files > filesMax) break;
      const path = join(entry.parentPath, entry.name);
      const camera = path.slice(folder.length + 1).split('/')[0] ?? '';
      sizes.set(camera, (sizes.get(camera) ?? 0) + (await stat(path)).size);
    }
  } catch {
    // Nothing is recorded yet, or it may not be read by whoever checks: then it counts as nothing.
  }
  return sizes;
}
