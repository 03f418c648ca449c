import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { HttpDoor } from '../../src/egress/http.ts';
import { never, noPace } from './stores.ts';

t.test('an answer of 1 GB is left after what may come, with its length told or not', async (t) => {
  const piece = Buffer.alloc(2 ** 16, 0x61);
  for (const told of [true, false]) {
    let sentBytes = 0;
    const over: Promise<unknown>[] = [];
    const server = createServer((_request, response) => {
      over.push(once(response, 'close'));
      response.writeHead(200, told ? { 'Content-Length': String(2 ** 30) } : {});
      const more = (): void => {
        while (sentBytes < 2 ** 30 && !response.destroyed) {
          sentBytes += piece.length;
          if (!response.write(piece)) return void response.once('drain', more);
        }
        response.end();
      };
      response.on('error', () => {});
      more();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const door = new HttpDoor({ origin: { name: 's3', url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`) }, clock: systemClock, pace: noPace });
    await t.rejects(door.ask({ method: 'GET', path: '/x', answerBytesMax: 2 ** 20 }, never), { code: 'SP_FAR_ANSWER', message: /longer than 1048576 bytes/ });
    await Promise.all(over);
    t.ok(sentBytes < 2 ** 26, `${sentBytes} bytes went out before it hung up: what the kernel holds`);
    door.close();
    await new Promise((resolve) => { server.close(resolve); });
  }
});
