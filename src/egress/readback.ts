/** The last word on what a store holds: reading it. */
import { createHash } from 'node:crypto';
import type { Source, Store } from './destination.ts';

const pieceBytes = 2 ** 22;

/** Whether the store gives back exactly what was sent. SP_FAR_… of `get`. */
export async function givesBack(store: Pick<Store, 'get'>, object: string, source: Source, signal: AbortSignal): Promise<boolean> {
  const hash = createHash('sha256');
  for (let at = 0; at < source.bytes; at += pieceBytes) hash.update(await store.get(object, at, Math.min(pieceBytes, source.bytes - at), signal));
  return hash.digest('hex') === source.sha256;
}
