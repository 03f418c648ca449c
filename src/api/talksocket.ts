/**
 * A browser's sound for a camera's loudspeaker, over a WebSocket that somebody else has let in: mu-law at 8 kHz in binary messages, and
 * `{"end": true}` when the button is let go. The answer is a TalkReply or `{"error": …}`; then the hub hangs up.
 */
import type { WebSocket } from 'ws';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import { secondMs } from '../base/units.ts';
import type { SocketRooms } from './livesocket.ts';
import type { Talker } from './talk.ts';

/** What may wait to be played: beyond it nothing more is read from the browser. */
const waitingBytesMax = 32 * 1024;
const messageBytesMax = 16 * 1024;
const farewellMs = 2 * secondMs;

/** Resolves when it is over, whatever ends it. Never rejects. */
export async function serveTalkSocket(socket: WebSocket, talk: Talker, request: { readonly camera: string }, { clock, log, signal }: SocketRooms): Promise<void> {
  const gone = new AbortController();
  const closed = new AbortController();
  const sound = new Sound(socket);
  const leave = (): void => gone.abort();
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary && data.length <= messageBytesMax) sound.push(data);
    else if (!isBinary && data.length < 100 && isEnd(data.toString())) sound.end();
    else leave();
  });
  socket.on('error', leave);
  socket.once('close', () => { closed.abort(); leave(); });
  signal.addEventListener('abort', leave);
  gone.signal.addEventListener('abort', () => sound.end());
  if (signal.aborted || socket.readyState !== socket.OPEN) leave();
  let answer: object;
  try {
    answer = gone.signal.aborted ? { error: new SallyportError('SP_STOPPED', { what: 'talking' }).toJSON() } : await talk(request.camera, sound.chunks(), gone.signal);
  } catch (error) {
    const problem = asSallyportError(error);
    log.debug({ component: 'talk', camera: request.camera, code: problem.code }, problem.message);
    answer = { error: problem.toJSON() };
  }
  signal.removeEventListener('abort', leave);
  sound.end();
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(answer));
  socket.close(1000);
  if (socket.readyState !== socket.CLOSED) await clock.sleep(farewellMs, closed.signal).catch(() => {});
  if (socket.readyState !== socket.CLOSED) socket.terminate();
}

/** What was said and is not played yet. */
class Sound {
  readonly #socket: WebSocket;
  #waiting: Buffer[] = [];
  #bytes = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  push(data: Buffer): void {
    if (this.#ended) return;
    this.#waiting.push(data);
    this.#bytes += data.length;
    if (this.#bytes > waitingBytesMax) this.#socket.pause();
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#socket.resume();
    this.#wake?.();
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#waiting.shift();
      if (chunk !== undefined) {
        this.#bytes -= chunk.length;
        if (this.#bytes <= waitingBytesMax / 2) this.#socket.resume();
        yield chunk;
      } else if (this.#ended) return;
      else await new Promise<void>((resolve) => { this.#wake = resolve; });
    }
  }
}

function isEnd(text: string): boolean {
  try {
    return (JSON.parse(text) as { end?: unknown } | null)?.end === true;
  } catch {
    return false;
  }
}
