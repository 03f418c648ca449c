import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import type { Talker } from '../../src/api/talk.ts';
import { serveTalkSocket } from '../../src/api/talksocket.ts';
import { systemClock } from '../../src/base/clock.ts';
import { SallyportError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';

async function talkTo(t: Test, talk: Talker): Promise<{ socket: WebSocket; answer: Promise<unknown>; stop: AbortController; served: Promise<void> }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: 64 * 1024, perMessageDeflate: false });
  const stop = new AbortController();
  t.teardown(() => server.close());
  await once(server, 'listening');
  const served = once(server, 'connection').then(([socket]) => serveTalkSocket(socket as WebSocket, talk, { camera: 'front' }, { clock: systemClock, log: silentLog, signal: stop.signal }));
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.teardown(() => socket.terminate());
  const answer = once(socket, 'message').then(([data]) => JSON.parse(String(data)) as unknown);
  answer.catch(() => {});
  await once(socket, 'open');
  return { socket, answer, stop, served };
}

t.test('what is said comes out whole and in order, and letting the button go is answered', async (t) => {
  const heard: Buffer[] = [];
  const { socket, answer, served } = await talkTo(t, async (camera, sound) => {
    t.equal(camera, 'front');
    for await (const chunk of sound) {
      await systemClock.sleep(1);
      heard.push(Buffer.from(chunk));
    }
    return { talkedMs: 7 };
  });
  // More at once than may wait.
  const said = Array.from({ length: 100 }, (_, index) => Buffer.alloc(1600, index));
  for (const chunk of said) socket.send(chunk);
  socket.send('{"end":true}');
  t.same(await answer, { talkedMs: 7 });
  t.ok(Buffer.concat(heard).equals(Buffer.concat(said)));
  await served;
});

t.test('who hangs up has gone; who is refused is told why; what is no sound ends it', async (t) => {
  const untilGone: Talker = async (_camera, sound, gone) => {
    for await (const _ of sound);
    return { talkedMs: gone.aborted ? 1 : 0 };
  };
  const left = await talkTo(t, async (camera, sound, gone) => {
    const reply = await untilGone(camera, sound, gone);
    t.equal(gone.aborted, true);
    return reply;
  });
  left.socket.close();
  await left.served;

  const refused = await talkTo(t, async () => { throw new SallyportError('SP_CAMERA_FAULT', { camera: 'front', operation: 'talk', reason: 'somebody else is talking' }); });
  t.match(await refused.answer, { error: { code: 'SP_CAMERA_FAULT' } });
  await refused.served;

  const odd = await talkTo(t, untilGone);
  odd.socket.send('hello');
  t.same(await odd.answer, { talkedMs: 1 });
  await odd.served;

  const revoked = await talkTo(t, untilGone);
  revoked.stop.abort();
  t.same(await revoked.answer, { talkedMs: 1 });
  await revoked.served;
});
