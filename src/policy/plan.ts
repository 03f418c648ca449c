/** What a new configuration would change, in plain words; for `plan` and for the log of a reload. */
import { formatBytes, formatDuration, plural } from '../base/units.ts';
import { alarmInWords, sizeInWords, zoneInWords, type AlarmRule, type Zone } from './alarmrules.ts';
import { camerasInWords } from './concerns.ts';
import { destinationInWords, withoutYes } from './declared.ts';
import { ruleInWords, rulesLost } from './privacy.ts';
import { recordingInWords } from './recordmode.ts';
import { timesInWords } from './schedule.ts';
import { restartKeys, type CameraConfig, type HubConfig } from './settings.ts';

export interface PlannedChange {
  readonly text: string;
  /** It waits for an owner's yes. */
  readonly lowersPrivacy: boolean;
  readonly restart: boolean;
  readonly camera?: string;
}

/** Both sides as loaded (`after`) and as in force (`before`); an empty list means that nothing would change. */
export function planChanges(before: HubConfig, after: HubConfig): PlannedChange[] {
  return [...hubChanges(before, after), ...facesChanges(before, after), ...privacyChanges(before, after), ...recordingChanges(before, after), ...zoneChanges(before, after), ...alarmSetChanges(before, after), ...destinationChanges(before, after), ...cameraSetChanges(before, after)];
}

type Row = readonly [key: string, what: string, from: string, to: string, lowersPrivacy?: boolean];

function hubChanges(before: HubConfig, after: HubConfig): PlannedChange[] {
  const rows: Row[] = [
    ['name', 'the hub is called', before.name, after.name],
    ['data', 'the data folder is', before.data, after.data],
    ['data_mount', 'the data folder lies on a disk of its own:', yesNo(before.dataMount), yesNo(after.dataMount)],
    ['owner', 'the owner list is', before.owner ?? 'none (nothing is recorded)', after.owner ?? 'none (nothing is recorded)'],
    ['socket', 'the control socket is', before.socket, after.socket],
    ['record.period', 'one key covers', formatDuration(before.record.periodMs), formatDuration(after.record.periodMs)],
    ['record.cut_after', 'segments are cut after', formatDuration(before.record.cutAfterMs), formatDuration(after.record.cutAfterMs)],
    ['record.thumbnails', 'each segment has a thumbnail:', yesNo(before.record.thumbnails), yesNo(after.record.thumbnails)],
    ['keep.footage', 'footage is kept', formatDuration(before.keep.footageMs), formatDuration(after.keep.footageMs), after.keep.footageMs > before.keep.footageMs],
    ['keep.logs', 'the log is kept', formatDuration(before.keep.logsMs), formatDuration(after.keep.logsMs), after.keep.logsMs > before.keep.logsMs],
    ['keep.audit', 'the audit is kept', formatDuration(before.keep.auditMs), formatDuration(after.keep.auditMs), after.keep.auditMs > before.keep.auditMs],
    ['disk.budget', 'footage may take', sizeOr(before.disk.budgetBytes, 'as much as fits'), sizeOr(after.disk.budgetBytes, 'as much as fits')],
    ['disk.reserve', 'what stays free on the disk is', sizeOr(before.disk.reserveBytes, 'by its size'), sizeOr(after.disk.reserveBytes, 'by its size')],
    ['scrub.every', 'everything stored is looked at again every', formatDuration(before.scrub.everyMs), formatDuration(after.scrub.everyMs)],
    ['scrub.rate', 'for that, each second may take', formatBytes(before.scrub.bytesPerSecond), formatBytes(after.scrub.bytesPerSecond)],
    ['time.source', 'the clock is trusted by', before.time.source, after.time.source],
    ['time.settle', 'after a start or a jump the clock must run steady for', formatDuration(before.time.settleMs), formatDuration(after.time.settleMs)],
    ['discovery.loopback', 'cameras on this machine are looked for:', yesNo(before.discovery.loopback), yesNo(after.discovery.loopback)],
    ['discovery.interfaces', 'cameras are looked for on', interfaces(before), interfaces(after)],
    ['page.enabled', 'there is a page:', yesNo(before.page.enabled), yesNo(after.page.enabled)],
    ['page.port', 'the page\'s port is', String(before.page.port), String(after.page.port)],
    ['page.http_port', 'the page\'s port for this machine itself is', String(before.page.httpPort), String(after.page.httpPort)],
    ['page.names', 'visitors also come by', before.page.names.join(', ') || 'no other name', after.page.names.join(', ') || 'no other name'],
    ['page.panels', 'pictures are made for wall panels:', yesNo(before.page.panels), yesNo(after.page.panels)],
    ['page.certificate', 'the page\'s certificate is', before.page.certificate ?? 'of the hub\'s own authority', after.page.certificate ?? 'of the hub\'s own authority'],
    ['page.certificate_key', 'the key of the page\'s certificate is', before.page.certificateKey ?? 'of the hub\'s own making', after.page.certificateKey ?? 'of the hub\'s own making'],
    ['capture.ffmpeg', 'ffmpeg is', before.capture.ffmpeg, after.capture.ffmpeg],
    ['capture.ffprobe', 'ffprobe is', before.capture.ffprobe, after.capture.ffprobe],
    ['capture.jail', 'the least confinement of ffmpeg that is accepted is', before.capture.jail, after.capture.jail],
    ['faces.consent_lasts', 'a person\'s consent lasts', formatDuration(before.faces.consentMs), formatDuration(after.faces.consentMs), after.faces.consentMs > before.faces.consentMs],
    ['faces.lock', 'the keys of those who are recognised are with', lockInWords(before), lockInWords(after), before.faces.lock === 'owner' && after.faces.lock === 'hub'],
    ['place', 'for the sun, the hub is at', placeInWords(before), placeInWords(after)],
    ['log.level', 'the log level is', before.log.level, after.log.level],
  ];
  return rows.filter(([, , from, to]) => from !== to).map((row) => planned(row));
}

