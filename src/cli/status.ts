import type { StatusReport } from '../api/contract.ts';
import { formatAge, formatBytes, plural } from '../base/units.ts';
import { wayKinds, type WayKind } from '../policy/ways.ts';
import { callHub } from './control.ts';
import { doorLines } from './egress.ts';
import { parseOptions, socketOf, socketOption, type Command } from './command.ts';
import { hubWords, localTime, print, printJson, printTable } from './terminal.ts';

export const status: Command = {
  name: 'status',
  summary: 'how the hub and its cameras are',
  help: `
Usage: sallyport status [--json] [--config FILE | --socket PATH]

  --json   everything, for scripts`,
  async run(args) {
    const { values } = parseOptions('status', args, { ...socketOption, json: { type: 'boolean' } }, 0);
    const report = await callHub(await socketOf(values), 'status', {});
    if (values.json === true) printJson(report);
    else printStatus(report);
    return 0;
  },
};

function diskLines({ freeBytes, totalBytes, needBytes, roomBytes, fits, limit, reserveBytes, lastEarly }: StatusReport['disk']): string[] {
  const room = needBytes === undefined || roomBytes === undefined ? '' : `; all that is to be kept needs ${formatBytes(needBytes)}, ${formatBytes(roomBytes)} are there ${limit === 'budget' ? 'by the budget' : `with ${formatBytes(reserveBytes ?? 0)} staying free`}${fits === true ? '' : ': it does not fit'}`;
  return [
    `disk: ${formatBytes(freeBytes)} free of ${formatBytes(totalBytes)}${room}`,
    ...(lastEarly === undefined ? [] : [`last purge before its deadline: receipt ${lastEarly.receipt}, ${localTime(lastEarly.atMs)}: ${plural(lastEarly.periods, 'key')} shredded, ${formatBytes(lastEarly.bytes)}; ${lastEarly.reason}`]),
  ];
}

function sealedAgo(lastSealedMs: number | undefined, nowMs: number): string {
  return lastSealedMs === undefined ? '-' : `${formatAge(Math.max(0, nowMs - lastSealedMs))} ago`;
}

export function printStatus(report: StatusReport): void {
  print(`${report.hub}: running for ${formatAge(report.nowMs - report.startedMs)}, sallyport ${report.version}`);
  print(report.owner.present ? `sealed for the owner; spaces: ${report.owner.spaces.join(', ')}` : 'no owner: nothing is recorded');
  print();
  if (report.cameras.length === 0) print('no cameras yet: `sallyport discover`, then `sallyport adopt ID --user U`');
  else {
    printTable(['CAMERA', 'STATE', 'SINCE', 'LAST SEALED', 'FOOTAGE', 'DEVICE'], report.cameras.flatMap((camera) => {
      const footage = report.footage.find((facts) => facts.camera === camera.camera);
      return [[
        camera.camera,
        hubWords(camera.state),
        localTime(camera.sinceMs),
        sealedAgo(camera.lastSealedMs, report.nowMs),
        footage === undefined ? '-' : `${plural(footage.segments, 'segment')}, ${formatBytes(footage.bytes)}`,
        camera.device === undefined ? '-' : `${camera.device.manufacturer} ${camera.device.model}, firmware ${camera.device.firmware}, serial ${camera.device.serial}`,
      ], ...camera.streams.filter(({ stream }) => stream !== 'main').map((stream) => [
        `  ${stream.stream} stream`, hubWords(stream.state), localTime(stream.sinceMs), sealedAgo(stream.lastSealedMs, report.nowMs), '', '',
      ])];
    }));
  }
  for (const line of [...eventLines(report), ...alarmLines(report)]) print(line);
  print();
  for (const line of diskLines(report.disk)) print(line);
  for (const line of pageLines(report.page)) print(line);
  const { purge } = report;
  print(`next purge: ${purge.nextDeadlineMs === undefined ? 'nothing to purge' : localTime(purge.nextDeadlineMs)}${report.time.mayPurge ? '' : ` (waiting: ${hubWords(report.time.why)})`}`);
  if (purge.lastReceipt !== undefined) {
    const { number, atMs, periods, segments, readBack } = purge.lastReceipt;
    print(`last purge: receipt ${number}, ${localTime(atMs)}: ${plural(periods, 'key')} shredded${readBack ? ' and read back' : ', not read back'}, ${plural(segments, 'segment')} deleted`);
  }
  for (const line of confinementLines(report.confinement)) print(line);
  for (const line of doorLines(report.doors, report.nowMs)) print(line);
  print(`stored: ${scrubLine(report)}`);
  print(`database: ${copiesLine(report)}`);
  for (const notice of report.notices) print(`! since ${localTime(notice.sinceMs)}: ${hubWords(notice.text)}\n  ${notice.todo}`);
  for (const { sinceMs, text, todo } of report.told) print(`! told ${localTime(sinceMs)}: ${hubWords(text)}\n  ${todo}`);
  for (const warning of report.warnings) print(`! ${warning}`);
}

/** Of each camera whose events are asked for. */
function eventLines({ cameras, nowMs }: StatusReport): string[] {
  const lines = cameras.flatMap(({ camera, events }) => (events === undefined ? [] : [`events of ${camera}: ${events.words}; last observation ${sealedAgo(events.lastMs, nowMs)}`]));
  return lines.length === 0 ? [] : ['', ...lines];
}

