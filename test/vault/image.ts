/** A disk of a test's own, in a file that can be read block by block, with what was unlinked there. For root alone. */
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { run } from '../../src/base/spawn.ts';
import { blockBytes } from './pages.ts';

const imageBytes = 32 * 2 ** 20;

/** Mounts it at the folder, which is made. Answers why there can be none here, or undefined. */
export async function mountImage(image: string, at: string, o: { isMade?: boolean } = {}): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'skipped: file systems are mounted by root only';
  await mkdir(at, { recursive: true });
  if (o.isMade !== true) {
    await writeFile(image, '');
    await truncate(image, imageBytes);
    const made = await run('mkfs.ext4', ['-q', '-F', '-b', String(blockBytes), image], { package: 'e2fsprogs' });
    if (made.status !== 0) throw new Error(made.stderr);
  }
  const mounted = await run('mount', ['-o', 'loop,noatime', image, at]);
  return mounted.status === 0 ? undefined : `skipped: no loop device can be mounted here (${mounted.stderr.trim()})`;
}

/** What was written is in the image when this resolves. */
export async function syncImage(at: string): Promise<void> {
  const { status, stderr } = await run('sync', ['-f', at]);
  if (status !== 0) throw new Error(stderr);
}

export async function unmountImage(at: string): Promise<void> {
  await run('umount', ['-l', at]);
}
