/**
 * The emulator's control socket: HTTP and JSON over a unix socket that only its user may open, so that any language can order faults.
 * `GET /cameras`, `GET /faults`, `POST /faults`, `DELETE /faults`; docs/DEVELOPING.md shows them at work.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { SallyportError, asSallyportError, reasonOf } from '../base/errors.ts';
import { protectSocket, removeSocket } from '../base/files.ts';
import type { Faults } from './faults.ts';
import { notPossible, type FaultOrder } from './faulttable.ts';

const bodyBytesMax = 16 * 1024;
const connectionsMax = 32;

export interface ControlledEmulator {
  /** JSON of all cameras. */
  readonly cameras: () => unknown;
  readonly faults: Faults;
}

export class EmulatorControl {
  readonly #server: Server;
  readonly #path: string;

  /** What is left of an earlier socket at the path is replaced; anything else there is SP_WRITE. SP_EMULATOR when there can be none. */
  static async open(path: string, emulator: ControlledEmulator): Promise<EmulatorControl> {
    await removeSocket(path);
    const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => void answer(emulator, request, response));
    server.maxConnections = connectionsMax;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(new SallyportError('SP_EMULATOR', { reason: `no control socket at ${path}: ${reasonOf(error)}` }, error)));
      // Nobody else's from its first moment on.
      const before = process.umask(0o177);
      server.listen(path, resolve);
      process.umask(before);
    });
    server.on('error', () => {});
    await protectSocket(path);
    return new EmulatorControl(server, path);
  }

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
    await removeSocket(this.#path);
  }
}

async function answer(emulator: ControlledEmulator, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    reply(response, 200, await done(emulator, request));
  } catch (error) {
    const { code, message } = asSallyportError(error);
    reply(response, 400, { error: { code, message } });
  }
}

async function done({ cameras, faults }: ControlledEmulator, request: IncomingMessage): Promise<unknown> {
  switch (`${request.method} ${request.url}`) {
    case 'GET /cameras': return { cameras: cameras() };
    case 'GET /faults': return { faults: faults.list() };
    case 'POST /faults':
      await faults.order(readOrder(await readJson(request)));
      return { faults: faults.list() };
    case 'DELETE /faults': {
      const { camera, fault } = fieldsOf(await readJson(request), { camera: 'string', fault: 'string?' });
      await faults.end({ camera: camera as string, ...(fault === undefined ? {} : { fault: fault as string }) });
      return { faults: faults.list() };
    }
    default: throw notPossible('there are GET /cameras, GET /faults, POST /faults and DELETE /faults');
  }
}

function readOrder(json: unknown): FaultOrder {
  return fieldsOf(json, { camera: 'string', fault: 'string', value: 'value?', afterSeconds: 'number?', forSeconds: 'number?' }) as unknown as FaultOrder;
}

type FieldType = 'string' | 'string?' | 'number?' | 'value?';

/** Of these fields alone, each of its type; those with a question mark may be left out. */
function fieldsOf(json: unknown, fields: Readonly<Record<string, FieldType>>): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw notPossible('an object is wanted');
  const unknown = Object.keys(json).find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined) throw notPossible(`"${unknown.slice(0, 32)}" is no field of it; there are ${Object.keys(fields).join(', ')}`);
  const given = json as Record<string, unknown>;
  for (const [name, type] of Object.entries(fields)) {
    const value = given[name];
    const right = value === undefined ? type.endsWith('?') : type === 'value?' ? typeof value === 'string' || typeof value === 'number' : typeof value === type.replace('?', '');
    if (!right) throw notPossible(`"${name}" is ${value === undefined ? 'missing' : 'of another type'}`);
  }
  return given;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw notPossible('the request is too long');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    throw notPossible('the request is no JSON');
  }
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return;
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}
