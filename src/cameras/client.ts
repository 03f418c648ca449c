import type { Clock } from '../base/clock.ts';
import { SallyportError, isSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Secret } from '../base/secret.ts';
import { adoptStreamUri, adoptTarget, deviceTarget, type CameraAddress, type Target } from './addresses.ts';
import {
  readCapabilities, readDevice, readProfiles, readServices, readUri,
  type DeviceFacts, type Profile, type ServiceAddresses, type VideoFacts,
} from './answers.ts';
import { Certificates } from './certificates.ts';
import { requests, type RequestMaker } from './onvif.ts';
import { OnvifSession, isRefusal, refused } from './session.ts';
import { refusalOfHost } from './sitelookup.ts';
import { Transport, type Credentials } from './transport.ts';

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

export interface CameraClientOptions {
  /** Its id, for errors and the log. */
  readonly camera: string;
  readonly address: CameraAddress;
  readonly user: string;
  readonly password: Secret;
  /** What it may show by HTTPS; without them those that are met are believed, as at adoption. */
  readonly certificates?: Certificates;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends what is under way with SP_STOPPED. */
  readonly signal?: AbortSignal;
}

type MediaService = 'media' | 'media2';
type Services = ReadonlyMap<MediaService, Target>;

const snapshotBytesMax = 8 * 2 ** 20;

/**
 * One adopted camera, asked by ONVIF. Holds no connection and nothing to close. Everything goes to the adopted address, whatever the
 * camera says. All methods reject with SP_CAMERA_UNREACHABLE, SP_CAMERA_REFUSED (the credentials), SP_CAMERA_CERTIFICATE, SP_CAMERA_FAULT
 * (the camera does not do it), SP_CAMERA_ANSWER (what it says cannot be used) or SP_STOPPED.
 */
export class CameraClient {
  readonly #camera: string;
  readonly #address: CameraAddress;
  readonly #access: Credentials;
  readonly #log: Log;
  readonly #transport: Transport;
  readonly #certificates: Certificates;
  readonly #session: OnvifSession;
  #services: Services | undefined;

  /** SP_CAMERA_ADDRESS when the address is not of the local network. */
  constructor(o: CameraClientOptions) {
    const reason = refusalOfHost(o.address.host);
    if (reason !== undefined) throw new SallyportError('SP_CAMERA_ADDRESS', { camera: o.camera, reason });
    this.#camera = o.camera;
    this.#address = o.address;
    this.#access = { user: o.user, password: o.password };
    this.#log = o.log.child({ component: 'onvif', camera: o.camera });
    this.#certificates = o.certificates ?? new Certificates(o.camera, undefined);
    this.#transport = new Transport({ camera: o.camera, clock: o.clock, certificates: this.#certificates, ...(o.signal === undefined ? {} : { signal: o.signal }) });
    this.#session = new OnvifSession({ camera: o.camera, access: this.#access, clock: o.clock, transport: this.#transport, device: deviceTarget(o.address) });
  }

