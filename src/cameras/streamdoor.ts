import { SallyportError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { Certificates } from './certificates.ts';
import { resolvedStreamUrl } from './streamurl.ts';
import { TlsRelay } from './tlsrelay.ts';

export interface StreamDoorOptions {
  readonly camera: string;
  /** `rtsp://` or `rtsps://` at the adopted address. */
  readonly uri: string;
  readonly user: string;
  readonly password: Secret;
  readonly certificates: Certificates;
}

/** RTSP over TLS, IANA. */
const rtspsPort = 322;

/** The way by which ffmpeg comes to one stream of a camera: straight, or through a relay where the camera has RTSPS. */
export class StreamDoor {
  readonly #o: StreamDoorOptions;
  #relay: Promise<TlsRelay> | undefined;
  #closed = false;

  constructor(o: StreamDoorOptions) {
    this.#o = o;
  }

  /**
   * The address for the next try, with user and password. SP_CAMERA_UNREACHABLE, SP_CAMERA_ADDRESS; by TLS the camera is looked at first,
   * for ffmpeg could not say what is wrong: SP_CAMERA_CERTIFICATE when it shows another certificate.
   */
  async url(): Promise<Secret> {
    const { camera, uri, user, password, certificates } = this.#o;
    const [, host, port, rest] = /^rtsps:\/\/([^/?#:]+)(?::(\d{1,5}))?(.*)$/is.exec(uri) ?? [];
    if (host === undefined) return resolvedStreamUrl(camera, uri, user, password);
    if (this.#closed) throw new SallyportError('SP_STOPPED', { what: `the stream of ${camera}` });
    this.#relay ??= TlsRelay.open({ camera, host, port: Number(port ?? rtspsPort), certificates }).catch((error: unknown) => {
      this.#relay = undefined;
      throw error;
    });
    const relay = await this.#relay;
    await relay.check();
    return resolvedStreamUrl(camera, `rtsp://127.0.0.1:${relay.port}${rest ?? ''}`, user, password);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await (await this.#relay?.catch(() => undefined))?.close();
  }
}
