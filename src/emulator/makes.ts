/**
 * Cameras as some makers have them: names, tokens, paths, services, credentials and topics by which their cameras differ. Hikvision's and
 * CamHi's paths and Tapo's identity are from recorded answers; much of the rest is how such cameras are told of, and one model of each
 * stands for all. The paths of streams carry no query here, where some makers have one.
 */
import type { DeviceFacts, Quirks } from './face.ts';
import { standardHabits, type Habits, type ServiceName, type Tokens } from './habits.ts';
import { cellMotion, detectTopic, detectedSound, digitalInput, lineCrossed, motionAlarm, relayOutput, ruleSource, sceneChange, standardTopics, tamper, type Topic } from './topics.ts';

export const makes = ['standard', 'profile-t', 'hikvision', 'dahua', 'axis', 'reolink', 'tapo', 'camhi'] as const;
export type Make = (typeof makes)[number];

export interface MakeFacts {
  /** Undefined: as a camera without a maker has it. */
  readonly device?: Omit<DeviceFacts, 'serial'>;
  /** From the digits that belong to the camera's address. */
  readonly serial?: (digits: string) => string;
  /** One for all cameras of the make. */
  readonly urn?: string;
  readonly habits: Habits;
  readonly quirks: Quirks;
}

const tokens = (some: Partial<Tokens>): Tokens => ({ ...standardHabits.tokens, ...some });
const paths = (some: Partial<Record<ServiceName, string>>): Habits['paths'] => ({ ...standardHabits.paths, ...some });
const all = (path: string): Habits['paths'] => paths({ media: path, media2: path, events: path, ptz: path, imaging: path });

const axisTopic = (path: string, data: string): Topic => ({ path, source: [], data: { name: data, type: 'xs:boolean', off: '0', on: '1' }, property: true });

/** Of firmware that knows persons and vehicles by the field detector alone. */
const fieldTopic: Topic = { path: 'tns1:RuleEngine/FieldDetector/ObjectsInside', source: ruleSource('MyFieldDetector1'), data: { name: 'IsInside', type: 'xs:boolean', off: 'false', on: 'true' }, property: true };