function lockInWords({ faces }: HubConfig): string {
  return faces.lock === 'owner' ? 'the owner, who lends them until the hub ends' : 'the hub';
}

/** What being on means stands in the notice that the owner says yes to. */
function facesChanges({ faces: before }: HubConfig, { faces: after }: HubConfig): PlannedChange[] {
  if (before.enabled === after.enabled) return [];
  return [after.enabled
    ? told('faces are compared with those of people who agreed to it', true)
    : told('faces are no longer compared with anybody\'s; people stay until they are forgotten')];
}

function privacyChanges(before: HubConfig, after: HubConfig): PlannedChange[] {
  return [
    ...rulesLost(after.privacy, before.privacy).map((rule) => told(`new: ${ruleInWords(rule)}`)),
    ...rulesLost(before.privacy, after.privacy).map((rule) => told(`no longer: ${ruleInWords(rule)}`, true)),
  ];
}

/** The order matters too: the first that fits counts. */
function recordingChanges(before: HubConfig, after: HubConfig): PlannedChange[] {
  const [was, is] = [before, after].map(({ recordings }) => recordings.map(recordingInWords)) as [string[], string[]];
  if (was.join('\n') === is.join('\n')) return [];
  const changes = [...is.filter((words) => !was.includes(words)).map((words) => `new: ${words}`), ...was.filter((words) => !is.includes(words)).map((words) => `no longer: ${words}`)];
  return (changes.length === 0 ? ['which rule of recording counts first has changed'] : changes).map((text) => told(text));
}

