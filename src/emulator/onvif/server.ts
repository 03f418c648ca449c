/**
 * The HTTP side of one camera: SOAP calls to its services' tables, and snapshots. Whatever bytes come in, something bounded goes out
 * and the camera lives on.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { find, parseXml, type XmlElement } from '../../base/xml.ts';
import { streamNames, type CameraFace } from '../face.ts';
import { Access } from './access.ts';
import { devicePath, deviceService, mediaPath } from './device.ts';
import { mediaService, snapshotPath } from './media.ts';
import type { Operation, Service } from './operation.ts';
import { envelope, faultEnvelope, SoapFault } from './soap.ts';

const services: ReadonlyMap<string, Service> = new Map([[devicePath, deviceService], [mediaPath, mediaService]]);
const bodyBytesMax = 256 * 1024;
const connectionsMax = 128;

export class OnvifServer {
  readonly #face: CameraFace;
  readonly #log: Log;
  readonly #access: Access;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  /** While stalled, what every answer waits for. */
  #stalled: { released: Promise<void>; release: () => void } | undefined;

  constructor(face: CameraFace, log: Log) {
    this.#face = face;
    this.#log = log;
    this.#access = new Access(face);
  }

  /** Listens on `port` (0: a free one) and returns the port. */
  async start(port: number): Promise<number> {
    const server = createServer({ maxHeaderSize: 16 * 1024, requestTimeout: 15_000, headersTimeout: 15_000, keepAliveTimeout: 15_000 }, (request, response) => void this.#handle(request, response));
    server.maxConnections = connectionsMax;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('clientError', (_error, socket) => {
      if (this.#stalled !== undefined) return;
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      else socket.destroy();
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: this.#face.address, port }, resolve);
    });
    server.on('error', (error) => this.#log.warn({ reason: reasonOf(error) }, 'the ONVIF server reports an error'));
    this.#server = server;
    return (server.address() as AddressInfo).port;
  }

  /** Every connection is reset. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.resume();
    await closed;
  }

  stall(): void {
    if (this.#stalled !== undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stalled = { released: promise, release: resolve };
  }

  resume(): void {
    this.#stalled?.release();
    this.#stalled = undefined;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await readBody(request);
      while (this.#stalled !== undefined) await this.#stalled.released;
      if (response.destroyed) return;
      if (body === undefined) respond(response, 413, 'text/plain', 'too long');
      else if (request.method === 'POST') this.#answerSoap(request, response, body);
      else this.#answerGet(request, response);
    } catch (error) {
      this.#log.debug({ reason: reasonOf(error) }, 'an HTTP request broke off');
      response.destroy();
    }
  }

  #answerSoap(request: IncomingMessage, response: ServerResponse, body: string): void {
    try {
      respond(response, 200, soapType, envelope(this.#call(request, body)));
    } catch (error) {
      const fault = error instanceof SoapFault ? error : this.#unexpected(error);
      if (fault.status === 401) response.setHeader('WWW-Authenticate', this.#access.challenge(request.headers.authorization));
      respond(response, fault.status, soapType, faultEnvelope(fault));
    }
  }

  #call(request: IncomingMessage, body: string): string {
    const url = request.url ?? '/';
    const called = readCall(body);
    const operation = operationOf(url, called.body.name);
    if (operation?.open !== true) this.#access.checkSoap(called.header, { method: 'POST', url, authorization: request.headers.authorization });
    if (operation === undefined) throw new SoapFault({ code: 'Receiver', subcodes: ['ActionNotSupported'], reason: `${called.body.name} is not implemented` });
    return operation.answer(this.#face, called.body);
  }

  #answerGet(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '/';
    const stream = streamNames.find((name) => snapshotPath(name) === url);
    if (stream === undefined || request.method !== 'GET') {
      respond(response, 404, 'text/plain', 'not found');
    } else if (!this.#access.checkHttp({ method: 'GET', url, authorization: request.headers.authorization })) {
      response.setHeader('WWW-Authenticate', this.#access.challenge(request.headers.authorization));
      respond(response, 401, 'text/plain', 'not authorized');
    } else {
      respond(response, 200, 'image/jpeg', this.#face.streams[stream].snapshot);
    }
  }

  #unexpected(error: unknown): SoapFault {
    this.#log.warn({ reason: reasonOf(error) }, 'an ONVIF operation failed');
    return new SoapFault({ code: 'Receiver', subcodes: ['Action'], reason: 'the operation failed' });
  }
}

const soapType = 'application/soap+xml; charset=utf-8';

function respond(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

/** By path; a client that keeps to one path for all services is served too. */
function operationOf(url: string, name: string): Operation | undefined {
  const path = url.replace(/[?#].*$/, '');
  return [services.get(path), ...services.values()].map((service) => service?.get(name)).find((operation) => operation !== undefined);
}

function readCall(text: string): { header: XmlElement | undefined; body: XmlElement } {
  let message: XmlElement;
  try {
    message = parseXml(text);
  } catch (error) {
    throw new SoapFault({ code: 'Sender', subcodes: ['WellFormed'], reason: reasonOf(error) });
  }
  const body = find(message, 'Body')?.children[0];
  if (message.name !== 'Envelope' || body === undefined) throw new SoapFault({ code: 'Sender', subcodes: ['TagMismatch'], reason: 'no SOAP envelope with a body' });
  return { header: find(message, 'Header'), body };
}

/** Undefined when it is longer than it may be; the rest is read and thrown away, so that the answer can be heard. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > 64 * bodyBytesMax) throw new Error('the request has no end');
    if (bytes <= bodyBytesMax) chunks.push(chunk);
  }
  return bytes > bodyBytesMax ? undefined : Buffer.concat(chunks).toString('utf8');
}
