import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { talkProtocol } from '../api/contract.ts';
import { SallyportError } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import type { Child } from '../base/spawn.ts';
import { Jail, probeJail } from '../capture/jail.ts';
import { callFailed } from './control.ts';
import { configOf, parseOptions, requirePositional, socketOf, socketOption, type Command } from './command.ts';
import { print, printError } from './terminal.ts';

const replyBytesMax = 64 * 1024;

export const talk: Command = {
  name: 'talk',
  summary: 'speak through a camera\'s loudspeaker',
  help: `
Usage: sallyport talk CAMERA < message.wav
       arecord -f cd | sallyport talk CAMERA

Sends sound from standard input to the camera's loudspeaker, at the pace of speech, until it
ends or you press Ctrl-C. Any format that ffmpeg knows is taken; ffmpeg runs without network
and files for it. The hub passes the sound on and keeps none of it; the audit says that
somebody talked, and for how long. After 30 silent seconds the way is closed.

  --raw   standard input is mu-law already: 8,000 samples a second, one byte each, one channel`,
  async run(args) {
    const { values, positionals } = parseOptions('talk', args, { ...socketOption, raw: { type: 'boolean' } }, 1);
    const camera = requirePositional('talk', positionals[0], 'the camera');
    if (process.stdin.isTTY) throw new SallyportError('SP_USAGE', { command: 'talk', reason: 'standard input is the keyboard; give it sound: `< message.wav`' });
    const door = await openDoor(await socketOf(values), camera);
    const converter = values.raw === true ? undefined : await startConverter((await configOf(values.config)).capture.ffmpeg);
    const { talkedMs } = await speak(door, converter);
    print(`${camera} has played ${(talkedMs / 1000).toFixed(1)} s`);
    return 0;
  },
};

/** Resolves to what the hub said when all was said, or when it ended the talk itself. */
async function speak(door: Duplex, converter: Child | undefined): Promise<{ talkedMs: number }> {
  const reply = readReply(door);
  const ended = (error: unknown): void => {
    // A door that the hub has closed is told of by its reply.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE' && (error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') printError(String((error as Error).message));
  };
  if (converter !== undefined && converter.stdin !== null) {
    pipeline(process.stdin, converter.stdin).catch(ended);
    pipeline(converter.stdout, door).catch(ended);
  } else pipeline(process.stdin, door).catch(ended);
  try {
    return await reply;
  } finally {
    process.stdin.destroy();
    converter?.kill('SIGKILL');
    door.destroy();
  }
}

/** ffmpeg in its jail, with no port at all: what it reads may come from anywhere. SP_FFMPEG_MISSING. */
async function startConverter(ffmpeg: string): Promise<Child> {
  const jail = new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' });
  const lines: string[] = [];
  const child = await jail.launch(ffmpeg, ['-hide_banner', '-loglevel', 'error', '-i', 'pipe:0', '-vn', '-ac', '1', '-ar', '8000', '-f', 'mulaw', 'pipe:1'], { input: 'pipe', onErrorLine: (line) => lines.push(line) });
  void child.exited.then(({ status }) => {
    if (status !== 0 && status !== null) printError(`ffmpeg: ${lines.slice(-3).join(' | ')}`);
  });
  return child;
}

/** The hub's half of the way; SP_NO_DAEMON when none listens. */
function openDoor(socketPath: string, camera: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path: `/v1/talk?camera=${encodeURIComponent(camera)}`, headers: { Connection: 'Upgrade', Upgrade: talkProtocol } });
    call.once('upgrade', (_reply, socket, head) => {
      // A hub that refuses at once says so in the same breath.
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    call.once('response', () => reject(new SallyportError('SP_CAMERA_UNKNOWN', { camera })));
    call.once('error', (error) => reject(callFailed(socketPath, '/v1/talk', error)));
    call.end();
  });
}

function readReply(door: Duplex): Promise<{ talkedMs: number }> {
  return new Promise((resolve, reject) => {
    let text = '';
    door.on('data', (data: Buffer) => {
      if (text.length < replyBytesMax) text += data.toString('utf8');
    });
    door.once('error', () => {}); // what it meant is told at its end
    door.once('close', () => {
      try {
        const reply = JSON.parse(text) as { talkedMs: number; error?: { code?: unknown; message?: unknown; evidence?: unknown } };
        if (reply.error === undefined) resolve(reply);
        else reject(SallyportError.fromJSON(reply.error));
      } catch (error) {
        reject(new SallyportError('SP_CONTROL', { route: '/v1/talk', reason: 'the hub hung up' }, error));
      }
    });
  });
}
