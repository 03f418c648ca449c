import type { Clock } from '../base/clock.ts';
import { SallyportError, isSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Secret } from '../base/secret.ts';
import type { XmlElement } from '../base/xml.ts';
import { adoptTarget, deviceTarget, type CameraAddress, type Target } from './addresses.ts';
import { readCapabilities, readServices, type ServiceAddresses } from './answers.ts';
import { Certificates } from './certificates.ts';
import { requests, type RequestMaker, type Service } from './onvif.ts';
import { OnvifSession, refused } from './session.ts';
import { refusalOfHost } from './sitelookup.ts';
import { Transport, type Credentials } from './transport.ts';

export interface CameraLinkOptions {
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

/**
 * What all questions to one camera share: its transport with its bounds, its credentials, and where its services are. Holds no
 * connection and nothing to close.
 */
export class CameraLink {
  readonly camera: string;
  readonly address: CameraAddress;
  readonly access: Credentials;
  readonly log: Log;
  readonly transport: Transport;
  readonly session: OnvifSession;
  #services: ReadonlyMap<Service, Target> | undefined;
  /** The port that the camera believes its device service has: for a camera behind a forwarded port. */
  #believedPort: number | undefined;

  /** SP_CAMERA_ADDRESS when the address is not of the local network. */
  constructor(o: CameraLinkOptions) {
    const reason = refusalOfHost(o.address.host);
    if (reason !== undefined) throw new SallyportError('SP_CAMERA_ADDRESS', { camera: o.camera, reason });
    this.camera = o.camera;
    this.address = o.address;
    this.access = { user: o.user, password: o.password };
    this.log = o.log.child({ component: 'onvif', camera: o.camera });
    this.transport = new Transport({ camera: o.camera, clock: o.clock, certificates: o.certificates ?? new Certificates(o.camera, undefined), ...(o.signal === undefined ? {} : { signal: o.signal }) });
    this.session = new OnvifSession({ camera: o.camera, access: this.access, clock: o.clock, transport: this.transport, device: deviceTarget(o.address) });
  }

  /** One call with credentials to the service that the request is for. Rejects as CameraClient does. */
  async call(make: RequestMaker, service: Service): Promise<XmlElement> {
    return this.session.call(make, await this.target(service));
  }

  /** SP_CAMERA_FAULT where the camera has no such service. */
  async target(service: Service): Promise<Target> {
    if (service === 'device') return deviceTarget(this.address);
    const target = (await this.services()).get(service);
    if (target === undefined) throw new SallyportError('SP_CAMERA_FAULT', { camera: this.camera, operation: service, reason: 'it has no such service' });
    return target;
  }

  /** Where each service is, the device service left out. Asked once. */
  async services(): Promise<ReadonlyMap<Service, Target>> {
    this.#services ??= this.#placeServices(await this.#readServices());
    return this.#services;
  }

  /** Where an address is reached that the camera names in an answer. Undefined for what is no HTTP address. */
  async adopt(uri: string): Promise<Target | undefined> {
    await this.services();
    return adoptTarget(uri, this.address, this.#believedPort);
  }

  /** Open to everybody by the standard (access class PRE_AUTH); some cameras want credentials all the same. */
  async #readServices(): Promise<ServiceAddresses> {
    const device = deviceTarget(this.address);
    for (const [make, read] of [[requests.getServices, readServices], [requests.getCapabilities, readCapabilities]] as const) {
      try {
        const outcome = await this.session.open(make, device);
        const services = read(outcome === refused ? await this.session.call(make, device) : outcome);
        if (services.has('media') || services.has('media2')) return services;
      } catch (error) {
        if (!isOfThisCall(error) || error.code === 'SP_CAMERA_REFUSED') throw error;
        this.log.debug({ reason: error.message }, 'the camera does not say where its services are');
      }
    }
    return new Map();
  }

  #placeServices(said: ServiceAddresses): ReadonlyMap<Service, Target> {
    const own = said.get('device');
    this.#believedPort = own === undefined ? undefined : adoptTarget(own, this.address)?.port;
    const placed = new Map<Service, Target>();
    for (const [service, xaddr] of said) {
      const target = service === 'device' ? undefined : adoptTarget(xaddr, this.address, this.#believedPort);
      if (target !== undefined) placed.set(service, target);
    }
    // Many cameras answer for all services at one address.
    if (!placed.has('media') && !placed.has('media2')) placed.set('media', deviceTarget(this.address));
    return placed;
  }
}

/** Whether an error says something about one call and not about the whole camera. */
export function isOfThisCall(error: unknown): error is SallyportError {
  return isSallyportError(error) && ['SP_CAMERA_REFUSED', 'SP_CAMERA_FAULT', 'SP_CAMERA_ANSWER'].includes(error.code);
}
