/**
 * A fault class: what is done to a real hub, and what must follow. One file a class in `cases/`, its default export a FaultCase;
 * `run.ts` finds them by listing the folder. docs/RELIABILITY.md is made from what they answer.
 */

export interface FaultCase {
  /** 'R7' */
  readonly id: string;
  /** What is done. */
  readonly fault: string;
  /** What must follow. */
  readonly expected: string;
  /** How long one run may take; beyond it the case has failed. 60 s when quick, 8 minutes else. */
  readonly limitMs?: { readonly quick: number; readonly all: number };
  /** In `--all` the case is run so many times, each as a part of its own under 9 minutes, so that a run can be resumed (1). */
  readonly parts?: number;
  /** Takes longer than a quick run may: `--all` and `--only` run it. */
  readonly notQuick?: true;
  /** The parts go on in one folder, in order, and none is run alone. */
  readonly oneFolder?: boolean;
  run(o: FaultRun): Promise<FaultOutcome>;
}

export interface FaultRun {
  /** Empty, short enough for a unix socket, and removed afterwards. */
  readonly folder: string;
  readonly quick: boolean;
  /** Kept after the run: what the hub said, for whoever looks for the reason of a failure. */
  readonly logFile: string;
  /** From 1 to `parts`. */
  readonly part: number;
  readonly parts: number;
  /** Aborted at the case's limit: stop what you started. */
  readonly signal: AbortSignal;
  /** Four fifths of the time have gone: begin no further fault, and tell how many there were. */
  almostOver(): boolean;
  /** From the printed seed: the same order of faults for the same seed. */
  readonly random: () => number;
  say(line: string): void;
}

export interface FaultOutcome {
  /** How often. */
  readonly injected: number;
  /** In words and figures. */
  readonly lost: string;
  /** From the fault, or from its end where it lasts, to recording again. */
  readonly recoveryMs: readonly number[];
  /** Empty: passed. */
  readonly problems: readonly string[];
  readonly figures?: Readonly<Record<string, string | number>>;
  /** Why it cannot be tried yet or here; then it counts as neither passed nor failed. */
  readonly notHere?: string;
}

/** For a case that cannot be tried on this machine, or not yet. */
export function notHere(why: string): FaultOutcome {
  return { injected: 0, lost: '', recoveryMs: [], problems: [], notHere: why };
}

/** `R7` → `r7`, `random-hour` stays; what `--only` compares. */
export function sameId(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
