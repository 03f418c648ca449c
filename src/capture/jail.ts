/**
 * The only file that knows the jail's launcher (`native/jail.c`): it turns a program, its arguments and the one port it may connect to
 * into a start in the jail. What this kernel gives is asked once; each start then demands exactly that, so what `status` says is so.
 */
import { SallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import { joinPath } from '../base/files.ts';
import type { Log } from '../base/log.ts';
import { launch, run, type Child, type Finished, type LaunchOptions } from '../base/spawn.ts';
import { jailLevels, type JailLevel } from '../policy/settings.ts';

export type { JailLevel } from '../policy/settings.ts';

export interface JailFacts {
  readonly launcher: string;
  readonly level: JailLevel;
  /** The ABI of Landlock that is used; 0 where there is none. */
  readonly landlock: number;
  readonly seccomp: boolean;
  /** Why the launcher does not run; then the level is `off` and nothing at all is confined. */
  readonly missing: string | undefined;
}

export const jailLauncher = joinPath(import.meta.dirname, '../../native/build/jail');
/** What `Cell.readsAhead` starts a program with (`native/ahead.c`). */
const aheadLibrary = joinPath(import.meta.dirname, '../../native/build/ahead');

/** Asks the launcher what this kernel gives. `abiMax` pretends an older one. */
export async function probeJail(o: { readonly log: Log; readonly launcher?: string; readonly abiMax?: number }): Promise<JailFacts> {
  const launcher = o.launcher ?? jailLauncher;
  const facts = await askLauncher(launcher, o.abiMax);
  const { level, landlock, seccomp, missing } = facts;
  o.log.info({ component: 'capture', level, landlock, seccomp, missing }, missing === undefined ? `ffmpeg is confined at level ${level}` : 'ffmpeg is not confined: its jail is missing');
  return facts;
}

export interface JailOptions {
  readonly facts: JailFacts;
  /** The least level that is accepted. */
  readonly need: JailLevel;
  readonly abiMax?: number;
}

/** What a program in the jail may have; the rest is the launcher's. */
export interface Cell {
  /** The one TCP port that it may connect to; without one it has no socket at all. */
  readonly port?: number;
  /** CPU time until it is killed; a week when absent. */
  readonly cpuSeconds?: number;
  /** It reads its connection in large pieces, whatever it asks for; same bytes, half the CPU time (docs/decisions/002-where-the-cpu-goes.md). */
  readonly readsAhead?: boolean;
  /** Files and folders that it may read beside the shared libraries; at most 16. */
  readonly reads?: readonly string[];
  /** Memory that it may fill (512), and address space that it may reserve beside (1536). */
  readonly memoryMib?: number;
  readonly spaceMib?: number;
  /** It steps back before other programs, from 0 to 19. */
  readonly nice?: number;
}

export class Jail {
  readonly #o: JailOptions;

  constructor(o: JailOptions) {
    this.#o = o;
  }

  get facts(): JailFacts {
    return this.#o.facts;
  }

  get need(): JailLevel {
    return this.#o.need;
  }

  /** Why nothing may be started here; undefined when all is well. */
  get problem(): SallyportError | undefined {
    const { facts: { launcher, level, missing }, need } = this.#o;
    if (jailLevels.indexOf(level) >= jailLevels.indexOf(need)) return undefined;
    if (missing !== undefined) return new SallyportError('SP_JAIL_MISSING', { path: launcher, reason: missing });
    return new SallyportError('SP_JAIL_LEVEL', { level, need });
  }

  /** As `launch` of base/spawn, in the jail. SP_JAIL_MISSING, SP_JAIL_LEVEL. */
  async launch(program: string, args: readonly string[], options: LaunchOptions & Cell = {}): Promise<Child> {
    return launch(...this.#inJail(program, args, options), options);
  }

  /** As `run` of base/spawn, in the jail. SP_JAIL_MISSING, SP_JAIL_LEVEL; SP_TOOL_MISSING when the program is not there. */
  async run(program: string, args: readonly string[], options: Parameters<typeof run>[2] & Cell = {}): Promise<Finished> {
    const finished = await run(...this.#inJail(program, args, options), options);
    if (finished.status === notThere && finished.stderr.startsWith('jail: ')) throw new SallyportError('SP_TOOL_MISSING', { tool: program, package: options.package ?? program });
    return finished;
  }

  #inJail(program: string, args: readonly string[], { port, cpuSeconds, readsAhead, reads = [], memoryMib, spaceMib, nice }: Cell): [string, string[]] {
    const { facts, abiMax } = this.#o;
    if (this.problem !== undefined) throw this.problem;
    if (facts.missing !== undefined) return [program, [...args]];
    return [facts.launcher, [
      ...option('--port', port), '--need', facts.level, ...option('--abi-max', abiMax), ...option('--cpu', cpuSeconds),
      ...option('--memory', memoryMib), ...option('--space', spaceMib), ...option('--nice', nice), ...reads.flatMap((path) => ['--read', path]),
      ...(readsAhead === true ? ['--preload', aheadLibrary] : []),
      // Whoever dies between spawn and the launcher's first step would leave an orphan.
      '--parent', String(process.pid), '--', program, ...args,
    ]];
  }
}

/** The launcher's exit status for a program that is not there. */
const notThere = 127;

function option(name: string, value: number | undefined): string[] {
  return value === undefined ? [] : [name, String(value)];
}

async function askLauncher(launcher: string, abiMax: number | undefined): Promise<JailFacts> {
  const none = (missing: string): JailFacts => ({ launcher, level: 'off', landlock: 0, seccomp: false, missing });
  try {
    const { stdout, stderr, status } = await run(launcher, ['--probe', ...option('--abi-max', abiMax)], { timeoutMs: 10_000, stdoutBytesMax: 4096 });
    if (status !== 0) return none(stderr.slice(0, 200) || `it ended with ${status}`);
    const said = JSON.parse(stdout.toString()) as { level: JailLevel; landlock: number; seccomp: boolean };
    return { launcher, level: said.level, landlock: said.landlock, seccomp: said.seccomp, missing: undefined };
  } catch (error) {
    return none(isSallyportError(error, 'SP_TOOL_MISSING') ? 'it was not built' : reasonOf(error));
  }
}
