/** The last word on what a store holds: reading it. And a word of the store's own that says as much: a hash of all of it. */
import { createHash } from 'node:crypto';
import { SallyportError } from '../base/errors.ts';
import type { Source } from './destination.ts';
import { refusedBy, type Answer, type Request } from './http.ts';

const pieceBytes = 2 ** 20;

export interface ReadBack {
  readonly name: string;
  readonly object: string;
  readonly source: Source;
  readonly nowMs: number;
  /** Asks for all of it, with the right to get. */
  ask(request: Pick<Request, 'method' | 'answerBytesMax' | 'onPiece'>): Promise<Answer>;
}

/** Whether the store gives back exactly what was sent; nothing of it is kept in memory. SP_FAR_… of `get`. */
export async function givesBack({ name, object, source, nowMs, ask }: ReadBack): Promise<boolean> {
  const hash = createHash('sha256');
  let bytes = 0;
  const answer = await ask({ method: 'GET', answerBytesMax: source.bytes, onPiece: (piece) => { hash.update(piece); bytes += piece.length; } });
  if (answer.status !== 200) throw refusedBy(name, 'get', object, answer, nowMs);
  if (bytes !== source.bytes) throw new SallyportError('SP_FAR_ANSWER', { destination: name, reason: `${bytes} bytes came of ${object} where ${source.bytes} were sent` });
  return hash.digest('hex') === source.sha256;
}

/** In hexadecimal digits. */
export async function hashOfAll(source: Source, algorithm: 'md5' | 'sha1' | 'sha256'): Promise<string> {
  const hash = createHash(algorithm);
  const room = Buffer.allocUnsafeSlow(Math.min(pieceBytes, source.bytes));
  for (let at = 0; at < source.bytes; at += pieceBytes) hash.update(await source.read(at, Math.min(pieceBytes, source.bytes - at), room));
  return hash.digest('hex');
}
