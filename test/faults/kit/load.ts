/** Times are judged on a machine that has time: where others use it, they are told and not judged. */
import { cpus, loadavg } from 'node:os';

export function loadPerCore(): number {
  return (loadavg()[0] ?? 0) / cpus().length;
}

/** A sentence when `ms` is over the limit and the machine is to blame for nothing. */
export function tooSlow(what: string, ms: number, limitMs: number): string[] {
  return ms > limitMs && loadPerCore() < 1 ? [`${what} took ${Math.round(ms)} ms; the limit is ${limitMs} ms`] : [];
}
