import { Cam } from 'onvif';
import { isIPv4 } from 'node:net';
import type { UnixMs } from '../base/clock.ts';
import { escapeXml } from '../base/xml.ts';
import { envelopeEnd, envelopeStart } from './soap.ts';

/** The services of a camera that are asked. */
export type Service = 'device' | 'media' | 'media2' | 'events' | 'ptz' | 'imaging';

export type MediaService = 'media' | 'media2';

/** One SOAP request, ready to be sent. */
export interface OnvifRequest {
  /** As the answer is named: `GetProfiles` → `GetProfilesResponse`. */
  readonly operation: string;
  readonly service: Service;
  /** For the Content-Type. */
  readonly action: string;
  readonly body: string;
}

/** Makes the request with this SOAP header; each attempt has a header of its own. */
export type RequestMaker = (header: string) => OnvifRequest;

export const schemaNamespace = 'http://www.onvif.org/ver10/schema';
const deviceNamespace = 'http://www.onvif.org/ver10/device/wsdl';
const mediaNamespace = 'http://www.onvif.org/ver10/media/wsdl';
const media2Namespace = 'http://www.onvif.org/ver20/media/wsdl';
const imagingNamespace = 'http://www.onvif.org/ver20/imaging/wsdl';

export const requests = {
  getSystemDateAndTime: maker('GetSystemDateAndTime', 'device', (cam) => cam.getSystemDateAndTime(unheard)),
  getDeviceInformation: maker('GetDeviceInformation', 'device', (cam) => cam.getDeviceInformation(unheard)),
  getUsers: maker('GetUsers', 'device', (cam) => cam.getUsers(unheard)),
  getNetworkInterfaces: maker('GetNetworkInterfaces', 'device', (cam) => cam.getNetworkInterfaces(unheard)),
  /** The package does not know this one. */
  getEndpointReference: written('GetEndpointReference', 'device', deviceNamespace, ''),
  getServices: maker('GetServices', 'device', (cam) => cam.getServices(false, unheard)),
  getCapabilities: maker('GetCapabilities', 'device', (cam) => cam.getCapabilities(unheard)),
  getProfiles: (media: MediaService) => maker('GetProfiles', media, (cam) => cam.getProfiles(unheard)),
  getStreamUri: (media: MediaService, token: string, protocol: 'RTSP' | 'RTSPS') =>
    maker('GetStreamUri', media, (cam) => cam.getStreamUri({ protocol, profileToken: escapeXml(token) }, unheard)),
  getSnapshotUri: (media: MediaService, token: string) =>
    maker('GetSnapshotUri', media, (cam) => cam.getSnapshotUri({ profileToken: escapeXml(token) }, unheard)),

  getNtp: maker('GetNTP', 'device', (cam) => cam.getNTP(unheard)),
  /** `server`: an IPv4 address or a host name. */
  setNtp: (server: string) => maker('SetNTP', 'device', (cam) => cam.setNTP({
    fromDHCP: false, NTPManual: [isIPv4(server) ? { type: 'IPv4', IPv4Address: server } : { type: 'DNS', DNSname: escapeXml(server) }],
  }, unheard)),
  setClock: (utcMs: UnixMs) => maker('SetSystemDateAndTime', 'device', (cam) => cam.setSystemDateAndTime({ dateTimeType: 'Manual', daylightSavings: false, timezone: 'UTC0', dateTime: new Date(utcMs) }, unheard)),
  setClockByNtp: maker('SetSystemDateAndTime', 'device', (cam) => cam.setSystemDateAndTime({ dateTimeType: 'NTP', daylightSavings: false }, unheard)),
  reboot: maker('SystemReboot', 'device', (cam) => cam.systemReboot(unheard)),
  getRelays: written('GetRelayOutputs', 'device', deviceNamespace, ''),
  setRelay: (token: string, active: boolean) => written('SetRelayOutputState', 'device', deviceNamespace, `<RelayOutputToken>${escapeXml(token)}</RelayOutputToken><LogicalState>${active ? 'active' : 'inactive'}</LogicalState>`),

  getPresets: (profile: string) => maker('GetPresets', 'ptz', (cam) => cam.getPresets({ profileToken: escapeXml(profile) }, unheard)),
  gotoPreset: (profile: string, preset: string) => maker('GotoPreset', 'ptz', (cam) => cam.gotoPreset({ profileToken: escapeXml(profile), preset: escapeXml(preset) }, unheard)),
  setPreset: (profile: string, name: string, preset?: string) => maker('SetPreset', 'ptz', (cam) => cam.setPreset({
    profileToken: escapeXml(profile), presetName: escapeXml(name), ...(preset === undefined ? {} : { presetToken: escapeXml(preset) }),
  }, unheard)),
  removePreset: (profile: string, preset: string) => maker('RemovePreset', 'ptz', (cam) => cam.removePreset({ profileToken: escapeXml(profile), presetToken: escapeXml(preset) }, unheard)),
  gotoHome: (profile: string) => maker('GotoHomePosition', 'ptz', (cam) => cam.gotoHomePosition({ profileToken: escapeXml(profile) }, unheard)),
  /** Speeds from -1 to 1. The camera is to stop by itself after `timeoutMs`. */
  move: (profile: string, speed: MoveSpeed, timeoutMs: number) => maker('ContinuousMove', 'ptz', (cam) => cam.continuousMove({
    profileToken: escapeXml(profile), x: speed.pan, y: speed.tilt, zoom: speed.zoom, timeout: timeoutMs,
    // A Sony camera refuses both at once; what stands still need not be said.
    ...(speed.zoom === 0 ? { onlySendPanTilt: true } : speed.pan === 0 && speed.tilt === 0 ? { onlySendZoom: true } : {}),
  }, unheard)),
  stop: (profile: string) => maker('Stop', 'ptz', (cam) => cam.stop({ profileToken: escapeXml(profile), panTilt: true, zoom: true }, unheard)),

  getImaging: (source: string) => maker('GetImagingSettings', 'imaging', (cam) => cam.getImagingSettings({ token: escapeXml(source) }, unheard)),
  getImagingOptions: (source: string) => maker('GetOptions', 'imaging', (cam) => cam.getVideoSourceOptions({ token: escapeXml(source) }, unheard)),
  /** Written here, for onvif leaves out what is set to 0. In the schema's order. */
  setImaging: (source: string, settings: readonly (readonly [string, string])[]) => written('SetImagingSettings', 'imaging', imagingNamespace,
    `<VideoSourceToken>${escapeXml(source)}</VideoSourceToken><ImagingSettings>`
    + settings.map(([name, value]) => `<${name} xmlns="${schemaNamespace}">${escapeXml(value)}</${name}>`).join('') + '</ImagingSettings><ForcePersistence>true</ForcePersistence>'),

  getEncoders: (media: MediaService) => maker('GetVideoEncoderConfigurations', media, (cam) => cam.getVideoEncoderConfigurations(unheard)),
  /** Written here: a camera gets back all that it said, but for what is changed. */
  setEncoder: (media: MediaService, configuration: string) => written('SetVideoEncoderConfiguration', media, media === 'media2' ? media2Namespace : mediaNamespace,
    configuration + (media === 'media2' ? '' : '<ForcePersistence>true</ForcePersistence>')),
};

