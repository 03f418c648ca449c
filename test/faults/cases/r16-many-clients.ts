import { createConnection, type Socket } from 'node:net';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestSite } from '../../e2e/site.ts';
import type { FaultCase } from '../fault.ts';
import { holesIn } from '../kit/audit.ts';
import { withSite, waitFor } from '../kit/faultsite.ts';
import { pause, untilAllSeal } from '../kit/hub.ts';
import { repeat } from '../kit/repeat.ts';

const growthBytesMax = 200 * 2 ** 20;
const answeredMs = 15_000;

/** What each of the clients does; none ever reads more than it must. */
const clients: Readonly<Record<string, (socket: Socket) => void>> = {
  'say nothing': () => {},
  'drip a header byte by byte': (socket) => drip(socket, `POST /v1/status HTTP/1.1\r\nhost: x\r\nx-long: ${'a'.repeat(10_000)}`),
  'drip a body byte by byte': (socket) => {
    socket.write('POST /v1/list HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\r\n');
    drip(socket, ' '.repeat(60_000));
  },
  'send 16 MiB of body': (socket) => {
    socket.write('POST /v1/list HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 16777216\r\n\r\n');
    socket.write(Buffer.alloc(2 ** 20, 0x20));
  },
  'send what is no HTTP': (socket) => void socket.write(Buffer.alloc(65_536, 0xee)),
  'ask a hundred times and read nothing': (socket) => {
    socket.pause();
    for (let n = 0; n < 100; n++) socket.write('POST /v1/list HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 55\r\n\r\n{"fromMs":0,"toMs":9000000000000,"limit":10000}        ');
  },
  'ask for what is not there': (socket) => void socket.write(`POST /${'../'.repeat(50)}etc/passwd HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n`.repeat(20)),
};

const many: FaultCase = {
  id: 'R16',
  fault: `200 clients of the control socket at once: they ${Object.keys(clients).join('; ')}`,
  expected: 'recording loses 0 segments, the hub stays small, an honest client is answered again at once',
  limitMs: { quick: 240_000, all: 500_000 },
  run: (o) => withSite(o, { cameras: 2 }, async (site) => {
    await untilAllSeal(o, site);
    // The time before the first picture is a gap of its own.
    const gapsBefore = (await site.list()).gaps.length;
    const [rssBefore, fdsBefore] = [await rssBytes(site), await fds(site)];
    let largest = rssBefore;
    const recoveryMs: number[] = [];
    const kinds = Object.keys(clients);
    const { injected, problems } = await repeat(o, 'crowd', kinds.length, async (n) => {
      const kind = kinds[n - 1] as string;
      const crowd = Array.from({ length: 200 }, () => enter(site, clients[kind] as (socket: Socket) => void));
      const untilMs = performance.now() + (o.quick ? 4000 : 40_000);
      while (performance.now() < untilMs) {
        await pause(o, 400);
        largest = Math.max(largest, await rssBytes(site));
      }
      for (const socket of crowd) socket.destroy();
      const took = await waitFor(o, 'an honest client is answered', answeredMs, async () => (await site.status()).cameras.length === 2);
      recoveryMs.push(took);
      o.say(`${kind}: answered ${Math.round(took)} ms after the crowd left, hub ${Math.round(largest / 2 ** 20)} MiB at most`);
      return [];
    });
    await untilAllSeal(o, site);
    const left = await waitFor(o, 'the sockets are closed', 30_000, async () => await fds(site) <= fdsBefore + 8).then(() => 0, async () => await fds(site) - fdsBefore);
    if (left > 0) problems.push(`${left} file descriptors are still open`);
    if (largest - rssBefore > growthBytesMax) problems.push(`the hub grew by ${Math.round((largest - rssBefore) / 2 ** 20)} MiB`);
    const rows = await site.list();
    problems.push(...holesIn(rows).map((hole) => `unexplained: ${hole}`), ...rows.gaps.slice(gapsBefore).map(({ camera, reason }) => `${camera} has a gap: ${reason}`));
    return { injected: injected * 200, lost: '0 segments', recoveryMs, problems, figures: { 'hub, MiB': `${Math.round(rssBefore / 2 ** 20)} before, ${Math.round(largest / 2 ** 20)} at most` } };
  }),
};

function enter(site: TestSite, behave: (socket: Socket) => void): Socket {
  const socket = createConnection(join(site.data, 'control.sock'));
  socket.on('error', () => {});
  socket.on('connect', () => behave(socket));
  return socket;
}

function drip(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => (socket.destroyed || at >= text.length ? clearInterval(timer) : socket.write(text[at++] as string)), 100);
}

async function rssBytes(site: TestSite): Promise<number> {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${site.hub?.pid}/status`, 'latin1'))?.[1] ?? 0) * 1024;
}

async function fds(site: TestSite): Promise<number> {
  return (await readdir(`/proc/${site.hub?.pid}/fd`)).length;
}

export default many;
