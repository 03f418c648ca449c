import { Cam } from 'onvif';
import { escapeXml } from '../base/xml.ts';
import { envelopeEnd, envelopeStart } from './soap.ts';

/** The services of a camera that are asked. */
export type Service = 'device' | 'media' | 'media2' | 'events' | 'ptz' | 'imaging';

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

export const requests = {
  getSystemDateAndTime: maker('GetSystemDateAndTime', 'device', (cam) => cam.getSystemDateAndTime(unheard)),
  getDeviceInformation: maker('GetDeviceInformation', 'device', (cam) => cam.getDeviceInformation(unheard)),
  getUsers: maker('GetUsers', 'device', (cam) => cam.getUsers(unheard)),
  getServices: maker('GetServices', 'device', (cam) => cam.getServices(false, unheard)),
  getCapabilities: maker('GetCapabilities', 'device', (cam) => cam.getCapabilities(unheard)),
  getProfiles: (media: 'media' | 'media2') => maker('GetProfiles', media, (cam) => cam.getProfiles(unheard)),
  getStreamUri: (media: 'media' | 'media2', token: string, protocol: 'RTSP' | 'RTSPS') =>
    maker('GetStreamUri', media, (cam) => cam.getStreamUri({ protocol, profileToken: escapeXml(token) }, unheard)),
  getSnapshotUri: (media: 'media' | 'media2', token: string) =>
    maker('GetSnapshotUri', media, (cam) => cam.getSnapshotUri({ profileToken: escapeXml(token) }, unheard)),
};

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

function maker(operation: string, service: Service, verb: (cam: Cam) => void): RequestMaker {
  return (header) => {
    const cam = new Verbs(header, service === 'media2');
    verb(cam);
    if (cam.taken === undefined) throw new TypeError(`onvif made no request for ${operation}`);
    return { operation, service, action: cam.taken.action, body: cam.taken.body };
  };
}
