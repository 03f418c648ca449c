/** What the tests of cameras/ share: a far end that a test scripts answer by answer, a clock that a test moves, addresses of their own. */
import { randomInt } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import type { Clock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { find, parseXml, textOf, type XmlElement } from '../../src/base/xml.ts';
import type { Certificates } from '../../src/cameras/certificates.ts';
import { CameraClient } from '../../src/cameras/client.ts';
import type { Certificate } from '../../src/emulator/certificate.ts';

/** The first three numbers of a /24 of its own, so that tests that run at the same time do not meet. */
export function ownNetwork(): string {
  return `127.${randomInt(10, 251)}.${randomInt(10, 251)}`;
}

export const startMs = Date.UTC(2026, 10, 24, 5, 0, 0);

/** Stands still; `pass` ends every sleep. */
export class StillClock implements Clock {
  nowMs = startMs;
  readonly #sleeps = new Map<() => void, number>();

  wallMs(): number {
    return this.nowMs;
  }

  monotonicMs(): number {
    return this.nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      this.#sleeps.set(resolve, ms);
      signal?.addEventListener('abort', () => {
        this.#sleeps.delete(resolve);
        reject(signal.reason as Error);
      }, { once: true });
    });
  }

  /** Whether somebody waits for just so long. */
  waitsFor(ms: number): boolean {
    return [...this.#sleeps.values()].includes(ms);
  }

  /** Wakes all, or those who wait for just so long. */
  pass(ms?: number): void {
    for (const [wake, length] of this.#sleeps) {
      if (ms !== undefined && ms !== length) continue;
      this.#sleeps.delete(wake);
      wake();
    }
  }
}

/** One question as the far end got it. */
export interface Asked {
  readonly operation: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly soap: XmlElement | undefined;
  /** Of the UsernameToken. */
  readonly created: string | undefined;
  readonly reply: ServerResponse;
}

export interface FarEnd {
  readonly host: string;
  readonly port: number;
  readonly asked: Asked[];
  operations(): string[];
}

/** By HTTPS when it has a certificate. */
export async function serveFarEnd(t: Test, answer: (asked: Asked) => void, certificate?: Certificate): Promise<FarEnd> {
  const host = `${ownNetwork()}.2`;
  const asked: Asked[] = [];
  const listener = (request: IncomingMessage, reply: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const soap = body === '' ? undefined : parseXml(body);
      const one: Asked = {
        operation: find(soap, 'Body')?.children[0]?.name ?? request.method ?? '', path: request.url ?? '', headers: request.headers, body, soap,
        created: textOf(soap, 'Header', 'Security', 'UsernameToken', 'Created'), reply,
      };
      asked.push(one);
      answer(one);
    });
  };
  const server = certificate === undefined ? createServer(listener) : createSecureServer({ key: certificate.key, cert: certificate.cert }, listener);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  t.teardown(() => new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  }));
  return { host, port: (server.address() as AddressInfo).port, asked, operations: () => asked.map(({ operation }) => operation) };
}

export function soap(body: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>${body}</s:Body></s:Envelope>`;
}

export function send(asked: Asked, body: string, status = 200, headers: Record<string, string> = {}): void {
  asked.reply.writeHead(status, { 'Content-Type': 'application/soap+xml; charset=utf-8', ...headers });
  asked.reply.end(soap(body));
}

export function sendFault(asked: Asked, subcode: string, reason = 'Sender not Authorized', status = 400): void {
  send(asked, `<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:${subcode}</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">${reason}</s:Text></s:Reason></s:Fault>`, status);
}

export function sendClock(asked: Asked, ms: number): void {
  const date = new Date(ms);
  send(asked, `<GetSystemDateAndTimeResponse><SystemDateAndTime><UTCDateTime><Time><Hour>${date.getUTCHours()}</Hour><Minute>${date.getUTCMinutes()}</Minute><Second>${date.getUTCSeconds()}</Second></Time>`
    + `<Date><Year>${date.getUTCFullYear()}</Year><Month>${date.getUTCMonth() + 1}</Month><Day>${date.getUTCDate()}</Day></Date></UTCDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse>`);
}

export const password = 'correct horse & <báttery>';

export interface Visit {
  readonly client: CameraClient;
  readonly clock: StillClock;
  /** Every log line so far. */
  readonly log: string[];
}

export function visit(far: { host: string; port: number }, o: { password?: string; user?: string; certificates?: Certificates } = {}): Visit {
  const log: string[] = [];
  const clock = new StillClock();
  const client = new CameraClient({
    camera: 'garden', address: { host: far.host, port: far.port, path: '/onvif/device_service', secure: o.certificates !== undefined },
    ...(o.certificates === undefined ? {} : { certificates: o.certificates }),
    user: o.user ?? 'ad<min', password: new Secret(o.password ?? password), clock, log: createLog({ level: 'debug', write: (line) => log.push(line) }),
  });
  return { client, clock, log };
}

/** All that an error says, causes included. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return [error.message, error.stack ?? '', JSON.stringify(error), error.cause === undefined ? '' : wordsOf(error.cause)].join('\n');
}
