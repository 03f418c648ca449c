/** The terminal's end of the control socket. */
import { request } from 'node:http';
import { SallyportError } from '../base/errors.ts';
import type { ReplyOf, RequestOf, RouteName } from '../api/contract.ts';

const replyBytesMax = 64 * 2 ** 20;

/** Calls a route of the hub. SP_NO_DAEMON when none listens; otherwise the hub's own coded error. */
export async function callHub<R extends RouteName>(socket: string, route: R, body: RequestOf<R>): Promise<ReplyOf<R>> {
  const { status, text } = await post(socket, `/v1/${route}`, JSON.stringify(body));
  const reply = JSON.parse(text) as { error?: { code?: unknown; message?: unknown; evidence?: unknown } };
  if (status !== 200) throw SallyportError.fromJSON(reply.error ?? { message: `the hub answered with status ${status}` });
  return reply as ReplyOf<R>;
}

function post(socketPath: string, path: string, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, method: 'POST', headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } }, (reply) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      reply.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > replyBytesMax) call.destroy(new Error('the answer is too long'));
        else chunks.push(chunk);
      });
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
    });
    call.on('error', (error) => reject(callFailed(socketPath, path, error)));
    call.end(body);
  });
}

/** What it means that a request to the hub's socket came to nothing. */
export function callFailed(socketPath: string, route: string, error: NodeJS.ErrnoException): SallyportError {
  const absent = error.code === 'ENOENT' || error.code === 'ECONNREFUSED' || error.code === 'EACCES';
  return absent ? new SallyportError('SP_NO_DAEMON', { socket: socketPath }, error) : new SallyportError('SP_CONTROL', { route, reason: error.message }, error);
}
