import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ReplyOf } from '../api/contract.ts';
import { systemClock } from '../base/clock.ts';
import { SallyportError, reasonOf } from '../base/errors.ts';
import { readFileBounded, writeFileAtomic } from '../base/files.ts';
import { formatAge, plural } from '../base/units.ts';
import { readAlarmText } from '../policy/alarmtext.ts';
import { noticePictureBytesMax } from '../policy/noticing.ts';
import { observationKinds, type ObservationKind } from '../policy/observations.ts';
import type { Identity } from '../seal/identity.ts';
import { openWhole } from '../seal/opener.ts';
import { openSlot } from '../seal/slot.ts';
import { callHub } from './control.ts';
import { parseOptions, requirePositional, socketOf, type Command } from './command.ts';
import { timeOf, withIdentities } from './footage.ts';
import { localTime, print, printJson, printTable } from './terminal.ts';

type Alarm = ReplyOf<'alarms'>['alarms'][number];

const rowsMax = 10_000;

export const alarms: Command = {
  name: 'alarms',
  summary: 'what rules have kept, and its pictures',
  help: `
Usage: sallyport alarms [CAMERA] [--kind KIND[,KIND…]] [--from TIME] [--to TIME] [--new] [--json]
       sallyport alarms show ID --identity KIT [--owner FILE] [--to FOLDER]
       sallyport alarms seen ID...
       sallyport alarms false ID...
       sallyport alarms test RULE [--json]
       sallyport alarms notice NUMBER [--picture FILE --identity KIT] [--json]

Without more, the alarms of the last 7 days, at all cameras or at CAMERA; of those kinds alone
(person, vehicle, motion, doorbell, …), and with --new those that nobody has looked at.

show opens an alarm's pictures with your kit, or with a device's identity and the
owner list, and writes them into the folder (the current one). The hub cannot open them.
It says in which zones it was, and whether somebody enrolled was recognised, or may have been:
who, the page says to whom it may.
seen and false say of an alarm that somebody has looked at it, or that it was none.
test says what a rule would have made of the last day's observations: in its zones
and of its sizes, by where the hub saw somebody and how large, which it keeps in memory alone
(so not over a restart).

notice says what a notice was about whose number (or its first eight digits) you have; with
--picture it opens the picture that came with it (NUMBER.jpg.age) beside it.

  --identity KIT   the recovery kit, or another age identity that may see it (else $SALLYPORT_IDENTITY)
  --owner FILE     an owner list: with it the identity of a device or a member opens its spaces
Times: 2026-11-24T05:00:00Z, "2026-11-24 05:00" (local time), now, or "-10 min".`,
  async run(args) {
    const { values, positionals } = parseOptions('alarms', args, {
      config: { type: 'string', short: 'c' }, socket: { type: 'string' }, identity: { type: 'string', short: 'i' }, owner: { type: 'string' },
      from: { type: 'string' }, to: { type: 'string' }, kind: { type: 'string' }, new: { type: 'boolean' }, picture: { type: 'string' }, json: { type: 'boolean' },
    }, 100);
    const socket = await socketOf(values);
    const [act, ...named] = positionals;
    if (act === 'show') return show(socket, requirePositional('alarms', named[0], 'the alarm\'s id'), values);
    if (act === 'seen' || act === 'false') return mark(socket, named, act === 'seen' ? { seen: true } : { seen: true, falseAlarm: true });
    if (act === 'notice') return notice(socket, requirePositional('alarms', named[0], 'the notice\'s number'), values);
    if (act === 'test') return test(socket, requirePositional('alarms', named[0], 'the name of a rule'), values.json === true);
    if (named.length > 0) throw new SallyportError('SP_USAGE', { command: 'alarms', reason: `"${named[0] ?? ''}" is too much` });
    const nowMs = systemClock.wallMs();
    const query = { fromMs: Math.round(timeOf('alarms', values.from, nowMs - 7 * 24 * 3_600_000)), toMs: Math.round(timeOf('alarms', values.to, nowMs)), limit: rowsMax };
    const found = await callHub(socket, 'alarms', { ...query, ...(act === undefined ? {} : { camera: act }), ...(values.kind === undefined ? {} : { kinds: kindsOf(values.kind) }) });
    const rows = found.alarms.filter(({ seen }) => values.new !== true || !seen);
    if (values.json === true) printJson({ alarms: rows });
    else printAlarms(rows);
    return 0;
  },
};

/** "person,vehicle". SP_USAGE for what nobody observes. */
export function kindsOf(text: string): ObservationKind[] {
  return text.split(',').map((word) => {
    const kind = observationKinds.find((one) => one === word.trim().toLowerCase());
    if (kind === undefined) throw new SallyportError('SP_USAGE', { command: 'alarms', reason: `--kind: "${word.trim()}" is none of ${observationKinds.join(', ')}` });
    return kind;
  });
}

