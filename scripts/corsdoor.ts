/** What a newer `rclone serve webdav --allow-origin` says to browsers, before one that does not say it yet: the same headers, and no more. */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CorsDoor { readonly url: URL; readonly asked: { method: string; path: string; range: string | undefined; origin: string | undefined }[]; close(): Promise<void> }

export async function openCorsDoor(far: URL): Promise<CorsDoor> {
  const asked: CorsDoor['asked'] = [];
  const server = createServer((from, to) => {
    to.setHeader('Access-Control-Allow-Origin', '*');
    to.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type, Depth');
    to.setHeader('Access-Control-Allow-Methods', 'COPY, DELETE, GET, HEAD, LOCK, MKCOL, MOVE, OPTIONS, PROPFIND, PROPPATCH, PUT, UNLOCK');
    if (from.method === 'OPTIONS') return void to.writeHead(200).end();
    asked.push({ method: from.method ?? '', path: from.url ?? '', range: from.headers.range, origin: from.headers.origin });
    const on = request({ host: far.hostname, port: far.port, method: from.method, path: from.url, headers: from.headers }, (answer) => {
      for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined && !name.startsWith('access-control-')) to.setHeader(name, value);
      to.writeHead(answer.statusCode ?? 502);
      answer.pipe(to);
    });
    on.on('error', () => to.destroy());
    from.pipe(on);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((listening) => { server.once('listening', listening); });
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), asked,
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => { server.close(closed); });
    },
  };
}
