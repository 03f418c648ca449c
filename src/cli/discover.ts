import { systemClock } from '../base/clock.ts';
import { SallyportError, isSallyportError } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import { formatAge, plural, secondMs } from '../base/units.ts';
import { discover } from '../cameras/discovery.ts';
import { callHub } from './control.ts';
import { parseOptions, socketOf, socketOption, type Command } from './command.ts';
import { print, printJson, tableLines } from './terminal.ts';
import type { ReplyOf, RequestOf } from '../api/contract.ts';

export const discoverCommand: Command = {
  name: 'discover',
  summary: 'look for cameras',
  help: `
Usage: sallyport discover [--json] [--seconds N] [--range RANGE] [--loopback] [--config FILE | --socket PATH]

Asks the local network by WS-Discovery and mDNS. Nothing is contacted because of an answer.
A running hub looks by itself, marks what is adopted, and knows who was heard before; without one
this command looks.

  --range RANGE   asks each address of 192.168.1.0/24, 10.0.0.5-10.0.0.40 or the like by itself,
                  for networks that multicast does not reach; at most 4,096, 200 a second
  --seconds N     how long to listen (3)
  --loopback      without a hub: also on 127.0.0.0/8, where emulated cameras are
  --json          for scripts`,
  async run(args) {
    const { values } = parseOptions('discover', args, {
      ...socketOption, json: { type: 'boolean' }, loopback: { type: 'boolean' }, seconds: { type: 'string' }, range: { type: 'string' },
    }, 0);
    const seconds = Number(values.seconds ?? '3');
    if (!(seconds >= 0.5 && seconds <= 60)) throw new SallyportError('SP_USAGE', { command: 'discover', reason: '--seconds takes 0.5 to 60' });
    if ((values.range?.length ?? 0) > 64) throw new SallyportError('SP_USAGE', { command: 'discover', reason: '--range takes a range such as 192.168.1.0/24' });
    const search = { seconds, ...(values.range === undefined ? {} : { range: values.range }) };
    const result = values.loopback === true ? await lookHere(search, true) : await lookByHub(values, search);
    if (values.json === true) printJson(result);
    else for (const line of foundInWords(result)) print(line);
    return 0;
  },
};

type Search = RequestOf<'discover'>;
type Result = ReplyOf<'discover'>;

async function lookByHub(values: { socket?: string | undefined; config?: string | undefined }, search: Search): Promise<Result> {
  try {
    return await callHub(await socketOf(values), 'discover', search);
  } catch (error) {
    const noHub = isSallyportError(error, 'SP_NO_DAEMON') || (values.socket === undefined && values.config === undefined && !isSallyportError(error));
    if (!noHub) throw error;
    return lookHere(search, false);
  }
}

async function lookHere({ seconds, range }: Search, loopback: boolean): Promise<Result> {
  const result = await discover({ clock: systemClock, log: silentLog, loopback, durationMs: seconds * 1000, ...(range === undefined ? {} : { range }) });
  return JSON.parse(JSON.stringify(result)) as Result;
}

type Found = Result['found'][number];

/** For people: who answered and what to do next, who was heard before, and who was left out and why. */
export function foundInWords({ found, leftOut, silent = [] }: Result): string[] {
  const free = found.filter((camera) => camera.adoptedAs === undefined && camera.adoptable);
  return [
    ...(found.length === 0 ? ['No camera answered.'] : tableLines(['ID', 'ADDRESS', 'NAME', 'MODEL', 'FOUND BY', 'NOTE'], found.map((camera) => [...cells(camera), noteOf(camera)]))),
    '',
    ...(found.length === 0 ? nobodyAnswered : [`${plural(found.length, 'camera')} answered${free.length === found.length ? '' : `, ${free.length === 0 ? 'none' : free.length} of them to be taken in`}.`
      + (free.length === 0 ? '' : ' Take one in: sallyport adopt ID --user USER')]),
    ...(silent.length === 0 ? [] : [
      '', 'Heard before, and silent now:',
      ...tableLines(['ID', 'ADDRESS', 'NAME', 'MODEL', 'HEARD', 'NOTE'], silent.map((camera) => [
        ...cells(camera).slice(0, 4), `${formatAge(Math.max(secondMs, camera.heardAgoMs))} ago`, [camera.gone ? 'said goodbye' : '', noteOf(camera)].filter((part) => part !== '').join('; '),
      ])),
    ]),
    ...(leftOut.length === 0 ? [] : ['', 'Left out:', ...leftOut.map(({ from, source, reason }) => `  ${from} (${source}): ${reason}`)]),
  ];
}

const nobodyAnswered = [
  'Cameras that are on and in this network mostly answer within 3 seconds.',
  '  ONVIF may be off in the camera\'s own settings: turn it on there.',
  '  A network behind a router:  sallyport discover --range 192.168.1.0/24',
  '  A camera whose address you know:  sallyport adopt --address HOST --user USER',
];

function cells(camera: Found): string[] {
  return [camera.id, `${camera.address}:${camera.port}`, camera.name ?? '-', camera.model ?? '-', camera.sources.join(' + ')];
}

function noteOf(camera: Found): string {
  return [camera.adoptedAs === undefined ? '' : `adopted as ${camera.adoptedAs}`, camera.note ?? ''].filter((part) => part !== '').join('; ');
}
