import type { ReplyOf } from '../api/contract.ts';
import { systemClock } from '../base/clock.ts';
import { formatAge, formatBytes, plural } from '../base/units.ts';
import { eraseNamespace, wishDocument } from '../duties/wishes.ts';
import { callHub } from './control.ts';
import { parseOptions, socketOf, socketOption, type Command } from './command.ts';
import { timeOf, withIdentities } from './footage.ts';
import { signWith } from './headers.ts';
import { localTime, print, printJson, printTable } from './terminal.ts';

type Report = ReplyOf<'egress'>;

const linesDefault = 40;
const linesMax = 1_000;

export const egress: Command = {
  name: 'egress',
  summary: 'what has left the house, where to, and what came of it',
  help: `
Usage: sallyport egress [--since TIME] [--to DESTINATION] [--lines N] [--long] [--json]
       sallyport egress --verify DESTINATION [--repair] [--json]
       sallyport egress --unknown DESTINATION [--erase --identity KIT] [--json]

Shows the destinations and how they stand, what lies there, and the newest lines of the
ledger: every order to the courier and its answer.

--verify asks a destination for the names of all that lies there, and compares them with
what the hub has sent: what is missing, has another size, or is not known. With --repair
what is missing is sent again.

--unknown shows what lies at a destination under names like the hub's, and is not known
here: after \`rebuild\` or \`database restore\` lists and pictures of before, or what another
hub has put there. What is known by what it is gets its row back. The rest can be erased with
--erase, by your kit's signature, when it has stayed the same for a day. Never do that where
another hub sends to the same place, or where footage lies that nothing else has.

  --identity KIT the recovery kit, or an owner's device (else $SALLYPORT_IDENTITY)
  --since TIME   lines and sums since then (whole days); the last 30 days when absent
  --long         each line with its purpose, hash, recipients and how it is known to be there
  --lines N      so many lines at most; ${linesDefault} when absent, up to ${linesMax}
Times: 2026-11-24T05:00:00Z, "2026-11-24 05:00" (local time), or "-2 days".`,
  async run(args) {
    const { values } = parseOptions('egress', args, {
      ...socketOption, json: { type: 'boolean' }, since: { type: 'string' }, to: { type: 'string' }, lines: { type: 'string' }, long: { type: 'boolean' }, verify: { type: 'string' }, repair: { type: 'boolean' },
      unknown: { type: 'string' }, erase: { type: 'boolean' }, identity: { type: 'string', short: 'i' },
    }, 0);
    const socket = await socketOf(values);
    if (values.verify !== undefined) return verify(socket, values.verify, values.repair === true, values.json === true);
    if (values.unknown !== undefined) return unknown(socket, values.unknown, values.erase === true ? values.identity ?? '' : undefined, values.json === true);
    const lines = Math.min(linesMax, Math.max(1, Math.round(Number(values.lines ?? linesDefault)) || linesDefault));
    const report = await callHub(socket, 'egress', {
      limit: lines, ...(values.to === undefined ? {} : { destination: values.to }),
      ...(values.since === undefined ? {} : { sinceMs: Math.round(timeOf('egress', values.since, systemClock.wallMs())) }),
    });
    if (values.json === true) printJson(report);
    else printEgress(report, values.long === true);
    return 0;
  },
};

