/**
 * Cameras that are broken, or mean harm, against a real hub that records another camera meanwhile. Whatever they answer: the hub lives, is
 * never kept busy for a tenth of a second, does not grow, tells the owner in words, sends the password to nobody but the camera that
 * the owner named, and goes nowhere because a camera said so.
 */
import t, { type Test } from 'tap';
import { createSocket } from 'node:dgram';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { ownNetwork } from '../cameras/farend.ts';
import { quickConfig, TestSite } from '../e2e/site.ts';
import { HostileCamera, HostileLoudspeaker } from '../hostile/farend.ts';
import { kinds, talkKinds } from '../hostile/kinds.ts';

const password = 'hunter2-of-the-camera';
const blockedMsMax = 100;
const grownMiBMax = 50;

interface Look {
  readonly longestMs: number;
  readonly rss: number;
}

/** What the hub's own watch wrote since a place in its file. */
function looksOf(file: string, from: number): Look[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1).slice(from).map((line) => JSON.parse(line) as Look) : [];
}

/** A place where nobody must ever come. */
async function openTrap(host: string): Promise<{ host: string; port: number; visits: () => number; close: () => Promise<void> }> {
  let visits = 0;
  const server = createServer((socket) => {
    visits++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen({ host, port: 0 }, resolve));
  return { host, port: (server.address() as AddressInfo).port, visits: () => visits, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

t.setTimeout(0);
t.test(`${kinds.length + talkKinds.length} kinds of hostile cameras do no harm`, { timeout: 0 }, async (t) => {
  const network = ownNetwork();
  const trap = await openTrap(`${network}.99`);
  const camera = await HostileCamera.start(`${network}.66`);
  const watchFile = join(t.testdir({}), 'blockwatch.jsonl');
  const site = await TestSite.start(t, {
    config: quickConfig(), emulator: { cameras: 2 }, adopt: false,
    environment: { NODE_OPTIONS: `--import=${join(import.meta.dirname, '../hostile/blockwatch.mjs')}`, SALLYPORT_BLOCKWATCH: watchFile },
  });
  t.teardown(async () => {
    await camera.close();
    await trap.close();
  });
  const [front, talker] = site.cameras as [EmulatedCamera, EmulatedCamera];
  const loudspeaker = await HostileLoudspeaker.start({ host: talker.address, port: talker.rtspPort });
  t.teardown(() => loudspeaker.close());
  talker.quirks.streamUri = `rtsp://${talker.address}:${loudspeaker.port}${talker.rtspPath}`;
  for (const one of [front, talker]) await site.adopt(one);
  await site.until((status) => status.cameras.every(({ recording }) => recording));

  await t.test('a datagram makes the hub connect to nobody', async (t) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    await new Promise<void>((resolve) => socket.bind({ address: '0.0.0.0', port: 3702 }, resolve));
    socket.addMembership('239.255.255.250', '127.0.0.1');
    const answers = createSocket('udp4');
    await new Promise<void>((resolve) => answers.bind({ address: camera.host, port: 0 }, resolve));
    let asked = 0;
    socket.on('message', (datagram, from) => {
      const id = /MessageID>([^<]+)</.exec(datagram.toString('utf8'))?.[1];
      if (id === undefined) return;
      asked++;
      const match = `<d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:evil</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:XAddrs>http://${camera.host}:${camera.port}/onvif/device_service http://${trap.host}:${trap.port}/x</d:XAddrs></d:ProbeMatch>`;
      answers.send(`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><s:Header><a:RelatesTo>${id}</a:RelatesTo></s:Header><s:Body><d:ProbeMatches>${match}</d:ProbeMatches></s:Body></s:Envelope>`, from.port, from.address);
    });
    t.teardown(() => {
      socket.close();
      answers.close();
    });
    const found = await site.call(['discover', '--seconds', '2', '--config', site.config]);
    t.ok(asked > 0, 'it was asked');
    t.match(found, camera.host, 'and found');
    t.equal(camera.connections, 0, 'and nobody has connected to it');
    t.equal(trap.visits(), 0);
  });

  /** After whatever was done since line `from` of the watch. */
  const unharmed = async (t: Test, said: string, from: number): Promise<void> => {
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    t.notMatch(said.replaceAll('\n', ''), /[\u0000-\u001f\u007f-\u009f\u202e]/, 'nothing in it moves a terminal');
    t.notMatch(said, password);
    await delay(150); // the watch writes each tenth of a second
    const looks = looksOf(watchFile, from);
    t.ok(looks.length > 0, 'the hub was watched');
    const longestMs = Math.round(Math.max(...looks.map((look) => look.longestMs)));
    t.ok(longestMs <= blockedMsMax, `the hub was kept busy for ${longestMs} ms`);
    const grown = Math.max(...looks.map(({ rss }) => rss)) / 2 ** 20 - restingMiB;
    t.ok(grown < grownMiBMax, `the hub grew by ${Math.round(grown)} MiB`);
    t.comment(`${longestMs} ms, ${grown.toFixed(1)} MiB: ${said.split('\n')[0]?.slice(0, 150)}`);
  };
  const restingMiB = Math.max(...looksOf(watchFile, 0).map(({ rss }) => rss)) / 2 ** 20;
  for (const { name, mischief, expect } of kinds) {
    await t.test(name, async (t) => {
      const from = looksOf(watchFile, 0).length;
      camera.mischief = mischief(trap);
      const id = `evil-${kinds.findIndex((kind) => kind.name === name)}`;
      const { status, stdout, stderr } = await site.attempt(['adopt', '--address', `${camera.host}:${camera.port}`, '--user', 'admin', '--as', id, '--config', site.config], `${password}\n`);
      camera.hangUp();
      const said = `${stdout.toString()}${stderr}`;
      if (expect === undefined) t.match(said, status === 0 ? /is adopted/ : /^SP_CAMERA_/, said.slice(0, 300));
      else t.match(stderr, expect, said.slice(0, 300));
      t.match(said, id, 'it names the camera');
      await unharmed(t, said, from);
    });
  }

  for (const { name, mischief, expect } of talkKinds) {
    await t.test(`talking: ${name}`, async (t) => {
      const from = looksOf(watchFile, 0).length;
      loudspeaker.mischief = mischief(trap);
      const { status, stdout, stderr } = await site.attempt(['talk', talker.name, '--raw', '--config', site.config], Buffer.alloc(24_000, 0xff));
      const said = `${stdout.toString()}${stderr}`;
      if (expect === undefined) t.match(said, status === 0 ? /has played/ : /^SP_CAMERA_/, said.slice(0, 300));
      else t.match(stderr, expect, said.slice(0, 300));
      t.match(said, talker.name, 'it names the camera');
      await unharmed(t, said, from);
    });
  }

  t.equal(trap.visits(), 0, 'nobody came to where the cameras wanted us');
  t.notMatch(camera.received, new RegExp(password), 'the password never went out in clear, not even to the camera');
  t.notMatch(camera.received + loudspeaker.received, /authorization: basic/i);
  t.notMatch(loudspeaker.received, new RegExp(talker.password));
  t.same(camera.hits.filter(({ body }) => /<\/?SystemReboot/.test(body)), [], 'no token became a request of its own');
  const report = await site.status();
  t.equal(report.cameras.find(({ camera: id }) => id === 'front-door')?.recording, true, 'the other camera is still recorded');
  const { gaps } = await site.list();
  t.same(gaps.filter(({ camera: id, reason }) => id === 'front-door' && reason !== 'not recorded'), [], 'and misses nothing');
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  t.notMatch(site.log.join(''), /[\u0000-\u001f\u007f-\u009f\u202e]/, 'the log is text');
  t.notMatch(site.log.join('\n'), password);
  t.equal(await site.stop(), 0, 'the hub ends as it should');
});
