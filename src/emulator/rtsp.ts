/** The RTSP server of one camera: any number of connections up to a bound (rtspconnection.ts), and what befalls them all at once. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls';
import { reasonOf } from '../base/errors.ts';
import type { Certificate } from './certificate.ts';
import { resetSocket } from './reset.ts';
import { RtspConnection, type RtspOptions } from './rtspconnection.ts';

const connectionsMax = 64;

export class RtspServer {
  readonly #options: RtspOptions;
  readonly #connections = new Set<RtspConnection>();
  readonly #servers = new Set<Server>();
  /** Of the certificate that newcomers are shown. */
  #secure: SecureContext | undefined;
  #stalled = false;

  constructor(options: RtspOptions) {
    this.#options = options;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Listens on `port` (0: a free one), beside the others, and returns the port. With a certificate it is RTSPS. */
  async start(port: number, certificate?: Certificate): Promise<number> {
    if (certificate !== undefined) this.renew(certificate);
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket, certificate === undefined ? undefined : this.#secure));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: this.#options.address, port, backlog: 64 }, resolve);
    });
    server.on('error', (error) => this.#options.log.warn({ reason: reasonOf(error) }, 'the RTSP server reports an error'));
    this.#servers.add(server);
    return (server.address() as AddressInfo).port;
  }

  /** For who comes from now on. */
  renew(certificate: Certificate): void {
    this.#secure = createSecureContext(certificate);
  }

  /** Every connection is reset. */
  async stop(): Promise<void> {
    const closed = [...this.#servers].map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    this.#servers.clear();
    this.resetConnections();
    await Promise.all(closed);
  }

  resetConnections(): void {
    for (const connection of this.#connections) connection.reset();
  }

  stall(): void {
    this.#stalled = true;
    for (const connection of this.#connections) connection.stall();
  }

  /** Resets whoever has a session on the path. */
  cutOff(path: string): void {
    for (const connection of this.#connections) if (connection.path === path) connection.reset();
  }

  resume(): void {
    this.#stalled = false;
    for (const connection of this.#connections) connection.resume();
  }

  #accept(socket: Socket, secure: SecureContext | undefined): void {
    if (this.#connections.size >= connectionsMax) {
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    const connection = new RtspConnection(secure === undefined ? socket : new TLSSocket(socket, { isServer: true, secureContext: secure }), this.#options, {
      reset: () => resetSocket(socket, secure !== undefined),
      viewers: (path) => [...this.#connections].filter((one) => one !== connection && one.path !== undefined && one.path === (path ?? one.path)).length,
      onClose: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    if (this.#stalled) connection.stall();
  }
}
