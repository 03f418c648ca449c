import type { Socket } from 'node:net';

/**
 * Ends a connection as a power cut does. One that is being ended in order already goes on with that: reset then, it would keep its handle
 * for ever, and the process with it (Node 24: uv_tcp_close_reset refuses, and nobody closes).
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
