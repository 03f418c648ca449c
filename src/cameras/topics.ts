/**
 * What the topics of the makes mean. ONVIF's own topics come first (ONVIF Core, Analytics, Imaging and DeviceIO specifications, annexes on
 * topics), then what makes have of their own. A topic that is not here is no observation; it is counted by its name.
 */
import type { ObservationKind, Signal } from '../policy/observations.ts';
import { plainWord } from './charset.ts';
import type { Item, Notification } from './notifications.ts';

/** Topics in small letters; `*` stands for one name, or a part of it. */
const topicKinds: readonly (readonly [topic: string, kind: ObservationKind])[] = [
  ['videosource/motionalarm', 'motion'],
  ['ruleengine/cellmotiondetector/motion', 'motion'],
  ['ruleengine/motionregiondetector/motion', 'motion'],
  ['ruleengine/*/objectsinside', 'line'],
  ['ruleengine/*/crossed', 'line'],
  ['ruleengine/*/loitering*', 'person'],
  ['ruleengine/*/tamper', 'tamper'],
  ['ruleengine/recognition/face', 'face'],
  ['ruleengine/recognition/licenseplate', 'vehicle'],
  ['ruleengine/objectdetection/object', 'motion'],
  ['videosource/globalscenechange/*', 'tamper'],
  ['videosource/globalscenechange', 'tamper'],
  ['videosource/signalloss', 'tamper'],
  ['audioanalytics/audio/detectedsound', 'sound'],
  ['device/trigger/digitalinput', 'input'],
  // Hikvision and its relatives
  ['device/trigger/alarmin', 'input'],
  // Axis
  ['videoanalytics/motiondetection', 'motion'],
  ['ruleengine/vmd3/*', 'motion'],
  ['cameraapplicationplatform/vmd/*', 'motion'],
  ['cameraapplicationplatform/motionguard/*', 'motion'],
  ['cameraapplicationplatform/objectanalytics/*', 'motion'],
  ['cameraapplicationplatform/fenceguard/*', 'line'],
  ['cameraapplicationplatform/loiteringguard/*', 'person'],
  ['device/sensor/pir', 'motion'],
  ['device/io/port', 'input'],
  ['device/io/virtualinput', 'input'],
  ['device/casing/open', 'tamper'],
  ['videosource/tampering', 'tamper'],
  ['audiosource/triggerlevel', 'sound'],
  // Reolink, and the rules of others that are called as theirs
  ['ruleengine/myruledetector/peopledetect', 'person'],
  ['ruleengine/myruledetector/vehicledetect', 'vehicle'],
  ['ruleengine/myruledetector/dogcatdetect', 'pet'],
  ['ruleengine/myruledetector/facedetect', 'face'],
  ['ruleengine/myruledetector/package', 'package'],
  ['ruleengine/myruledetector/packagedetect', 'package'],
  ['ruleengine/myruledetector/visitor', 'doorbell'],
  // TP-Link Tapo and VIGI: the item says what it is
  ['ruleengine/cellmotiondetector/*', 'motion'],
  ['ruleengine/tpsmarteventdetector/tpsmartevent', 'motion'],
  ['ruleengine/peopledetector/people', 'person'],
  ['ruleengine/intrusiondetector/intrusion', 'line'],
  ['ruleengine/linecrossdetector/linecross', 'line'],
  // Dahua, Uniview and others
  ['ruleengine/facedetector/*', 'face'],
  ['ruleengine/humandetector/*', 'person'],
  ['ruleengine/vehicledetector/*', 'vehicle'],
  ['useralarm/iva/humanshapedetect', 'person'],
  ['ruleengine/*/doorbell*', 'doorbell'],
  ['device/trigger/doorbell*', 'doorbell'],
];

const exact = new Map(topicKinds.filter(([topic]) => !topic.includes('*')));
const patterns = topicKinds.filter(([topic]) => topic.includes('*')).map(([topic, kind]) => [new RegExp(`^${topic.replaceAll('*', '[^/]*')}$`), kind] as const);

/** Items of Data that say what was seen, whatever the topic is called. */
const itemKinds = new Map<string, ObservationKind>([
  ['ismotion', 'motion'], ['ispeople', 'person'], ['isperson', 'person'], ['ishuman', 'person'], ['isvehicle', 'vehicle'], ['iscar', 'vehicle'],
  ['ispet', 'pet'], ['isanimal', 'pet'], ['isface', 'face'], ['ispackage', 'package'], ['islinecross', 'line'], ['isintrusion', 'line'], ['istamper', 'tamper'],
  ['issounddetected', 'sound'], ['isdoorbell', 'doorbell'],
]);
/** Items that say on or off of what the topic names. An object's number may be 1 too, so not every item does. */
const stateItems: ReadonlySet<string> = new Set(['state', 'logicalstate', 'value', 'active', 'motion', 'triggered', 'tampering', 'isinside', 'status', 'open']);

