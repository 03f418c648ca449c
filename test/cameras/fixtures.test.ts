/** Answers of real cameras, as published. What is expected was read out of the files by eye. */
import t from 'tap';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseXml, textOf } from '../../src/base/xml.ts';
import { readCapabilities, readClock, readDevice, readProfiles, readServices, readUri } from '../../src/cameras/answers.ts';
import { decodeXml } from '../../src/cameras/charset.ts';
import { readEncoders, readPresets, withGop } from '../../src/cameras/controlanswers.ts';
import { readAnnouncement, readMatches, type Match } from '../../src/cameras/probematch.ts';
import { readSoap } from '../../src/cameras/soap.ts';

const folder = join(import.meta.dirname, '../../../shared/fixtures/onvif');
const skip = existsSync(folder) ? {} : { skip: 'the recorded answers (../shared/fixtures/onvif) are not here' };

function bytesOf(file: string): Buffer {
  return readFileSync(join(folder, file));
}

function response(file: string, operation: string) {
  const answer = readSoap(decodeXml(bytesOf(file)), operation);
  if (answer.kind === 'fault') throw new Error(answer.reason);
  return answer.response;
}

function matchesOf(file: string, sender: string) {
  const datagram = Buffer.from(bytesOf(file).toString('latin1').replace('RELATES_TO', 'urn:uuid:asked'), 'latin1');
  return readMatches(datagram, sender, { asked: new Set(['urn:uuid:asked']), loopback: false });
}

t.test('who a camera is, as it says it: text stays text', skip, async (t) => {
  const cases = [
    ['hikvision_cam_getdeviceinformation.xml', 'HIKVISION', 'DS-2DF7276-AEL', 'V5.1.6 build 140401', 'DS-2DF7276-AEL20140613CCWR468714298B', '88'],
    ['trendnet_cam_getdeviceinformation.xml', 'TRENDnet', 'TV-IP320PI', 'V5.3.4 build 160830', 'TV-IP320PI20161206AAWR863642784', '88'],
    ['generic-gx728mf-_gx728mf-ir28_device_management_getdeviceinformation.xml', 'NONE', 'GX728MF-IR28', 'IPC_G6106-B0005P11D1812C03', '210235T8HQ3197000191', 'GX728MF-IR28'],
    ['nirsimetri_rawdoc_getdeviceinformation.xml', 'EZVIZ', 'CS-H8c-R100-1K2WKFL', 'V5.3.8 build 250612', 'CS-H8c-R100-1K2WKFL0120250611CCRRBF9716291', '88'],
    ['recon_camhi_c6f0siz3_getdeviceinformation.xml', 'IPCAM', 'C6F0SiZ3N0P0L0', 'V6.1.10.2.1-20150624', '00E0F8218509', 'V6.1.10.2.1-20150624'],
    ['mixed-milesight-axis-hik-_exonvif_get_device_information.xml', 'Milesight Technology Co.,Ltd.', 'MS-C8165-PE', '61.8.0.3-r8', 'EM82V102329001403', 'V1.0'],
    ['xm-like-ipg-8150pss-_ipg-8150pss_device_management_getdeviceinformation.xml', 'ONVIF_IPNC', 'IPG-8150PSS', '1.3.0-20210203CN-PT', 'I207215E7840DFDA9877E8B', '8FE1887A-72EE-403f-9385-5a58aed534cf'],
  ] as const;
  for (const [file, manufacturer, model, firmware, serial, hardware] of cases) {
    t.same(readDevice(response(file, 'GetDeviceInformation')), { manufacturer, model, firmware, serial, hardware }, file);
  }
});

