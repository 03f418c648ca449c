import { fileExists } from './files.ts';
import { run } from './spawn.ts';

/**
 * Whether this machine's clock is kept by a time server: systemd-timesyncd's mark, else what the kernel says through timedatectl
 * (chrony and ntpd set that too). A machine with neither is not synchronised; `time.source = "system"` is for those with a real clock.
 */
export async function clockSynchronised(): Promise<boolean> {
  if (await fileExists('/run/systemd/timesync/synchronized')) return true;
  try {
    const { status, stdout } = await run('timedatectl', ['show', '-p', 'NTPSynchronized', '--value'], { timeoutMs: 2000 });
    return status === 0 && stdout.toString().trim() === 'yes';
  } catch {
    return false;
  }
}
