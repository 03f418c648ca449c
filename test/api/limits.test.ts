import { connect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { once } from 'node:events';
import t from 'tap';
import { recoverNamespace, recoveryDocument } from '../../src/policy/ownerdocuments.ts';
import { Identity } from '../../src/seal/identity.ts';
import { Browser, deviceOf, makeOwner, newHalf, newLogin, startPage } from './pagekit.ts';

t.test('who sends slowly is cut off, and a crowd of one address is not let in; others are answered meanwhile', async (t) => {
  const site = await startPage(t);
  const browser = site.browser();
  const port = Number(new URL(site.plain).port);
  const begun = performance.now();
  const slow = await new Promise<string>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.write('GET /api/v1/hello HTTP/1.1\r\nHost: 127.0.0.1\r\n');
    const drip = setInterval(() => socket.write('X-Drip: 1\r\n'), 1000);
    socket.on('data', (data) => { text += data.toString(); });
    socket.on('error', () => {});
    socket.on('close', () => { clearInterval(drip); resolve(text); });
  });
  const tookMs = performance.now() - begun;
  t.ok(tookMs < 16_000, `its head was waited for ${Math.round(tookMs)} ms`);
  t.match(slow, /^HTTP\/1\.1 408/);
  const sockets = Array.from({ length: 200 }, () => connect(port, '127.0.0.1'));
  const open = sockets.map((socket) => new Promise<boolean>((resolve) => {
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
    setTimeout(() => resolve(true), 1500);
  }));
  const stayed = (await Promise.all(open)).filter(Boolean).length;
  t.ok(stayed <= 64, `${stayed} of 200 connections stayed`);
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.equal((await browser.get('hello')).status, 200);
  const many = await Promise.all(Array.from({ length: 60 }, () => browser.get('hello').then(({ status }) => status, () => 0)));
  t.ok(many.includes(200) && many.every((status) => [0, 200, 503].includes(status)), [...new Set(many)].join());
});

t.test('by HTTPS, too: a handshake or a head that does not come is waited for ten seconds', async (t) => {
  const site = await startPage(t);
  const port = Number(new URL(site.base).port);
  const ended = (socket: Socket, drip?: () => void): Promise<number> => new Promise((resolve) => {
    const begun = performance.now();
    const dripping = drip === undefined ? undefined : setInterval(drip, 1000);
    socket.on('error', () => {});
    socket.resume();
    socket.on('close', () => { clearInterval(dripping); resolve(performance.now() - begun); });
  });
  const silent = connect(port, '127.0.0.1');
  const slow = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => slow.write('GET /api/v1/hello HTTP/1.1\r\nHost: 127.0.0.1\r\n'));
  const body = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => body.write(`POST /api/v1/login HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nOrigin: ${site.base}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`));
  const [handshakeMs, headMs, bodyMs] = await Promise.all([ended(silent), ended(slow, () => slow.write('X-Drip: 1\r\n')), ended(body, () => body.write(' '))]);
  t.ok(handshakeMs < 13_000, `handshake: ${Math.round(handshakeMs)} ms`);
  t.ok(headMs < 16_000, `head: ${Math.round(headMs)} ms`);
  t.ok(bodyMs < 36_000, `body: ${Math.round(bodyMs)} ms`);
});

t.test('strangers of many addresses, who ask and do not finish, keep nobody out: an owner who is in, and one who recovers with the kit', async (t) => {
  const site = await startPage(t);
  const owner = await makeOwner(site);
  const port = Number(new URL(site.base).port);
  const strangers: Socket[] = [];
  t.teardown(() => { for (const socket of strangers) socket.destroy(); });
  let left = 0;
  const crowd = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 50) {
      await Promise.all(Array.from({ length: Math.min(50, count - n) }, async (_, at) => {
        const below = connect({ port, host: '127.0.0.1', localAddress: `127.20.${Math.floor((n + at) / 8)}.1` });
        strangers.push(below);
        const socket = tlsConnect({ socket: below, rejectUnauthorized: false });
        for (const one of [below, socket]) one.on('error', () => {});
        socket.resume();
        socket.once('close', () => { left++; });
        await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]);
        // Its body does not come.
        socket.write(`POST /api/v1/login HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: ${site.plain.replace(/:\d+$/, '')}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`);
      }));
    }
  };
  await crowd(600);
  t.equal((await owner.browser.get('me')).status, 200, 'who is in');
  await crowd(50);
  t.equal((await new Browser(site.base, owner.browser.cookie, '127.0.0.3').get('cameras')).status, 200, 'by a new connection, too');
  const returning = new Browser(site.base, undefined, '127.0.0.4');
  const { key } = (await returning.get('hello')).body as { key: string };
  const document = recoveryDocument({ v: 1, what: 'recover', hub: key, name: 'Olga Owner', login: newLogin(newHalf()), device: deviceOf(Identity.generate()), madeMs: Date.now() });
  t.equal((await returning.post('recover', { document, signature: owner.kit.signer().sign(document, recoverNamespace) })).status, 200, 'who comes back with the kit');
  t.notMatch(await new Browser(site.base, undefined, '127.0.0.5').get('/').then(({ code }) => code, () => 'hung up'), /./, 'and the page itself is given out');
  t.ok(left > 100, `${left} of 650 had to leave`);
});