async function show(socket: string, id: string, values: { identity?: string | undefined; owner?: string | undefined; to?: string | undefined }): Promise<number> {
  const folder = resolve(values.to ?? '.');
  return withIdentities('alarms', values, async (identities) => {
    const { alarm, pictures, slot, footage } = await callHub(socket, 'alarm-pictures', { id });
    printAlarms([alarm]);
    for (const { path } of footage) print(`footage: ${path}`);
    if (pictures.length === 0) {
      print(`no pictures${alarm.picturesWhy === '' ? '' : `: ${alarm.picturesWhy}`}`);
      return 0;
    }
    await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw new SallyportError('SP_WRITE', { file: folder, reason: reasonOf(error) }, error);
    });
    await withKeyOf(id, slot, identities, async (key) => {
      for (const { which, sealed } of pictures) {
        const file = join(folder, `${alarm.camera}-${id}-${which}.${which === 'text' ? 'json' : 'jpg'}`);
        const plain = openWhole(Buffer.from(sealed, 'base64'), [key], `the picture "${which}" of alarm ${id}`);
        await writeFileAtomic(file, which === 'text' ? plain.toString().trimEnd() : plain);
        print(file);
        if (which === 'text') printWords(plain);
      }
    });
    return 0;
  });
}

async function notice(socket: string, number: string, values: { identity?: string | undefined; owner?: string | undefined; picture?: string | undefined; json?: boolean | undefined }): Promise<number> {
  const { notices } = await callHub(socket, 'notice', { number: number.toLowerCase() });
  if (values.json === true) printJson({ notices });
  else {
    for (const { id, kind, camera, atMs, text, todo } of notices) {
      print(`${id}  ${localTime(atMs)}  ${kind}${camera === undefined ? '' : `  (${camera})`}${text === undefined ? '' : `: ${text}`}`);
      if (todo !== undefined) print(`  ${todo}`);
    }
    const found = notices.flatMap(({ alarm }) => alarm ?? []);
    if (notices.length === 0) print('no notice of that number is known (any more)');
    if (found.length > 0) printAlarms(found);
  }
  const alarm = notices.find((one) => one.alarm !== undefined)?.alarm;
  const { picture } = values;
  if (picture === undefined) return notices.length === 0 ? 1 : 0;
  if (alarm === undefined) throw new SallyportError('SP_ALARM', { alarm: number, reason: 'no alarm that is there has such a notice' });
  const sealed = await readFileBounded(picture, noticePictureBytesMax);
  return withIdentities('alarms', values, async (identities) => {
    const { slot } = await callHub(socket, 'alarm-pictures', { id: alarm.id });
    await withKeyOf(alarm.id, slot, identities, async (key) => {
      const file = `${picture.replace(/\.age$/, '').replace(/\.jpg$/, '')}.jpg`;
      await writeFileAtomic(file, openWhole(sealed, [key], picture));
      print(file);
    });
    return 0;
  });
}

/** `slot`: of the alarm's day, as the hub gives it out. */
async function withKeyOf(alarm: string, slot: string, identities: readonly Identity[], deed: (key: Identity) => Promise<void>): Promise<void> {
  const { identity } = openSlot(Buffer.from(slot, 'base64'), identities, `the key of alarm ${alarm}`);
  try {
    await deed(identity);
  } finally {
    identity.close();
  }
}

/** What was sealed with the pictures. */
function printWords(plain: Uint8Array): void {
  const { zones, person, unsure } = readAlarmText(plain);
  if (zones.length > 0) print(`zones: ${zones.join(', ')}`);
  if (person !== undefined) print('somebody enrolled was recognised');
  if (unsure === true) print('somebody was there who resembles a person who is enrolled: not sure who');
}

async function mark(socket: string, ids: readonly string[], marks: { seen: boolean; falseAlarm?: boolean }): Promise<number> {
  requirePositional('alarms', ids[0], 'the alarm\'s id');
  for (const id of ids) printAlarms([(await callHub(socket, 'alarm-mark', { id, ...marks })).alarm]);
  return 0;
}

async function test(socket: string, rule: string, json: boolean): Promise<number> {
  const found = await callHub(socket, 'alarm-test', { rule });
  if (json) {
    printJson(found);
    return 0;
  }
  print(`of ${plural(found.observations, 'observation')} of the last day:`);
  for (const [verdict, count] of Object.entries(found.verdicts).sort(([, one], [, other]) => other - one)) print(`  ${count} ${verdict === 'rings' ? 'it keeps' : `not: ${verdict}`}`);
  if (found.unplaced > 0) print(`  of ${found.unplaced} of them where in the picture they were is not known any more (it is kept in memory alone): zones, masks and sizes are left out there`);
  print(`${plural(found.visits.length, 'alarm')}${found.visits.length === 0 ? '' : ':'}`);
  if (found.visits.length > 0) printTable(['CAMERA', 'FROM', 'OBSERVED'], found.visits.slice(0, 100).map(({ camera, kind, fromMs }) => [camera, localTime(fromMs), kind]));
  return 0;
}

function printAlarms(rows: readonly Alarm[]): void {
  if (rows.length === 0) return print('no alarms in that time');
  printTable(['ID', 'CAMERA', 'FROM', 'FOR', 'RULE', 'OBSERVED', 'PICTURES', 'FOOTAGE', 'STATE'], rows.map((one) => [
    one.id, one.camera, localTime(one.fromMs), one.toMs === undefined ? 'open' : formatAge(one.toMs - one.fromMs), one.rule, one.kind,
    one.pictures.length === 0 ? one.picturesWhy || 'none' : one.pictures.join(' '), one.segments === 0 ? one.footageWhy || 'none yet' : plural(one.segments, 'segment'),
    one.falseAlarm ? 'false' : one.seen ? 'seen' : 'new',
  ]));
}
