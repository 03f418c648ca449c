/** A sealed segment as it goes to a browser: whole or by ranges, and under a tag that stays. */
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { minuteMs } from '../base/units.ts';

export interface SealedFile {
  readonly size: number;
  /** From `from` up to, but without, `to`. */
  read(from: number, to: number): AsyncIterable<Uint8Array>;
  close(): unknown;
}

/** Who takes a segment slower than that takes it in parts. */
const answerMsMax = 10 * minuteMs;

/** A segment is never written again after its close, so its name is its tag. */
export function segmentTag(params: Readonly<Record<string, string>>): string {
  return `"${params['camera']}.${params['stream']}.${params['seq']}"`;
}

/** All of it, or one range (RFC 9110, 14): more than one at once is answered with all. */
export async function sendSegment(file: SealedFile, tag: string, request: FastifyRequest, reply: FastifyReply, clock: Clock): Promise<FastifyReply> {
  const end = new AbortController();
  const leave = (): void => {
    end.abort();
    void file.close();
  };
  // Whoever has left while the segment was looked up leaves no second time.
  if (reply.raw.destroyed) {
    leave();
    return reply.hijack();
  }
  reply.raw.once('close', leave);
  reply.header('etag', tag).header('accept-ranges', 'bytes').header('cache-control', 'private, max-age=3600').type('application/octet-stream');
  if (request.headers['if-none-match'] === tag) return reply.status(304).send();
  const ifRange = request.headers['if-range'];
  const range = ifRange === undefined || ifRange === tag ? rangeOf(request.headers.range, file.size) : undefined;
  if (range === 'none') {
    reply.header('content-range', `bytes */${file.size}`).header('cache-control', 'no-store');
    throw new SallyportError('SP_PAGE_RANGE', { what: 'the segment', bytes: file.size });
  }
  const { from, to } = range ?? { from: 0, to: file.size };
  if (range !== undefined) reply.status(206).header('content-range', `bytes ${from}-${to - 1}/${file.size}`);
  reply.header('content-length', String(to - from));
  void clock.sleep(answerMsMax, end.signal).then(() => reply.raw.destroy(), () => {});
  return reply.send(Readable.from(file.read(from, to), { objectMode: false }));
}

/** `to` is the first byte after it. Undefined: no range, or none that is understood; `none`: there is no such byte. */
export function rangeOf(header: string | undefined, size: number): { from: number; to: number } | 'none' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec((header ?? '').trim());
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  if (first === '') return Number(last) === 0 || size === 0 ? 'none' : { from: Math.max(0, size - Number(last)), to: size };
  if (last !== '' && Number(last) < Number(first)) return undefined;
  return Number(first) >= size ? 'none' : { from: Number(first), to: last === '' ? size : Math.min(size, Number(last) + 1) };
}