  /**
   * GetSystemDateAndTime, without credentials: how far the camera's clock is ahead of ours. 0 when the camera tells no time or wants
   * credentials even for that: then hub time is the best guess.
   */
  async readClock(): Promise<{ offsetMs: number }> {
    return { offsetMs: await this.#session.readClock() };
  }

  /**
   * Resolves when user and password are right: a call that the camera refuses without them goes through with them. GetUsers is for
   * administrators, so GetProfiles is asked when it is refused. A camera that asks for no credentials at all is taken as it is.
   */
  async checkCredentials(): Promise<void> {
    const problems: SallyportError[] = [];
    let open = false;
    // Each refused attempt counts towards the lock that many cameras have (at Dahua's after five): two calls must do.
    for (const call of [() => this.#usersCall(), () => this.#profilesCall()]) {
      try {
        const [make, target] = await call();
        await this.#session.call(make, target);
        if (await this.#session.needsCredentials(make, target)) return;
        open = true;
      } catch (error) {
        if (!isOfThisCall(error)) throw error;
        problems.push(error);
      }
    }
    const problem = problems.find((error) => error.code === 'SP_CAMERA_REFUSED') ?? (open ? undefined : problems[0]);
    if (problem !== undefined) throw problem;
    this.#log.info('the camera asks for no credentials');
  }

  /** GetDeviceInformation. */
  async device(): Promise<DeviceFacts> {
    return readDevice(await this.#session.call(requests.getDeviceInformation, deviceTarget(this.#address)));
  }

  /** The profiles that have a stream, in the camera's order. SP_CAMERA_NO_STREAM when none has. */
  async profiles(): Promise<ProfileFacts[]> {
    const listed = await this.#listProfiles();
    const facts: ProfileFacts[] = [];
    let problem: SallyportError | undefined;
    for (const { media, profile } of listed) {
      try {
        facts.push(await this.#describe(media, profile));
      } catch (error) {
        if (!isOfThisCall(error) || error.code === 'SP_CAMERA_REFUSED') throw error;
        problem ??= error;
        this.#log.debug({ profile: profile.name, reason: error.message }, 'a profile has no stream');
      }
    }
    if (facts.length > 0) return facts;
    throw new SallyportError('SP_CAMERA_NO_STREAM', { camera: this.#camera, reason: problem?.message ?? 'it names no media profile' }, problem);
  }

  /** A JPEG picture, at most 8 MiB. */
  async snapshot(uri: string): Promise<Buffer> {
    const operation = 'a snapshot';
    const target = adoptTarget(uri, this.#address);
    if (target === undefined) throw this.#session.unusable(operation, 'its address is none');
    const reply = await this.#transport.exchangeWithDigest({ target, operation, method: 'GET', replyBytesMax: snapshotBytesMax }, this.#access);
    if (isRefusal(reply)) throw new SallyportError('SP_CAMERA_REFUSED', { camera: this.#camera });
    if (reply.status !== 200) throw this.#session.unusable(operation, `HTTP ${reply.status}`);
    if (reply.body.subarray(0, 2).toString('hex') !== 'ffd8') throw this.#session.unusable(operation, 'it is no JPEG picture');
    return reply.body;
  }

  async #usersCall(): Promise<[RequestMaker, Target]> {
    return [requests.getUsers, deviceTarget(this.#address)];
  }

  async #profilesCall(): Promise<[RequestMaker, Target]> {
    const [[media, target] = ['media', deviceTarget(this.#address)] as const] = await this.#findServices();
    return [requests.getProfiles(media), target];
  }

  async #describe(media: MediaService, profile: Profile): Promise<ProfileFacts> {
    const target = await this.#mediaTarget(media);
    const said = await this.#saidStreamUri(media, profile.token, target);
    const streamUri = said === undefined ? undefined : adoptStreamUri(said, this.#address);
    if (streamUri === undefined) throw this.#session.unusable('GetStreamUri', said === undefined ? 'it names no address' : 'its address is neither rtsp: nor rtsps:');
    return { ...profile, streamUri, snapshotUri: await this.#snapshotUri(media, profile.token, target) };
  }

  /** Where the camera is reached by TLS, its stream is asked for by TLS too: Media 2 has a word for it (ONVIF Media2, 5.15.1), Media 1 has none. */
  async #saidStreamUri(media: MediaService, token: string, target: Target): Promise<string | undefined> {
    const media2 = target.secure ? (await this.#findServices()).get('media2') : undefined;
    if (media2 !== undefined) {
      try {
        const said = readUri(await this.#session.call(requests.getStreamUri('media2', token, 'RTSPS'), media2));
        if (said !== undefined && /^rtsps:/i.test(said)) return said;
      } catch (error) {
        if (!isOfThisCall(error) || error.code === 'SP_CAMERA_REFUSED') throw error;
        this.#log.debug({ reason: error.message }, 'the camera has no RTSPS');
      }
    }
    return readUri(await this.#session.call(requests.getStreamUri(media, token, 'RTSP'), target));
  }

  /** Undefined where the camera offers none. */
  async #snapshotUri(media: MediaService, token: string, target: Target): Promise<string | undefined> {
    try {
      const said = readUri(await this.#session.call(requests.getSnapshotUri(media, token), target));
      const place = said === undefined ? undefined : adoptTarget(said, this.#address);
      return place === undefined ? undefined : `http${place.secure ? 's' : ''}://${place.host}:${place.port}${place.path}`;
    } catch (error) {
      if (isOfThisCall(error)) return undefined;
      throw error;
    }
  }

  /**
   * Media 1 lists profiles, Media 2 knows their codecs: a Media 1 list leaves H.265 out or calls it something else. Cameras with a broken
   * Media 2 (D-Link DCS-8635LH) still have Media 1, newer ones (profile T) only Media 2.
   */
  async #listProfiles(): Promise<{ media: MediaService; profile: Profile }[]> {
    const lists = new Map<MediaService, Profile[]>();
    let problem: unknown;
    for (const [media, target] of await this.#findServices()) {
      try {
        lists.set(media, readProfiles(await this.#session.call(requests.getProfiles(media), target)));
      } catch (error) {
        if (!isOfThisCall(error)) throw error;
        problem ??= error;
        this.#log.debug({ service: media, reason: error.message }, 'a media service lists no profiles');
      }
    }
    if (lists.size === 0) throw problem;
    return mergeProfiles(lists.get('media') ?? [], lists.get('media2') ?? []);
  }

  async #mediaTarget(media: MediaService): Promise<Target> {
    const target = (await this.#findServices()).get(media);
    if (target === undefined) throw new SallyportError('SP_CAMERA_FAULT', { camera: this.#camera, operation: media, reason: 'it has no such service' });
    return target;
  }

  async #findServices(): Promise<Services> {
    this.#services ??= this.#placeServices(await this.#readServices());
    return this.#services;
  }

  /** Open to everybody by the standard (access class PRE_AUTH); some cameras want credentials all the same. */
  async #readServices(): Promise<ServiceAddresses> {
    const device = deviceTarget(this.#address);
    for (const [make, read] of [[requests.getServices, readServices], [requests.getCapabilities, readCapabilities]] as const) {
      try {
        const outcome = await this.#session.open(make, device);
        const services = read(outcome === refused ? await this.#session.call(make, device) : outcome);
        if (services.media !== undefined || services.media2 !== undefined) return services;
      } catch (error) {
        if (!isOfThisCall(error) || error.code === 'SP_CAMERA_REFUSED') throw error;
        this.#log.debug({ reason: error.message }, 'the camera does not say where its services are');
      }
    }
    return { device: undefined, media: undefined, media2: undefined };
  }

  #placeServices(said: ServiceAddresses): Services {
    const believedPort = said.device === undefined ? undefined : adoptTarget(said.device, this.#address)?.port;
    const services = new Map<MediaService, Target>();
    for (const media of ['media', 'media2'] as const) {
      const target = said[media] === undefined ? undefined : adoptTarget(said[media], this.#address, believedPort);
      if (target !== undefined) services.set(media, target);
    }
    // Many cameras answer for all services at one address.
    if (services.size === 0) services.set('media', deviceTarget(this.#address));
    return services;
  }
}

/** Whether an error says something about one call and not about the whole camera. */
function isOfThisCall(error: unknown): error is SallyportError {
  return isSallyportError(error) && ['SP_CAMERA_REFUSED', 'SP_CAMERA_FAULT', 'SP_CAMERA_ANSWER'].includes(error.code);
}

function mergeProfiles(first: readonly Profile[], second: readonly Profile[]): { media: MediaService; profile: Profile }[] {
  const merged = first.map((profile) => {
    const twin = second.find((other) => other.token === profile.token);
    const media: MediaService = profile.video === undefined && twin?.video !== undefined ? 'media2' : 'media';
    return { media, profile: { ...profile, video: twin?.video ?? profile.video, audioCodec: twin?.audioCodec ?? profile.audioCodec } };
  });
  const known = new Set(first.map(({ token }) => token));
  return [...merged, ...second.filter(({ token }) => !known.has(token)).map((profile) => ({ media: 'media2' as const, profile }))];
}
