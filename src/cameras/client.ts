import { SallyportError } from '../base/errors.ts';
import { textOf, type XmlElement } from '../base/xml.ts';
import { adoptStreamUri, adoptTarget, deviceTarget, type Target } from './addresses.ts';
import { readDevice, readHardware, readUri, type DeviceFacts, type Profile, type VideoFacts } from './answers.ts';
import { plainWord } from './charset.ts';
import { CameraLink, isOfThisCall, type CameraLinkOptions } from './link.ts';
import { requests, type MediaService, type RequestMaker } from './onvif.ts';
import { listProfiles, mediaServices } from './profiles.ts';
import { isRefusal } from './session.ts';

export type { CameraAddress } from './addresses.ts';
export type { DeviceFacts, VideoFacts } from './answers.ts';

export interface ProfileFacts {
  readonly token: string;
  readonly name: string;
  /** `rtsp://` or `rtsps://` at the adopted address, port and path as the camera gave them, no user info. */
  readonly streamUri: string;
  /** At the adopted address. Some makes (CamHi) put their password into it: never to be shown as it is. */
  readonly snapshotUri: string | undefined;
  readonly video: VideoFacts | undefined;
  readonly audioCodec: string | undefined;
}

const snapshotBytesMax = 8 * 2 ** 20;

/**
 * One adopted camera, asked by ONVIF. Holds no connection and nothing to close. Everything goes to the adopted address, whatever the
 * camera says. All methods reject with SP_CAMERA_UNREACHABLE, SP_CAMERA_REFUSED (the credentials), SP_CAMERA_CERTIFICATE, SP_CAMERA_FAULT
 * (the camera does not do it), SP_CAMERA_ANSWER (what it says cannot be used) or SP_STOPPED.
 */
export class CameraClient {
  readonly #link: CameraLink;

  /** SP_CAMERA_ADDRESS when the address is not of the local network. */
  constructor(o: CameraLinkOptions) {
    this.#link = new CameraLink(o);
  }

