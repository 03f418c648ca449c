/**
 * Somebody of the household, from another machine of the LAN, without a browser: `visitor.ts BASE CODE NAME SECONDS`. They become the owner, look at the page
 * and all that it loads, at live pictures, at what is recorded. Prints what they saw as JSON.
 */
import WebSocket from 'ws';
import { systemClock } from '../../../src/base/clock.ts';
import type { Timeline } from '../../../src/api/pagecontract.ts';
import { AheadClock, Browser, makeOwner } from '../../api/pagekit.ts';

const [base = '', code = '', name = '', seconds = ''] = process.argv.slice(2);
const browser = new Browser(base);
const { me, kit } = await makeOwner({ browser: () => browser, pair: async () => ({ code }) as never, clock: new AheadClock() }, name);
console.log(JSON.stringify({ kit: kit.reveal() }));
const seen = { me: me !== undefined, pages: 0, liveBytes: 0, segments: 0, alarms: 0, pictures: 0, bytes: 0 };

const looked = new Set<string>();
const page = await browser.get('/');
for (const [, path] of page.bytes.toString().matchAll(/(?:src|href)="(\/[^"]+)"/g)) if ((await browser.get(path ?? '')).status === 200) seen.pages++;
const { cameras } = await browser.must<{ cameras: { camera: string }[] }>('GET', 'cameras');
const sockets = cameras.map(({ camera }) => {
  const socket = new WebSocket(`${base.replace('https', 'wss')}/api/v1/live?camera=${camera}`, { rejectUnauthorized: false, origin: browser.origin, headers: { cookie: browser.cookie ?? '' } });
  socket.on('message', (data: Buffer) => { seen.liveBytes += data.length; });
  socket.on('error', () => {});
  return socket;
});
// A minute of it is enough to search through.
const liveMs = systemClock.wallMs() + 60_000;
const untilMs = systemClock.wallMs() + (Number(seconds) * 1000);
while (systemClock.wallMs() < untilMs || seen.segments === 0 || seen.pictures === 0) {
  const nowMs = Math.round(systemClock.wallMs());
  for (const { camera } of cameras) {
    const timeline = await browser.must<Timeline>('GET', `timeline?camera=${camera}&fromMs=${nowMs - 600_000}&toMs=${nowMs}`);
    for (const segment of timeline.segments.filter(({ seq }) => !looked.has(`${camera} ${seq}`)).slice(0, 3)) {
      const { status, bytes } = await browser.get(`segments/${camera}/main/${segment.seq}`);
      if (status === 200) seen.segments++;
      looked.add(`${camera} ${segment.seq}`);
      seen.bytes += bytes.length;
    }
  }
  for (const path of ['alarms', 'settings', 'audit', 'notices', 'people', 'egress', 'status']) {
    const { status, bytes } = await browser.get(path);
    if (status === 200) seen.bytes += bytes.length;
    if (path !== 'alarms' || status !== 200) continue;
    const { alarms = [] } = JSON.parse(bytes.toString()) as { alarms?: { camera: string; id: string }[] };
    seen.alarms = Math.max(seen.alarms, alarms.length);
    for (const { camera, id } of alarms.filter((one) => !looked.has(one.id)).slice(0, 3)) {
      const picture = await browser.get(`alarms/${camera}/${id}/thumb`);
      if (picture.status !== 200) continue; // not there yet
      looked.add(id);
      seen.pictures++;
      seen.bytes += picture.bytes.length;
    }
  }
  if (systemClock.wallMs() > liveMs) for (const socket of sockets) socket.terminate();
  await systemClock.sleep(1000);
}
for (const socket of sockets) socket.terminate();
console.log(JSON.stringify(seen));
process.exit(0);
