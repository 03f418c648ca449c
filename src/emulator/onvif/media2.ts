/** Media service, version 2 (ONVIF Media2, profile T): the same profiles, with H.265 and without the older service's limits. */
import { escapeXml, find, findAll, textOf, type XmlElement } from '../../base/xml.ts';
import { streamNames, xaddrOf, type CameraFace, type StreamName } from '../face.ts';
import { encoderOf, encodings, isAlaw, noConfiguration, setEncoder, soundOf, streamOfEither, streamOfEncoder, streamOfProfile } from './encoder.ts';
import { audioSourceConfiguration, multicast, streamUriOf, videoSourceConfiguration } from './media.ts';
import type { Operation, ServiceFacts } from './operation.ts';
import { ptzConfiguration } from './ptzconfiguration.ts';
import { leaf, namespaces, SoapFault } from './soap.ts';
import { snapshotPath } from './snapshot.ts';

const read = 'READ_MEDIA';
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
    ['GetVideoSourceConfigurations', { access: read, answer: (face, request) => wrap('GetVideoSourceConfigurations', ofOne(face, request, face.habits.tokens.videoSourceConfiguration, videoSourceConfiguration(face, 'tr2:Configurations'))) }],
    ['GetVideoSourceConfigurationOptions', { access: read, answer: (face, request) => wrap('GetVideoSourceConfigurationOptions', ofOne(face, request, face.habits.tokens.videoSourceConfiguration, videoSourceOptions(face))) }],
    ['GetVideoEncoderConfigurations', { access: read, answer: (face, request) => wrap('GetVideoEncoderConfigurations', someStreams(face, request).map((name) => videoEncoder(face, name, 'tr2:Configurations')).join('')) }],
    ['GetVideoEncoderConfigurationOptions', { access: read, answer: (face, request) => wrap('GetVideoEncoderConfigurationOptions', videoEncoderOptions(face, someStreams(face, request)[0] ?? 'main')) }],
    ['SetVideoEncoderConfiguration', { access: 'ACTUATE', answer: setVideoEncoderConfiguration }],
    ['GetVideoEncoderInstances', { access: read, answer: getVideoEncoderInstances }],
    ['GetAudioSourceConfigurations', { access: read, answer: (face, request) => wrap('GetAudioSourceConfigurations', ofOne(face, request, face.habits.tokens.audioSourceConfiguration, audioSourceConfiguration(face, 'tr2:Configurations'))) }],
    ['GetAudioSourceConfigurationOptions', { access: read, answer: (face, request) => wrap('GetAudioSourceConfigurationOptions', ofOne(face, request, face.habits.tokens.audioSourceConfiguration, `<tr2:Options>${leaf('tt:InputTokensAvailable', face.habits.tokens.audioSource)}</tr2:Options>`)) }],
    ['GetAudioEncoderConfigurations', { access: read, answer: (face, request) => wrap('GetAudioEncoderConfigurations', ofOne(face, request, face.habits.tokens.audioEncoder, audioEncoder(face, 'tr2:Configurations'))) }],
    ['GetAudioEncoderConfigurationOptions', { access: read, answer: (face, request) => wrap('GetAudioEncoderConfigurationOptions', ofOne(face, request, face.habits.tokens.audioEncoder, audioEncoderOptions(face))) }],
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

const protocols = ['RtspUnicast', 'RTSP'];

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

function setSynchronizationPoint(face: CameraFace, request: XmlElement): string {
  face.synchronize(streamOfProfile(face, textOf(request, 'ProfileToken')));
  return wrap('SetSynchronizationPoint', '');
}

function videoEncoder(face: CameraFace, name: StreamName, element: string): string {
  const { encoding, width, height, fpsLimit, kbpsLimit, quality, gop, profile, anchorDistance } = encoderOf(face, name);
  const token = face.habits.tokens.encoders[name];
  return `<${element} token="${escapeXml(token)}" GovLength="${gop}" AnchorFrameDistance="${anchorDistance}" Profile="${profile}">${leaf('tt:Name', token)}<tt:UseCount>1</tt:UseCount>${leaf('tt:Encoding', encoding)}`
    + `<tt:Resolution>${leaf('tt:Width', width)}${leaf('tt:Height', height)}</tt:Resolution>`
    + `<tt:RateControl ConstantBitRate="true">${leaf('tt:FrameRateLimit', fpsLimit)}${leaf('tt:BitrateLimit', kbpsLimit)}</tt:RateControl>${multicast}${leaf('tt:Quality', quality)}</${element}>`;
}

const range = (element: string, min: number, max: number): string => `<${element}>${leaf('tt:Min', min)}${leaf('tt:Max', max)}</${element}>`;

