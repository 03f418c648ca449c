/** Answers of real cameras, each with what is to be read out of it. Written down from the files by eye, not from what our code said. */
import t from 'tap';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { XmlElement } from '../../src/base/xml.ts';
import { readCapabilities, readClock, readDevice, readHardware, readProfiles, readServices, readUri } from '../../src/cameras/answers.ts';
import { decodeXml } from '../../src/cameras/charset.ts';
import { readClockKind, readEncoders } from '../../src/cameras/controlanswers.ts';
import { readSoap } from '../../src/cameras/soap.ts';

const folder = join(import.meta.dirname, '../../../shared/fixtures/onvif');
const skip = existsSync(folder) ? {} : { skip: 'the recorded answers (../shared/fixtures/onvif) are not here' };

type Reader = (response: XmlElement) => unknown;

const readers: Readonly<Record<string, Reader>> = {
  services: (response) => Object.fromEntries(readServices(response)),
  capabilities: (response) => Object.fromEntries(readCapabilities(response)),
  device: (response) => Object.values(readDevice(response)),
  clock: (response) => [new Date(readClock(response) ?? Number.NaN).toISOString(), readClockKind(response)],
  uri: readUri,
  profiles: (response) => readProfiles(response).map(({ token, video }) => [token, video?.codec]),
  encoders: (response) => readEncoders(response).map(({ token, video: { codec, width, height, fps, gop } }) => [token, codec, width, height, fps, gop]),
  hardware: readHardware,
  /** Nothing of it is used: that it is a whole answer is all. */
  whole: () => 'whole',
};

function at(base: string, places: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(places).map(([service, place]) => [service, `http://${base}/onvif/${place}`]));
}

const enp = 'empiretech-like-enp1a14-_enp1a14-ir_25x_';
const gx = 'generic-gx728mf-_gx728mf-ir28_';
const xm = 'xm-like-ipg-8150pss-_ipg-8150pss_';
const hikvisionPlaces = { device: 'device_service', media: 'Media', events: 'Events', ptz: 'PTZ', imaging: 'Imaging' };

