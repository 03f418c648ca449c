/** Media service, version 2 (ONVIF Media2, profile T): the same profiles, with H.265 and without the older service's limits. */
import { escapeXml, find, findAll, textOf, type XmlElement } from '../../base/xml.ts';
import { streamNames, xaddrOf, type CameraFace, type StreamName } from '../face.ts';
import { encoderOf, isAlaw, setEncoder, soundOf, streamOfEither, streamOfEncoder, streamOfProfile } from './encoder.ts';
import { audioSourceConfiguration, multicast, streamUriOf, videoSourceConfiguration } from './media.ts';
import type { Operation, ServiceFacts } from './operation.ts';
import { ptzConfiguration } from './ptzconfiguration.ts';
import { leaf, namespaces, SoapFault } from './soap.ts';
import { snapshotPath } from './snapshot.ts';

const read = 'READ_MEDIA';
const gopShown = 8;
const capabilities = '<tr2:Capabilities SnapshotUri="true" Rotation="false" VideoSourceMode="false" OSD="false" Mask="false">'
  + '<tr2:ProfileCapabilities MaximumNumberOfProfiles="2" ConfigurationsSupported="VideoSource VideoEncoder AudioSource AudioEncoder PTZ"/>'
  + '<tr2:StreamingCapabilities RTSPStreaming="true" RTPMulticast="false" RTP_RTSP_TCP="true" NonAggregateControl="false"/></tr2:Capabilities>';

export const media2Service: ServiceFacts = {
  name: 'media2',
  namespace: namespaces.media2,
  capabilities: () => capabilities,
  operations: new Map<string, Operation>([
    ['GetServiceCapabilities', { access: 'PRE_AUTH', answer: () => wrap('GetServiceCapabilities', capabilities) }],
    ['GetProfiles', { access: read, answer: getProfiles }],
    ['GetStreamUri', { access: read, answer: getStreamUri }],
    ['GetSnapshotUri', { access: read, answer: (face, request) => wrap('GetSnapshotUri', leaf('tr2:Uri', xaddrOf(face, snapshotPath(face, streamOfProfile(face, textOf(request, 'ProfileToken')))))) }],
    ['GetVideoSourceConfigurations', { access: read, answer: (face) => wrap('GetVideoSourceConfigurations', videoSourceConfiguration(face, 'tr2:Configurations')) }],
    ['GetVideoEncoderConfigurations', { access: read, answer: (face, request) => wrap('GetVideoEncoderConfigurations', someStreams(face, request).map((name) => videoEncoder(face, name, 'tr2:Configurations')).join('')) }],
    ['GetVideoEncoderConfigurationOptions', { access: read, answer: (face, request) => wrap('GetVideoEncoderConfigurationOptions', someStreams(face, request).slice(0, 1).map((name) => options(face, name)).join('')) }],
    ['SetVideoEncoderConfiguration', { access: 'ACTUATE', answer: setVideoEncoderConfiguration }],
    ['GetVideoEncoderInstances', { access: read, answer: () => wrap('GetVideoEncoderInstances', '<tr2:Info><tr2:Codec><tr2:Encoding>H264</tr2:Encoding><tr2:Number>2</tr2:Number></tr2:Codec><tr2:Total>2</tr2:Total></tr2:Info>') }],
    ['GetAudioSourceConfigurations', { access: read, answer: (face) => wrap('GetAudioSourceConfigurations', audioSourceConfiguration(face, 'tr2:Configurations')) }],
    ['GetAudioEncoderConfigurations', { access: read, answer: (face) => wrap('GetAudioEncoderConfigurations', audioEncoder(face, 'tr2:Configurations')) }],
    ['SetSynchronizationPoint', { access: read, answer: setSynchronizationPoint }],
  ]),
};

/** Without a type, a profile is its name alone. */
function getProfiles(face: CameraFace, request: XmlElement): string {
  const token = textOf(request, 'Token');
  const types = findAll(request, 'Type').map(({ text }) => text);
  const wanted = (type: string): boolean => types.includes(type) || types.includes('All');
  const names = token === undefined ? streamNames : [streamOfProfile(face, token)];
  return wrap('GetProfiles', names.map((name) => {
    const parts = (wanted('VideoSource') ? videoSourceConfiguration(face, 'tr2:VideoSource') : '')
      + (wanted('AudioSource') ? audioSourceConfiguration(face, 'tr2:AudioSource') : '')
      + (wanted('VideoEncoder') ? videoEncoder(face, name, 'tr2:VideoEncoder') : '')
      + (wanted('AudioEncoder') ? audioEncoder(face, 'tr2:AudioEncoder') : '')
      + (wanted('PTZ') ? ptzConfiguration(face, 'tr2:PTZ') : '');
    return `<tr2:Profiles token="${escapeXml(face.habits.tokens.profiles[name])}" fixed="true">${leaf('tr2:Name', `${name}Stream`)}${types.length === 0 ? '' : `<tr2:Configurations>${parts}</tr2:Configurations>`}</tr2:Profiles>`;
  }).join(''));
}