export const factsOf: Readonly<Record<Make, MakeFacts>> = {
  standard: { habits: standardHabits, quirks: {} },
  // No maker's: a camera of profile T that has left the older media service behind.
  'profile-t': {
    device: { manufacturer: 'Emulated Optics', model: 'EO-720T', firmware: '6.0', hardware: '2.0' },
    quirks: {},
    habits: { ...standardHabits, services: standardHabits.services.filter((name) => name !== 'media') },
  },
  hikvision: {
    device: { manufacturer: 'HIKVISION', model: 'DS-2CD2143G2-I', firmware: 'V5.7.12 build 230103', hardware: '88' },
    serial: (digits) => `DS-2CD2143G2-I20230103AAWRK${digits.slice(-8)}`,
    quirks: { xaddrs: 'with IPv6' },
    habits: {
      ...standardHabits,
      paths: paths({ media: '/onvif/Media', media2: '/onvif/Media2', events: '/onvif/Events', ptz: '/onvif/PTZ', imaging: '/onvif/Imaging' }),
      tokens: tokens({ profiles: { main: 'Profile_1', sub: 'Profile_2' }, encoders: { main: 'VideoEncoderToken_1', sub: 'VideoEncoderToken_2' }, videoSource: 'VideoSource_1', videoSourceConfiguration: 'VideoSourceToken' }),
      rtspPaths: { main: '/Streaming/Channels/101', sub: '/Streaming/Channels/102' },
      snapshot: (_face, name) => `/onvif-http/snapshot?Profile_${name === 'main' ? 1 : 2}`,
      topics: { ...standardTopics, motion: [cellMotion, motionAlarm], person: [fieldTopic], vehicle: [fieldTopic], pet: [], doorbell: [], tamper: [tamper] },
      access: { token: true, digest: 'MD5' }, pullsRenew: true,
    },
  },
  dahua: {
    device: { manufacturer: 'Dahua', model: 'IPC-HFW2228M', firmware: '2.800.0000000.16.R, Build Date 2020-11-05', hardware: '1.00' },
    serial: (digits) => `6A00${digits.slice(-8)}PAG${digits.slice(-4)}`,
    quirks: {},
    habits: {
      ...standardHabits,
      tokens: tokens({ profiles: { main: 'MediaProfile00000', sub: 'MediaProfile00001' }, encoders: { main: '00000', sub: '00001' }, videoSource: '00000', videoSourceConfiguration: '00000' }),
      rtspPaths: { main: '/cam/realmonitor/1/0', sub: '/cam/realmonitor/1/1' },
      snapshot: (_face, name) => `/onvifsnapshot/media_service/snapshot?channel=1&subtype=${name === 'main' ? 0 : 1}`,
      topics: { ...standardTopics, motion: [motionAlarm, cellMotion], person: [fieldTopic], vehicle: [fieldTopic], pet: [], doorbell: [], tamper: [sceneChange] },
      access: { token: true, digest: 'MD5' },
    },
  },
  axis: {
    device: { manufacturer: 'AXIS', model: 'P3245-V', firmware: '11.11.73', hardware: '796' },
    serial: (digits) => `ACCC8E${digits.slice(-6)}`,
    quirks: { xaddrs: 'with link-local' },
    habits: {
      ...standardHabits,
      paths: all('/onvif/services'),
      tokens: tokens({ profiles: { main: 'profile_1_h264', sub: 'profile_2_a&b' }, encoders: { main: 'default_1_h264', sub: 'default_2_h264' }, videoSource: '0', videoSourceConfiguration: '0' }),
      rtspPaths: { main: '/onvif-media/media.amp', sub: '/onvif-media/media2.amp' },
      snapshot: (_face, name) => `/onvif-cgi/jpg/image.cgi?resolution=${name === 'main' ? '1280x720' : '640x360'}&compression=30`,
      topics: {
        motion: [axisTopic('tns1:RuleEngine/tnsaxis:VMD3/vmd3_video_1', 'active')], person: [axisTopic('tnsaxis:CameraApplicationPlatform/ObjectAnalytics/Device1Scenario1', 'active')],
        vehicle: [axisTopic('tnsaxis:CameraApplicationPlatform/ObjectAnalytics/Device1Scenario2', 'active')], pet: [], tamper: [sceneChange], line: [], sound: [detectedSound], doorbell: [],
        input: [digitalInput], relay: [relayOutput],
      },
      access: { token: true, digest: 'SHA-256' }, subscriptions: 'reference',
    },
  },
  reolink: {
    device: { manufacturer: 'Reolink', model: 'RLC-823A', firmware: 'v3.1.0.764_22010766', hardware: 'IPC_523128M8MP' },
    serial: (digits) => `00000000${digits.slice(-6)}`,
    quirks: {},
    habits: {
      ...standardHabits,
      moves: true,
      services: ['device', 'media', 'events', 'ptz', 'imaging'],
      tokens: tokens({ profiles: { main: '000', sub: '001' }, encoders: { main: '000', sub: '001' }, videoSource: '000', videoSourceConfiguration: '000' }),
      rtspPaths: { main: '/h264Preview_01_main', sub: '/h264Preview_01_sub' },
      topics: { ...standardTopics, motion: [cellMotion, motionAlarm], line: [], tamper: [], sound: [], input: [], person: [detectTopic('PeopleDetect'), detectTopic('FaceDetect')] },
    },
  },
  tapo: {
    device: { manufacturer: 'tp-link', model: 'Tapo C200', firmware: '1.3.9 Build 231019 Rel.39162n(4555)', hardware: '4.0' },
    serial: (digits) => digits.slice(-8),
    urn: 'urn:uuid:3fa1fe68-b915-4053-a3e1-c006c3afec0e',
    quirks: {},
    habits: {
      ...standardHabits,
      moves: true, port: 2020,
      services: ['device', 'media', 'events', 'ptz', 'imaging'],
      paths: all('/onvif/service'),
      tokens: tokens({ profiles: { main: 'profile_1', sub: 'profile_2' }, encoders: { main: 'main', sub: 'minor' }, videoSource: 'raw_vs1', videoSourceConfiguration: 'vsconf' }),
      rtspPaths: { main: '/stream1', sub: '/stream2' },
      snapshot: undefined,
      topics: { ...standardTopics, motion: [cellMotion], person: [{ ...detectTopic('People'), path: 'tns1:RuleEngine/PeopleDetector/People', data: { name: 'IsPeople', type: 'xs:boolean', off: 'false', on: 'true' } }], vehicle: [], pet: [], sound: [], doorbell: [], tamper: [tamper], line: [lineCrossed], input: [] },
      access: { token: true, digest: 'none' },
    },
  },
  camhi: {
    device: { manufacturer: 'IPCAM', model: 'C6F0SiZ3N0P0L0', firmware: 'V6.1.10.2.1-20150624', hardware: 'V6.1.10.2.1-20150624' },
    serial: (digits) => `00E0F8${digits.slice(-6)}`,
    quirks: {},
    habits: {
      ...standardHabits,
      moves: true, port: 8080,
      services: ['device', 'media', 'events', 'ptz', 'imaging'],
      tokens: tokens({ profiles: { main: '1.0', sub: '00123' }, encoders: { main: '1.0', sub: '2.0' } }),
      rtspPaths: { main: '/11', sub: '/12' },
      snapshot: ({ user, password }, name) => `/web/${name === 'main' ? 'auto' : 'auto2'}.jpg?-usr=${encodeURIComponent(user)}&-pwd=${encodeURIComponent(password)}&`,
      snapshotOpen: true,
      topics: { ...standardTopics, motion: [cellMotion], person: [], vehicle: [], pet: [], tamper: [], line: [], sound: [], doorbell: [], input: [] },
      access: { token: true, digest: 'none' },
    },
  },
};