t.test('the profiles of several makes', skip, async (t) => {
  const profiles = (file: string): string[] => readProfiles(response(file, 'GetProfiles'))
    .map(({ token, name, video, audioCodec }) => `${token} ${name} ${video === undefined ? '-' : `${video.codec} ${video.width}x${video.height} ${video.fps} ${video.kbps}`} ${audioCodec ?? '-'}`);
  t.same(profiles('hikvision_cam_getprofiles.xml').slice(0, 2), ['Profile_1 mainStream h264 1280x720 10 4096 g711', 'Profile_2 subStream h264 704x480 30 1024 g711']);
  t.same(profiles('trendnet_cam_getprofiles.xml'), ['Profile_1 mainStream h264 1280x720 30 2048 -', 'Profile_2 subStream jpeg 352x240 30 512 -']);
  t.match(profiles('empiretech-like-enp1a14-_enp1a14-ir_25x_media1_getprofiles.xml'), [/^Profile_1 .* hevc 2560x1440 25 8192 g711$/, /^Profile_2 .* hevc 704x480 10 1024 g711$/, /^Profile_3 .* - g711$/]);
  t.match(profiles('generic-gx728mf-_gx728mf-ir28_media1_getprofiles.xml'), [/^media_profile1 .* h264 3840x2160 20 4096 /, /^media_profile2 .* h264 720x576 20 384 /, /^media_profile3 .* h264 352x288 20 128 /]);
  t.same(profiles('xm-like-ipg-8150pss-_ipg-8150pss_media1_getprofiles.xml'), ['PROFILE_000 PROFILE_000 h264 2560x1920 20 2048 g711', 'PROFILE_001 PROFILE_001 h264 800x448 20 512 g711']);
  t.same(profiles('xm-like-ipg-8150pss-_ipg-8150pss_media2_getprofiles.xml'), ['PROFILE_000 PROFILE_000 - -', 'PROFILE_001 PROFILE_001 - -'], 'Media 2');
});

t.test('stream and snapshot addresses', skip, async (t) => {
  const cases = [
    ['hikvision_cam_getstreamuri.xml', 'GetStreamUri', 'rtsp://10.10.1.60:554/Streaming/Channels/3?transportmode=unicast&profile=Profile_3'],
    ['dahua_go2rtc_getstreamuri.xml', 'GetStreamUri', 'rtsp://192.168.1.123:554/cam/realmonitor?channel=1&subtype=1&unicast=true&proto=Onvif'],
    ['go2rtc_go2rtc_getstreamuri.xml', 'GetStreamUri', 'rtsp://192.168.1.123:8554/rtsp-dahua2'],
    ['xm-like-ipg-8150pss-_ipg-8150pss_media2_getstreamuri.xml', 'GetStreamUri', 'rtsp://10.200.1.2/live/0/MAIN'],
    ['recon_camhi_c6f0siz3_getsnapshoturi.xml', 'GetSnapshotUri', 'http://172.19.0.3:80/web/auto.jpg?-usr=admin&-pwd=admin&'],
    ['generic-gx728mf-_gx728mf-ir28_media2_getsnapshoturi.xml', 'GetSnapshotUri', 'http://192.168.1.127:85/images/snapshot.jpg'],
  ] as const;
  for (const [file, operation, uri] of cases) t.equal(readUri(response(file, operation)), uri, file);
});

t.test('the camera\'s clock is its UTC time', skip, async (t) => {
  t.equal(readClock(response('hikvision_cam_getsystemdateandtime.xml', 'GetSystemDateAndTime')), Date.UTC(2018, 1, 27, 18, 28, 1));
  t.equal(readClock(response('xm-like-ipg-8150pss-_ipg-8150pss_device_management_getsystemdateandtime.xml', 'GetSystemDateAndTime')), Date.UTC(2024, 1, 20, 13, 13, 1));
  t.equal(readClock(response('mixed-milesight-axis-hik-_exonvif_get_system_date_and_time.xml', 'GetSystemDateAndTime')), Date.UTC(2024, 6, 9, 19, 49, 6));
});

t.test('where the services are', skip, async (t) => {
  const at = (host: string, places: Record<string, string>) => Object.fromEntries(Object.entries(places).map(([service, place]) => [service, `http://${host}/onvif/${place}`]));
  t.same(Object.fromEntries(readServices(response('hikvision_cam_getservices.xml', 'GetServices'))),
    at('10.10.1.60', { device: 'device_service', media: 'Media', events: 'Events', ptz: 'PTZ', imaging: 'Imaging' }));
  t.same(Object.fromEntries(readServices(response('empiretech-like-enp1a14-_enp1a14-ir_25x_device_management_getservices.xml', 'GetServices'))),
    at('192.168.1.182', { device: 'device_service', media: 'Media', media2: 'Media2', events: 'Events', ptz: 'PTZ', imaging: 'Imaging' }));
  t.same(Object.fromEntries(readCapabilities(response('trendnet_cam_getcapabilities.xml', 'GetCapabilities'))),
    at('10.10.1.67', { device: 'device_service', media: 'Media', events: 'Events', imaging: 'Imaging' }));
});

