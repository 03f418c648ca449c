/**
 * A crowd of visitors of the page, in a thread of its own: the cameras that the hub records live in the case's thread and must not wait for
 * the crowd's own work.
 */
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Browser } from '../../api/pagekit.ts';
import { addressOf, enterPage, watchLive, type PageOfSite, type Watcher } from './page.ts';

export const crowdSize = 200;

/** What a thread is told. */
export interface CrowdOrder {
  readonly kind: string;
  readonly page: Pick<PageOfSite, 'base' | 'securePort' | 'plainPort'>;
  readonly cookies: readonly string[];
  readonly cameras: readonly string[];
}

/** What a crowd of 200 does; each answers what ends it. */
export const crowds: Readonly<Record<string, (crowd: CrowdOrder) => Promise<() => void>>> = {
  'watch live pictures and read them': async (crowd) => leave(await watchers(crowd)),
  'watch and read nothing': async (crowd) => {
    const all = await watchers(crowd);
    for (const { socket } of all) socket.pause();
    return leave(all);
  },
  'flood their WebSockets with messages and pings': async (crowd) => {
    const all = await watchers(crowd);
    for (const [n, { socket }] of all.entries()) {
      for (let i = 0; i < 200 && socket.readyState === socket.OPEN; i++) {
        if (n % 3 === 0) socket.send(JSON.stringify({ time: i }));
        else if (n % 3 === 1) socket.ping(Buffer.alloc(100));
        else socket.send(Buffer.alloc(60_000, i));
      }
    }
    return leave(all);
  },
  'open WebSockets without a session, and close them, as fast as they can': async (crowd) => {
    let running = true;
    const strangers = Array.from({ length: crowdSize }, async (_, n) => {
      while (running) {
        const { socket, opened } = watchLive(new Browser(crowd.page.base), crowd.cameras[0] ?? '', { from: addressOf(n) });
        await Promise.race([opened, delay(3000)]);
        socket.terminate();
      }
    });
    return () => {
      running = false;
      void Promise.all(strangers);
    };
  },
  'say nothing, half of them by TLS': async (crowd) => leaveSockets(Array.from({ length: crowdSize }, (_, n) => enterPage(crowd.page, { from: addressOf(n), secure: n % 2 === 0 }, () => {}))),
  'ask a hundred times and read nothing': async (crowd) => leaveSockets(Array.from({ length: crowdSize }, (_, n) => enterPage(crowd.page, { from: addressOf(n), secure: n % 2 === 0 }, (socket) => {
    const { page } = crowd;
    socket.pause();
    const port = n % 2 === 0 ? page.securePort : page.plainPort;
    for (let i = 0; i < 100; i++) socket.write(`GET /api/v1/hello HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`);
  }))),
};

/** Spread over accounts, cameras and addresses as the hub's bounds allow: 48 sockets of an account, 64 viewers of a camera. */
async function watchers({ page, cookies, cameras }: CrowdOrder): Promise<Watcher[]> {
  const all = Array.from({ length: crowdSize }, (_, n) => watchLive(new Browser(page.base, cookies[n % cookies.length]), cameras[n % cameras.length] as string, { from: addressOf(n) }));
  const opened = (await Promise.all(all.map(({ opened: open }) => Promise.race([open, delay(20_000, false)])))).filter(Boolean).length;
  if (opened < crowdSize * 0.9) throw new Error(`only ${opened} of ${crowdSize} viewers were let in`);
  return all;
}

function leave(all: readonly Watcher[]): () => void {
  return () => {
    for (const { socket } of all) socket.terminate();
  };
}

function leaveSockets(sockets: readonly Socket[]): () => void {
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}


/** Lets a crowd in; answers what ends it. */
export async function letIn(order: CrowdOrder): Promise<() => Promise<unknown>> {
  const worker = new Worker(new URL(import.meta.url), { workerData: order });
  await new Promise<void>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return async () => {
    worker.postMessage('end');
    await Promise.race([new Promise((resolve) => { worker.once('message', resolve); }), delay(3000)]);
    await worker.terminate();
  };
}

if (!isMainThread && (workerData as CrowdOrder | undefined)?.kind !== undefined) {
  const order = workerData as CrowdOrder;
  const end = await (crowds[order.kind] as (typeof crowds)[string])(order);
  parentPort?.once('message', () => {
    end();
    parentPort?.postMessage('gone');
  });
  parentPort?.postMessage('here');
}
