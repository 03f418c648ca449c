import { SallyportError } from '../base/errors.ts';
import { createLog } from '../base/log.ts';
import { Emulator } from '../emulator/emulator.ts';
import { parseOptions, type Command } from './command.ts';
import { print, printError, printJson, printTable } from './terminal.ts';

export const emulate: Command = {
  name: 'emulate',
  summary: 'emulated ONVIF cameras, for developers',
  help: `
Usage: sallyport emulate [--cameras N] [--address 127.0.0.2] [--clip FILE] [--audio aac|alaw|none] …

Cameras on 127.0.0.x that answer WS-Discovery and mDNS, speak ONVIF (profile S) and RTSP with Digest
authentication, and show moving pictures with a clock. No privileges are needed, and any number of
emulators run side by side. Ctrl-C ends them.

  --cameras N          how many (2)
  --address A          the first one's address (127.0.0.2); the others follow
  --clip FILE          pictures from a file that ffmpeg reads, looped (else a generated scene)
  --audio KIND[,KIND]  aac, alaw or none, for each camera in turn (none)
  --seconds N          length of the loop, 1 to 600 (20)
  --user U             (admin)
  --password-stdin     the password is the first line of standard input (else made at random and printed)
  --folder DIR         where generated scenes are kept (else in the temporary folder)
  --json               print what there is as JSON, one document, then run`,
  async run(args) {
    const { values } = parseOptions('emulate', args, {
      cameras: { type: 'string' }, address: { type: 'string' }, clip: { type: 'string' }, audio: { type: 'string' }, user: { type: 'string' }, seconds: { type: 'string' },
      'password-stdin': { type: 'boolean' }, folder: { type: 'string' }, json: { type: 'boolean' },
    }, 0);
    const cameras = Number(values.cameras ?? '2');
    if (!Number.isInteger(cameras) || cameras < 1 || cameras > 200) throw new SallyportError('SP_USAGE', { command: 'emulate', reason: '--cameras takes 1 to 200' });
    const emulator = await Emulator.start({
      cameras,
      firstAddress: values.address ?? '127.0.0.2',
      log: createLog({ level: 'warn', write: (line) => void process.stderr.write(line) }),
      audio: audioOf(values.audio ?? 'none'),
      ...(values.clip === undefined ? {} : { clip: values.clip }),
      ...(values.seconds === undefined ? {} : { seconds: Number(values.seconds) }),
      ...(values.user === undefined ? {} : { user: values.user }),
      ...(values['password-stdin'] === true ? { password: await firstLine() } : {}),
      ...(values.folder === undefined ? {} : { folder: values.folder }),
    });
    show(emulator, values.json === true);
    await new Promise<void>((resolve) => {
      process.once('SIGINT', resolve);
      process.once('SIGTERM', resolve);
    });
    await emulator.close();
    return 0;
  },
};

function audioOf(text: string): ('aac' | 'alaw' | 'none')[] {
  return text.split(',').map((kind) => {
    if (kind === 'aac' || kind === 'alaw' || kind === 'none') return kind;
    throw new SallyportError('SP_USAGE', { command: 'emulate', reason: `"${kind}" is no audio; take aac, alaw or none` });
  });
}

async function firstLine(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin) {
    text += String(chunk);
    if (text.includes('\n') || text.length > 1024) break;
  }
  return text.split(/\r?\n/)[0] ?? '';
}

function show(emulator: Emulator, json: boolean): void {
  const { cameras } = emulator;
  if (json) {
    printJson({ folder: emulator.sceneFolder, cameras: cameras.map(({ name, address, onvifPort, rtspPort, urn, serial, user, password, device, scenes }) => ({ name, address, onvifPort, rtspPort, urn, serial, user, password, device, scenes })) });
    return;
  }
  printTable(['CAMERA', 'ONVIF', 'RTSP', 'SERIAL'], cameras.map((camera) => [camera.name, `http://${camera.address}:${camera.onvifPort}/onvif/device_service`, `rtsp://${camera.address}:${camera.rtspPort}/main`, camera.serial]));
  const [first] = cameras;
  if (first !== undefined) print(`\nuser ${first.user}, password ${first.password}`);
  printError('Ctrl-C ends them.');
}
