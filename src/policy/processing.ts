/**
 * The record of processing activities (GDPR article 30) of a hub, made of the configuration in force: what is done with whose data, why, how long, and who
 * gets it. Pure, in Markdown that also reads well in a terminal. What only people know (who is responsible, on what ground) is left for them to write.
 */
import { formatDuration } from '../base/units.ts';
import { alarmInWords, zoneInWords } from './alarmrules.ts';
import { destinationInWords, entryOf, type DestinationConfig } from './declared.ts';
import { ruleInWords } from './privacy.ts';
import { recordingInWords } from './recordmode.ts';
import type { CameraConfig, HubConfig } from './settings.ts';

interface Activity {
  readonly title: string;
  /** What is done, each a sentence or a line of its own. */
  readonly what: readonly string[];
  readonly purpose: string;
  readonly whose: string;
  readonly data: string;
  readonly gets: string;
  readonly kept: readonly string[];
}

const filmed = 'whoever comes before a camera: household, guests, passers-by';
const household = 'whoever the owner gives access in their spaces: owners, members, guests; nobody else holds a key';

/** Another configuration makes another record wherever what is done with somebody's data changes. */
export function processingRecord(config: HubConfig): string {
  return [
    `# Record of processing: ${config.name}\n`,
    'Made of the configuration in force (GDPR article 30). To be written by whoever is responsible: their name and how they are reached, on what ground each activity stands (article 6), and what signs tell people.\n',
    ...activities(config).map(activityText),
    '## Where it goes\n',
    ...(config.destinations.length === 0 ? ['Nothing leaves the house, and nobody outside of it gets anything. No data is transferred to another country.\n']
      : [...config.destinations.map(destinationText), 'In which country a destination lies is for whoever declared it to know and to write here; the hub knows its address alone.\n']),
    '## How it is protected (article 32)\n',
    '- Footage and pictures are sealed before they are stored, to keys that the hub does not keep; only the owner\'s devices and those that an owner let in open them.',
    `- A key covers ${formatDuration(config.record.periodMs)} of one camera; at the deadline it is destroyed first, then the files. A signed receipt says so.`,
    '- The part that sees cannot speak outside; the part that speaks sees sealed bytes only. What left stands in the ledger (`sallyport egress`), with size, hash, recipients and destination.',
    '- Everything that somebody looks at, exports or changes stands in a chained, signed audit (`sallyport verify`).',
    `- Programs that read cameras are confined at least to: ${config.capture.jail}.`,
    '',
  ].join('\n');
}

function activities(config: HubConfig): Activity[] {
  const { cameras, alarms, keep, zones, recordings, privacy, page } = config;
  const recorded = cameras.filter(({ record }) => record);
  const observed = cameras.filter(({ events }) => events);
  return [
    {
      title: 'Live pictures', what: cameras.length === 0 ? ['There is no camera.'] : cameras.map((camera) => `${camera.name} (${camera.id}), space ${camera.space}${camera.audio ? ', with sound' : ', without sound'}`),
      purpose: 'to see who is there', whose: filmed, data: 'moving pictures, sound where it is switched on', gets: household, kept: ['not at all: seconds in memory'],
    },
    {
      title: 'Recording', what: recorded.length === 0 ? ['Nothing is recorded.'] : [...recorded.map(recordedText), ...recordings.map(recordingInWords), ...privacy.map(ruleInWords)],
      purpose: 'to find out afterwards what happened', whose: filmed, data: `moving pictures, sound where it is switched on${config.record.thumbnails ? ', a small picture of each beginning' : ''}`, gets: household,
      kept: recorded.map(({ id, keepMs }) => `${id}: ${formatDuration(keepMs)} from the end of the period`),
    },
    {
      title: 'Observations and alarms', what: [...observed.map(({ id, detect }) => `${id}: its events are asked for; for alarms count ${detectText(detect)}`), ...alarms.map((rule) => `alarm ${alarmInWords(rule)}`), ...zones.map(zoneInWords)],
      purpose: 'to be told when somebody or something is there', whose: filmed, data: 'kind, time and camera of what was seen (a person, a vehicle, a motion, …), pictures of alarms; no name', gets: household,
      kept: [...observed.map(({ id, keepMs }) => `observations of ${id}: ${formatDuration(keepMs)}`), ...alarms.map(({ name, keepMs }) => `${name}: pictures and footage ${formatDuration(keepMs)}`)],
    },
    ...(page.enabled ? [{
      title: 'Accounts', what: ['Visitors of the page log in.'], purpose: 'that only who may comes in', whose: 'owners, members, guests, installers', data: 'a name and a credential; what kind of browser, when it was there last', gets: 'the owners', kept: ['until the account is erased'],
    }] : []),
    {
      title: 'Audit, log and ledger', what: ['What is done with footage, keys and settings is written down; the operator\'s log names no person and no camera by its name.'],
      purpose: 'to prove what was done, and to find faults', whose: 'owners, members, guests, installers', data: 'which account did what, when', gets: 'the owners; the log also whoever runs the machine',
      kept: [`audit and ledger: ${formatDuration(keep.auditMs)}`, `log: ${formatDuration(keep.logsMs)}`],
    },
  ];
}

function recordedText({ id, name, sub, budgetBytes }: CameraConfig): string {
  return `${name} (${id})${sub ? ', large and small pictures' : ''}${budgetBytes === undefined ? '' : ', the oldest goes earlier where its room is used up'}`;
}

function detectText(detect: CameraConfig['detect']): string {
  return { both: 'what it says and what the hub finds in its pictures', hub: 'what the hub finds in its pictures', camera: 'what it says', off: 'none of it' }[detect];
}

function activityText({ title, what, purpose, whose, data, gets, kept }: Activity): string {
  return [
    `## ${title}\n`, ...what.map((line) => `- ${line}`), '', `- Purpose: ${purpose}.`, `- Of whom: ${whose}.`, `- Data: ${data}.`, `- Who gets it: ${gets}.`, `- Kept: ${kept.length === 0 ? 'nothing' : kept.join('; ')}.`, '',
  ].join('\n');
}

function destinationText(destination: DestinationConfig): string {
  const { pin: _pin, ca: _ca, ...how } = entryOf(destination);
  const hours = how['hours'] === undefined ? '' : `; sent at ${String(how['hours'])}`;
  const opens = destination.store === undefined ? 'it reads kind, time and the camera\'s alias' : destination.store.slots === 'far' ? 'it cannot open it; the owner\'s recovery kit can, with the sealed keys' : 'nobody opens it there: the keys stay in the house';
  return `- ${destinationInWords(destination)}${hours}; ${opens}\n`;
}
