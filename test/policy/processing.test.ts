import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { DestinationConfig } from '../../src/policy/declared.ts';
import { processingRecord } from '../../src/policy/processing.ts';
import type { HubConfig } from '../../src/policy/settings.ts';
import { camera, day, hub } from './configs.ts';

const golden = (name: string): string => readFileSync(join(import.meta.dirname, 'processing', `${name}.md`), 'utf8');

const nas: DestinationConfig = { name: 'nas', purpose: 'a copy at my sister\'s', kind: 'webdav', to: { url: 'https://nas.example/' }, store: { send: 'all', pictures: true, slots: 'home', slotsSamePlace: false } };
const phone: DestinationConfig = { name: 'phone', purpose: 'my phone', kind: 'ntfy', to: { url: 'https://ntfy.example/' }, messenger: { kinds: ['person'], commands: false } };
const night = { name: 'Night', kinds: ['person'] as const, cameras: ['front'], days: ['monday'] as const, from: '22:00', to: '06:00', keepMs: 30 * day, beforeMs: 5000, afterMs: 20_000, enabled: true };

export const house: HubConfig = {
  ...hub(3, [{ ...camera('front'), name: 'Front door' }, { ...camera('nursery', { keepDays: 1, audio: true }), name: 'Nursery' }]),
  alarms: [night], zones: [{ camera: 'front', name: 'Street', mask: true, points: [[0, 0], [1, 0], [1, 1]] }], recordings: [{ cameras: ['nursery'], days: ['sunday'], from: '08:00', to: '20:00', mode: 'off' }],
  privacy: [{ space: 'home', days: ['saturday'], from: '20:00', to: '23:00' }], destinations: [nas, phone],
};

t.test('the record of a house with all that there is, and of an empty one, word by word', async (t) => {
  t.equal(processingRecord(house), golden('house'));
  t.equal(processingRecord(hub(3)), golden('empty'));
});

t.test('whatever changes what is done with somebody\'s data changes the record', async (t) => {
  const before = processingRecord(house);
  const [front, nursery] = house.cameras as [HubConfig['cameras'][number], HubConfig['cameras'][number]];
  const changes: readonly (readonly [what: string, more: Partial<HubConfig>, says: string])[] = [
    ['footage is kept longer', { cameras: [{ ...front, keepMs: 9 * day }, nursery] }, 'front: 9 days'],
    ['sound', { cameras: [{ ...front, audio: true }, nursery] }, 'Front door (front), space home, with sound'],
    ['another camera', { cameras: [...house.cameras, camera('shed')] }, 'shed (shed)'],
    ['a camera less', { cameras: [nursery] }, 'Nursery'],
    ['not recorded', { cameras: [{ ...front, record: false }, nursery] }, 'Nursery (nursery)'],
    ['another space', { cameras: [{ ...front, space: 'garden' }, nursery] }, 'space garden'],
    ['events', { cameras: [{ ...front, events: false }, nursery] }, 'nursery: its events'],
    ['who looks', { cameras: [{ ...front, detect: 'off' }, nursery] }, 'none of it'],
    ['small pictures', { cameras: [{ ...front, sub: true }, nursery] }, 'large and small'],
    ['an alarm\'s time', { alarms: [{ ...night, keepMs: 60 * day }] }, 'Night: pictures and footage 60 days'],
    ['an alarm\'s kinds', { alarms: [{ ...night, kinds: ['vehicle'] }] }, 'vehicle'],
    ['no alarm', { alarms: [] }, 'Observations'],
    ['no mask', { zones: [] }, 'Observations'],
    ['when it is recorded', { recordings: [] }, 'Recording'],
    ['when it is private', { privacy: [] }, 'Recording'],
    ['another destination', { destinations: [nas] }, 'nas'],
    ['none', { destinations: [] }, 'Nothing leaves the house'],
    ['the keys leave, too', { destinations: [{ ...nas, store: { send: 'all', pictures: true, slots: 'far', slotsAt: 'phone', slotsSamePlace: false } }] }, 'recovery kit can'],
    ['less is sent', { destinations: [{ ...nas, store: { send: 'alarms', pictures: true, slots: 'home', slotsSamePlace: false } }] }, 'the footage and the pictures of alarms'],
    ['elsewhere', { destinations: [{ ...nas, to: { url: 'https://other.example/' } }] }, 'other.example'],
    ['another purpose', { destinations: [{ ...nas, purpose: 'another' }] }, 'its purpose: another'],
    ['the audit', { keep: { ...house.keep, auditMs: 40 * day } }, 'audit and ledger: 40 days'],
    ['the log', { keep: { ...house.keep, logsMs: 40 * day } }, 'log: 40 days'],
    ['faces', { faces: { enabled: true, consentMs: 365 * day, lock: 'hub' as const } }, 'biometric'],
    ['how long consent lasts', { faces: { enabled: true, consentMs: 90 * day, lock: 'hub' as const } }, 'at most 90 days'],
    ['no page', { page: { ...house.page, enabled: false } }, 'Recording'],
    ['the key\'s time', { record: { ...house.record, periodMs: day } }, 'A key covers 1 day'],
    ['thumbnails', { record: { ...house.record, thumbnails: false } }, 'Recording'],
    ['the confinement', { capture: { ...house.capture, jail: 'off' } }, 'at least to: off'],
    ['the name', { name: 'Elsewhere' }, '# Record of processing: Elsewhere'],
  ];
  const seen = new Set([before]);
  for (const [what, more, says] of changes) {
    const after = processingRecord({ ...house, ...more });
    t.notOk(seen.has(after), `${what}: another record than any before`);
    t.ok(after.includes(says), `${what}: it says "${says}"`);
    seen.add(after);
  }
});

t.test('what concerns nobody\'s data is not in it: addresses, users, paths, ports', async (t) => {
  const before = processingRecord(house);
  const [front, nursery] = house.cameras as [HubConfig['cameras'][number], HubConfig['cameras'][number]];
  for (const more of [{ data: '/elsewhere' }, { socket: '/x' }, { scrub: { everyMs: day, bytesPerSecond: 5 } }, { cameras: [{ ...front, address: '10.9.9.9', user: 'root', port: 81 }, nursery] }, { page: { ...house.page, port: 1 } }]) t.equal(processingRecord({ ...house, ...more }), before);
  for (const text of ['10.0.0.1', 'onvif', '/data', '7443']) t.notOk(before.includes(text), text);
});
