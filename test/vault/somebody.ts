/** People for tests of the vault: numbers and pictures that occur nowhere else. */
import { createHash, randomBytes } from 'node:crypto';
import { vectorLength } from '../../src/policy/faces.ts';
import type { ConsentRecord, NewPerson } from '../../src/vault/vault.ts';
import { start } from './world.ts';

export const dayMs = 86_400_000;
export const page = { who: 'page', account: 'A'.repeat(22) } as const;

export function consentOf(more: Partial<ConsentRecord> = {}): ConsentRecord {
  return { givenBy: 'Grace Murray', recordedBy: page.account, how: 'in person', atMs: start, version: 1, sha256: createHash('sha256').update('the text').digest('hex'), ...more };
}

export function somebody(name = 'Wilhelmina Featherstone', more: Partial<NewPerson> = {}): NewPerson {
  const vectors = [1, 2, 3].map(() => Float32Array.from({ length: vectorLength }, () => randomBytes(4).readInt32LE() / 2 ** 33));
  return { name, consent: consentOf(), lapsesMs: start + 365 * dayMs, forgottenMs: start + 395 * dayMs, model: 'a model:1', vectors, crop: Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), randomBytes(3_000)]), ...more };
}
