/**
 * `[[destination]]`: which keys go with which kind, and what an entry comes to. What the courier would refuse is refused here already, by the same
 * check, with file and line.
 */
import { dirname, resolve } from 'node:path';
import { formatDuration, secondMs } from './base/units.ts';
import type { SallyportError } from './base/errors.ts';
import { Findings, durationMs, sizeBytes, type SoundFile } from './configcheck.ts';
import { dataFolder, footageKeptFor, type DestinationEntry } from './configschema.ts';
import { entryOf, storeKinds, type DestinationConfig, type DestinationKind } from './policy/declared.ts';
import { destinationSchema, destinationsMax } from './policy/destinations.ts';
import { homeRules } from './policy/homeassistant.ts';
import { pieceBytesFor } from './policy/pieces.ts';

type Key = keyof DestinationEntry;
type Say = (key: Key, reason: string, expected: string) => void;

const every: readonly Key[] = ['name', 'purpose', 'kind'];
const web: readonly Key[] = ['url', 'fingerprint', 'ca', 'proxy'];
const store: readonly Key[] = ['send', 'cameras', 'slots', 'slots_at', 'slots_same_place', 'limit', 'hours', 'lanes', 'archive_after', 'constant_size', 'jitter'];
const messenger: readonly Key[] = ['kinds', 'group', 'per_hour', 'quiet', 'urgent'];

/** Those that a kind needs, and those that it may have besides. */
const keysOf: Readonly<Record<DestinationKind, { readonly needs: readonly Key[]; readonly may: readonly Key[] }>> = {
  folder: { needs: ['path'], may: [...store, 'mount'] },
  webdav: { needs: ['url'], may: [...web, ...store, 'read_back'] },
  s3: { needs: ['url', 'bucket'], may: [...web, ...store, 'region', 'prefix', 'read_back'] },
  ntfy: { needs: ['url'], may: [...web, ...messenger, 'picture'] },
  webhook: { needs: ['url'], may: [...web, ...messenger, 'picture'] },
  mqtt: { needs: ['url'], may: [...web, ...messenger, 'topic', 'discovery', 'commands'] },
};

/** Of all files together: names, cameras and other destinations may stand in another file. `configPath`: of sallyport.toml, in whose folder relative paths begin. */
export function checkDestinations(files: readonly SoundFile[], configPath: string): SallyportError[] {
  const folder = dirname(configPath);
  const data = resolve(folder, files.map(({ entries }) => entries.data).findLast((text) => text !== undefined) ?? dataFolder);
  const all = files.flatMap(({ entries }) => entries.destination ?? []);
  const cameras = new Set(files.flatMap(({ entries }) => entries.camera ?? []).map(({ id }) => id));
  const stores = new Map(all.filter(isStore).map((entry) => [entry.name, entry]));
  const seen = new Set<string>();
  let count = 0;
  return files.flatMap((file) => {
    const found = new Findings(file.path, file.lines);
    for (const [index, entry] of (file.entries.destination ?? []).entries()) {
      const say: Say = (key, reason, expected) => found.value(['destination', index, key], reason, expected);
      if (++count === destinationsMax + 1) say('name', `is that of one more than ${destinationsMax}`, `At most ${destinationsMax} destinations, in all files together.`);
      if (seen.has(entry.name)) found.duplicate(['destination', index, 'name'], entry.name);
      seen.add(entry.name);
      const { needs, may } = keysOf[entry.kind];
      for (const key of needs) if (entry[key] === undefined) say(key, 'is missing', `A destination of kind "${entry.kind}" needs it.`);
      const odd = (Object.keys(entry) as Key[]).filter((key) => ![...every, ...needs, ...may].includes(key));
      for (const key of odd) say(key, `does not go with kind "${entry.kind}"`, `With it go: ${[...needs, ...may].join(', ')}.`);
      if (entry.cameras?.some((camera) => !cameras.has(camera)) === true) say('cameras', 'names a camera that there is not', cameras.size === 0 ? 'There are no cameras yet.' : `Known cameras: ${[...cameras].slice(0, 20).join(', ')}.`);
      checkSlots(entry, stores, folder, say);
      checkPaths(entry, folder, data, say);
      if (entry.kind === 'mqtt' && all.slice(0, all.indexOf(entry)).some((other) => isSameBroker(entry, other))) say('url', 'and topic are those of another destination already', 'Each broker knows a hub by its topic: give one of the two another topic, or make one of both.');
      checkArchive(entry, files, say);
      if (odd.length === 0 && needs.every((key) => entry[key] !== undefined)) checkEntry(entry, say);
    }
    return found.list;
  });
}