export interface MoveSpeed {
  readonly pan: number;
  readonly tilt: number;
  readonly zoom: number;
}

/**
 * onvif 0.8.3 knows the verbs: it writes their bodies, with the shapes of Media 1 and Media 2. It sends nothing and reads nothing here:
 * - its transport has no limit of size or time, and its Digest asks twice per call and fails on `qop="auth, auth-int"`;
 * - its header measures the clock once for ever, hashes passwords as ASCII and does not escape user names;
 * - its parser turns the token "1.0" into 1, the firmware "5.10" into 5.1, and takes 25 s for 800 kB of XML;
 * - its connect() succeeds with a wrong password.
 * So a request is taken from it at the last step before its transport, and the answer is read from the XML by answers.ts.
 * It puts arguments into XML unescaped: what goes in is escaped before.
 */
class Verbs extends Cam {
  readonly #header: string;
  taken: { action: string; body: string } | undefined;

  constructor(header: string, media2: boolean) {
    super({ hostname: 'the.camera.invalid', autoconnect: false });
    this.#header = header;
    this.media2Support = media2;
  }

  _envelopeHeader(): string {
    return envelopeStart(this.#header);
  }

  _envelopeFooter(): string {
    return envelopeEnd;
  }

  /** The package's step to the network: it ends here, its callback is never called. */
  _requestPart2(options: { action: string; body: string }): void {
    this.taken = options;
  }
}

function unheard(): void {
  // Answers never come back through the package.
}

/** What the package has no verb for, or one that loses something. `content` is XML. */
function written(operation: string, service: Service, namespace: string, content: string): RequestMaker {
  return (header) => ({ operation, service, action: `${namespace}/${operation}`, body: `${envelopeStart(header)}<${operation} xmlns="${namespace}">${content}</${operation}>${envelopeEnd}` });
}

function maker(operation: string, service: Service, verb: (cam: Cam) => void): RequestMaker {
  return (header) => {
    const cam = new Verbs(header, service === 'media2');
    verb(cam);
    if (cam.taken === undefined) throw new TypeError(`onvif made no request for ${operation}`);
    return { operation, service, action: cam.taken.action, body: cam.taken.body };
  };
}
