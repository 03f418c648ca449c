import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { makeClip, randomFrom } from './clips.ts';

const folder = t.testdir({});
const clip = await makeClip(join(folder, 'clip.mp4'), { audio: 'aac' });
const stream = (await run('ffmpeg', ['-v', 'error', '-i', clip, '-c', 'copy', '-f', 'mpegts', 'pipe:1'])).stdout;
const facts = await probeJail({ log: silentLog });
const jail = new Jail({ facts, need: 'off' });

/** Serves the clip once, in the pieces that `send` makes of it. */
async function serve(t: Test, send: (socket: Socket) => Promise<void> | void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    void send(socket);
  });
  server.listen(0, '127.0.183.90');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as { port: number }).port;
}

/** Checksums of all packets that ffmpeg finds. */
async function packets(port: number, readsAhead: boolean): Promise<string> {
  const { stdout, status, stderr } = await jail.run('ffmpeg', ['-v', 'error', '-f', 'mpegts', '-i', `tcp://127.0.183.90:${port}`, '-c', 'copy', '-copyts', '-f', 'framecrc', 'pipe:1'], { port, readsAhead });
  if (status !== 0) throw new Error(stderr);
  return stdout.toString();
}

t.test('what ffmpeg reads ahead is what it would have read, however the network cuts it', async (t) => {
  const whole = await packets(await serve(t, (socket) => void socket.end(stream)), false);
  t.ok(whole.split('\n').length > 100);
  for (let seed = 1; seed <= 3; seed++) {
    const random = randomFrom(seed);
    const port = await serve(t, async (socket) => {
      socket.setNoDelay(true);
      for (let at = 0; at < stream.length;) {
        const size = Math.ceil(random() ** 4 * 150_000);
        await new Promise((resolve) => { socket.write(stream.subarray(at, at + size), resolve); });
        at += size;
      }
      socket.end();
    });
    t.equal(await packets(port, true), whole, `seed ${seed}`);
  }
});

t.test('while nobody reads what ffmpeg writes it waits for more, and in the end nothing is missing', async (t) => {
  const long = Buffer.concat(Array.from({ length: Math.ceil(600_000 / stream.length) }, () => stream));
  const whole = await packets(await serve(t, (socket) => void socket.end(long)), false);
  const sent = Promise.withResolvers<void>();
  const port = await serve(t, async (socket) => {
    socket.setNoDelay(true);
    for (let at = 0; at < long.length; at += 7000) {
      await new Promise((resolve) => { socket.write(long.subarray(at, at + 7000), resolve); });
      await new Promise((resolve) => { setTimeout(resolve, 2); });
    }
    // Less than it waits for, and then the end.
    socket.end();
    sent.resolve();
  });
  const child = await jail.launch('ffmpeg', ['-v', 'error', '-f', 'mpegts', '-i', `tcp://127.0.183.90:${port}`, '-c', 'copy', '-copyts', '-f', 'framecrc', '-flush_packets', '1', 'pipe:1'], { port, readsAhead: true });
  t.teardown(() => child.kill('SIGKILL'));
  await sent.promise;
  let said = '';
  for await (const piece of child.stdout) said += String(piece);
  t.equal(said, whole);
  t.match(await child.exited, { status: 0 });
});

t.test('the library is in use where the jail is, and the end of a camera that says nothing is seen', async (t) => {
  let end = (): void => {};
  const connected = Promise.withResolvers<void>();
  const port = await serve(t, (socket) => {
    end = () => socket.end();
    connected.resolve();
  });
  const child = await jail.launch('ffmpeg', ['-v', 'quiet', '-f', 'mpegts', '-i', `tcp://127.0.183.90:${port}`, '-f', 'null', '-'], { port, readsAhead: true });
  t.teardown(() => child.kill('SIGKILL'));
  await connected.promise;
  t.equal(readFileSync(`/proc/${child.pid}/maps`, 'latin1').includes('/native/build/ahead'), facts.missing === undefined);
  end();
  t.match(await child.exited, { signal: null });
});
