import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Test } from 'tap';
import { Secret } from '../../src/base/secret.ts';

/** A camera that answers each connection as told, for what no honest camera does. */
export async function falseCamera(t: Test, subnet: string, answer: (request: string, socket: Socket) => void): Promise<{ url: () => Promise<Secret>; requests: string[]; connections: () => number }> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      requests.push(data.toString('latin1'));
      answer(data.toString('latin1'), socket);
    });
  });
  server.listen(0, `${subnet}.200`);
  await once(server, 'listening');
  t.teardown(() => new Promise<void>((resolve) => {
    for (const socket of sockets) socket.destroy();
    server.close(() => resolve());
  }));
  const { port } = server.address() as { port: number };
  return { url: () => Promise.resolve(new Secret(`rtsp://owner:hunter2@${subnet}.200:${port}/live`)), requests, connections: () => connections };
}

export const cseq = (request: string): string => /CSeq: (\d+)/i.exec(request)?.[1] ?? '1';