t.test('places, encoders and the distance of key frames of several makes', skip, async (t) => {
  const presets = (file: string) => readPresets(response(file, 'GetPresets'));
  const hik = presets('hikvision_cam_getpresets.xml');
  t.same([hik.length, hik[0], hik[1], hik[2]], [255, { token: '1', name: 'preset 1' }, { token: '2', name: 'preset 1' }, { token: '3', name: 'preset 2' }]);
  t.equal(presets('empiretech-like-enp1a14-_enp1a14-ir_25x_ptz_getpresets.xml').length, 300);
  t.same(presets('xm-like-ipg-8150pss-_ipg-8150pss_ptz_getpresets.xml')[0], { token: 'z_ovf_ptz_01', name: 'z_ovf_ptz_01' });
  const [encoder] = readEncoders(response('hikvision_cam_getvideoencoderconfigurations.xml', 'GetVideoEncoderConfigurations'));
  t.match(encoder, { token: 'VideoEncoderToken_1', name: 'VideoEncoder_1', video: { codec: 'h264', width: 1280, height: 720, fps: 10 } });
  const before = encoder === undefined ? undefined : parseXml(withGop(encoder, encoder.video.gop ?? 0) ?? '');
  const after = encoder === undefined ? undefined : parseXml(withGop(encoder, 20) ?? '');
  t.same(before, { ...before, children: encoder?.element.children }, 'what is not changed is said back as it was said');
  t.equal(textOf(after, 'H264', 'GovLength'), '20');
  t.equal(after?.attributes['token'], 'VideoEncoderToken_1');
});

t.test('faults are told from refused credentials', skip, async (t) => {
  const fault = (file: string) => readSoap(decodeXml(bytesOf(file)), 'GetServices');
  t.match(fault('hikvision_cam_getservices.fault.xml'), { kind: 'fault', notAuthorized: false, reason: 'the parameter value is illegal' });
  t.match(fault('xm-like-ipg-8150pss-_ipg-8150pss_device_management_fault.xml'), { kind: 'fault', notAuthorized: false, reason: 'Action Not Implemented' });
  t.match(fault('empiretech-like-enp1a14-_enp1a14-ir_25x_device_management_fault.xml'), { kind: 'fault', notAuthorized: false, reason: 'Too weak password.' });
  t.match(fault('mixed-milesight-axis-hik-_exonvif_soap_fault.xml'), { kind: 'fault', notAuthorized: false, reason: 'Argument Value Invalid' });
});

