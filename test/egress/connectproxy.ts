/** A proxy of our own, by CONNECT. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Test } from 'tap';

/** It notes what it is asked, and all bytes that pass. `says`: in the place of an answer, before it hangs up. */
export async function proxyIn(t: Test, o: { status?: number; silent?: boolean; early?: boolean; says?: string } = {}) {
  const asked: { where: string; login: string | undefined }[] = [];
  const passed: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer();
  server.on('connection', (socket: Socket) => { sockets.add(socket); });
  server.on('connect', (request, near: Socket) => {
    asked.push({ where: request.url ?? '', login: request.headers['proxy-authorization'] });
    near.on('error', () => {});
    if (o.silent === true) return;
    if (o.says !== undefined) return void near.end(o.says);
    if (o.status !== undefined) return void near.end(`HTTP/1.1 ${o.status} No\r\nContent-Length: 0\r\n\r\n`);
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const far = connect(Number(port), host, () => {
      near.write(`HTTP/1.1 200 Joined\r\n\r\n${o.early === true ? 'early words' : ''}`);
      near.on('data', (piece: Buffer) => passed.push(piece));
      far.on('data', (piece: Buffer) => passed.push(piece));
      near.pipe(far).pipe(near);
    });
    sockets.add(far);
    far.on('error', () => near.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => { for (const socket of sockets) socket.destroy(); server.close(); });
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), asked, passed };
}