function zoneChanges(before: HubConfig, after: HubConfig): PlannedChange[] {
  const keyOf = ({ camera, name }: Zone): string => `${camera}\n${name}`;
  const [was, is] = [before, after].map(({ zones }) => new Map(zones.map((zone) => [keyOf(zone), zone]))) as [Map<string, Zone>, Map<string, Zone>];
  return [
    ...after.zones.flatMap((zone) => {
      const known = was.get(keyOf(zone));
      if (known === undefined) return [told(`new: ${zoneInWords(zone)}`)];
      if (known.mask !== zone.mask) return [told(`${zoneInWords(zone)}; before it was ${known.mask ? 'never looked at' : 'a zone'}`)];
      return JSON.stringify(known.points) === JSON.stringify(zone.points) ? [] : [told(`${zone.camera}: ${zone.name} is drawn otherwise`)];
    }),
    ...before.zones.filter((zone) => !is.has(keyOf(zone))).map((zone) => told(`no longer: ${zoneInWords(zone)}`)),
  ];
}

function alarmSetChanges(before: HubConfig, after: HubConfig): PlannedChange[] {
  const known = new Map(before.alarms.map((rule) => [rule.name, rule]));
  const wanted = new Set(after.alarms.map(({ name }) => name));
  return [
    ...after.alarms.flatMap((rule) => {
      const was = known.get(rule.name);
      if (was !== undefined) return alarmChanges(was, rule);
      return [told(`new alarm ${alarmInWords(rule)}; its pictures and footage are kept ${formatDuration(rule.keepMs)}`, rule.keepMs > before.keep.footageMs)];
    }),
    ...before.alarms.filter(({ name }) => !wanted.has(name)).map((rule) => told(`no longer: alarm ${alarmInWords(rule)}; what it has kept stays until its deadline`)),
  ];
}

function alarmChanges(before: AlarmRule, after: AlarmRule): PlannedChange[] {
  const rows: Row[] = [
    ['enabled', 'it rings:', yesNo(before.enabled), yesNo(after.enabled)],
    ['kinds', 'it is about', before.kinds.join(', '), after.kinds.join(', ')],
    ['cameras', 'it is of', camerasInWords(before), camerasInWords(after)],
    ['zones', 'it looks at', before.zones?.join(', ') ?? 'the whole picture', after.zones?.join(', ') ?? 'the whole picture'],
    ['size', 'its size must be', sizeInWords(before), sizeInWords(after)],
    ['days', 'its time is', timesInWords(before), timesInWords(after)],
    ['keep', 'its pictures and footage are kept', formatDuration(before.keepMs), formatDuration(after.keepMs), after.keepMs > before.keepMs],
    ['before', 'before it, this is kept too:', formatDuration(before.beforeMs), formatDuration(after.beforeMs)],
    ['after', 'after it, this is kept too:', formatDuration(before.afterMs), formatDuration(after.afterMs)],
  ];
  return rows.filter(([, , from, to]) => from !== to).map((row) => told(`alarm ${after.name}: ${inWords(row)}`, row[4] === true));
}

function destinationChanges(before: HubConfig, after: HubConfig): PlannedChange[] {
  const known = new Map(before.destinations.map((destination) => [destination.name, destination]));
  const wanted = new Set(after.destinations.map(({ name }) => name));
  return [
    ...after.destinations.flatMap((destination) => {
      const was = known.get(destination.name);
      if (was === undefined) return [told(`new destination ${destinationInWords(destination)}`, true)];
      const words = destinationInWords(destination);
      if (words === destinationInWords(was)) return JSON.stringify(was.to) === JSON.stringify(destination.to) ? [] : [told(`destination ${destination.name}: how it is sent to is set otherwise`)];
      const applies = withoutYes(was, destination);
      return [told(`destination ${words}; before: ${destinationInWords(was)}`, applies === undefined || destinationInWords(applies) !== words)];
    }),
    ...before.destinations.filter(({ name }) => !wanted.has(name)).map((destination) => told(`no longer: destination ${destinationInWords(destination)}; what lies there is not deleted by the hub any more${destination.store?.slots === 'home' ? ', and opens with nothing once its keys are shredded here' : ''}`)),
  ];
}