export function doorLines({ run, running, confined, restarts, orders, bytes, last, problem, stuck, refused, unknown: strange, slots }: Report['doors'], nowMs: number): string[] {
  const held = confined === undefined ? '' : confined === 'no' ? '; nothing confines it: this kernel has no Landlock, or its jail was not built' : `; its files and ports are held by the jail (level ${confined})`;
  const apart = run === 'service' ? 'the courier is a service of its own, held by the service manager' : running ? `the courier is a child of the hub, under the hub's user${held}` : 'no courier runs: there is no destination';
  const said = last === undefined ? 'it has answered nothing yet' : `it answered ${formatAge(Math.max(0, nowMs - last.atMs))} ago: ${last.order} at ${last.destination} ${last.outcome}${last.code === '' ? '' : ` (${last.code})`}`;
  return [
    `what leaves: ${apart}${restarts === 0 ? '' : `; started again ${plural(restarts, 'time')}`}`,
    ...(running || orders > 0 ? [`  ${said}; ${plural(orders, 'order')} ${orders === 1 ? 'waits' : 'wait'} (${formatBytes(bytes)})`] : []),
    ...(problem === undefined ? [] : [`  ! ${problem}`]),
    ...stuck.map(({ destination, waiting, code, text, atMs }) => `  ! ${destination}: ${code} ${formatAge(Math.max(0, nowMs - atMs))} ago: ${text}${waiting === 0 ? '' : `; ${plural(waiting, 'order')} ${waiting === 1 ? 'waits' : 'wait'}`}`),
    ...refused.map(({ destination, objects, bytes: size }) => `  ! ${refusedLine(destination, objects, size)}`),
    ...strange.map(({ destination, objects, bytes: size }) => `  ! ${plural(objects, 'object')} (${formatBytes(size)}) at ${destination} ${objects === 1 ? 'is' : 'are'} not known here: \`sallyport egress --unknown ${destination}\``),
    ...slots.map(({ destination, current, reason, slots: count, madeMs }) => {
      const since = madeMs === undefined ? 'none were put there yet' : `${plural(count, 'key')} of ${formatAge(Math.max(0, nowMs - madeMs))} ago`;
      return current ? `  sealed keys at ${destination}: ${since}` : `  ! sealed keys at ${destination} are not those of now (${since})${reason === undefined ? '' : `: ${reason}`}; while it is so, what was purged may still open there with the kit, and a lost hub loses what came since`;
    }),
  ];
}

function refusedLine(destination: string, objects: number, bytes: number): string {
  return `${plural(objects, 'object')} (${formatBytes(bytes)}) that ${objects === 1 ? 'was' : 'were'} purged here still ${objects === 1 ? 'lies' : 'lie'} at ${destination}: it refused to delete ${objects === 1 ? 'it' : 'them'}, and is asked again each day`;
}

function printEgress({ doors, destinations, sums, lines }: Report, long: boolean): void {
  for (const line of doorLines(doors, systemClock.wallMs())) print(line);
  print();
  if (destinations.length === 0) print('no destination: nothing leaves the house');
  for (const one of destinations) {
    print(one.words);
    const { counts } = one;
    if (counts !== undefined && (one.slots !== undefined || counts.there + counts.kept > 0)) print(`  ${plural(counts.there, 'object')} there (${formatBytes(counts.bytes)}), ${counts.waiting} on their way, ${counts.failed} failed, ${counts.leaving} to be deleted, ${counts.kept} that it does not delete${counts.refused === 0 ? '' : ` (it refused ${counts.refused}, and is asked again each day)`}`);
    if (counts !== undefined && counts.alone > 0) print(`  ${plural(counts.alone, 'segment')} (${formatBytes(counts.aloneBytes)}) of it ${counts.alone === 1 ? 'lies' : 'lie'} there alone`);
    if (counts !== undefined && counts.lost > 0) print(`  ! ${counts.lost} of those ${counts.lost === 1 ? 'was' : 'were'} not there when last looked for, and ${counts.lost === 1 ? 'is' : 'are'} nowhere else: put back what the store held, or find out who deletes there`);
    if (one.lacks.includes('put')) print('  ! the courier has no right to put anything there: nothing is sent');
    if (one.lacks.includes('get')) print('  ! the courier has no right to get anything from there: nothing is read again, and nothing that lies there alone can be played');
    if (one.deletes === 'no' && one.slots !== undefined) print(`  ! the courier has no right to delete there: what is purged here stays there${one.slots === 'home' ? ', and opens with nothing' : ''}`);
    if (one.keepsVersions === 'yes') print('  ! it keeps older versions of what is deleted or replaced');
  }
  if (sums.length > 0) {
    print();
    printTable(['DESTINATION', 'ORDER', 'WHAT', 'OUTCOME', 'ORDERS', 'SENT'], sums.map(({ destination, kind, class: klass, outcome, orders, sentBytes }) => [destination, kind, klass, outcome, String(orders), formatBytes(sentBytes)]));
  }
  if (lines.length === 0) return;
  print();
  if (long) {
    for (const line of lines) printLong(line);
    return;
  }
  printTable(['TIME', 'DESTINATION', 'ORDER', 'WHAT', 'CAMERA', 'SIZE', 'OUTCOME', 'TRIES', 'OBJECT'], lines.map((line) => [
    localTime(line.atMs), line.destination, line.kind, line.class, line.camera, line.sizeBytes === 0 ? '' : formatBytes(line.sizeBytes),
    line.outcome === undefined ? 'waits' : `${line.outcome}${line.code === '' || line.code === undefined ? '' : ` (${line.code})`}`, String(line.attempts ?? ''), line.object.slice(0, 8),
  ]));
}

