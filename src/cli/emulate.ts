import { resolve } from 'node:path';
import { SallyportError } from '../base/errors.ts';
import { Lifetime } from '../base/lifetime.ts';
import { createLog } from '../base/log.ts';
import { EmulatorControl } from '../emulator/controlsocket.ts';
import { Emulator, makes, type EmulatedCamera, type EmulatorOptions } from '../emulator/emulator.ts';
import { Faults } from '../emulator/faults.ts';
import { faultLines, readFaultOrder } from '../emulator/faulttable.ts';
import { parseOptions, type Command } from './command.ts';
import { print, printError, printJson, printTable } from './terminal.ts';

export const emulate: Command = {
  name: 'emulate',
  summary: 'emulated ONVIF cameras, for developers',
  help: `
Usage: sallyport emulate [OPTION…]

Cameras on 127.0.0.x with moving pictures: they answer WS-Discovery and mDNS, speak ONVIF and RTSP, and fail on
demand. No privileges are needed, and any number of emulators run side by side. Ctrl-C ends them.

Cameras
  --cameras N               how many, 1 to 200 (2)
  --address A               the first one's address (127.0.0.2); the others follow
  --user U                  (admin)
  --password-stdin          the password is the first line of standard input (else made at random and printed)
  --tls none|also|only      HTTPS and RTSPS beside HTTP and RTSP, or instead (none); the certificate is new at each start
  --make MAKE[,MAKE]        as whose cameras they behave, each in turn (standard):
                            ${makes.join(', ')}
                            (profile-t has Media2 alone, as newer cameras)
  --ptz on|off[,on|off]     whether their heads move, each in turn (else as the make has it)
  --reboot SECONDS          how long a reboot takes, 1 to 600 (5)
  --no-discovery            answer neither WS-Discovery nor mDNS

Pictures and sound
  --clip FILE               pictures from a file that ffmpeg reads, looped (else a generated scene)
  --seconds N               length of the loop, 1 to 600 (20)
  --codec CODEC[,CODEC]     h264 or h265 for the main stream of each camera in turn (h264)
  --gop N                   seconds from one key frame of the main stream to the next, 1 to 300 (1); the loop is at
                            least as long, and where N is more than 10 its pictures have no noise
  --b-frames N              B-frames of the main stream, 0 to 8 (0)
  --audio KIND[,KIND]       aac, alaw or none, for each camera in turn (none)
  --talk CODEC[,CODEC]      pcmu, pcma: what their loudspeakers take over the ONVIF backchannel (none)
  --folder DIR              where generated scenes are kept (else in the temporary folder)

For programs
  --json                    print the cameras as one JSON document as soon as all listen, then run
  --control SOCKET          take orders on this unix socket, as HTTP and JSON:
                            GET /cameras, GET /faults, POST /faults, DELETE /faults
  --fault ORDER             CAMERA=FAULT[:VALUE][@AFTER][+FOR], any number of times; CAMERA is a name or * for all,
                            AFTER and FOR are seconds from the start and from the fault's beginning

Faults
${faultLines().map((line) => `  ${line}`).join('\n')}

Examples
  sallyport emulate --cameras 16 --audio aac,none
  sallyport emulate --cameras 6 --make hikvision,dahua,axis,reolink,tapo,camhi
  sallyport emulate --fault front-door=stall@30s+10s --fault '*=drop:5'
  sallyport emulate --json --control /tmp/emulator.sock
  curl --unix-socket /tmp/emulator.sock http://emulator/faults \\
    -d '{"camera":"garden","fault":"event","value":"person","forSeconds":10}'`,
  async run(args) {
    const { values } = parseOptions('emulate', args, {
      cameras: { type: 'string' }, address: { type: 'string' }, user: { type: 'string' }, 'password-stdin': { type: 'boolean' }, tls: { type: 'string' }, make: { type: 'string' }, ptz: { type: 'string' }, reboot: { type: 'string' }, 'no-discovery': { type: 'boolean' },
      clip: { type: 'string' }, seconds: { type: 'string' }, codec: { type: 'string' }, gop: { type: 'string' }, 'b-frames': { type: 'string' }, audio: { type: 'string' }, talk: { type: 'string' }, folder: { type: 'string' },
      json: { type: 'boolean' }, control: { type: 'string' }, fault: { type: 'string', multiple: true },
    }, 0);
    const orders = (values.fault ?? []).map(readFaultOrder);
    const log = createLog({ level: 'warn', write: (line) => void process.stderr.write(line) });
    const options: EmulatorOptions = {
      log,
      cameras: numberOf('cameras', values.cameras ?? '2', 1, 200),
      firstAddress: values.address ?? '127.0.0.2',
      audio: wordsOf('audio', values.audio ?? 'none', ['aac', 'alaw', 'none']),
      codec: wordsOf('codec', values.codec ?? 'h264', ['h264', 'h265']),
      talk: values.talk === undefined ? [] : wordsOf('talk', values.talk.toUpperCase(), ['PCMU', 'PCMA']),
      tls: wordsOf('tls', values.tls ?? 'none', ['none', 'also', 'only'])[0] ?? 'none',
      makes: wordsOf('make', values.make ?? 'standard', makes),
      discovery: values['no-discovery'] !== true,
      ...(values.ptz === undefined ? {} : { ptz: wordsOf('ptz', values.ptz, ['on', 'off']).map((word) => word === 'on') }),
      ...(values.reboot === undefined ? {} : { rebootMs: numberOf('reboot', values.reboot, 1, 600) * 1000 }),
      ...(values.gop === undefined ? {} : { gopSeconds: numberOf('gop', values.gop, 1, 300) }),
      ...(values['b-frames'] === undefined ? {} : { bFrames: numberOf('b-frames', values['b-frames'], 0, 8) }),
      ...(values.clip === undefined ? {} : { clip: values.clip }),
      ...(values.seconds === undefined ? {} : { seconds: Number(values.seconds) }),
      ...(values.user === undefined ? {} : { user: values.user }),
      ...(values['password-stdin'] === true ? { password: await firstLine() } : {}),
      ...(values.folder === undefined ? {} : { folder: values.folder }),
    };
    const ended = new Promise<void>((end) => {
      process.once('SIGINT', end);
      process.once('SIGTERM', end);
    });
    const lifetime = new Lifetime();
    try {
      const emulator = await Emulator.start(options);
      lifetime.defer('emulated cameras', () => emulator.close());
      const faults = new Faults(emulator.cameras, log);
      lifetime.defer('faults', () => faults.close());
      for (const order of orders) await faults.order(order);
      if (values.control !== undefined) {
        const control = await EmulatorControl.open(resolve(values.control), { cameras: () => emulator.cameras.map(factsOf), faults });
        lifetime.defer('control socket', () => control.close());
      }
      show(emulator, values.json === true);
      await ended;
    } finally {
      await lifetime.close();
    }
    return 0;
  },
};