/** Of every discovery file there is: who sends it in the test, and what it says. Read out of the XML by eye. */
const discoveryFiles: readonly (readonly [file: string, sender: string, expected: string])[] = [
  ['recon_hikvision_ds-2cd2612f_probematches.xml', '192.168.0.59', 'match 8059 /onvif/device_service http urn:uuid:a7fc57d6-463d-11b4-82bf-4419b64968e1 "DS-2CD2612F-I" "DS-2CD2612F-I"'],
  ['recon_tplink-tapo_tp-ipc_probematches.xml', '192.168.12.128', 'match 2020 /onvif/device_service http uuid:3fa1fe68-b915-4053-a3e1-c006c3afec0e "TP-IPC" "MODEL"'],
  ['recon_bosch_encoder_probematches.xml', '192.168.1.124', 'match 80 /onvif/device_service http urn:uuid:a7fc57d6-463d-11b4-82bf-4419b64968e1 "X" "Y"'],
  ['recon_bosch_encoder_probematches.xml', '192.168.1.125', 'left out: it points at another host, 192.168.1.124'],
  ['recon_windows_pc_probematches.xml', '10.0.0.9', 'left out: it is no camera (wsdp:Device pub:Computer)'],
  ['recon_dahua_ipc-hfw2228m_hello.xml', '192.168.1.45', 'left out: an answer that is no ProbeMatches; hello 80 /onvif/device_service http uuid:503b687a-b9d7-474f-a2d0-a18c8b25a464 "Dahua" "IPC-HFW2228M-I1-V2"'],
  ['agsh-mock_v0x_probe.xml', '10.0.0.9', 'left out: an address that is none'],
  ['hostile_hostile_bom_probematches.xml', '10.0.0.9', 'match 80 /onvif/device_service http urn:uuid:a7fc57d6-463d-11b4-82bf-4419b64968e1 "X" "Y"'],
  ['hostile_hostile_singlequotens_probematches.xml', '10.0.0.9', 'match 80 /onvif/device_service http urn:uuid:a7fc57d6-463d-11b4-82bf-4419b64968e1 "X" "Y"'],
  ['hostile_hostile_noscopes_probematches.xml', '10.0.0.9', 'match 80 /onvif/device_service http urn:uuid:a7fc57d6-463d-11b4-82bf-4419b64968e1 - -'],
  // A blank ends a scope; "DS-2CD" is a scope of its own then.
  ['hostile_hostile_spacename_probematches.xml', '10.0.0.9', 'match 80 /onvif/device_service http urn:uuid:a7fc57d6-463d-11b4-82bf-4419b64968e1 "HIKVISION" -'],
  ['hostile_hostile_twomatches_probematches.xml', '10.0.0.9', 'match 80 /onvif/device_service http urn:uuid:a7fc57d6-463d-11b4-82bf-4419b64968e1 "X" "Y"; match 80 /onvif/device_service http urn:uuid:a7fc57d6-463d-11b4-82bf-4419b64968e1 "X" "Y"'],
  ['hostile_hostile_xaddr-0000_probematches.xml', '10.0.0.9', 'match 80 /onvif/device_service http urn:uuid:a7fc57d6-463d-11b4-82bf-4419b64968e1 "X" "Y"'],
  ['hostile_hostile_xaddr-localhost_probematches.xml', '10.0.0.9', 'left out: it points at this machine'],
  ['hostile_hostile_xaddr-empty_probematches.xml', '10.0.0.9', 'left out: it names no address of its own (no XAddrs)'],
  ['hostile_hostile_xaddr-missing_probematches.xml', '10.0.0.9', 'left out: it names no address of its own (no XAddrs)'],
];

function matchInWords({ port, path, secure, urn, name, model }: Match): string {
  const word = (text: string | undefined): string => (text === undefined ? '-' : `"${text}"`);
  return `${port} ${path} http${secure ? 's' : ''} ${urn} ${word(name)} ${word(model)}`;
}

t.test('every discovery message is understood, or left out with the reason', skip, async (t) => {
  for (const [file, sender, expected] of discoveryFiles) {
    const { matches, reasons } = matchesOf(file, sender);
    const announced = readAnnouncement(bytesOf(file), sender, { loopback: false });
    const words = [...matches.map((match) => `match ${matchInWords(match)}`), ...(reasons.length === 0 ? [] : [`left out: ${reasons.join('; ')}`])];
    if (announced.kind === 'hello' && announced.match !== undefined) words.push(`hello ${matchInWords(announced.match)}`);
    t.equal(words.join('; '), expected, `${file} from ${sender}`);
  }
  const listed = readFileSync(join(folder, 'INDEX.csv'), 'utf8').split('\n').map((line) => line.split(',')).filter(([, , , kind]) => /^(?:ProbeMatches|Probe|Hello|Bye|ResolveMatches)$/.test(kind ?? ''));
  t.same(listed.map(([file]) => file).filter((file) => !discoveryFiles.some(([known]) => known === file)), [], 'no file is left out of the table');
  t.match(matchesOf('hostile_hostile_garbage_other.xml', '10.0.0.9').reasons, [/^an answer that cannot be read/]);
});

t.test('no recorded answer of any kind does anything but parse or be refused', skip, async (t) => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.xml'))) {
    const { matches } = matchesOf(file, '192.168.0.1');
    t.ok(matches.length <= 2, file);
    t.not(readAnnouncement(bytesOf(file), '192.168.0.1', { loopback: false }).kind, 'bye', file);
    try {
      parseXml(decodeXml(bytesOf(file)));
    } catch (error) {
      t.type(error, Error);
    }
  }
});
