/** Whether the file with the key of the page's own certificate is the hub's alone. */
import { openTo } from '../base/files.ts';

/** `refused`: not to be used, in words. `warning`: used, and said. A group may read it, as that of Debian's `ssl-cert` does. SP_READ. */
export async function judgeKeyFile(path: string): Promise<{ readonly refused?: string; readonly warning?: string }> {
  const who = await openTo(path);
  if (who === 'everybody') return { refused: `${path} can be read by everybody on this machine, or written by others than its owner: \`chmod 600 ${path}\`, and if somebody may have read it, make another key` };
  if (who === 'group') return { warning: `the key of the page's certificate, ${path}, can be read by its group, too: \`chmod 600 ${path}\` where that is not meant` };
  return {};
}