function cameraSetChanges(before: HubConfig, after: HubConfig): PlannedChange[] {
  const known = new Map(before.cameras.map((camera) => [camera.id, camera]));
  const wanted = new Set(after.cameras.map((camera) => camera.id));
  return [
    ...after.cameras.flatMap((camera) => {
      const was = known.get(camera.id);
      return was === undefined ? [added(camera, before)] : cameraChanges(was, camera);
    }),
    ...before.cameras.filter((camera) => !wanted.has(camera.id)).map((camera) => ({
      text: `${camera.id}: is no longer recorded; what was recorded stays until its deadline`, lowersPrivacy: false, restart: false, camera: camera.id,
    })),
  ];
}

function added(camera: CameraConfig, before: HubConfig): PlannedChange {
  const does = camera.record ? `is recorded from ${camera.address}, its footage is kept ${formatDuration(camera.keepMs)}` : `is watched at ${camera.address} without recording`;
  return {
    text: `${camera.id}: new, ${does}${camera.audio ? ', with sound' : ''}`,
    lowersPrivacy: camera.audio || camera.keepMs > before.keep.footageMs, restart: false, camera: camera.id,
  };
}

function cameraChanges(before: CameraConfig, after: CameraConfig): PlannedChange[] {
  const rows: Row[] = [
    ['name', 'is called', before.name, after.name],
    ['address', 'is reached at', place(before), place(after)],
    ['user', 'the camera\'s user is', before.user, after.user],
    ['keep', 'footage is kept', formatDuration(before.keepMs), formatDuration(after.keepMs), after.keepMs > before.keepMs],
    ['audio', 'sound is recorded:', yesNo(before.audio), yesNo(after.audio), after.audio],
    ['record', 'it is recorded:', yesNo(before.record), yesNo(after.record)],
    ['sub', 'its sub stream is recorded too:', yesNo(before.sub), yesNo(after.sub)],
    ['events', 'its events are kept:', yesNo(before.events), yesNo(after.events)],
    ['detect', 'for alarms counts what is seen by', detectInWords(before), detectInWords(after)],
    ['space', 'its space is', before.space, after.space],
    ['budget', 'its footage may take', sizeOr(before.budgetBytes, 'as much as fits'), sizeOr(after.budgetBytes, 'as much as fits')],
    ['alias', 'outside it is called', before.alias ?? 'by its number', after.alias ?? 'by its number', after.alias !== undefined],
    ['serial', 'its serial number is', before.serial ?? 'not checked', after.serial ?? 'not checked'],
  ];
  return rows.filter(([, , from, to]) => from !== to).map((row) => planned(row, after.id));
}

function planned(row: Row, camera?: string): PlannedChange {
  const [key, , , , lowersPrivacy = false] = row;
  if (camera !== undefined) return { ...told(`${camera}: ${inWords(row)}`, lowersPrivacy), camera };
  return { ...told(inWords(row), lowersPrivacy), restart: restartKeys.has(key) };
}

function inWords([, what, from, to]: Row): string {
  return `${what} ${to} instead of ${from}`;
}

/** It takes effect at once. */
function told(text: string, lowersPrivacy = false): PlannedChange {
  return { text, lowersPrivacy, restart: false };
}

function place(camera: CameraConfig): string {
  return `${camera.address} port ${camera.port}${camera.path}${camera.secure ? ' by HTTPS' : ''}`;
}

function detectInWords({ detect }: CameraConfig): string {
  return { both: 'camera and hub', hub: 'the hub', camera: 'the camera', off: 'nobody' }[detect];
}

function interfaces(config: HubConfig): string {
  return config.discovery.interfaces.length === 0 ? 'every local network' : `${config.discovery.interfaces.join(', ')} (${plural(config.discovery.interfaces.length, 'interface')})`;
}

function placeInWords({ place }: HubConfig): string {
  return place === undefined ? 'no known place' : `${place.latitude}, ${place.longitude}`;
}

function sizeOr(bytes: number | undefined, otherwise: string): string {
  return bytes === undefined ? otherwise : formatBytes(bytes);
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
