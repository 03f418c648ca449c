/** Media service, version 1 (ONVIF Media, profile S): two fixed profiles, `main` and `sub`, each with picture and, where there is any, sound. */
import { escapeXml, find, textOf, type XmlElement } from '../../base/xml.ts';
import { rtspOrigin, streamNames, xaddrOf, type CameraFace, type StreamName } from '../face.ts';
import { encoderOf, isAlaw, noConfiguration, setEncoder, soundOf, streamOfEither, streamOfEncoder, streamOfProfile } from './encoder.ts';
import type { Operation, ServiceFacts } from './operation.ts';
import { ptzConfiguration } from './ptzconfiguration.ts';
import { snapshotPath } from './snapshot.ts';
import { leaf, namespaces, SoapFault } from './soap.ts';

const capabilities = '<trt:Capabilities SnapshotUri="true" Rotation="false" VideoSourceMode="false" OSD="false"><trt:ProfileCapabilities MaximumNumberOfProfiles="2"/>'
  + '<trt:StreamingCapabilities RTPMulticast="false" RTP_TCP="false" RTP_RTSP_TCP="true" NonAggregateControl="false"/></trt:Capabilities>';
const read = 'READ_MEDIA';

export const mediaService: ServiceFacts = {
  name: 'media',
  namespace: namespaces.media,
  capabilities: () => capabilities,
  category: { name: 'Media', content: () => '<tt:StreamingCapabilities><tt:RTPMulticast>false</tt:RTPMulticast><tt:RTP_TCP>false</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities>' },
  operations: new Map<string, Operation>([
    ['GetServiceCapabilities', { access: 'PRE_AUTH', answer: () => wrap('GetServiceCapabilities', capabilities) }],
    ['GetProfiles', { access: read, answer: (face) => wrap('GetProfiles', streamNames.map((name) => profile(face, name, 'trt:Profiles')).join('')) }],
    ['GetProfile', { access: read, answer: (face, request) => wrap('GetProfile', profile(face, profileOf(face, request), 'trt:Profile')) }],
    ['GetVideoSources', { access: read, answer: (face) => wrap('GetVideoSources', videoSource(face)) }],
    ['GetVideoSourceConfigurations', { access: read, answer: (face) => wrap('GetVideoSourceConfigurations', videoSourceConfiguration(face, 'trt:Configurations')) }],
    ['GetVideoSourceConfiguration', { access: read, answer: getVideoSourceConfiguration }],
    ['GetVideoEncoderConfigurations', { access: read, answer: (face) => wrap('GetVideoEncoderConfigurations', streamNames.map((name) => videoEncoder(face, name, 'trt:Configurations')).join('')) }],
    ['GetVideoEncoderConfiguration', { access: read, answer: (face, request) => wrap('GetVideoEncoderConfiguration', videoEncoder(face, streamOfEncoder(face, textOf(request, 'ConfigurationToken')), 'trt:Configuration')) }],
    ['GetVideoEncoderConfigurationOptions', { access: read, answer: (face, request) => wrap('GetVideoEncoderConfigurationOptions', videoEncoderOptions(face, streamOfEither(face, request) ?? 'main')) }],
    ['SetVideoEncoderConfiguration', { access: 'ACTUATE', answer: setVideoEncoderConfiguration }],
    ['GetGuaranteedNumberOfVideoEncoderInstances', { access: read, answer: () => wrap('GetGuaranteedNumberOfVideoEncoderInstances', '<trt:TotalNumber>2</trt:TotalNumber><trt:H264>2</trt:H264>') }],
    ['GetAudioSources', { access: read, answer: (face) => wrap('GetAudioSources', soundOf(face) === undefined ? '' : `<trt:AudioSources token="${escapeXml(face.habits.tokens.audioSource)}"><tt:Channels>1</tt:Channels></trt:AudioSources>`) }],
    ['GetAudioSourceConfigurations', { access: read, answer: (face) => wrap('GetAudioSourceConfigurations', audioSourceConfiguration(face, 'trt:Configurations')) }],
    ['GetAudioEncoderConfigurations', { access: read, answer: (face) => wrap('GetAudioEncoderConfigurations', audioEncoder(face, 'trt:Configurations')) }],
    ['GetStreamUri', { access: read, answer: getStreamUri }],
    ['GetSnapshotUri', { access: read, answer: (face, request) => wrap('GetSnapshotUri', mediaUri(xaddrOf(face, snapshotPath(face, profileOf(face, request))))) }],
    ['SetSynchronizationPoint', { access: read, answer: setSynchronizationPoint }],
  ]),
};

function profile(face: CameraFace, name: StreamName, element: string): string {
  return `<${element} token="${escapeXml(face.habits.tokens.profiles[name])}" fixed="true">${leaf('tt:Name', `${name}Stream`)}`
    + videoSourceConfiguration(face, 'tt:VideoSourceConfiguration')
    + audioSourceConfiguration(face, 'tt:AudioSourceConfiguration')
    + videoEncoder(face, name, 'tt:VideoEncoderConfiguration')
    + audioEncoder(face, 'tt:AudioEncoderConfiguration')
    + ptzConfiguration(face, 'tt:PTZConfiguration')
    + `</${element}>`;
}

function videoSource(face: CameraFace): string {
  const { width, height, fps } = encoderOf(face, 'main');
  return `<trt:VideoSources token="${escapeXml(face.habits.tokens.videoSource)}">${leaf('tt:Framerate', decimal(fps))}<tt:Resolution>${leaf('tt:Width', width)}${leaf('tt:Height', height)}</tt:Resolution></trt:VideoSources>`;
}

