/** A camera that speaks ONVIF well enough to be adopted, but for the one thing that it does to whoever asks. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Hit {
  /** The SOAP operation, else method and path. */
  readonly operation: string;
  readonly head: string;
  readonly body: string;
}

/** Takes over one reply: true when it did. What it writes is whatever bytes it likes. */
export type Mischief = (hit: Hit, socket: Socket, me: HostileCamera) => boolean;

export class HostileCamera {
  readonly host: string;
  readonly hits: Hit[] = [];
  /** Everything that any connection ever brought, so that a test can look for secrets. */
  received = '';
  connections = 0;
  mischief: Mischief = () => false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(host: string) {
    this.host = host;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(host: string): Promise<HostileCamera> {
    const camera = new HostileCamera(host);
    await new Promise<void>((resolve, reject) => {
      camera.#server.once('error', reject);
      camera.#server.listen({ host, port: 0 }, resolve);
    });
    return camera;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Where it says that its services are. */
  get base(): string {
    return `http://${this.host}:${this.port}/onvif`;
  }

  /** Ends what a mischief left open. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.hangUp();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    if (this.mischief({ operation: 'connect', head: '', body: '' }, socket, this)) return;
    let text = '';
    socket.on('data', (data: Buffer) => {
      // A TLS handshake: it has plain HTTP only, and says so at once as most cameras do.
      if (text === '' && data[0] === 0x16) {
        socket.destroy();
        return;
      }
      text = (text + data.toString('latin1')).slice(-1_000_000);
      this.received = (this.received + data.toString('latin1')).slice(-10_000_000);
      const end = text.indexOf('\r\n\r\n');
      if (end === -1) return;
      const length = Number(/^content-length: *(\d+)/im.exec(text.slice(0, end))?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      const head = text.slice(0, end);
      const body = text.slice(end + 4);
      text = '';
      const operation = /<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)/.exec(body)?.[1] ?? (head.split(' ', 2).join(' '));
      const hit = { operation, head, body };
      this.hits.push(hit);
      if (this.mischief(hit, socket, this)) return;
      const answer = soundAnswer(operation, this);
      socket.end(answer === undefined ? http('HTTP/1.1 500 Internal Server Error', soap(fault('ActionNotSupported'))) : http('HTTP/1.1 200 OK', soap(answer)));
    });
  }
}

/** Stands before a camera's RTSP port: whoever comes for its pictures is passed on, and whoever comes to talk through it meets the mischief. */
export class HostileLoudspeaker {
  mischief: (request: string, socket: Socket) => void = () => {};
  /** Everything that talkers ever brought. */
  received = '';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(behind: { host: string; port: number }) {
    this.#server = createServer((near) => {
      this.#keep(near);
      near.once('data', (first: Buffer) => {
        if (first.includes('backchannel')) {
          this.#hear(first, near);
          near.on('data', (data: Buffer) => this.#hear(data, near));
          return;
        }
        const far = connect(behind);
        this.#keep(far);
        far.write(first);
        near.pipe(far).pipe(near);
      });
    });
  }

  static async start(behind: { host: string; port: number }): Promise<HostileLoudspeaker> {
    const loudspeaker = new HostileLoudspeaker(behind);
    await new Promise<void>((resolve) => loudspeaker.#server.listen({ host: behind.host, port: 0 }, resolve));
    return loudspeaker;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }

  /** A talker waits for each answer, so that one piece is one request, or sound. */
  #hear(data: Buffer, socket: Socket): void {
    const text = data.toString('latin1');
    this.received = (this.received + text).slice(-1_000_000);
    if (/^[A-Z_]+ \S+ RTSP\/1\.0\r\n/.test(text)) this.mischief(text, socket);
  }
}

export function http(status: string, body: string | Buffer, headers: readonly string[] = []): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from([status, 'Content-Type: application/soap+xml; charset=utf-8', `Content-Length: ${bytes.length}`, ...headers, '', ''].join('\r\n'), 'latin1'), bytes]);
}

export function soap(body: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>${body}</s:Body></s:Envelope>`;
}

export function fault(subcode: string, reason = 'no'): string {
  return `<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:${subcode}</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">${reason}</s:Text></s:Reason></s:Fault>`;
}

/** What a good camera says; undefined for what it does not do. Credentials are asked for only by GetUsers. */
export function soundAnswer(operation: string, me: HostileCamera): string | undefined {
  const now = new Date();
  switch (operation) {
    case 'GetSystemDateAndTime': return `<GetSystemDateAndTimeResponse><SystemDateAndTime><UTCDateTime><Time><Hour>${now.getUTCHours()}</Hour><Minute>${now.getUTCMinutes()}</Minute><Second>${now.getUTCSeconds()}</Second></Time>`
      + `<Date><Year>${now.getUTCFullYear()}</Year><Month>${now.getUTCMonth() + 1}</Month><Day>${now.getUTCDate()}</Day></Date></UTCDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse>`;
    case 'GetServices': return '<GetServicesResponse>' + [['ver10/device/wsdl', 'device_service'], ['ver10/media/wsdl', 'media'], ['ver10/events/wsdl', 'events']]
      .map(([namespace, path]) => `<Service><Namespace>http://www.onvif.org/${namespace}</Namespace><XAddr>${me.base}/${path}</XAddr></Service>`).join('') + '</GetServicesResponse>';
    case 'GetUsers': return '<GetUsersResponse><User><Username>admin</Username><UserLevel>Administrator</UserLevel></User></GetUsersResponse>';
    case 'GetDeviceInformation': return '<GetDeviceInformationResponse><Manufacturer>M</Manufacturer><Model>X</Model><FirmwareVersion>1</FirmwareVersion><SerialNumber>2</SerialNumber><HardwareId>3</HardwareId></GetDeviceInformationResponse>';
    case 'GetProfiles': return '<GetProfilesResponse><Profiles token="p1"><Name>main</Name><VideoEncoderConfiguration token="v1"><Encoding>H264</Encoding><Resolution><Width>640</Width><Height>360</Height></Resolution></VideoEncoderConfiguration></Profiles></GetProfilesResponse>';
    case 'GetStreamUri': return `<GetStreamUriResponse><MediaUri><Uri>rtsp://${me.host}:${me.port}/stream</Uri></MediaUri></GetStreamUriResponse>`;
    case 'GetSnapshotUri': return `<GetSnapshotUriResponse><MediaUri><Uri>${me.base}/snap.jpg</Uri></MediaUri></GetSnapshotUriResponse>`;
    default: return undefined;
  }
}