/** What the hub looks at itself, and what rules have kept; nothing where there are neither. */
export function alarmLines({ cameras, alarms, nowMs }: Pick<StatusReport, 'cameras' | 'alarms' | 'nowMs'>): string[] {
  const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((all, one) => all + one, 0);
  const looking = cameras.flatMap(({ camera, looking: one }) => (one === undefined ? [] : [
    `the hub looks at ${camera} (${one.stream} stream): ${one.problem === undefined ? (one.moving ? 'something moves' : 'nothing moves') : `failing: ${one.problem}`}; ${plural(sum(one.seen), 'visit')} since it looks`
      + `${one.missed === 0 ? '' : `; ${one.missed} of ${plural(one.looks + one.missed, 'look')} came to nothing`}`,
  ]));
  const [begun, suppressed] = [sum(alarms.begun), sum(alarms.suppressed)];
  const troubles = [
    ...(suppressed > 0 ? [`${suppressed} more were too many`] : []), ...(alarms.failed > 0 ? [`${alarms.failed} could not be kept`] : []),
    ...(alarms.withoutPictures > 0 ? [`${alarms.withoutPictures} without pictures`] : []), ...(alarms.notHeld > 0 ? [`${plural(alarms.notHeld, 'segment')} not held`] : []),
    ...(alarms.droppedLooks > 0 ? [`${plural(alarms.droppedLooks, 'look')} dropped for newer ones, because there was more to look at than this machine can`] : []),
    ...(alarms.problem === undefined ? [] : [`the detector fails: ${alarms.problem}`]),
  ];
  if (looking.length === 0 && begun + suppressed === 0 && troubles.length === 0) return [];
  return ['', ...looking, `alarms since the start: ${begun}, ${alarms.open} open${alarms.lastMs === undefined ? '' : `, the last one ${sealedAgo(alarms.lastMs, nowMs)}`}${troubles.map((one) => `; ${one}`).join('')}`];
}

/** What holds ffmpeg and the hub, as the kernel says it. */
function confinementLines({ level, landlock, seccomp, hub }: StatusReport['confinement']): string[] {
  const files = landlock === 0 ? 'files: all that the hub may' : `files: its libraries only, none to write; ports: ${landlock >= 4 ? 'its camera\'s' : 'any'}`;
  const calls = seccomp ? 'TCP only, no other program' : 'calls: any';
  const ofHub = [
    ...(hub.noNewPrivileges ? ['no new privileges'] : []), ...(hub.callFilters > 0 ? ['system calls filtered'] : []), ...(hub.capable ? ['but it holds capabilities'] : []),
  ].join(', ');
  return [
    `ffmpeg is confined: level ${level} (${files}; ${calls})`,
    hub.managed
      ? `the hub is confined by systemd: ${ofHub === '' ? 'nothing of it is seen' : ofHub}; whether addresses are refused: systemctl show sallyport -p IPAddressDeny (it cannot be seen from inside)`
      : `the hub is not started by systemd, whose rules would hold it${ofHub === '' ? '' : `; it has: ${ofHub}`}`,
  ];
}

/** Where it is, and from where that is reached. */
export function pageLines({ enabled, urls, ways, state, problem }: StatusReport['page']): string[] {
  if (!enabled) return ['page: none (enabled = false)'];
  const where = urls.length === 0 ? 'not open' : `${urls.slice(0, 3).join(', ')}${state === 'new' ? '; nobody has an account yet: `sallyport pair`' : ''}`;
  const through = wayKinds.flatMap((kind) => {
    const of = (ways ?? []).filter((way) => way.kind === kind);
    return of.length === 0 ? [] : [`  ${wayWords[kind]}: ${of.map(({ address, interface: name, named }) => `${address} (${name}${named ? '' : '; its certificate does not name it'})`).join(', ')}`];
  });
  return [
    `page: ${where}${problem === undefined ? '' : ` (${problem.code}: ${problem.message})`}`, ...through,
    ...(ways === undefined || ways.some(({ kind }) => kind === 'vpn') ? [] : ['  by a VPN: none ends at this machine; one that ends at the router needs none here (docs/NETWORK.md)']),
  ];
}

const wayWords: Readonly<Record<WayKind, string>> = { home: 'from home', vpn: 'by a VPN', shared: 'by whoever shares the provider\'s network', aside: 'from its own network alone, by an address that is set aside for documentation or tests (RFC 6890)', public: 'by the whole internet, unless a firewall stands before it' };

function copiesLine({ copies, nowMs }: StatusReport): string {
  const newest = copies.newestMs === undefined ? 'no copy yet' : `${copies.copies === 1 ? 'one copy' : `${copies.copies} copies`}, the newest made ${formatAge(Math.max(0, nowMs - copies.newestMs))} ago`;
  return copies.problem === undefined ? newest : `${newest}; the last one could not be made: ${copies.problem.message}`;
}

function scrubLine({ scrub, nowMs }: StatusReport): string {
  const known = `${scrub.damaged + scrub.missing === 0 ? 'all as written, as far as is known' : `${scrub.damaged} damaged, ${scrub.missing} missing`}`;
  const last = scrub.lastFullMs === undefined ? 'not looked at in full yet' : `last looked at in full ${formatAge(Math.max(0, nowMs - scrub.lastFullMs))} ago`;
  const now = scrub.running === undefined ? '' : `; looking now, ${scrub.running.checked} of ${plural(scrub.running.total, 'segment')}`;
  return `${known}; ${last}${now}${scrub.problem === undefined ? '' : `; the last look ended early: ${scrub.problem.message}`}`;
}
