/**
 * What Home Assistant takes of a discovery message by device, and what it refuses: its own schemas, written down. From home-assistant/core after
 * 2026.5, compared with what 2024.12 to 2026.4 took, homeassistant/components/mqtt/: schemas.py (`DEVICE_DISCOVERY_SCHEMA`, `SHARED_OPTIONS`,
 * `check_unique_id`), discovery.py (topics; a part of a platform alone is taken away, one that is left out is not), config.py (`MQTT_RO_SCHEMA`,
 * `MQTT_RW_SCHEMA`), binary_sensor.py, sensor.py, switch.py, select.py, event.py; components/{binary_sensor,sensor}/const.py (device classes).
 */
import t, { type Test } from 'tap';
import { cameraDiscovery, homeRules, hubDiscovery, noticeMessage, stateMessage, type HomeMessage, type HomeRules } from '../../src/policy/homeassistant.ts';
import { noticeMessageKinds } from '../../src/policy/noticing.ts';
import { presenceKinds, type CameraState } from '../../src/policy/presence.ts';

type Check = (value: unknown) => boolean;
const text: Check = (value) => typeof value === 'string' && value !== '';
const one = (...values: readonly unknown[]): Check => (value) => values.includes(value);
const texts: Check = (value) => Array.isArray(value) && value.length > 0 && value.every(text) && new Set(value).size === value.length;
/** `valid_subscribe_topic` and `valid_publish_topic`, of which we use no wildcards in either. */
const topic: Check = (value) => typeof value === 'string' && /^[a-z0-9_-]+(\/[a-z0-9_-]+)+$/.test(value);
/** A value of the message; a name that Jinja takes as one word. */
const template: Check = (value) => typeof value === 'string' && /^\{\{ value_json\.[a-z]+ \}\}$/.test(value);
const yesNo: Check = (value) => typeof value === 'boolean';

const shared = { availability_topic: topic, payload_available: text, payload_not_available: text };
const about: Readonly<Record<string, Check>> = { ...shared, device: () => true, origin: () => true, components: () => true, state_topic: topic, command_topic: topic, qos: one(0, 1, 2), encoding: text };
const device: Readonly<Record<string, Check>> = {
  identifiers: texts, connections: () => false, manufacturer: text, model: text, model_id: text, name: text, hw_version: text, serial_number: text, sw_version: text, via_device: text, suggested_area: text, configuration_url: text,
};
const origin: Readonly<Record<string, Check>> = { name: text, sw_version: text, support_url: text };
// A sensor or an event of category "config" is refused by its own base class; "diagnostic" goes with all.
const entity = { platform: text, unique_id: text, name: text, qos: one(0, 1, 2), entity_category: one('diagnostic'), enabled_by_default: yesNo, icon: (value: unknown) => /^[a-z]+:[a-z-]+$/.test(String(value)), ...shared };
const readOnly = { ...entity, state_topic: topic, value_template: template };
const ordered = { ...readOnly, command_topic: topic, retain: yesNo, optimistic: yesNo };
const binaryClasses = [
  'battery', 'battery_charging', 'carbon_monoxide', 'cold', 'connectivity', 'door', 'garage_door', 'gas', 'heat', 'light', 'lock', 'moisture', 'motion', 'moving', 'occupancy', 'opening', 'plug', 'power', 'presence', 'problem', 'running',
  'safety', 'smoke', 'sound', 'tamper', 'update', 'vibration', 'window',
];

const platforms: Readonly<Record<string, { readonly needs: readonly string[]; readonly may: Readonly<Record<string, Check>> }>> = {
  binary_sensor: { needs: ['state_topic'], may: { ...readOnly, device_class: one(...binaryClasses), payload_on: text, payload_off: text, off_delay: Number.isInteger, expire_after: Number.isInteger, force_update: yesNo } },
  // Of a moment in time; a state class, a unit or options are refused with it.
  sensor: { needs: ['state_topic'], may: { ...readOnly, device_class: one('timestamp'), expire_after: Number.isInteger, force_update: yesNo } },
  switch: { needs: ['command_topic'], may: { ...ordered, device_class: one('outlet', 'switch'), payload_on: text, payload_off: text, state_on: text, state_off: text, command_template: () => false } },
  select: { needs: ['command_topic', 'options'], may: { ...ordered, options: texts, command_template: () => false } },
  event: { needs: ['state_topic', 'event_types'], may: { ...readOnly, event_types: texts, device_class: one('doorbell', 'button', 'motion') } },
};

interface Discovery {
  readonly device: Record<string, unknown>;
  readonly origin: Record<string, unknown>;
  readonly components: Record<string, Record<string, unknown>>;
}

function fits(t: Test, what: string, value: Record<string, unknown>, needs: readonly string[], may: Readonly<Record<string, Check>>): void {
  for (const key of needs) t.ok(Object.hasOwn(value, key), `${what} has ${key}`);
  for (const [key, given] of Object.entries(value)) t.ok(may[key]?.(given), `${what}: ${key} may be ${JSON.stringify(given)}`);
}

