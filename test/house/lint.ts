import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const oxlint = fileURLToPath(new URL('../../node_modules/oxlint/bin/oxlint', import.meta.url));

/** Runs the linter in a folder. `env -u`: it must not run under the test runner's loader, with which it does not start. */
export function lint(folder: string, places: readonly string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('env', ['-u', 'NODE_OPTIONS', process.execPath, oxlint, '--deny-warnings', ...places], { cwd: folder, encoding: 'utf8' });
  return { status, said: stdout + stderr };
}