/** One for each codec that can be had. */
function videoEncoderOptions(face: CameraFace, name: StreamName): string {
  const { encoding: now, width, height, fps, gop, gopMax, profile, kbpsLimit, anchorDistance } = encoderOf(face, name);
  const fixed = face.recode === undefined;
  const anchors = anchorDistance > 1 ? ` MaxAnchorFrameDistance="${anchorDistance}"` : '';
  return (fixed ? [now] : encodings).map((encoding) =>
    `<tr2:Options GovLengthRange="${fixed ? gop : 1} ${fixed ? gop : gopMax}"${anchors} FrameRatesSupported="${Math.round(fps)}" ProfilesSupported="${encoding === 'H265' ? 'Main' : profile}" ConstantBitRateSupported="true">${leaf('tt:Encoding', encoding)}${range('tt:QualityRange', 1, 6)}`
    + `<tt:ResolutionsAvailable>${leaf('tt:Width', width)}${leaf('tt:Height', height)}</tt:ResolutionsAvailable>${range('tt:BitrateRange', 1, Math.max(100_000, kbpsLimit))}</tr2:Options>`).join('');
}

/** Of the configuration of the picture's source, which both encoders share. */
function getVideoEncoderInstances(face: CameraFace, request: XmlElement): string {
  if (textOf(request, 'ConfigurationToken') !== face.habits.tokens.videoSourceConfiguration) throw noConfiguration();
  const offered = face.recode === undefined ? [...new Set(streamNames.map((name) => encoderOf(face, name).encoding))] : encodings;
  return wrap('GetVideoEncoderInstances', `<tr2:Info>${offered.map((encoding) => `<tr2:Codec>${leaf('tr2:Encoding', encoding)}<tr2:Number>${streamNames.length}</tr2:Number></tr2:Codec>`).join('')}<tr2:Total>${streamNames.length}</tr2:Total></tr2:Info>`);
}

/** The picture is not cropped. */
function videoSourceOptions(face: CameraFace): string {
  const { width, height } = encoderOf(face, 'main');
  const bounds = [['X', 0], ['Y', 0], ['Width', width], ['Height', height]] as const;
  return `<tr2:Options MaximumNumberOfProfiles="${streamNames.length}"><tt:BoundsRange>${bounds.map(([name, value]) => range(`tt:${name}Range`, value, value)).join('')}</tt:BoundsRange>`
    + `${leaf('tt:VideoSourceTokensAvailable', face.habits.tokens.videoSource)}</tr2:Options>`;
}

function audioEncoder(face: CameraFace, element: string): string {
  const sound = soundFacts(face);
  if (sound === undefined) return '';
  const token = face.habits.tokens.audioEncoder;
  return `<${element} token="${escapeXml(token)}">${leaf('tt:Name', token)}<tt:UseCount>2</tt:UseCount>${leaf('tt:Encoding', sound.encoding)}${multicast}${leaf('tt:Bitrate', sound.kbps)}${leaf('tt:SampleRate', sound.khz)}</${element}>`;
}

/** As it is, and not otherwise. */
function audioEncoderOptions(face: CameraFace): string {
  const sound = soundFacts(face);
  if (sound === undefined) throw noConfiguration();
  const list = (element: string, value: number): string => `<${element}>${leaf('tt:Items', value)}</${element}>`;
  return `<tr2:Options>${leaf('tt:Encoding', sound.encoding)}${list('tt:BitrateList', sound.kbps)}${list('tt:SampleRateList', sound.khz)}</tr2:Options>`;
}

function soundFacts(face: CameraFace): { encoding: string; kbps: number; khz: number } | undefined {
  const track = soundOf(face);
  if (track === undefined) return undefined;
  return { ...isAlaw(track) ? { encoding: 'PCMA', kbps: 64 } : { encoding: 'MP4A-LATM', kbps: 32 }, khz: Math.round(track.clockRate / 1000) };
}

/** Of requests that may name a configuration or a profile: there is one configuration, and each profile has it. */
function ofOne(face: CameraFace, request: XmlElement, token: string, answer: string): string {
  if (find(request, 'ConfigurationToken') !== undefined && textOf(request, 'ConfigurationToken') !== token) throw noConfiguration();
  if (find(request, 'ProfileToken') !== undefined) streamOfProfile(face, textOf(request, 'ProfileToken'));
  return answer;
}

function someStreams(face: CameraFace, request: XmlElement): readonly StreamName[] {
  const one = streamOfEither(face, request);
  return one === undefined ? streamNames : [one];
}

function wrap(operation: string, body: string): string {
  return `<tr2:${operation}Response>${body}</tr2:${operation}Response>`;
}
