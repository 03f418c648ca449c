/** One fault after the other. What one found is kept when a later one breaks off or the time is over. */
import type { FaultRun } from '../fault.ts';

export interface Repeated {
  readonly injected: number;
  readonly problems: string[];
}

/** `once` answers what is wrong after fault n (from 1). The first fault that breaks off is the last. */
export async function repeat(run: FaultRun, what: string, times: number, once: (n: number) => Promise<readonly string[]>): Promise<Repeated> {
  const problems: string[] = [];
  for (let n = 1; n <= times; n++) {
    if (n > 1 && run.almostOver()) {
      run.say(`the time is nearly over: ${n - 1} of ${times}`);
      return { injected: n - 1, problems };
    }
    try {
      problems.push(...(await once(n)).map((problem) => `${what} ${n}: ${problem}`));
    } catch (error) {
      const why = run.signal.aborted ? (run.signal.reason as Error) : (error as Error);
      return { injected: n, problems: [...problems, `${what} ${n} of ${times} broke off: ${(why.stack ?? why.message).slice(0, 1000)}`] };
    }
  }
  return { injected: times, problems };
}
