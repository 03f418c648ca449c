import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { randomName } from '../../src/outbox/out.ts';
import { HubSide, makeHome, startCourier } from './kit.ts';

t.test('notices become messages: grouped, content-free, each answered; a far end that fails is asked again, and told the same message', async (t) => {
  const bodies: { v: number; message: string; notices: { kind: string; id: string }[] }[] = [];
  let refusals = 1;
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      bodies.push(JSON.parse(Buffer.concat(pieces).toString()) as typeof bodies[number]);
      response.statusCode = refusals-- > 0 ? 503 : 200;
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => { server.closeAllConnections(); server.close(); });
  const home = makeHome(t.testdir(), [{ name: 'hook', kind: 'webhook', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`, group_seconds: 600 }], { 'hook.key': 'the-key' });
  const hub = await HubSide.open(home);
  const order = (kind: 'motion' | 'person' | 'tamper') => hub.outbox.notice('hook', { kind, camera: 'camera-2', atMs: Date.now(), id: randomName() });
  const first = [await order('motion'), await order('motion'), await order('person')];
  const courier = await startCourier(home);
  t.teardown(() => courier.stop());
  const answers = await Promise.all(first.map(({ name }) => hub.answerTo(name)));
  t.same(answers.map(({ outcome, attempts }) => [outcome, attempts]), [['done', 2], ['done', 2], ['done', 2]]);
  t.same(answers.map(({ sent_bytes: bytes }) => bytes), [Buffer.byteLength(JSON.stringify(bodies[1])), 0, 0], 'what the message had is in the ledger, once');
  t.equal(bodies.length, 2, 'one message, tried twice');
  t.equal(bodies[0]?.message, bodies[1]?.message, 'under one id, by which the receiver tells');
  t.same(bodies[1]?.notices.map(({ kind, id }) => [kind, id]), [['motion', first[0]?.object], ['motion', first[1]?.object], ['person', first[2]?.object]]);

  const held = await order('motion');
  const urgent = await order('tamper');
  t.match(await hub.answerTo(urgent.name), { outcome: 'done', attempts: 1 });
  t.notOk((await hub.back.scan()).some(({ name }) => name === held.name), 'the next motion waits for its group');
  await hub.outbox.withdraw(held.name);
  t.match(await hub.answerTo(held.name), { outcome: 'withdrawn', attempts: 0 });
  const upload = await hub.outbox.probe('hook');
  t.match(await hub.answerTo(upload.name), { outcome: 'failed', code: 'SP_FAR_FEATURE' });
});