  /**
   * GetSystemDateAndTime, without credentials: how far the camera's clock is ahead of ours. 0 when the camera tells no time or wants
   * credentials even for that: then hub time is the best guess.
   */
  async readClock(): Promise<{ offsetMs: number }> {
    return { offsetMs: await this.#link.session.readClock() };
  }

  /**
   * Resolves when user and password are right: a call that the camera refuses without them goes through with them. GetProfiles, which every
   * user may; where it is open to everybody, GetUsers, which is for administrators. A camera that asks for no credentials at all is taken as it is.
   */
  async checkCredentials(): Promise<void> {
    const problems: SallyportError[] = [];
    let open = false;
    // Each refused attempt counts towards the lock that many cameras have (at Dahua's after five): who is refused the first is not asked the second.
    for (const call of [() => this.#profilesCall(), () => this.#usersCall()]) {
      try {
        const [make, target] = await call();
        await this.#link.session.call(make, target);
        if (await this.#link.session.needsCredentials(make, target)) return;
        open = true;
      } catch (error) {
        if (!isOfThisCall(error) || (error.code === 'SP_CAMERA_REFUSED' && !open)) throw error;
        problems.push(error);
      }
    }
    const problem = problems.find((error) => error.code === 'SP_CAMERA_REFUSED') ?? (open ? undefined : problems[0]);
    if (problem !== undefined) throw problem;
    this.#link.log.info('the camera asks for no credentials');
  }

  /** GetDeviceInformation. */
  async device(): Promise<DeviceFacts> {
    return readDevice(await this.#link.session.call(requests.getDeviceInformation, deviceTarget(this.#link.address)));
  }

  /** Its network interfaces' hardware addresses (GetNetworkInterfaces); none where it does not tell. */
  async hardwareAddresses(): Promise<string[]> {
    return await this.#toldOf(requests.getNetworkInterfaces, readHardware) ?? [];
  }

  /** What it calls itself (GetEndpointReference), as in WS-Discovery; undefined where it does not tell. */
  async endpoint(): Promise<string | undefined> {
    return this.#toldOf(requests.getEndpointReference, (response) => plainWord(textOf(response, 'GUID'), 128));
  }

  /** The profiles that have a stream, in the camera's order. SP_CAMERA_NO_STREAM when none has. */
  async profiles(): Promise<ProfileFacts[]> {
    const listed = await listProfiles(this.#link);
    const facts: ProfileFacts[] = [];
    let problem: SallyportError | undefined;
    for (const { media, profile } of listed) {
      try {
        facts.push(await this.#describe(media, profile));
      } catch (error) {
        if (!isOfThisCall(error) || error.code === 'SP_CAMERA_REFUSED') throw error;
        problem ??= error;
        this.#link.log.debug({ profile: profile.name, reason: error.message }, 'a profile has no stream');
      }
    }
    if (facts.length > 0) return facts;
    throw new SallyportError('SP_CAMERA_NO_STREAM', { camera: this.#link.camera, reason: problem?.message ?? 'it names no media profile' }, problem);
  }

  /** A JPEG picture, at most 8 MiB. */
  async snapshot(uri: string): Promise<Buffer> {
    const operation = 'a snapshot';
    const target = adoptTarget(uri, this.#link.address);
    if (target === undefined) throw this.#link.session.unusable(operation, 'its address is none');
    const reply = await this.#link.transport.exchangeWithDigest({ target, operation, method: 'GET', replyBytesMax: snapshotBytesMax }, this.#link.access);
    if (isRefusal(reply)) throw new SallyportError('SP_CAMERA_REFUSED', { camera: this.#link.camera });
    if (reply.status !== 200) throw this.#link.session.unusable(operation, `HTTP ${reply.status}`);
    // SOI and the first byte of whatever follows it (ITU-T T.81, B.1.1.3).
    if (reply.body.subarray(0, 3).toString('hex') !== 'ffd8ff') throw this.#link.session.unusable(operation, 'it is no JPEG picture');
    return reply.body;
  }

  /** Of what a camera may leave out. */
  async #toldOf<T>(make: RequestMaker, read: (response: XmlElement) => T): Promise<T | undefined> {
    try {
      return read(await this.#link.session.call(make, deviceTarget(this.#link.address)));
    } catch (error) {
      if (!isOfThisCall(error)) throw error;
      return undefined;
    }
  }

  async #usersCall(): Promise<[RequestMaker, Target]> {
    return [requests.getUsers, deviceTarget(this.#link.address)];
  }

  async #profilesCall(): Promise<[RequestMaker, Target]> {
    const [[media, target] = ['media', deviceTarget(this.#link.address)] as const] = await mediaServices(this.#link);
    return [requests.getProfiles(media), target];
  }

  async #describe(media: MediaService, profile: Profile): Promise<ProfileFacts> {
    const target = await this.#link.target(media);
    const said = await this.#saidStreamUri(media, profile.token, target);
    const streamUri = said === undefined ? undefined : adoptStreamUri(said, this.#link.address);
    if (streamUri === undefined) throw this.#link.session.unusable('GetStreamUri', said === undefined ? 'it names no address' : 'its address is neither rtsp: nor rtsps:');
    return { ...profile, streamUri, snapshotUri: await this.#snapshotUri(media, profile.token, target) };
  }

  /** Where the camera is reached by TLS, its stream is asked for by TLS too: Media 2 has a word for it (ONVIF Media2, 5.15.1), Media 1 has none. */
  async #saidStreamUri(media: MediaService, token: string, target: Target): Promise<string | undefined> {
    const media2 = target.secure ? (await mediaServices(this.#link)).get('media2') : undefined;
    if (media2 !== undefined) {
      try {
        const said = readUri(await this.#link.session.call(requests.getStreamUri('media2', token, 'RTSPS'), media2));
        if (said !== undefined && /^rtsps:/i.test(said)) return said;
      } catch (error) {
        if (!isOfThisCall(error) || error.code === 'SP_CAMERA_REFUSED') throw error;
        this.#link.log.debug({ reason: error.message }, 'the camera has no RTSPS');
      }
    }
    return readUri(await this.#link.session.call(requests.getStreamUri(media, token, 'RTSP'), target));
  }

  /** Undefined where the camera offers none. */
  async #snapshotUri(media: MediaService, token: string, target: Target): Promise<string | undefined> {
    try {
      const said = readUri(await this.#link.session.call(requests.getSnapshotUri(media, token), target));
      const place = said === undefined ? undefined : adoptTarget(said, this.#link.address);
      return place === undefined ? undefined : `http${place.secure ? 's' : ''}://${place.host}:${place.port}${place.path}`;
    } catch (error) {
      if (isOfThisCall(error)) return undefined;
      throw error;
    }
  }
}
