/** Media service, version 1 (ONVIF Media, profile S): two fixed profiles, `main` and `sub`, each with picture and, where there is any, sound. */
import { find, textOf, type XmlElement } from '../../base/xml.ts';
import { rtspOrigin, streamNames, xaddrOf, type CameraFace, type StreamName } from '../face.ts';
import type { Track } from '../rtp.ts';
import type { Operation, ServiceFacts } from './operation.ts';
import { leaf, namespaces, SoapFault } from './soap.ts';

const capabilities = '<trt:Capabilities SnapshotUri="true" Rotation="false" VideoSourceMode="false" OSD="false"><trt:ProfileCapabilities MaximumNumberOfProfiles="2"/>'
  + '<trt:StreamingCapabilities RTPMulticast="false" RTP_TCP="false" RTP_RTSP_TCP="true" NonAggregateControl="false"/></trt:Capabilities>';

export const mediaService: ServiceFacts = {
  name: 'media',
  namespace: namespaces.media,
  capabilities: () => capabilities,
  category: { name: 'Media', content: () => '<tt:StreamingCapabilities><tt:RTPMulticast>false</tt:RTPMulticast><tt:RTP_TCP>false</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities>' },
  operations: new Map<string, Operation>([
    ['GetServiceCapabilities', { access: 'PRE_AUTH', answer: () => wrap('GetServiceCapabilities', capabilities) }],
    ['GetProfiles', { access: 'READ_MEDIA', answer: (face) => wrap('GetProfiles', streamNames.map((name) => profile(face, name, 'trt:Profiles')).join('')) }],
    ['GetProfile', { access: 'READ_MEDIA', answer: (face, request) => wrap('GetProfile', profile(face, profileOf(request), 'trt:Profile')) }],
    ['GetVideoSources', { access: 'READ_MEDIA', answer: (face) => wrap('GetVideoSources', videoSource(face)) }],
    ['GetVideoSourceConfigurations', { access: 'READ_MEDIA', answer: (face) => wrap('GetVideoSourceConfigurations', videoSourceConfiguration(face, 'trt:Configurations')) }],
    ['GetVideoSourceConfiguration', { access: 'READ_MEDIA', answer: (face, request) => wrap('GetVideoSourceConfiguration', expectToken(request, 'VSC1') + videoSourceConfiguration(face, 'trt:Configuration')) }],
    ['GetVideoEncoderConfigurations', { access: 'READ_MEDIA', answer: (face) => wrap('GetVideoEncoderConfigurations', streamNames.map((name) => videoEncoder(face, name, 'trt:Configurations')).join('')) }],
    ['GetVideoEncoderConfiguration', { access: 'READ_MEDIA', answer: (face, request) => wrap('GetVideoEncoderConfiguration', videoEncoder(face, encoderOf(request), 'trt:Configuration')) }],
    ['GetVideoEncoderConfigurationOptions', { access: 'READ_MEDIA', answer: (face, request) => wrap('GetVideoEncoderConfigurationOptions', videoEncoderOptions(face, optionsStream(request))) }],
    ['GetGuaranteedNumberOfVideoEncoderInstances', { access: 'READ_MEDIA', answer: () => wrap('GetGuaranteedNumberOfVideoEncoderInstances', '<trt:TotalNumber>2</trt:TotalNumber><trt:H264>2</trt:H264>') }],
    ['GetAudioSources', { access: 'READ_MEDIA', answer: (face) => wrap('GetAudioSources', ifSound(face, () => '<trt:AudioSources token="AudioSource1"><tt:Channels>1</tt:Channels></trt:AudioSources>')) }],
    ['GetAudioSourceConfigurations', { access: 'READ_MEDIA', answer: (face) => wrap('GetAudioSourceConfigurations', ifSound(face, () => audioSourceConfiguration('trt:Configurations'))) }],
    ['GetAudioEncoderConfigurations', { access: 'READ_MEDIA', answer: (face) => wrap('GetAudioEncoderConfigurations', ifSound(face, (track) => audioEncoder(track, 'trt:Configurations'))) }],
    ['GetStreamUri', { access: 'READ_MEDIA', answer: (face, request) => wrap('GetStreamUri', streamUri(face, request)) }],
    ['GetSnapshotUri', { access: 'READ_MEDIA', answer: (face, request) => wrap('GetSnapshotUri', mediaUri(xaddrOf(face, snapshotPath(profileOf(request))))) }],
  ]),
};

export function snapshotPath(name: StreamName): string {
  return `/onvif/snapshot/${name}.jpg`;
}

const tokens: Readonly<Record<StreamName, { profile: string; encoder: string; label: string }>> = {
  main: { profile: 'profile_main', encoder: 'VEC_main', label: 'mainStream' },
  sub: { profile: 'profile_sub', encoder: 'VEC_sub', label: 'subStream' },
};

function profile(face: CameraFace, name: StreamName, element: string): string {
  return `<${element} token="${tokens[name].profile}" fixed="true">${leaf('tt:Name', tokens[name].label)}`
    + videoSourceConfiguration(face, 'tt:VideoSourceConfiguration')
    + ifSound(face, () => audioSourceConfiguration('tt:AudioSourceConfiguration'))
    + videoEncoder(face, name, 'tt:VideoEncoderConfiguration')
    + ifSound(face, (track) => audioEncoder(track, 'tt:AudioEncoderConfiguration'))
    + `</${element}>`;
}

function videoSource(face: CameraFace): string {
  const { width, height, fps } = videoOf(face, 'main');
  return `<trt:VideoSources token="VideoSource1">${leaf('tt:Framerate', decimal(fps))}<tt:Resolution>${leaf('tt:Width', width)}${leaf('tt:Height', height)}</tt:Resolution></trt:VideoSources>`;
}

