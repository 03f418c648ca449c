/**
 * What a camera's HTTP server does to whoever asks, beside what its services would say: it refuses, it stretches its answers, or sends
 * something else that has no end in sight. Each has a bound, and nothing is made ahead of what the client takes.
 */
import type { ServerResponse } from 'node:http';

export type Mischief =
  /** Each answer at this pace. */
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  /** 401 for everybody, each time with another nonce. */
  | { readonly kind: 'refuses' }
  /** Instead of each answer one of so many bytes. */
  | { readonly kind: 'giant'; readonly bytes: number }
  /** Instead of each answer one of elements within elements. */
  | { readonly kind: 'deep'; readonly levels: number };

const soap = 'application/soap+xml; charset=utf-8';
const chunk = Buffer.alloc(64 * 1024, 'A');

/** True when the request is answered; else its answer may come late. `challenge` makes the header of a 401. */
export function disturb(mischief: Mischief | undefined, response: ServerResponse, challenge: () => string): boolean {
  switch (mischief?.kind) {
    case undefined:
      return false;
    case 'slow':
      slowDown(response, mischief.bytesPerSecond);
      return false;
    case 'refuses':
      response.writeHead(401, { 'WWW-Authenticate': challenge(), 'Content-Length': 0 }).end();
      return true;
    case 'giant':
      response.writeHead(200, { 'Content-Type': soap });
      sendGiant(response, mischief.bytes);
      return true;
    case 'deep':
      response.writeHead(200, { 'Content-Type': soap });
      response.end(`${opening}${'<a>'.repeat(mischief.levels)}${'</a>'.repeat(mischief.levels)}${closing}`);
      return true;
  }
}

const opening = '<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Body>';
const closing = '</env:Body></env:Envelope>';

function sendGiant(response: ServerResponse, bytes: number): void {
  let left = bytes;
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      const piece = chunk.subarray(0, Math.min(left, chunk.length));
      left -= piece.length;
      if (!response.write(piece)) {
        response.once('drain', more);
        return;
      }
    }
    response.end(closing);
  };
  response.write(`${opening}<a>`);
  more();
}

const stepMs = 100;

/** The body of the one `end` that follows is sent bit by bit. */
function slowDown(response: ServerResponse, bytesPerSecond: number): void {
  const finish = response.end.bind(response) as () => void;
  const stepBytes = Math.max(1, Math.round((bytesPerSecond * stepMs) / 1000));
  const waitMs = (stepBytes / bytesPerSecond) * 1000;
  response.end = ((body?: string | Buffer) => {
    const bytes = Buffer.from(body ?? '');
    let at = 0;
    const step = (): void => {
      if (response.destroyed) return;
      if (at >= bytes.length) {
        finish();
        return;
      }
      response.write(bytes.subarray(at, at += stepBytes));
      timer = setTimeout(step, waitMs);
    };
    let timer = setTimeout(step, 0);
    response.once('close', () => clearTimeout(timer));
    return response;
  }) as ServerResponse['end'];
}
