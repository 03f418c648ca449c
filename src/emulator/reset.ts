import type { Socket } from 'node:net';

/**
 * Ends a connection as a power cut does. One that is being ended in order already goes on with that: reset then, it would keep its handle
 * for ever, and the process with it (Node 24: uv_tcp_close_reset refuses, and nobody closes). So would one below TLS, whose handle is not its own.
 */
export function resetSocket(socket: Socket, secure = false): void {
  if (secure || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