/** Read as Home Assistant reads it. */
function taken(t: Test, { topic: where, payload, retain }: HomeMessage, prefix = 'homeassistant'): Discovery {
  t.ok(retain, 'Home Assistant finds it after a restart of its own, too');
  t.match(where, new RegExp(`^${prefix}/device/[a-zA-Z0-9_-]+/config$`));
  const said = JSON.parse(payload) as Discovery & Record<string, unknown>;
  fits(t, 'the message', said, ['device', 'origin', 'components'], about);
  fits(t, 'device', said.device, ['identifiers', 'name'], device);
  fits(t, 'origin', said.origin, ['name'], origin);
  for (const [name, part] of Object.entries(said.components)) {
    const platform = platforms[String(part['platform'])];
    t.ok(platform, `${name}: ${String(part['platform'])} is a platform`);
    if (platform === undefined || Object.keys(part).length === 1) continue;
    fits(t, name, part, ['unique_id', ...platform.needs], platform.may);
    // Only since 2026.5 is what stands for all parts given to each, and before, orders and states went without being acknowledged.
    t.equal(part['qos'], 1, `${name}: no order and no state is lost on the way`);
  }
  const ids = Object.values(said.components).flatMap(({ unique_id: id }) => (id === undefined ? [] : [id]));
  t.equal(new Set(ids).size, ids.length, 'an id is that of one part');
  return said;
}

const camera: CameraState = { camera: 'camera-1', atMs: 0, online: true, private: false, shown: presenceKinds, seen: ['motion'], sealedMs: 1000, places: 3 };
const orders: HomeRules = { ...homeRules, commands: true };
/** Its parts, but those that are taken away. */
const there = ({ components }: Discovery): string[] => Object.entries(components).filter(([, part]) => Object.keys(part).length > 1).map(([name]) => name).toSorted();

t.test('Home Assistant takes each camera and each of its parts, with orders and without, of every kind and of none', async (t) => {
  for (const rules of [homeRules, orders, { ...orders, topic: 'house/upper_floor-2', discovery: 'ha/two' }]) {
    for (const state of [camera, { ...camera, shown: [] }, { ...camera, shown: ['person'] as const }, { ...camera, camera: 'a' }]) {
      const [message] = cameraDiscovery(rules, state);
      const said = taken(t, message as HomeMessage, rules.discovery);
      t.same(there(said), [...state.shown, 'online', 'sealed', ...(rules.commands ? ['privacy', 'place'] : ['private'])].toSorted());
    }
  }
});

t.test('what is shown no more is taken away by name: what is only left out stays in Home Assistant as it was last', async (t) => {
  const [all, fewer] = [camera, { ...camera, shown: ['person'] as const, places: undefined }].map((state) => taken(t, cameraDiscovery(orders, state as CameraState)[0] as HomeMessage));
  const [, without] = [orders, homeRules].map((rules) => taken(t, cameraDiscovery(rules, camera)[0] as HomeMessage));
  for (const later of [fewer, without]) {
    for (const name of there(all as Discovery)) t.equal(later?.components[name]?.['platform'], all?.components[name]?.['platform'], `${name} is named still, as it was`);
  }
  t.same(there(fewer as Discovery), ['online', 'person', 'privacy', 'sealed']);
});

t.test('a part reads a value that the state has, and what it takes for on and off', async (t) => {
  for (const rules of [homeRules, orders]) {
    const said = taken(t, cameraDiscovery(rules, camera)[0] as HomeMessage);
    const state = stateMessage(rules, camera);
    const values = JSON.parse(state.payload) as Record<string, string>;
    for (const [name, part] of Object.entries(said.components)) {
      const value = /value_json\.(\w+)/.exec(String(part['value_template']))?.[1];
      if (value === undefined) continue;
      t.equal(part['state_topic'], state.topic, name);
      if (part['platform'] === 'sensor') t.match(values[value], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'a time without a zone is refused');
      else t.ok([part['payload_on'], part['payload_off']].includes(values[value]), `${name}: ${values[value]}`);
    }
  }
  // What Jinja makes of null is the word by which a sensor is unknown.
  const { sealedMs: _, ...never } = camera;
  t.equal((JSON.parse(stateMessage(homeRules, never).payload) as Record<string, unknown>)['sealed'], null);
});

t.test('Home Assistant takes the hub, and of its notices every kind', async (t) => {
  for (const rules of [homeRules, { ...orders, topic: 'house/two' }]) {
    const said = taken(t, hubDiscovery(rules)[0] as HomeMessage);
    const notice = said.components['notice'] ?? {};
    t.same(taken(t, cameraDiscovery(rules, camera)[0] as HomeMessage).device['via_device'], (said.device['identifiers'] as string[])[0], 'cameras are behind it');
    for (const kind of noticeMessageKinds) {
      const event = noticeMessage(rules, { kind, camera: 'camera-1', atMs: 0, id: 'a'.repeat(32) });
      const { event_type: type, ...attributes } = JSON.parse(event.payload) as Record<string, unknown>;
      t.equal(event.topic, notice['state_topic']);
      t.notOk(event.retain, 'a kept one would be passed over');
      t.ok((notice['event_types'] as string[]).includes(String(type)), kind);
      t.notOk(Object.hasOwn(attributes, 'event_types'));
    }
  }
});
