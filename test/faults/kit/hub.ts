/** The hub's life in a case: killed, started again, recording again. */
import type { TestSite } from '../../e2e/site.ts';
import type { FaultRun } from '../fault.ts';
import { waitFor } from './faultsite.ts';

const patienceMs = 60_000;

export async function allRecord(site: TestSite): Promise<boolean> {
  const { cameras } = await site.status();
  return cameras.length === site.cameras.length && cameras.every(({ recording }) => recording);
}

/** Answers how long it took. */
export function untilAllRecord(run: FaultRun, site: TestSite, limitMs = patienceMs): Promise<number> {
  return waitFor(run, 'every camera records again', limitMs, () => allRecord(site));
}

/** Each camera has sealed a segment since now. */
export async function untilAllSeal(run: FaultRun, site: TestSite, limitMs = patienceMs): Promise<number> {
  const sealed = async (): Promise<Map<string, number>> => new Map((await site.status()).cameras.map(({ camera, segmentsSealed }) => [camera, segmentsSealed]));
  const before = await sealed();
  return waitFor(run, 'every camera seals a segment', limitMs, async () => {
    const now = await sealed();
    return now.size === site.cameras.length && [...now].every(([camera, count]) => count > (before.get(camera) ?? 0));
  });
}

/** Starts the hub; answers how long it took until every camera records. */
export async function startAndRecord(run: FaultRun, site: TestSite): Promise<number> {
  const began = performance.now();
  await site.startHub();
  await untilAllRecord(run, site);
  return performance.now() - began;
}

/** A stream that brought pictures for so long is taken again as if nothing had been (policy/supervision). */
export const worthARestartMs = 11_000;

/** Up to `ms`, ended by the case's end. */
export function pause(run: FaultRun, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      run.signal.removeEventListener('abort', done);
      resolve();
    }
    run.signal.addEventListener('abort', done, { once: true });
  });
}
