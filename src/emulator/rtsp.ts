/** The RTSP server of one camera: any number of connections up to a bound (rtspconnection.ts), and what befalls them all at once. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { reasonOf } from '../base/errors.ts';
import { RtspConnection, type RtspOptions } from './rtspconnection.ts';

const connectionsMax = 64;

export class RtspServer {
  readonly #options: RtspOptions;
  readonly #connections = new Set<RtspConnection>();
  #server: Server | undefined;
  #stalled = false;

  constructor(options: RtspOptions) {
    this.#options = options;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Listens on `port` (0: a free one) and returns the port. */
  async start(port: number): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: this.#options.address, port, backlog: 64 }, resolve);
    });
    server.on('error', (error) => this.#options.log.warn({ reason: reasonOf(error) }, 'the RTSP server reports an error'));
    this.#server = server;
    return (server.address() as AddressInfo).port;
  }

  /** Every connection is reset. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const connection of this.#connections) connection.reset();
    await closed;
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

  #accept(socket: Socket): void {
    if (this.#connections.size >= connectionsMax) {
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    const connection = new RtspConnection(socket, this.#options, {
      viewers: (path) => [...this.#connections].filter((one) => one !== connection && one.path === path).length,
      onClose: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    if (this.#stalled) connection.stall();
  }
}