function printLong({ atMs, destination, kind, class: what, camera, object, sizeBytes, sha256, purpose, recipients, outcome, code, reason, attempts = 0, sentBytes = 0, proof }: Report['lines'][number]): void {
  const facts = [
    `purpose: ${purpose}`, ...(object === '' ? [] : [`object: ${object}`]), ...(sizeBytes === 0 ? [] : [`size: ${sizeBytes} bytes, sha256: ${sha256}`]), ...(recipients.length === 0 ? [] : [`opens for: ${recipients.join(' ')}`]),
    `outcome: ${[outcome ?? 'waits', code, reason].filter((part) => part !== undefined && part !== '').join(', ')}`, ...(attempts === 0 ? [] : [`${attempts === 1 ? '1 try' : `${attempts} tries`}, ${formatBytes(sentBytes)} sent`]), ...(proof === undefined || proof === '' ? [] : [`known to be there by: ${proof}`]),
  ];
  print(`${localTime(atMs)} ${destination}: ${[kind, what, camera].filter((part) => part !== '').join(' ')}`);
  for (const fact of facts) print(`  ${fact}`);
}

async function verify(socket: string, destination: string, repair: boolean, json: boolean): Promise<number> {
  const verdict = await callHub(socket, 'egress-verify', { destination, repair });
  if (json) printJson(verdict);
  else {
    print(`${destination}: ${plural(verdict.listed, 'object')} listed, ${verdict.whole} as they were sent${verdict.foreign === 0 ? '' : `; ${verdict.foreign} names are none of the hub's`}`);
    for (const { object, class: klass, camera, startMs, sizeBytes, foundBytes } of verdict.missing) print(`  missing: ${klass} of ${camera} of ${localTime(startMs)}, ${object}: ${foundBytes === undefined ? 'not there' : `${foundBytes} bytes instead of ${sizeBytes}`}`);
    for (const object of verdict.unknownNames) print(`  not known here: ${object}`);
    if (verdict.unknown > verdict.unknownNames.length) print(`  not known here: ${verdict.unknown - verdict.unknownNames.length} more`);
    if (verdict.repaired > 0) print(`${plural(verdict.repaired, 'object')} sent again`);
    if (verdict.missing.length + verdict.unknown === 0) print('all is there');
  }
  return verdict.missing.length + verdict.unknown === 0 ? 0 : 1;
}

/** @param kit Whose signature erases it; '': the environment says which. */
async function unknown(socket: string, destination: string, kit: string | undefined, json: boolean): Promise<number> {
  const look = await callHub(socket, 'egress-unknown', { destination });
  if (json) printJson(look);
  else {
    if (look.known > 0) print(`${destination}: ${plural(look.known, 'object')} ${look.known === 1 ? 'is' : 'are'} known again by what ${look.known === 1 ? 'it is' : 'they are'}`);
    print(`${destination}: ${plural(look.objects, 'object')} (${formatBytes(look.bytes)}) that nobody here knows${look.objects === 0 ? '' : `, the same since ${localTime(look.sinceMs)}`}`);
    for (const { object, bytes } of look.some) print(`  ${object} ${formatBytes(bytes)}`);
    if (look.objects > look.some.length) print(`  and ${look.objects - look.some.length} more`);
  }
  if (look.objects === 0) return 0;
  if (kit === undefined) {
    if (!json) print(look.erasableMs > systemClock.wallMs() ? `They can be erased after ${localTime(look.erasableMs)}, if they are the same then (--erase --identity KIT).` : 'They can be erased: --erase --identity KIT.');
    return 1;
  }
  return withIdentities('egress', { identity: kit === '' ? undefined : kit }, async (identities) => {
    const document = wishDocument({ what: 'clear', destination, objects: look.objects, set: look.set }, systemClock.wallMs());
    const { objects } = await callHub(socket, 'egress-clear', signWith('egress', identities, document, eraseNamespace));
    if (!json) print(`${plural(objects, 'object')} ${objects === 1 ? 'goes' : 'go'} from ${destination}; the ledger tells what came of it`);
    return 0;
  });
}