const answers: [file: string, operation: string, reader: keyof typeof readers, expected: unknown][] = [
  ['agsh-mock_v0x_geteventproperties.xml', 'GetEventProperties', 'whole', 'whole'],
  ['dahua_go2rtc_getcapabilities.xml', 'GetCapabilities', 'capabilities', at('192.168.1.123', { device: 'device_service', media: 'media_service', events: 'event_service', imaging: 'imaging_service' })],
  ['dahua_go2rtc_getstreamuri-2.xml', 'GetStreamUri', 'uri', 'rtsp://192.168.1.123:554/cam/realmonitor?channel=1&subtype=1&unicast=true&proto=Onvif'],
  [`${enp}device_management_getcapabilities.xml`, 'GetCapabilities', 'capabilities', at('192.168.1.182', hikvisionPlaces)],
  [`${enp}device_management_getdeviceinformation.xml`, 'GetDeviceInformation', 'device', ['ONVIF', 'ENP1A14-IR/25X', 'V5.5.3 build 180822', 'ENP1A14-IR/25X20190430AAWRD14878498W', '88']],
  [`${enp}device_management_getsystemdateandtime.xml`, 'GetSystemDateAndTime', 'clock', ['2023-03-06T14:13:45.000Z', 'Manual']],
  [`${enp}device_management_getusers.xml`, 'GetUsers', 'whole', 'whole'],
  [`${enp}media1_getsnapshoturi.xml`, 'GetSnapshotUri', 'uri', 'http://192.168.1.182/onvif-http/snapshot?Profile_1'],
  [`${enp}media1_getstreamuri.xml`, 'GetStreamUri', 'uri', 'rtsp://192.168.1.182:554/Streaming/Channels/101?transportmode=mcast&profile=Profile_1'],
  [`${enp}media1_getvideosources.xml`, 'GetVideoSources', 'whole', 'whole'],
  [`${enp}media2_getprofiles.xml`, 'GetProfiles', 'profiles', [['Profile_1', undefined], ['Profile_2', undefined], ['Profile_3', undefined]]],
  [`${enp}media2_getsnapshoturi.xml`, 'GetSnapshotUri', 'uri', 'http://192.168.1.182/onvif-http/snapshot?Profile_1'],
  [`${enp}media2_getstreamuri.xml`, 'GetStreamUri', 'uri', 'rtsp://192.168.1.182/Streaming/Channels/101?transportmode=unicast&profile=Profile_1'],
  [`${enp}ptz_getstatus.xml`, 'GetStatus', 'whole', 'whole'],
  [`${gx}device_management_getcapabilities.xml`, 'GetCapabilities', 'capabilities', at('192.168.1.127:80', { device: 'device_service', media: 'media', events: 'event', imaging: 'imaging' })],
  [`${gx}device_management_getservices.xml`, 'GetServices', 'services', at('192.168.1.127:80', { device: 'device_service', media: 'media', media2: 'media2', events: 'event', imaging: 'imaging' })],
  [`${gx}device_management_getsystemdateandtime.xml`, 'GetSystemDateAndTime', 'clock', ['2023-03-08T00:27:09.000Z', 'Manual']],
  [`${gx}device_management_getusers.xml`, 'GetUsers', 'whole', 'whole'],
  // Another port than its services have.
  [`${gx}media1_getsnapshoturi.xml`, 'GetSnapshotUri', 'uri', 'http://192.168.1.127:85/images/snapshot.jpg'],
  [`${gx}media1_getvideosources.xml`, 'GetVideoSources', 'whole', 'whole'],
  [`${gx}media2_getprofiles.xml`, 'GetProfiles', 'profiles', [['media_profile1', undefined], ['media_profile2', undefined], ['media_profile3', undefined]]],
  ['hikvision_cam_getaudioencoderconfigurations.xml', 'GetAudioEncoderConfigurations', 'whole', 'whole'],
  ['hikvision_cam_getaudiooutputs.xml', 'GetAudioOutputs', 'whole', 'whole'],
  ['hikvision_cam_getcapabilities.xml', 'GetCapabilities', 'capabilities', at('10.10.1.60', hikvisionPlaces)],
  ['hikvision_cam_geteventproperties.xml', 'GetEventProperties', 'whole', 'whole'],
  ['hikvision_cam_getnetworkinterfaces.xml', 'GetNetworkInterfaces', 'hardware', ['44:19:b6:3e:ba:a1']],
  ['hikvision_cam_getnodes.xml', 'GetNodes', 'whole', 'whole'],
  ['hikvision_cam_getscopes.xml', 'GetScopes', 'whole', 'whole'],
  ['hikvision_cam_getsnapshoturi.xml', 'GetSnapshotUri', 'uri', 'http://10.10.1.60/onvif/snapshot'],
  ['hikvision_cam_getstatus.xml', 'GetStatus', 'whole', 'whole'],
  ['hikvision_cam_getusers.xml', 'GetUsers', 'whole', 'whole'],
  ['hikvision_cam_getvideosources.xml', 'GetVideoSources', 'whole', 'whole'],
  ['mixed-milesight-axis-hik-_exonvif_get_scopes.xml', 'GetScopes', 'whole', 'whole'],
  ['nirsimetri_rawdoc_getcapabilities.xml', 'GetCapabilities', 'capabilities', at('192.168.1.3', hikvisionPlaces)],
  ['trendnet_cam_geteventproperties.xml', 'GetEventProperties', 'whole', 'whole'],
  ['trendnet_cam_getnetworkinterfaces.xml', 'GetNetworkInterfaces', 'hardware', ['3c:8c:f8:a1:32:dc']],
  ['trendnet_cam_getscopes.xml', 'GetScopes', 'whole', 'whole'],
  ['trendnet_cam_getservices.xml', 'GetServices', 'services', at('10.10.1.67', { device: 'device_service', media: 'Media', events: 'Events', imaging: 'Imaging' })],
  ['trendnet_cam_getsnapshoturi.xml', 'GetSnapshotUri', 'uri', 'http://10.10.1.67/onvif-http/snapshot?Profile_2'],
  ['trendnet_cam_getstreamuri.xml', 'GetStreamUri', 'uri', 'rtsp://10.10.1.67:554/Streaming/Channels/102?transportmode=unicast&profile=Profile_2'],
  ['trendnet_cam_getsystemdateandtime.xml', 'GetSystemDateAndTime', 'clock', ['2018-02-27T18:36:51.000Z', 'NTP']],
  ['trendnet_cam_getusers.xml', 'GetUsers', 'whole', 'whole'],
  ['trendnet_cam_getvideosources.xml', 'GetVideoSources', 'whole', 'whole'],
  [`${xm}device_management_getcapabilities.xml`, 'GetCapabilities', 'capabilities', at('10.200.1.2', { device: 'device_service', media: 'media_service', events: 'event_service', ptz: 'ptz_service', imaging: 'image_service' })],
  [`${xm}device_management_getservices.xml`, 'GetServices', 'services', at('10.200.1.2', { device: 'device_service', media: 'media_service', media2: 'media2_service', events: 'event_service', ptz: 'ptz_service', imaging: 'image_service' })],
  [`${xm}device_management_getsystemlog.xml`, 'GetSystemLog', 'whole', 'whole'],
  [`${xm}device_management_getusers.xml`, 'GetUsers', 'whole', 'whole'],
  [`${xm}media1_getsnapshoturi.xml`, 'GetSnapshotUri', 'uri', 'http://10.200.1.2:80/SnapShot_Ch0.jpg'],
  [`${xm}media1_getstreamuri.xml`, 'GetStreamUri', 'uri', 'rtsp://10.200.1.2/live/0/MAIN'],
  [`${xm}media1_getvideosources.xml`, 'GetVideoSources', 'whole', 'whole'],
  [`${xm}media2_getsnapshoturi.xml`, 'GetSnapshotUri', 'uri', 'http://10.200.1.2:80/SnapShot_Ch0.jpg'],
  [`${xm}ptz_getstatus.xml`, 'GetStatus', 'whole', 'whole'],
];

