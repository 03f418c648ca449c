/** A site for a case: cameras on addresses of the suite's own, a real hub, and everything ended with the case. */
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lifetime } from '../../../src/base/lifetime.ts';
import { TestSite, quickConfig, type SiteOptions } from '../../e2e/site.ts';
import type { FaultRun } from '../fault.ts';

/** What the cameras show is made once for all cases. */
export const sceneFolder = join(tmpdir(), 'sallyport-fault-scenes');

/** Cameras of one case lie in a /24 of its own, so that cases run side by side. */
export function firstAddress(run: FaultRun): string {
  return `127.${187 + Math.floor(run.random() * 3)}.${1 + Math.floor(run.random() * 250)}.2`;
}

/** A hub that records `cameras` cameras, segments of 2 s in periods of 10 s unless the configuration says otherwise. */
export async function withSite<T>(run: FaultRun, options: SiteOptions & { cameras?: number }, use: (site: TestSite) => Promise<T>): Promise<T> {
  const life = new Lifetime();
  try {
    const { cameras = 2, ...rest } = options;
    const site = await TestSite.start({ teardown: (end) => life.defer('the site', end) }, {
      folder: run.folder, config: quickConfig(), ...rest,
      emulator: { cameras, firstAddress: firstAddress(run), folder: sceneFolder, ...rest.emulator },
    });
    life.defer('the log', () => writeFile(run.logFile, `${site.log.join('\n')}\n`));
    return await use(site);
  } finally {
    await life.close();
  }
}

/** Looks until it is so; fails when the case's time is over, or `limitMs` have passed. Answers how long it took. */
export async function waitFor(run: FaultRun, what: string, limitMs: number, look: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  for (;;) {
    if (run.signal.aborted) throw run.signal.reason;
    if (await look().catch(() => false)) return performance.now() - began;
    if (performance.now() - began > limitMs) throw new Error(`waited ${Math.round(limitMs / 1000)} s in vain until ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}
