/** The cases, found by listing `cases/`. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { sameId, type FaultCase } from './fault.ts';

const folder = join(import.meta.dirname, 'cases');

/** By their numbers; what has none comes last. */
export async function allCases(): Promise<FaultCase[]> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts')).toSorted();
  const cases = await Promise.all(files.map(async (name) => ((await import(join(folder, name))) as { default: FaultCase }).default));
  return cases.toSorted((a, b) => numberOf(a) - numberOf(b));
}

export async function findCase(id: string): Promise<FaultCase> {
  const found = (await allCases()).find((fault) => sameId(fault.id, id));
  if (found === undefined) throw new Error(`there is no case ${id}`);
  return found;
}

function numberOf(fault: FaultCase): number {
  const match = /^R(\d+)/.exec(fault.id);
  return match === null ? Infinity : Number(match[1]);
}
