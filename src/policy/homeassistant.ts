/**
 * How a camera's state is said over MQTT, and how Home Assistant is told of it (its discovery by device: home-assistant.io/integrations/mqtt).
 * Aliases, kinds and times alone: what a broker, and whoever reads along there, may know. Pure.
 */
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import { isoTime } from './times.ts';
import { noticeMessageKinds, type NoticeMessage } from './noticing.ts';
import { presenceKinds, type CameraState, type PresenceKind } from './presence.ts';

export interface HomeRules {
  /** What all topics begin with. */
  readonly topic: string;
  /** Empty: nobody is told how to show it. */
  readonly discovery: string;
  /** Whether orders are taken. */
  readonly commands: boolean;
}

export const homeRules: HomeRules = { topic: 'sallyport', discovery: 'homeassistant', commands: false };

export interface HomeMessage {
  readonly topic: string;
  readonly payload: string;
  /** The broker keeps it for who comes later. */
  readonly retain: boolean;
}

export const availableTopic = ({ topic }: HomeRules): string => `${topic}/available`;
export const available = 'online';
export const unavailable = 'offline';

/** What orders come under; nothing else is asked for. */
export function orderTopics({ topic, commands }: HomeRules): readonly string[] {
  return commands ? [`${topic}/+/privacy/set`, `${topic}/+/place/set`] : [];
}

/** The state of a camera as it is now; of one that is gone, nothing is left. */
export function stateMessage(rules: HomeRules, state: CameraState): HomeMessage {
  const { camera, gone, online, private: isPrivate, shown, seen, sealedMs } = state;
  const said = Object.fromEntries(shown.map((kind) => [kind, onOff(seen.includes(kind))]));
  const payload = gone === true ? '' : canonicalJson({ ...said, online: onOff(online), private: onOff(isPrivate), sealed: sealedMs === undefined ? null : isoTime(sealedMs) });
  return { topic: stateTopic(rules, camera), payload, retain: true };
}

/** One notice: not kept, for a late one is no news. */
export function noticeMessage({ topic }: HomeRules, { kind, camera, atMs, id, over }: NoticeMessage): HomeMessage {
  return { topic: `${topic}/notice`, payload: canonicalJson({ event_type: kind, camera, at: isoTime(atMs), id, over }), retain: false };
}

/** What Home Assistant makes entities of; with an empty message it takes them away. */
export function cameraDiscovery(rules: HomeRules, { camera, gone, shown, places }: CameraState): HomeMessage[] {
  const id = `${idOf(rules)}_${camera}`;
  const state_topic = stateTopic(rules, camera);
  const part = (name: string, platform: string, more: Record<string, CanonicalValue>): CanonicalValue => ({ platform, unique_id: `${id}_${name}`, qos, ...more });
  const binary = (name: string, title: string, more: Record<string, CanonicalValue>): CanonicalValue => part(name, 'binary_sensor', { name: title, ...more, state_topic, value_template: `{{ value_json.${name} }}`, payload_on: 'ON', payload_off: 'OFF' });
  const components = {
    // What is only a platform takes a part away that was there before; what is left out would stay as it was, and be told nothing any more.
    ...Object.fromEntries(presenceKinds.map((kind) => [kind, shown.includes(kind) ? binary(kind, titleOf(kind), classOf(kind)) : { platform: 'binary_sensor' }])),
    online: binary('online', 'Online', { device_class: 'connectivity', entity_category: 'diagnostic' }),
    sealed: part('sealed', 'sensor', { name: 'Last sealed', device_class: 'timestamp', entity_category: 'diagnostic', state_topic, value_template: '{{ value_json.sealed }}' }),
    private: rules.commands ? { platform: 'binary_sensor' } : binary('private', 'Private', {}),
    privacy: rules.commands ? part('privacy', 'switch', { name: 'Privacy', state_topic, value_template: '{{ value_json.private }}', command_topic: `${rules.topic}/${camera}/privacy/set`, payload_on: 'ON', payload_off: 'OFF', optimistic: false }) : { platform: 'switch' },
    place: rules.commands && places !== undefined ? part('place', 'select', { name: 'Place', command_topic: `${rules.topic}/${camera}/place/set`, options: Array.from({ length: places }, (_, n) => placeName(n + 1)) }) : { platform: 'select' },
  };
  return deviceMessage(rules, id, gone === true ? undefined : { device: { identifiers: [id], name: camera, manufacturer: 'Sallyport', via_device: idOf(rules) }, components });
}

/** The hub itself: what it has to say comes as events. */
export function hubDiscovery(rules: HomeRules): HomeMessage[] {
  const id = idOf(rules);
  return deviceMessage(rules, id, {
    device: { identifiers: [id], name: 'Sallyport', manufacturer: 'Sallyport' },
    components: { notice: { platform: 'event', unique_id: `${id}_notice`, qos, name: 'Notice', state_topic: `${rules.topic}/notice`, event_types: [...noticeMessageKinds] } },
  });
}

export type HomeOrder = { readonly do: 'privacy'; readonly camera: string; readonly on: boolean } | { readonly do: 'place'; readonly camera: string; readonly place: number };

/** What was asked for; undefined when it is nothing that can be. */
export function readOrder({ topic, commands }: HomeRules, sent: string, payload: Uint8Array): HomeOrder | undefined {
  if (!commands || payload.length > 32 || !sent.startsWith(`${topic}/`)) return undefined;
  const [, camera, what] = /^([a-z0-9][a-z0-9-]{0,39})\/(privacy|place)\/set$/.exec(sent.slice(topic.length + 1)) ?? [];
  const text = Buffer.from(payload).toString('latin1');
  if (camera === undefined) return undefined;
  if (what === 'privacy') return text === 'ON' || text === 'OFF' ? { do: 'privacy', camera, on: text === 'ON' } : undefined;
  const place = Number(/^place-([1-9]\d?)$/.exec(text)?.[1]);
  return Number.isInteger(place) ? { do: 'place', camera, place } : undefined;
}

/** Said of each part: before 2026.5 Home Assistant took no notice of one that stands for all of them. */
const qos = 1;

const classes: Readonly<Partial<Record<PresenceKind, string>>> = { motion: 'motion', person: 'occupancy', vehicle: 'motion', pet: 'motion', face: 'occupancy', sound: 'sound', tamper: 'tamper', line: 'motion' };

function deviceMessage(rules: HomeRules, id: string, about: Readonly<Record<string, CanonicalValue>> | undefined): HomeMessage[] {
  if (rules.discovery === '') return [];
  const payload = about === undefined ? '' : canonicalJson({ ...about, origin: { name: 'sallyport' }, availability_topic: availableTopic(rules), payload_available: available, payload_not_available: unavailable });
  return [{ topic: `${rules.discovery}/device/${id}/config`, payload, retain: true }];
}

function stateTopic({ topic }: HomeRules, camera: string): string {
  return `${topic}/${camera}/state`;
}

/** A name that has no slash. */
function idOf({ topic }: HomeRules): string {
  return topic.replaceAll('/', '-');
}

function classOf(kind: PresenceKind): Record<string, CanonicalValue> {
  const deviceClass = classes[kind];
  return deviceClass === undefined ? {} : { device_class: deviceClass };
}

function titleOf(kind: string): string {
  return `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}`;
}

function placeName(n: number): string {
  return `place-${n}`;
}

function onOff(on: boolean): string {
  return on ? 'ON' : 'OFF';
}