function checkSlots(entry: DestinationEntry, stores: ReadonlyMap<string, DestinationEntry>, folder: string, say: Say): void {
  if (entry.slots !== 'far') {
    if (entry.slots_at !== undefined) say('slots_at', 'stands without slots = "far"', 'Take it out, or write slots = "far".');
    return;
  }
  if (entry.slots_at === undefined) return say('slots_at', 'is missing', 'With slots = "far": the name of the destination that gets the sealed keys.');
  const keys = stores.get(entry.slots_at);
  if (keys === undefined) say('slots_at', 'names a destination that there is not, or that takes notices alone', `Known: ${[...stores.keys()].join(', ')}.`);
  else if (entry.slots_same_place !== true && isSamePlace(entry, keys, folder)) say('slots_at', entry.slots_at === entry.name ? 'is this destination itself' : 'is this very place by another name', 'Name another one; or, knowing that one place then holds footage and sealed keys, write slots_same_place = true.');
}

/** Whoever copies the one has the other, too. */
function isSamePlace(one: DestinationEntry, other: DestinationEntry, folder: string): boolean {
  if (one.name === other.name) return true;
  if (one.path !== undefined && other.path !== undefined) return overlap(resolve(folder, one.path), resolve(folder, other.path));
  const [here, there] = [one, other].map(({ url }) => URL.parse(url ?? ''));
  if (one.kind !== other.kind || here === null || here === undefined || there?.host !== here.host) return false;
  return one.kind === 's3' ? one.bucket === other.bucket : overlap(here.pathname, there.pathname);
}

/** The courier reads and writes what a destination names: never what the hub alone may see, nor what tells the hub what to do. */
function checkPaths({ path, ca }: DestinationEntry, folder: string, data: string, say: Say): void {
  if (path !== undefined && overlap(resolve(folder, path), data)) say('path', 'is, holds or lies in the hub\'s own data folder', 'Name a folder of its own, on another disk: the process that sends must not reach what the hub keeps.');
  else if (path !== undefined && (isWithin(folder, resolve(folder, path)) || isWithin(resolve(folder, path), resolve(folder, 'conf.d')))) say('path', 'holds the hub\'s configuration', 'Name a folder of its own: the process that sends must not tell the hub what to do.');
  if (ca !== undefined && isWithin(resolve(folder, ca), data)) say('ca', 'lies in the hub\'s own data folder', 'Lay the authority\'s certificate beside this file: the process that sends must not reach what the hub keeps.');
}