export function videoSourceConfiguration(face: CameraFace, element: string): string {
  const { width, height } = encoderOf(face, 'main');
  const { videoSource: source, videoSourceConfiguration: token } = face.habits.tokens;
  return `<${element} token="${escapeXml(token)}"><tt:Name>VideoSourceConfig</tt:Name><tt:UseCount>2</tt:UseCount>${leaf('tt:SourceToken', source)}<tt:Bounds x="0" y="0" width="${width}" height="${height}"/></${element}>`;
}

function getVideoSourceConfiguration(face: CameraFace, request: XmlElement): string {
  if (textOf(request, 'ConfigurationToken') !== face.habits.tokens.videoSourceConfiguration) throw noConfiguration();
  return wrap('GetVideoSourceConfiguration', videoSourceConfiguration(face, 'trt:Configuration'));
}

/** This service has no word for H.265: cameras that send it say H264 here, and the truth in Media2. */
function videoEncoder(face: CameraFace, name: StreamName, element: string): string {
  const { width, height, fpsLimit, kbpsLimit, quality, gop, profile: named } = encoderOf(face, name);
  const token = face.habits.tokens.encoders[name];
  return `<${element} token="${escapeXml(token)}">${leaf('tt:Name', token)}<tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>`
    + `<tt:Resolution>${leaf('tt:Width', width)}${leaf('tt:Height', height)}</tt:Resolution>${leaf('tt:Quality', quality)}`
    + `<tt:RateControl>${leaf('tt:FrameRateLimit', fpsLimit)}<tt:EncodingInterval>1</tt:EncodingInterval>${leaf('tt:BitrateLimit', kbpsLimit)}</tt:RateControl>`
    + `<tt:H264>${leaf('tt:GovLength', gop)}${leaf('tt:H264Profile', h264Profiles.has(named) ? named : 'Main')}</tt:H264>${multicast}<tt:SessionTimeout>PT60S</tt:SessionTimeout></${element}>`;
}

const h264Profiles: ReadonlySet<string> = new Set(['Baseline', 'Main', 'Extended', 'High']);

function videoEncoderOptions(face: CameraFace, name: StreamName): string {
  const { width, height, fps, gop, gopMax, profile: named } = encoderOf(face, name);
  const range = (element: string, min: number, max: number): string => `<${element}>${leaf('tt:Min', min)}${leaf('tt:Max', max)}</${element}>`;
  const fixed = face.recode === undefined;
  return `<trt:Options>${range('tt:QualityRange', 1, 6)}<tt:H264><tt:ResolutionsAvailable>${leaf('tt:Width', width)}${leaf('tt:Height', height)}</tt:ResolutionsAvailable>`
    + `${range('tt:GovLengthRange', fixed ? gop : 1, fixed ? gop : gopMax)}${range('tt:FrameRateRange', Math.round(fps), Math.round(fps))}${range('tt:EncodingIntervalRange', 1, 1)}`
    + `${leaf('tt:H264ProfilesSupported', h264Profiles.has(named) ? named : 'Main')}</tt:H264></trt:Options>`;
}

async function setVideoEncoderConfiguration(face: CameraFace, request: XmlElement): Promise<string> {
  const configuration = find(request, 'Configuration');
  await setEncoder(face, streamOfEncoder(face, configuration?.attributes['token']), { encoding: textOf(configuration, 'Encoding'), gop: textOf(configuration, 'H264', 'GovLength'), configuration });
  return wrap('SetVideoEncoderConfiguration', '');
}

/** Nothing where there is no sound. */
export function audioSourceConfiguration(face: CameraFace, element: string): string {
  if (soundOf(face) === undefined) return '';
  const { audioSource, audioSourceConfiguration: token } = face.habits.tokens;
  return `<${element} token="${escapeXml(token)}"><tt:Name>AudioSourceConfig</tt:Name><tt:UseCount>2</tt:UseCount>${leaf('tt:SourceToken', audioSource)}</${element}>`;
}

function audioEncoder(face: CameraFace, element: string): string {
  const track = soundOf(face);
  if (track === undefined) return '';
  const token = face.habits.tokens.audioEncoder;
  // Kilobits and kilohertz.
  return `<${element} token="${escapeXml(token)}">${leaf('tt:Name', token)}<tt:UseCount>2</tt:UseCount>${leaf('tt:Encoding', isAlaw(track) ? 'G711' : 'AAC')}${leaf('tt:Bitrate', isAlaw(track) ? 64 : 32)}`
    + `${leaf('tt:SampleRate', Math.round(track.clockRate / 1000))}${multicast}<tt:SessionTimeout>PT60S</tt:SessionTimeout></${element}>`;
}

export const multicast = '<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address><tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>';

function getStreamUri(face: CameraFace, request: XmlElement): string {
  if (textOf(request, 'StreamSetup', 'Stream') === 'RTP-Multicast') {
    throw new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', 'InvalidStreamSetup'], reason: 'no multicast' });
  }
  return wrap('GetStreamUri', mediaUri(streamUriOf(face, profileOf(face, request))));
}

export function streamUriOf(face: CameraFace, name: StreamName): string {
  return face.quirks.streamUri ?? `${rtspOrigin(face)}${face.habits.rtspPaths[name]}`;
}

function mediaUri(uri: string): string {
  return `<trt:MediaUri>${leaf('tt:Uri', uri)}<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>`;
}

function setSynchronizationPoint(face: CameraFace, request: XmlElement): string {
  face.synchronize(profileOf(face, request));
  return wrap('SetSynchronizationPoint', '');
}

function profileOf(face: CameraFace, request: XmlElement): StreamName {
  return streamOfProfile(face, textOf(request, 'ProfileToken'));
}

function decimal(value: number): number {
  return Number(value.toFixed(3));
}

function wrap(operation: string, body: string): string {
  return `<trt:${operation}Response>${body}</trt:${operation}Response>`;
}
