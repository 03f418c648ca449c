import { createConnection } from 'node:net';
import { join } from 'node:path';
import type { TestSite } from '../../e2e/site.ts';
import type { FaultCase, FaultRun } from '../fault.ts';
import { withSite } from '../kit/faultsite.ts';
import { untilAllSeal } from '../kit/hub.ts';

/** A request's head must be there in 10 s, all of it in 30 s; Node looks every few seconds. */
const cases = [
  { what: 'a head that never ends', first: 'POST /v1/status HTTP/1.1\r\nhost: x\r\n', withinMs: 25_000 },
  { what: 'a body that never ends', first: 'POST /v1/list HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\r\n', withinMs: 45_000 },
] as const;

const slow: FaultCase = {
  id: 'R24',
  fault: 'clients of the control socket that send a byte a second, and bodies over the bound',
  expected: 'cut off after 10 s (head) or 30 s (whole request); a body over 64 KiB is refused unread; nobody else waits; there is no page yet',
  limitMs: { quick: 200_000, all: 240_000 },
  run: (o) => withSite(o, { cameras: 1 }, async (site) => {
    await untilAllSeal(o, site);
    const problems: string[] = [];
    const figures: Record<string, string> = {};
    const cut = await Promise.all(cases.map(async ({ what, first, withinMs }) => ({ what, withinMs, ms: await lasts(o, site, first, withinMs) })));
    for (const { what, withinMs, ms } of cut) {
      figures[what] = ms === undefined ? 'never cut off' : `cut off after ${Math.round(ms / 1000)} s`;
      if (ms === undefined) problems.push(`${what} was not cut off within ${withinMs / 1000} s`);
    }
    const answer = await refused(site);
    figures['a body of 10 MB'] = answer;
    if (!answer.startsWith('HTTP/1.1 4')) problems.push(`a body of 10 MB was answered by ${answer}`);
    await site.status();
    await untilAllSeal(o, site);
    return { injected: cases.length + 1, lost: '0 segments', recoveryMs: [], problems, figures };
  }),
};

/** How long the hub keeps the connection; undefined when it still does at the end. */
function lasts(o: FaultRun, site: TestSite, first: string, withinMs: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const began = performance.now();
    const socket = createConnection(join(site.data, 'control.sock'), () => socket.write(first));
    const dripping = setInterval(() => socket.write('a'), 1000);
    const done = (ms: number | undefined): void => {
      clearInterval(dripping);
      clearTimeout(patience);
      socket.destroy();
      resolve(ms);
    };
    const patience = setTimeout(() => done(undefined), withinMs);
    o.signal.addEventListener('abort', () => done(undefined), { once: true });
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.on('close', () => done(performance.now() - began));
  });
}

/** The first line of the answer to a body that is too long; only the head is sent. */
function refused(site: TestSite): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection(join(site.data, 'control.sock'), () => socket.write('POST /v1/list HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10000000\r\n\r\n{'));
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
