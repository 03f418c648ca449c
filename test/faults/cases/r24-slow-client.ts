import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import type { TestSite } from '../../e2e/site.ts';
import type { FaultCase, FaultRun } from '../fault.ts';
import { pause, untilAllSeal } from '../kit/hub.ts';
import { gapCount, missedSince, watchLive, withPage, type PageOfSite } from '../kit/page.ts';

type Door = 'the control socket' | 'HTTPS' | 'HTTP on this machine';
const doors: readonly Door[] = ['the control socket', 'HTTPS', 'HTTP on this machine'];

/** A handshake and a request's head must be there in 10 s, all of it in 30 s; Node looks every few seconds. */
const withinMs = { hand: 20_000, head: 25_000, body: 45_000, ping: 75_000 } as const;

const slow: FaultCase = {
  id: 'R24',
  fault: `clients of ${doors.join(', of ')} that send a byte a second, a TLS handshake that never comes, a WebSocket that answers no ping, and bodies over the bound`,
  expected: 'cut off after 10 s (handshake, head), 30 s (whole request) or 45 s (ping); a body over the bound is refused unread; nobody else waits; recording loses nothing',
  limitMs: { quick: 200_000, all: 240_000 },
  run: (o) => withPage(o, { cameras: 1 }, async (site, page) => {
    const problems: string[] = [];
    const figures: Record<string, string> = {};
    const gaps = await gapCount(site);
    const note = (what: string, ms: number | undefined, limitMs: number): void => {
      figures[what] = ms === undefined ? 'never cut off' : `cut off after ${Math.round(ms / 1000)} s`;
      if (ms === undefined) problems.push(`${what} was not cut off within ${limitMs / 1000} s`);
    };
    const answered: number[] = [];
    let running = true;
    const honest = (async () => {
      while (running && !o.signal.aborted) {
        const began = performance.now();
        if ((await page.browser().get('hello')).status !== 200) problems.push('an honest visitor was not answered');
        answered.push(performance.now() - began);
        await new Promise((resolve) => { setTimeout(resolve, 500); });
      }
    })();
    await Promise.all([
      ...doors.flatMap((door) => [
        lasts(o, () => enter(site, page, door, headOf(door, page, undefined)), withinMs.head).then((ms) => note(`${door}: a head that never ends`, ms, withinMs.head)),
        lasts(o, () => enter(site, page, door, headOf(door, page, 4000)), withinMs.body).then((ms) => note(`${door}: a body that never ends`, ms, withinMs.body)),
      ]),
      lasts(o, () => createConnection({ host: '127.0.0.1', port: page.securePort }), withinMs.hand, false).then((ms) => note('HTTPS: a handshake that never comes', ms, withinMs.hand)),
      deaf(o, site, page).then((ms) => note('a WebSocket that answers no ping', ms, withinMs.ping)),
    ]);
    running = false;
    await honest;
    for (const door of doors) {
      const answer = await refused(site, page, door);
      figures[`${door}: a body of 10 MB`] = answer;
      if (!answer.startsWith('HTTP/1.1 4')) problems.push(`${door}: a body of 10 MB was answered by ${answer}`);
    }
    figures['honest visitors meanwhile, ms'] = `${Math.round(Math.max(...answered))} at most, of ${answered.length}`;
    await untilAllSeal(o, site);
    problems.push(...await missedSince(site, gaps));
    return { injected: doors.length * 3 + 2, lost: '0 segments', recoveryMs: [], problems, figures };
  }),
};

/** Without its end; with a length, a head that is whole. */
function headOf(door: Door, page: PageOfSite, length: number | undefined): string {
  const [path, host, origin] = door === 'the control socket' ? ['/v1/list', 'x', '']
    : door === 'HTTPS' ? ['/api/v1/login', `127.0.0.1:${page.securePort}`, page.base] : ['/api/v1/login', `127.0.0.1:${page.plainPort}`, page.plain];
  const head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\n${origin === '' ? '' : `origin: ${origin}\r\n`}content-type: application/json\r\n`;
  return length === undefined ? `${head}x-long: ` : `${head}content-length: ${length}\r\n\r\n`;
}

function enter(site: TestSite, page: PageOfSite, door: Door, first: string): Socket {
  if (door === 'the control socket') {
    const socket = createConnection(join(site.data, 'control.sock'), () => socket.write(first));
    return socket;
  }
  const port = door === 'HTTPS' ? page.securePort : page.plainPort;
  const socket: Socket = door === 'HTTPS'
    ? tlsConnect({ host: '127.0.0.1', port, rejectUnauthorized: false, servername: 'localhost' }, () => socket.write(first))
    : createConnection({ host: '127.0.0.1', port }, () => socket.write(first));
  return socket;
}

/** How long the hub keeps the connection; undefined when it still does at the end. */
function lasts(o: FaultRun, open: () => Socket, limitMs: number, drips = true): Promise<number | undefined> {
  return new Promise((resolve) => {
    const began = performance.now();
    const socket = open();
    const dripping = drips ? setInterval(() => socket.write(' '), 1000) : undefined;
    const done = (ms: number | undefined): void => {
      clearInterval(dripping);
      clearTimeout(patience);
      socket.destroy();
      resolve(ms);
    };
    const patience = setTimeout(() => done(undefined), limitMs);
    o.signal.addEventListener('abort', () => done(undefined), { once: true });
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.on('close', () => done(performance.now() - began));
  });
}

/** It takes live pictures and answers no ping: how long the hub keeps its socket. */
async function deaf(o: FaultRun, site: TestSite, page: PageOfSite): Promise<number | undefined> {
  const watching = watchLive(page.owner.browser, site.cameras[0]?.name ?? '', { pongs: false });
  await watching.opened;
  const began = performance.now();
  await Promise.race([watching.closed, pause(o, withinMs.ping)]);
  const tookMs = performance.now() - began;
  watching.socket.terminate();
  return tookMs >= withinMs.ping ? undefined : tookMs;
}

/** The first line of the answer to a body that is too long; only the head is sent. */
function refused(site: TestSite, page: PageOfSite, door: Door): Promise<string> {
  return new Promise((resolve) => {
    const socket = enter(site, page, door, `${headOf(door, page, 10_000_000)}{`);
    socket.setTimeout(20_000, () => socket.destroy());
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text.split('\r\n')[0] || 'nothing'));
  });
}

export default slow;