const protocols = ['RtspUnicast', 'RTSP', 'RtspOverHttp'];

function getStreamUri(face: CameraFace, request: XmlElement): string {
  const protocol = textOf(request, 'Protocol') ?? '';
  if (!protocols.includes(protocol)) throw new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', 'InvalidStreamSetup'], reason: 'streams come by RTSP, to one receiver' });
  return wrap('GetStreamUri', leaf('tr2:Uri', streamUriOf(face, streamOfProfile(face, textOf(request, 'ProfileToken')))));
}

async function setVideoEncoderConfiguration(face: CameraFace, request: XmlElement): Promise<string> {
  const configuration = find(request, 'Configuration');
  await setEncoder(face, streamOfEncoder(face, configuration?.attributes['token']), { encoding: textOf(configuration, 'Encoding'), gop: configuration?.attributes['GovLength'], configuration });
  return wrap('SetVideoEncoderConfiguration', '');
}

/** Each viewer begins at a key frame anyway. */
function setSynchronizationPoint(face: CameraFace, request: XmlElement): string {
  streamOfProfile(face, textOf(request, 'ProfileToken'));
  return wrap('SetSynchronizationPoint', '');
}

function videoEncoder(face: CameraFace, name: StreamName, element: string): string {
  const { encoding, width, height, fpsLimit, kbpsLimit, quality, gop, profile } = encoderOf(face, name);
  const token = face.habits.tokens.encoders[name];
  return `<${element} token="${escapeXml(token)}" GovLength="${gop}" Profile="${profile}">${leaf('tt:Name', token)}<tt:UseCount>1</tt:UseCount>${leaf('tt:Encoding', encoding)}`
    + `<tt:Resolution>${leaf('tt:Width', width)}${leaf('tt:Height', height)}</tt:Resolution>`
    + `<tt:RateControl ConstantBitRate="true">${leaf('tt:FrameRateLimit', fpsLimit)}${leaf('tt:BitrateLimit', kbpsLimit)}</tt:RateControl>${multicast}${leaf('tt:Quality', quality)}</${element}>`;
}

function options(face: CameraFace, name: StreamName): string {
  const { encoding, width, height, fps, gop, gopMax, profile, kbpsLimit } = encoderOf(face, name);
  const range = (element: string, min: number, max: number): string => `<${element}>${leaf('tt:Min', min)}${leaf('tt:Max', max)}</${element}>`;
  // The standard wants each length that can be set; a span of many is told by some.
  const gops = face.recode === undefined ? [gop] : [...new Set([...Array.from({ length: gopShown }, (_, n) => Math.max(1, Math.round((gopMax * (n + 1)) / gopShown))), gop])].sort((a, b) => a - b);
  return `<tr2:Options GovLengthRange="${gops.join(' ')}" FrameRatesSupported="${Math.round(fps)}" ProfilesSupported="${profile}" ConstantBitRateSupported="true">${leaf('tt:Encoding', encoding)}${range('tt:QualityRange', 1, 6)}`
    + `<tt:ResolutionsAvailable>${leaf('tt:Width', width)}${leaf('tt:Height', height)}</tt:ResolutionsAvailable>${range('tt:BitrateRange', 1, Math.max(100_000, kbpsLimit))}</tr2:Options>`;
}

function audioEncoder(face: CameraFace, element: string): string {
  const track = soundOf(face);
  if (track === undefined) return '';
  const token = face.habits.tokens.audioEncoder;
  return `<${element} token="${escapeXml(token)}">${leaf('tt:Name', token)}<tt:UseCount>2</tt:UseCount>${leaf('tt:Encoding', isAlaw(track) ? 'PCMA' : 'MP4A-LATM')}${multicast}`
    + `${leaf('tt:Bitrate', isAlaw(track) ? 64 : 32)}${leaf('tt:SampleRate', Math.round(track.clockRate / 1000))}</${element}>`;
}

function someStreams(face: CameraFace, request: XmlElement): readonly StreamName[] {
  const one = streamOfEither(face, request);
  return one === undefined ? streamNames : [one];
}

function wrap(operation: string, body: string): string {
  return `<tr2:${operation}Response>${body}</tr2:${operation}Response>`;
}