function videoSourceConfiguration(face: CameraFace, element: string): string {
  const { width, height } = videoOf(face, 'main');
  return `<${element} token="VSC1"><tt:Name>VideoSourceConfig</tt:Name><tt:UseCount>2</tt:UseCount><tt:SourceToken>VideoSource1</tt:SourceToken>`
    + `<tt:Bounds x="0" y="0" width="${width}" height="${height}"/></${element}>`;
}

function videoEncoder(face: CameraFace, name: StreamName, element: string): string {
  const { width, height, fps, kbps, gop, profile: h264 } = videoOf(face, name);
  return `<${element} token="${tokens[name].encoder}">${leaf('tt:Name', tokens[name].encoder)}<tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>`
    + `<tt:Resolution>${leaf('tt:Width', width)}${leaf('tt:Height', height)}</tt:Resolution><tt:Quality>4</tt:Quality>`
    + `<tt:RateControl>${leaf('tt:FrameRateLimit', Math.round(fps))}<tt:EncodingInterval>1</tt:EncodingInterval>${leaf('tt:BitrateLimit', kbps)}</tt:RateControl>`
    + `<tt:H264>${leaf('tt:GovLength', gop)}${leaf('tt:H264Profile', h264)}</tt:H264>${multicast}<tt:SessionTimeout>PT60S</tt:SessionTimeout></${element}>`;
}

function videoEncoderOptions(face: CameraFace, name: StreamName): string {
  const { width, height, fps, gop, profile: h264 } = videoOf(face, name);
  const range = (element: string, min: number, max: number): string => `<${element}>${leaf('tt:Min', min)}${leaf('tt:Max', max)}</${element}>`;
  return `<trt:Options>${range('tt:QualityRange', 1, 6)}<tt:H264><tt:ResolutionsAvailable>${leaf('tt:Width', width)}${leaf('tt:Height', height)}</tt:ResolutionsAvailable>`
    + `${range('tt:GovLengthRange', gop, gop)}${range('tt:FrameRateRange', Math.round(fps), Math.round(fps))}${range('tt:EncodingIntervalRange', 1, 1)}`
    + `${leaf('tt:H264ProfilesSupported', h264)}</tt:H264></trt:Options>`;
}

function audioSourceConfiguration(element: string): string {
  return `<${element} token="ASC1"><tt:Name>AudioSourceConfig</tt:Name><tt:UseCount>2</tt:UseCount><tt:SourceToken>AudioSource1</tt:SourceToken></${element}>`;
}

function audioEncoder(track: Track, element: string): string {
  const alaw = track.payloadType === 8;
  // Kilobits and kilohertz.
  return `<${element} token="AEC1"><tt:Name>AudioEncoderConfig</tt:Name><tt:UseCount>2</tt:UseCount>${leaf('tt:Encoding', alaw ? 'G711' : 'AAC')}${leaf('tt:Bitrate', alaw ? 64 : 32)}`
    + `${leaf('tt:SampleRate', Math.round(track.clockRate / 1000))}${multicast}<tt:SessionTimeout>PT60S</tt:SessionTimeout></${element}>`;
}

const multicast = '<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address><tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>';

function streamUri(face: CameraFace, request: XmlElement): string {
  const stream = textOf(request, 'StreamSetup', 'Stream');
  if (stream === 'RTP-Multicast') {
    throw new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', 'InvalidStreamSetup'], reason: 'no multicast' });
  }
  return mediaUri(face.quirks.streamUri ?? `${rtspOrigin(face)}/${profileOf(request)}`);
}

function mediaUri(uri: string): string {
  return `<trt:MediaUri>${leaf('tt:Uri', uri)}<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>`;
}

function profileOf(request: XmlElement): StreamName {
  const token = textOf(request, 'ProfileToken');
  const name = streamNames.find((one) => tokens[one].profile === token);
  if (name === undefined) throw new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', 'NoProfile'], reason: 'no profile has this token' });
  return name;
}

function encoderOf(request: XmlElement): StreamName {
  const token = textOf(request, 'ConfigurationToken');
  const name = streamNames.find((one) => tokens[one].encoder === token);
  if (name === undefined) throw noConfiguration();
  return name;
}

/** Both tokens are optional here. */
function optionsStream(request: XmlElement): StreamName {
  if (find(request, 'ConfigurationToken') !== undefined) return encoderOf(request);
  return find(request, 'ProfileToken') === undefined ? 'main' : profileOf(request);
}

function expectToken(request: XmlElement, token: string): '' {
  if (textOf(request, 'ConfigurationToken') !== token) throw noConfiguration();
  return '';
}

function noConfiguration(): SoapFault {
  return new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', 'NoConfig'], reason: 'no configuration has this token' });
}

function videoOf(face: CameraFace, name: StreamName): NonNullable<Track['video']> {
  const video = face.streams[name].tracks.find((track) => track.kind === 'video')?.video;
  if (video === undefined) throw new SoapFault({ code: 'Receiver', subcodes: ['Action'], reason: 'no picture' });
  return video;
}

function ifSound(face: CameraFace, describe: (track: Track) => string): string {
  const track = face.streams.main.tracks.find((one) => one.kind === 'audio');
  return track === undefined ? '' : describe(track);
}

function decimal(value: number): number {
  return Number(value.toFixed(3));
}

function wrap(operation: string, body: string): string {
  return `<trt:${operation}Response>${body}</trt:${operation}Response>`;
}