for (const [file, operation, reader, expected] of answers) {
  t.test(`${file}: ${reader}`, skip, async (t) => {
    const answer = readSoap(decodeXml(readFileSync(join(folder, file))), operation);
    if (answer.kind === 'fault') return t.fail(answer.reason);
    t.same(readers[reader]?.(answer.response), expected);
  });
}

t.test('the encoders of a make whose second stream is JPEG', skip, async (t) => {
  const answer = readSoap(decodeXml(readFileSync(join(folder, 'trendnet_cam_getvideoencoderconfigurations.xml'))), 'GetVideoEncoderConfigurations');
  if (answer.kind === 'fault') return t.fail(answer.reason);
  const encoders = readers['encoders']?.(answer.response) as unknown[][];
  t.same(encoders[0], ['VideoEncoderToken_1', 'h264', 1280, 720, 30, 60]);
  t.match(encoders[1], ['VideoEncoderToken_2', 'jpeg']);
});

const faults: [file: string, operation: string, expected: { notAuthorized: boolean; reason: string }][] = [
  ['agsh-mock_v0x_error.xml', 'GetServices', { notAuthorized: false, reason: 'fault reason' }],
  ['trendnet_cam_getaudioencoderconfigurations.fault.xml', 'GetAudioEncoderConfigurations', { notAuthorized: false, reason: 'NVT does not support audio.' }],
  ['trendnet_cam_getaudiooutputs.fault.xml', 'GetAudioOutputs', { notAuthorized: false, reason: 'NVT does not support audio output.' }],
  ['trendnet_cam_getdeviceinformation.fault.xml', 'GetDeviceInformation', { notAuthorized: true, reason: 'The action requested requires authorization and the sender is not authorized' }],
  ['trendnet_cam_getservices.fault.xml', 'GetServices', { notAuthorized: false, reason: 'the parameter value is illegal' }],
];

for (const [file, operation, expected] of faults) {
  t.test(`${file}: a fault`, skip, async (t) => t.same(readSoap(decodeXml(readFileSync(join(folder, file))), operation), { kind: 'fault', ...expected }));
}

for (const [file, operation] of [['unknown_go2rtc_getstreamuri.xml', 'GetStreamUri'], ['unknown_unknown_device_management_getcapabilities.xml', 'GetCapabilities']] as const) {
  t.test(`${file}: no XML, as it was published`, skip, async (t) => void t.throws(() => readSoap(decodeXml(readFileSync(join(folder, file))), operation), /not well-formed XML/));
}

t.test('every recorded answer has its expected reading in one of these tests', skip, async (t) => {
  const tests = globSync(join(import.meta.dirname, '*.test.ts')).map((file) => readFileSync(file, 'utf8')).join('\n');
  const spelled = tests.replaceAll('${enp}', enp).replaceAll('${gx}', gx).replaceAll('${xm}', xm);
  const files = readFileSync(join(folder, 'INDEX.csv'), 'utf8').split('\n').slice(1).filter((line) => line !== '').map((line) => line.split(',')[0] ?? '');
  t.ok(files.length >= 123);
  t.same(files.filter((file) => !spelled.includes(file)), []);
});
