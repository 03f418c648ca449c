/**
 * The HTTP side of one camera: SOAP calls to its services' tables, and snapshots. Whatever bytes come in, something bounded goes out
 * and the camera lives on.
 */
import { createServer as createSecureServer, Server as SecureServer } from 'node:https';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { find, parseXml, textOf, type XmlElement } from '../../base/xml.ts';
import type { Certificate } from '../certificate.ts';
import type { CameraFace } from '../face.ts';
import { resetSocket } from '../reset.ts';
import { Access } from './access.ts';
import { disturb } from './mischief.ts';
import type { Operation } from './operation.ts';
import { namespaceOfBody } from './namespace.ts';
import { operationOf, servicesOf } from './services.ts';
import { snapshotAsked } from './snapshot.ts';
import { envelope, faultAction, faultEnvelope, leaf, SoapFault } from './soap.ts';

const bodyBytesMax = 256 * 1024;
const connectionsMax = 128;
const bounds = { maxHeaderSize: 16 * 1024, requestTimeout: 15_000, headersTimeout: 15_000, keepAliveTimeout: 15_000 };

export class OnvifServer {
  readonly #face: CameraFace;
  readonly #log: Log;
  readonly #access: Access;
  /** And whether TLS is above it. */
  readonly #sockets = new Map<Socket, boolean>();
  readonly #servers = new Set<Server | SecureServer>();
  /** While stalled, what every answer waits for. */
  #stalled: { released: Promise<void>; release: () => void } | undefined;

  constructor(face: CameraFace, log: Log) {
    this.#face = face;
    this.#log = log;
    this.#access = new Access(face);
  }

  /** Listens on `port` (0: a free one), beside the others, and returns the port. With a certificate it is HTTPS. */
  async start(port: number, certificate?: Certificate): Promise<number> {
    const answer = (request: IncomingMessage, response: ServerResponse): void => void this.#handle(request, response);
    const server = certificate === undefined ? createServer(bounds, answer) : createSecureServer({ ...bounds, key: certificate.key, cert: certificate.cert }, answer);
    server.maxConnections = connectionsMax;
    server.on('connection', (socket: Socket) => {
      this.#sockets.set(socket, certificate !== undefined);
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
    this.#servers.add(server);
    return (server.address() as AddressInfo).port;
  }

  /** For who comes from now on. */
  renew({ key, cert }: Certificate): void {
    for (const server of this.#servers) if (server instanceof SecureServer) server.setSecureContext({ key, cert });
  }

  /** Every connection is reset. */
  async stop(): Promise<void> {
    const closed = [...this.#servers].map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    this.#servers.clear();
    this.resetConnections();
    this.resume();
    await Promise.all(closed);
  }

  resetConnections(): void {
    for (const [socket, secure] of this.#sockets) resetSocket(socket, secure);
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
      await this.#whileStalled();
      if (response.destroyed) return;
      if (disturb(this.#face.quirks.mischief, response, () => this.#access.challenge(request.headers.authorization))) return;
      if (body === undefined) respond(response, 413, 'text/plain', 'too long');
      else if (request.method === 'POST') await this.#answerSoap(request, response, body);
      else this.#answerGet(request, response);
    } catch (error) {
      this.#log.debug({ reason: reasonOf(error) }, 'an HTTP request broke off');
      response.destroy();
    }
  }

  async #whileStalled(): Promise<void> {
    while (this.#stalled !== undefined) await this.#stalled.released;
  }

  async #answerSoap(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
    let called: Called | undefined;
    try {
      called = readCall(body);
      const { operation, answer } = await this.#call(request, response, called);
      // An answer that was waited for may come after a stall began.
      await this.#whileStalled();
      response.once('finish', () => operation.afterwards?.(this.#face));
      respond(response, 200, soapType, envelope(answer, operation.action === undefined ? '' : addressing(operation.action, called)));
    } catch (error) {
      const fault = error instanceof SoapFault ? error : this.#unexpected(error);
      if (response.destroyed) return;
      if (fault.status === 401) response.setHeader('WWW-Authenticate', this.#access.challenge(request.headers.authorization));
      respond(response, fault.status, soapType, faultEnvelope(fault, called?.messageId === undefined ? '' : addressing(faultAction, called)));
    }
  }

  async #call(request: IncomingMessage, response: ServerResponse, called: Called): Promise<{ operation: Operation; answer: string }> {
    const url = request.url ?? '/';
    const path = url.replace(/[?#].*$/, '');
    const operation = operationOf(this.#face, path, called);
    if (operation?.access !== 'PRE_AUTH') this.#access.checkSoap(called.header, { method: 'POST', url, authorization: request.headers.authorization, access: operation?.access ?? 'READ_SYSTEM' });
    if (operation === undefined) throw new SoapFault({ code: 'Receiver', subcodes: ['ActionNotSupported'], reason: `${called.body.name} is not implemented` });
    const hungUp = new AbortController();
    const onClose = (): void => hungUp.abort();
    response.once('close', onClose);
    try {
      return { operation, answer: await operation.answer(this.#face, called.body, { path, header: called.header, signal: hungUp.signal, services: servicesOf(this.#face) }) };
    } finally {
      response.off('close', onClose);
    }
  }

  #answerGet(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '/';
    const stream = snapshotAsked(this.#face, url);
    if (stream === undefined || request.method !== 'GET') {
      respond(response, 404, 'text/plain', 'not found');
    } else if (!this.#face.habits.snapshotOpen && !this.#access.checkHttp({ method: 'GET', url, authorization: request.headers.authorization })) {
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

interface Called {
  readonly header: XmlElement | undefined;
  readonly body: XmlElement;
  /** Of the body's element; undefined where it has none. */
  readonly namespace: string | undefined;
  readonly messageId: string | undefined;
}

function readCall(text: string): Called {
  let message: XmlElement;
  try {
    message = parseXml(text);
  } catch (error) {
    throw new SoapFault({ code: 'Sender', subcodes: ['WellFormed'], reason: reasonOf(error) });
  }
  const body = find(message, 'Body')?.children[0];
  if (message.name !== 'Envelope' || body === undefined) throw new SoapFault({ code: 'Sender', subcodes: ['TagMismatch'], reason: 'no SOAP envelope with a body' });
  const header = find(message, 'Header');
  return { header, body, namespace: namespaceOfBody(text), messageId: textOf(header, 'MessageID') };
}

function addressing(action: string, called: Called): string {
  return leaf('wsa:Action', action) + (called.messageId === undefined ? '' : leaf('wsa:RelatesTo', called.messageId));
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