/** Classes of ONVIF's object classification (Analytics 5.3.3) and the makes' words for them. */
const classKinds = new Map<string, ObservationKind>([
  ['human', 'person'], ['person', 'person'], ['people', 'person'], ['face', 'face'], ['vehicle', 'vehicle'], ['car', 'vehicle'], ['truck', 'vehicle'], ['bus', 'vehicle'],
  ['motorcycle', 'vehicle'], ['bicycle', 'vehicle'], ['bike', 'vehicle'], ['animal', 'pet'], ['pet', 'pet'], ['dog', 'pet'], ['cat', 'pet'], ['package', 'package'], ['parcel', 'package'],
]);
const classItems: ReadonlySet<string> = new Set(['classtypes', 'classtype', 'class', 'objecttype', 'objecttypes', 'type']);

const onWords: ReadonlySet<string> = new Set(['true', '1', 'on', 'yes', 'active']);
const offWords: ReadonlySet<string> = new Set(['false', '0', 'off', 'no', 'inactive']);

const namedItemsMax = 8;

/** The kind that a topic stands for; undefined for one that is no observation. */
export function kindOfTopic(topic: string): ObservationKind | undefined {
  const name = topic.toLowerCase();
  return exact.get(name) ?? patterns.find(([pattern]) => pattern.test(name))?.[1];
}

/** What one notification says; none for a topic that is no observation, or a message that says neither on nor off. */
export function signalsOf(notification: Notification): Signal[] {
  const { topic, property, source, data } = notification;
  const topicKind = kindOfTopic(topic);
  if (topicKind === undefined) return [];
  const classKind = classOf(data);
  const base = { source: sourceOf(source), tellsEnd: property !== undefined };
  const signal = (kind: ObservationKind, item: string | undefined, says: Signal['says']): Signal => ({ ...base, kind, property: propertyName(topic, source, item), says });
  const states = data.flatMap(({ name, value }) => {
    const item = name.toLowerCase();
    const kind = itemKinds.get(item);
    const says = saysOf(value);
    return says === undefined || (kind === undefined && !stateItems.has(item)) ? [] : [{ kind: itemKind(topicKind, kind, classKind), item, says }];
  });
  if (property === 'deleted') return [signal(topicKind, undefined, 'off')];
  if (states.length > 0) return states.map(({ kind, item, says }) => signal(kind, item, says));
  // What has no state has happened; at subscription it has not.
  const happens = (topicKind === 'line' || topicKind === 'face' || topicKind === 'vehicle' || topicKind === 'doorbell') && data.every(({ name }) => !stateItems.has(name.toLowerCase()));
  return happens && property !== 'initialized' ? [signal(classKind ?? topicKind, '', 'moment')] : [];
}

/** An item may name what the topic does not; a class of objects says more than that something moved. */
function itemKind(ofTopic: ObservationKind, ofItem: ObservationKind | undefined, ofClass: ObservationKind | undefined): ObservationKind {
  return (ofItem === 'motion' ? undefined : ofItem) ?? (ofTopic === 'motion' || ofTopic === 'line' ? ofClass : undefined) ?? ofTopic;
}

function saysOf(value: string): 'on' | 'off' | undefined {
  const word = value.trim().toLowerCase();
  return onWords.has(word) ? 'on' : offWords.has(word) ? 'off' : undefined;
}

function classOf(data: readonly Item[]): ObservationKind | undefined {
  const words = data.filter(({ name }) => classItems.has(name.toLowerCase())).flatMap(({ value }) => value.toLowerCase().split(/[^a-z]+/));
  return words.map((word) => classKinds.get(word)).find((kind) => kind !== undefined);
}

/** Which picture or input: the camera's word, for people and to tell two apart. */
function sourceOf(source: readonly Item[]): string {
  const item = source.find(({ name }) => /^(?:(?:video|audio)source|source|.*input|alarmin|port|sensor|window)/i.test(name)) ?? source.find(({ name }) => !/^(?:rule|.*analytics.*|objectid)$/i.test(name));
  return plainWord(item?.value, 40) ?? '';
}

/** Without its item it stands for all of them. An end may come without the class that the beginning had, so that is no part of it. */
function propertyName(topic: string, source: readonly Item[], item: string | undefined): string {
  return [topic, ...source.slice(0, namedItemsMax).map(({ name, value }) => `${name}=${value}`), '', ...(item === undefined ? [] : [item, ''])].join('\n');
}
