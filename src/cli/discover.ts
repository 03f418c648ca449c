import { systemClock } from '../base/clock.ts';
import { SallyportError, isSallyportError } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import { plural } from '../base/units.ts';
import { discover } from '../cameras/discovery.ts';
import { callHub } from './control.ts';
import { parseOptions, socketOf, socketOption, type Command } from './command.ts';
import { print, printJson, printTable } from './terminal.ts';
import type { ReplyOf } from '../api/contract.ts';

export const discoverCommand: Command = {
  name: 'discover',
  summary: 'look for cameras',
  help: `
Usage: sallyport discover [--json] [--seconds N] [--loopback] [--config FILE | --socket PATH]

Asks the local network by WS-Discovery and mDNS. Nothing is contacted because of an answer.
A running hub looks by itself and marks what is adopted; without one this command looks.

  --seconds N   how long to listen (3)
  --loopback    without a hub: also on 127.0.0.0/8, where emulated cameras are
  --json        for scripts`,
  async run(args) {
    const { values } = parseOptions('discover', args, { ...socketOption, json: { type: 'boolean' }, loopback: { type: 'boolean' }, seconds: { type: 'string' } }, 0);
    const seconds = Number(values.seconds ?? '3');
    if (!(seconds >= 0.5 && seconds <= 60)) throw new SallyportError('SP_USAGE', { command: 'discover', reason: '--seconds takes 0.5 to 60' });
    const result = values.loopback === true ? await lookHere(seconds, true) : await lookByHub(values, seconds);
    if (values.json === true) printJson(result);
    else printFound(result);
    return 0;
  },
};

type Result = ReplyOf<'discover'>;

async function lookByHub(values: { socket?: string | undefined; config?: string | undefined }, seconds: number): Promise<Result> {
  try {
    return await callHub(await socketOf(values), 'discover', { seconds });
  } catch (error) {
    const noHub = isSallyportError(error, 'SP_NO_DAEMON') || (values.socket === undefined && values.config === undefined && !isSallyportError(error));
    if (!noHub) throw error;
    return lookHere(seconds, false);
  }
}

async function lookHere(seconds: number, loopback: boolean): Promise<Result> {
  const result = await discover({ clock: systemClock, log: silentLog, loopback, durationMs: seconds * 1000 });
  return JSON.parse(JSON.stringify(result)) as Result;
}

function printFound({ found, leftOut }: Result): void {
  if (found.length === 0) print('no camera answered');
  else {
    printTable(['ID', 'ADDRESS', 'NAME', 'MODEL', 'FOUND BY', 'NOTE'], found.map((camera) => [
      camera.id, `${camera.address}:${camera.port}`, camera.name ?? '-', camera.model ?? '-', camera.sources.join(' + '),
      camera.adoptedAs === undefined ? (camera.note ?? '') : `adopted as ${camera.adoptedAs}`,
    ]));
    print(`\n${plural(found.length, 'camera')}. Take one in: sallyport adopt ID --user USER`);
  }
  for (const left of leftOut) print(`left out: ${left.from} (${left.source}): ${left.reason}`);
}
