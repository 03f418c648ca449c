/**
 * A disk of one's own: ext4 in a file, on a loop device that is new at each mount, in the mount namespace that the runner made. Its
 * power can be cut: EXT4_IOC_SHUTDOWN without flushing the journal drops all that was not synced, as a cut does (it does not reorder
 * what the disk had taken).
 */
import { readdir, readFile, statfs, truncate, unlink, writeFile, open } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../src/base/spawn.ts';

/** Why there can be no disk here, or undefined. */
export function whyNoDisk(): string | undefined {
  if (process.env['SALLYPORT_FAULTS_ISOLATED'] !== '1') return 'mounting needs root and a mount namespace';
  return undefined;
}

/** `_IOR('X', 125, __u32)`, and the flag EXT4_GOING_FLAGS_NOLOGFLUSH. Perl is part of every Debian. */
const shutdown = 'open(my $f, "<", $ARGV[0]) or die "open: $!"; my $flags = pack("L", 2); ioctl($f, 0x8004587d, $flags) or die "ioctl: $!";';

export class LoopDisk {
  readonly image: string;
  readonly at: string;

  private constructor(image: string, at: string) {
    this.image = image;
    this.at = at;
  }

  /** `at` exists and is empty. Mounted when this resolves. */
  static async make(image: string, megabytes: number, at: string): Promise<LoopDisk> {
    await writeFile(image, '');
    await truncate(image, megabytes * 2 ** 20);
    await must('mkfs.ext4', ['-q', '-F', '-m', '0', image]);
    const disk = new LoopDisk(image, at);
    await disk.mount();
    return disk;
  }

  /** One that was made before. */
  static async open(image: string, at: string): Promise<LoopDisk> {
    const disk = new LoopDisk(image, at);
    await disk.mount();
    return disk;
  }

  async mount(): Promise<void> {
    const device = (await must('losetup', ['--find', '--show', this.image])).trim();
    try {
      await must('mount', ['-t', 'ext4', '-o', 'noatime,nosuid,nodev,errors=remount-ro', device, this.at]);
    } finally {
      // From now on the device goes with its last user, however this process ends.
      await run('losetup', ['--detach', device]);
    }
  }

  /** As after an error that the kernel met on the disk: read-only from now on, whoever has files open. */
  async fail(): Promise<void> {
    const mounts = await readFile('/proc/self/mountinfo', 'utf8');
    const device = mounts.split('\n').find((line) => line.includes(` ${this.at} `))?.split(' - ext4 /dev/')[1]?.split(' ')[0];
    if (device === undefined) throw new Error(`${this.at} is not mounted`);
    await writeFile(`/sys/fs/ext4/${device}/trigger_fs_error`, '1');
  }

  /** Looked over by e2fsck, as at a boot, and mounted anew. Whoever holds the old one open keeps a dead disk. */
  async repair(): Promise<void> {
    await must('umount', ['--lazy', this.at]);
    const { status, stdout } = await run('e2fsck', ['-f', '-y', this.image]);
    if (status === null || status > 2) throw new Error(`e2fsck ended with ${status}: ${stdout.toString().slice(-500)}`);
    await this.mount();
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.at);
    return bavail * bsize;
  }

  /** Somebody else's file takes all but `leaveBytes`. */
  async fill(leaveBytes: number): Promise<void> {
    const name = `ballast-${(await readdir(this.at)).filter((entry) => entry.startsWith('ballast-')).length}`;
    const handle = await open(join(this.at, name), 'wx');
    const piece = Buffer.alloc(2 ** 18, 1);
    try {
      while (await this.freeBytes() > leaveBytes) {
        const left = await this.freeBytes() - leaveBytes;
        await handle.write(piece.subarray(0, Math.max(4096, Math.min(piece.length, left))));
        await handle.datasync();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      await handle.close();
    }
  }

  async empty(): Promise<void> {
    for (const name of await readdir(this.at)) if (name.startsWith('ballast-')) await unlink(join(this.at, name));
  }

  /** The power is gone: nothing reaches the disk any more, and what was not synced never will. */
  async cut(): Promise<void> {
    await must('perl', ['-e', shutdown, this.at]);
  }

  /** Gone from this name space, and nothing of it in memory: checked, for a dead file system that somebody still holds would answer from its cache. */
  async unmount(): Promise<void> {
    await must('umount', [this.at]);
    const mounts = await readFile('/proc/self/mountinfo', 'utf8');
    if (mounts.includes(` ${this.at} `)) throw new Error(`${this.at} is still mounted`);
    const devices = (await must('losetup', ['--associated', this.image])).trim();
    if (devices !== '') throw new Error(`the old device is still there, so the old file system lives: ${devices}`);
    await writeFile('/proc/sys/vm/drop_caches', '3');
  }

  /** Pulled while in use: the name leads to an empty folder at once, open files fail. `mount` puts it back. */
  async pull(): Promise<void> {
    await this.cut();
    await must('umount', ['--lazy', this.at]);
  }
}

async function must(command: string, args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run(command, args);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout.toString();
}
