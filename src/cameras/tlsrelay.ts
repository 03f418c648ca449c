/**
 * RTSPS for ffmpeg, which can compare no certificate: a port of loopback, and behind each connection to it one by TLS to the camera,
 * opened after its certificate was found to be the camera's. Whoever else on this machine connects meets what the camera shows to the
 * whole network: its question for a password. Bytes are passed on as they are, at the pace of whoever reads them.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { SallyportError, reasonOf } from '../base/errors.ts';
import { connectTls, type TlsTarget } from './tls.ts';

export class TlsRelay {
  readonly #target: TlsTarget;
  readonly #server: Server;
  readonly #stop = new AbortController();
  /** ffmpeg's, and the TLS connections behind them. */
  readonly #open = new Set<{ destroy(): void }>();

  /** SP_CAMERA_UNREACHABLE when no port of loopback can be had. */
  static async open(target: TlsTarget): Promise<TlsRelay> {
    const relay = new TlsRelay(target);
    await new Promise<void>((resolve, reject) => {
      relay.#server.once('error', (error) => reject(new SallyportError('SP_CAMERA_UNREACHABLE', { camera: target.camera, address: '127.0.0.1', reason: reasonOf(error) }, error)));
      relay.#server.listen({ host: '127.0.0.1', port: 0 }, resolve);
    });
    return relay;
  }

  private constructor(target: TlsTarget) {
    this.#target = target;
    this.#server = createServer({ pauseOnConnect: true }, (socket) => void this.#pass(socket));
    // One for ffmpeg, one for its successor while the kernel still buries it.
    this.#server.maxConnections = 2;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Whether the camera would be let through now. Rejects with why not: SP_CAMERA_CERTIFICATE or SP_CAMERA_UNREACHABLE. */
  async check(): Promise<void> {
    (await connectTls(this.#target, this.#stop.signal)).destroy();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    for (const one of this.#open) one.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #pass(near: Socket): Promise<void> {
    this.#open.add(near);
    near.on('error', () => {}); // ffmpeg went away; the pipeline tells
    try {
      const far = await connectTls(this.#target, this.#stop.signal);
      this.#open.add(far);
      far.once('close', () => this.#open.delete(far));
      await Promise.all([pipeline(near, far), pipeline(far, near)]);
    } catch {
      // ffmpeg tells that its connection broke; why none came about, the next `check` says.
    } finally {
      this.#open.delete(near);
      near.destroy();
    }
  }
}
