/** Two folders and a clock that the test moves, with real sealed things to put in. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../src/base/clock.ts';
import { Identity } from '../../src/seal/identity.ts';
import { Sealed } from '../../src/seal/sealed.ts';

export const start = Date.UTC(2026, 10, 24, 3);

export class TestClock implements Clock {
  nowMs = start;
  wallMs(): number { return this.nowMs; }
  monotonicMs(): number { return this.nowMs - start + 1_000_000; }
  async sleep(): Promise<void> { await new Promise((resolve) => setImmediate(resolve)); }
}

export const owner = Identity.generate();

/** Sealed for `owner`; of a Padmé size. */
export function sealedText(text: string | Uint8Array): Sealed {
  return Sealed.text(Buffer.from(text), [owner.recipient]);
}

export interface Folders { readonly out: string; readonly back: string; readonly state: string }

export function folders(folder: string): Folders {
  const made = { out: join(folder, 'out'), back: join(folder, 'back'), state: join(folder, 'state') };
  for (const path of Object.values(made)) mkdirSync(path);
  return made;
}