function numberOf(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text === '' || !Number.isInteger(value) || value < min || value > max) throw new SallyportError('SP_USAGE', { command: 'emulate', reason: `--${name} takes ${min} to ${max}` });
  return value;
}

function wordsOf<const W extends string>(name: string, text: string, words: readonly W[]): W[] {
  return text.split(',').map((given) => {
    const word = words.find((one) => one === given);
    if (word === undefined) throw new SallyportError('SP_USAGE', { command: 'emulate', reason: `--${name}: "${given}" is none of ${words.join(', ').toLowerCase()}` });
    return word;
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

/** What a program needs to know of a camera. Ports are 0 where there is none. */
function factsOf({ name, address, onvifPort, rtspPort, rtspPath, httpsPort, rtspsPort, fingerprint, urn, serial, user, password, device, scenes }: EmulatedCamera): object {
  return { name, address, onvifPort, rtspPort, rtspPath, httpsPort, rtspsPort, fingerprint, urn, serial, user, password, device, scenes };
}

function show(emulator: Emulator, json: boolean): void {
  const { cameras } = emulator;
  if (json) {
    printJson({ folder: emulator.sceneFolder, cameras: cameras.map(factsOf) });
    return;
  }
  printTable(['CAMERA', 'ONVIF', 'RTSP', 'SERIAL'], cameras.map((camera) => [camera.name, onvifUrl(camera), rtspUrl(camera), camera.serial]));
  const [first] = cameras;
  if (first !== undefined) print(`\nuser ${first.user}, password ${first.password}`);
  printError('Ctrl-C ends them.');
}

function onvifUrl({ address, onvifPort, httpsPort }: EmulatedCamera): string {
  return onvifPort === 0 ? `https://${address}:${httpsPort}/onvif/device_service` : `http://${address}:${onvifPort}/onvif/device_service`;
}

function rtspUrl({ address, rtspPort, rtspsPort, rtspPath }: EmulatedCamera): string {
  return rtspPort === 0 ? `rtsps://${address}:${rtspsPort}${rtspPath}` : `rtsp://${address}:${rtspPort}${rtspPath}`;
}
