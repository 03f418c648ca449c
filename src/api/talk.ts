import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { asSallyportError } from '../base/errors.ts';
import { talkProtocol } from './contract.ts';

export type Talker = (camera: string, sound: AsyncIterable<Uint8Array>, gone: AbortSignal) => Promise<{ talkedMs: number }>;

/** Whoever does not hang up by itself is cut off. */
const hangUpMs = 5000;
const droppedBytesMax = 2 ** 20;

/** The one door that stays open as long as somebody holds it: see `talkProtocol`. Whatever comes, it answers and ends; it never throws. */
export async function serveTalk(request: IncomingMessage, socket: Duplex, head: Buffer, talk: Talker): Promise<void> {
  const gone = new AbortController();
  socket.on('error', () => gone.abort());
  socket.once('close', () => gone.abort());
  const camera = /^\/v1\/talk\?camera=([a-z0-9-]{1,40})$/.exec(request.url ?? '')?.[1];
  if (camera === undefined || request.headers.upgrade !== talkProtocol) {
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    return;
  }
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${talkProtocol}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  try {
    socket.end(`${JSON.stringify(await talk(camera, socket.iterator({ destroyOnReturn: false }), gone.signal))}\n`);
  } catch (error) {
    socket.end(`${JSON.stringify({ error: asSallyportError(error).toJSON() })}\n`);
  } finally {
    // What is still being said is read and dropped until the visitor has read the answer and hangs up: hanging up first would take it away.
    if (socket instanceof Socket) socket.setTimeout(hangUpMs, () => socket.destroy());
    let droppedBytes = 0;
    socket.on('data', (data: Buffer) => {
      droppedBytes += data.length;
      if (droppedBytes > droppedBytesMax) socket.destroy();
    });
  }
}