function isWithin(path: string, folder: string): boolean {
  const top = folder.replace(/\/*$/, '/');
  return `${path.replace(/\/*$/, '')}/`.startsWith(top);
}

function overlap(one: string, other: string): boolean {
  return isWithin(one, other) || isWithin(other, one);
}

function isSameBroker(one: DestinationEntry, other: DestinationEntry): boolean {
  const [here, there] = [one, other].map(({ url }) => URL.parse(url ?? ''));
  return other.kind === 'mqtt' && here !== null && here !== undefined && here.host.toLowerCase() === there?.host.toLowerCase() && (one.topic ?? homeRules.topic) === (other.topic ?? homeRules.topic);
}

/** What would never lie there alone is no archive: the owner would wait for room that never comes. */
function checkArchive(entry: DestinationEntry, files: readonly SoundFile[], say: Say): void {
  const { send, cameras, archive_after: after } = entry;
  const afterMs = after === undefined ? undefined : durationMs(after);
  if (afterMs === undefined || !isStore(entry)) return;
  if (send !== 'all') return say('archive_after', 'stands without send = "all"', 'What alarms keep stays at the hub, so nothing would be moved: write send = "all", or take it out.');
  const footage = files.map(({ entries }) => entries.keep?.footage).findLast((text) => text !== undefined) ?? footageKeptFor;
  const sent = files.flatMap(({ entries }) => entries.camera ?? []).filter(({ id }) => cameras?.includes(id) ?? true);
  const longestMs = Math.max(...(sent.length === 0 ? [footage] : sent.map(({ keep }) => keep ?? footage)).map((text) => durationMs(text)));
  if (afterMs >= longestMs) say('archive_after', 'is not shorter than the footage is kept', `What goes there is kept for ${formatDuration(longestMs)} at most, and destroyed before it would be moved: give a shorter time, or keep footage longer.`);
}

/** What the courier takes. */
function checkEntry(entry: DestinationEntry, say: Say): void {
  try {
    destinationSchema(entryOf(destinationOf(entry, (path) => (path.startsWith('/') ? path : `/${path}`))), '');
  } catch (error) {
    const [, at = 'url', reason = 'cannot be used'] = /^([a-z_]+)[^ ]* (.*)$/.exec((error as Error).message) ?? [];
    const names: Readonly<Record<string, Key>> = { pin: 'fingerprint', limit_bytes_per_second: 'limit', group_seconds: 'group' };
    say(names[at] ?? (at as Key), reason, 'docs/CONFIG.md says what can stand there.');
  }
}

function isStore({ kind }: DestinationEntry): boolean {
  return (storeKinds as readonly string[]).includes(kind);
}

/** @param pathOf Makes a path absolute. */
export function destinationOf(entry: DestinationEntry, pathOf: (text: string) => string): DestinationConfig {
  const { name, purpose, kind } = entry;
  const given = {
    path: entry.path === undefined ? undefined : pathOf(entry.path), mount: entry.mount, url: entry.url, pin: entry.fingerprint, ca: entry.ca === undefined ? undefined : pathOf(entry.ca), proxy: entry.proxy, bucket: entry.bucket, region: entry.region,
    prefix: entry.prefix, read_back: entry.read_back, hours: entry.hours, lanes: entry.lanes, limit_bytes_per_second: entry.limit === undefined ? undefined : sizeBytes(entry.limit),
    group_seconds: entry.group === undefined ? undefined : Math.round(durationMs(entry.group) / secondMs), per_hour: entry.per_hour, quiet: entry.quiet, urgent: entry.urgent, topic: entry.topic, discovery: entry.discovery === 'none' ? '' : entry.discovery,
  };
  const to = Object.fromEntries(Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
  if (!isStore(entry)) return { name, purpose, kind, to, messenger: { ...(entry.picture === true ? { picture: true } : {}), ...(entry.commands === true ? { commands: true } : {}), ...(entry.kinds === undefined ? {} : { kinds: entry.kinds }) } };
  return { name, purpose, kind, to, store: {
    send: entry.send ?? 'alarms', pictures: true, slots: entry.slots ?? 'home', slotsSamePlace: entry.slots_same_place ?? false,
    ...(entry.cameras === undefined ? {} : { cameras: entry.cameras }),
    ...(entry.slots_at === undefined ? {} : { slotsAt: entry.slots_at }),
    ...(entry.constant_size === undefined ? {} : { pieceBytes: pieceBytesFor(sizeBytes(entry.constant_size)) }),
    ...(entry.jitter === undefined ? {} : { jitterMs: durationMs(entry.jitter) }),
    ...(entry.archive_after === undefined ? {} : { archiveAfterMs: durationMs(entry.archive_after) }),
  } };
}
