import { connect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import t from 'tap';
import { startPage } from './pagekit.ts';

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
