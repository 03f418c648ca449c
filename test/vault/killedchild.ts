/** Children that kill themselves at a step, one after another. */
import { run, type Finished } from '../../src/base/spawn.ts';

/** What this process has compiled need not be compiled by its children. */
export const compiled: Readonly<Record<string, string>> = process.env['NODE_COMPILE_CACHE'] === undefined ? {} : { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] };

export function runKilled(child: string, ...args: readonly string[]): Promise<Finished> {
  return run(process.execPath, ['--disable-warning=ExperimentalWarning', child, ...args], { environment: compiled });
}
