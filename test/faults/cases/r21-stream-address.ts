import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { launch } from '../../../src/base/spawn.ts';
import type { EmulatedCamera } from '../../../src/emulator/emulator.ts';
import type { TestSite } from '../../e2e/site.ts';
import type { FaultCase } from '../fault.ts';
import { withSite } from '../kit/faultsite.ts';
import { pause } from '../kit/hub.ts';
import { canTrace } from '../kit/tracer.ts';
import { notHere } from '../fault.ts';

const password = 'Pa55word-of-this-case';

/** `{file}` is a planted file, `{camera}` the camera's own address and port. */
const addresses = [
  'file://{file}', '{file}', 'concat:{file}|{file}', 'subfile,,start,0,end,0,,:{file}', 'data:text/plain,x', 'http://127.190.200.1:9/x', 'tcp://127.190.200.1:9', 'pipe:0', 'rtmp://127.190.200.1/x',
  'crypto:{file}', 'rtsp://{camera}/main\'\nfile \'{file}', 'rtsp://{camera}/main\'\noption protocol_whitelist file,pipe', 'rtsp://{camera}/main" -i {file}', 'rtsp://{camera}/main?x=\\\'{file}', 'rtsp://evil@127.190.200.1:9/main',
  'rtsp://{camera}/../../../../{file}', '-i {file}', 'rtsp://[::1]:9/x', 'RTSP://{camera}/main#\n#EXTM3U\n{file}', 'ffconcat version 1.0\nfile {file}',
];

const injection: FaultCase = {
  id: 'R21',
  fault: 'a camera gives hostile stream addresses: other schemes, quotes, line breaks, list directives, options, other hosts',
  expected: 'the planted file is opened 0 times, no other host is connected to, the password is in no argument, environment or log line; the hub stays',
  limitMs: { quick: 240_000, all: 500_000 },
  async run(o) {
    const cannot = await canTrace();
    if (cannot !== undefined) return notHere(cannot);
    const chosen = o.quick ? addresses.filter((_, index) => index % 2 === 0) : addresses;
    return withSite(o, { cameras: chosen.length, adopt: false, emulator: { password } }, async (site) => {
      const planted = join(o.folder, 'planted-secret.txt');
      await writeFile(planted, 'the planted file\n');
      const traceFile = join(o.folder, 'trace.txt');
      const tracer = await launch('strace', ['-f', '-p', String(site.hub?.pid), '-e', 'trace=open,openat,execve,connect', '-v', '-s', '4096', '-o', traceFile], { detached: true });
      await pause(o, 1000);
      const figures: Record<string, string> = {};
      for (const [index, text] of chosen.entries()) {
        if (o.signal.aborted) break;
        const camera = site.cameras[index] as EmulatedCamera;
        camera.quirks.streamUri = text.replaceAll('{file}', planted).replaceAll('{camera}', `${camera.address}:${camera.rtspPort}`);
        const said = await adopt(site, camera);
        figures[JSON.stringify(text).slice(0, 60)] = said;
        o.say(`${JSON.stringify(text)}: ${said}`);
      }
      await pause(o, 3000);
      tracer.kill('SIGINT');
      await tracer.exited;
      const problems = await judge(site, traceFile, planted);
      await site.status();
      return { injected: chosen.length, lost: '0 files opened, 0 other hosts', recoveryMs: [], problems, figures };
    });
  },
};

async function adopt(site: TestSite, camera: EmulatedCamera): Promise<string> {
  const { status, stderr } = await site.attempt(['adopt', '--address', `${camera.address}:${camera.onvifPort}`, '--user', camera.user, '--as', camera.name, '--config', site.config], `${camera.password}\n`);
  return status === 0 ? 'adopted, at its own address' : (/SP_[A-Z_]+/.exec(stderr)?.[0] ?? `status ${status}`);
}

async function judge(site: TestSite, traceFile: string, planted: string): Promise<string[]> {
  const calls = (await readFile(traceFile, 'latin1')).split('\n');
  const own = new Set(site.cameras.map(({ address }) => address));
  const opened = calls.filter((call) => /\bopen(?:at)?\(/.test(call) && call.includes(planted));
  const abroad = calls.flatMap((call) => /connect\(.*sin_addr=inet_addr\("([^"]+)"\)/.exec(call)?.[1] ?? []).filter((address) => !own.has(address));
  const told = calls.filter((call) => call.includes('execve(') && call.includes(password));
  const started = calls.filter((call) => call.includes('execve(') && /ff(?:mpeg|probe)/.test(call)).length;
  const logged = site.log.filter((line) => line.includes(password) || line.includes(encodeURIComponent(password)));
  return [
    ...(opened.length > 0 ? [`the planted file was opened ${opened.length} times: ${opened[0]?.slice(0, 200)}`] : []),
    ...(abroad.length > 0 ? [`others than the cameras were connected to: ${[...new Set(abroad)].join(', ')}`] : []),
    ...(told.length > 0 ? [`the password was in ${told.length} starts of a program`] : []),
    ...(logged.length > 0 ? [`the password was logged ${logged.length} times`] : []),
    ...(started === 0 ? ['the control failed: the trace shows no start of ffmpeg or ffprobe'] : []),
  ];
}

export default injection;
