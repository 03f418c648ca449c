/** The stores that the contract is tried on, each with a far end of its own: a folder, the real `rclone serve webdav`, an S3 server from npm, and our own that checks signatures. */
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { Secret } from '../../src/base/secret.ts';
import { launch, run } from '../../src/base/spawn.ts';
import type { Put, Source, Store } from '../../src/egress/destination.ts';
import { FolderStore } from '../../src/egress/folder.ts';
import { HttpDoor } from '../../src/egress/http.ts';
import { Pace } from '../../src/egress/pace.ts';
import { S3Store, type S3Key } from '../../src/egress/s3.ts';
import { WebdavStore, type WebdavOptions } from '../../src/egress/webdav.ts';
import { S3Stub, type Right } from './s3stub.ts';

export const never = new AbortController().signal;
export const noPace = new Pace(systemClock, undefined);
export const partBytes = 5 * 2 ** 20;

/** A store and what its far end really holds. */
export interface Far {
  readonly store: Store;
  held(object: string): Promise<Buffer | undefined>;
  /** Puts something there by another way. */
  place(path: string, bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

export function sourceOf(bytes: Buffer): Source {
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), read: async (from, length, into) => pieceOf(bytes, from, length, into) };
}

/** As a file gives it: into the buffer that is lent, which may be filled anew by the next piece. */
function pieceOf(bytes: Buffer, from: number, length: number, into: Buffer | undefined): Buffer {
  const piece = bytes.subarray(from, from + length);
  return into === undefined ? piece : into.subarray(0, piece.copy(into));
}

export interface Tried { readonly put: Put; sentBytes: number; noted: string | undefined; versioned?: boolean }

export function putOf(object: string, bytes: Buffer, o: Partial<Pick<Put, 'replace' | 'again' | 'resume' | 'source'>> = {}): Tried {
  const tried: Tried = {
    sentBytes: 0, noted: o.resume,
    put: {
      object, source: o.source ?? sourceOf(bytes), replace: o.replace ?? false, again: o.again ?? false, resume: o.resume,
      note: async (resume) => { tried.noted = resume; }, sent: (count) => { tried.sentBytes += count; }, versioned: () => { tried.versioned = true; },
    },
  };
  return tried;
}

export function objectName(): string {
  return randomBytes(16).toString('hex');
}

export async function folderFar(folder: string): Promise<Far> {
  const path = join(folder, 'disk');
  await mkdir(path);
  return { store: new FolderStore({ name: 'disk', path, mount: false, pace: noPace }), ...onDisk(path) };
}

function onDisk(path: string): Omit<Far, 'store'> {
  return {
    held: (object) => readFile(join(path, object.slice(0, 2), object)).catch(() => undefined),
    place: async (name, bytes) => {
      await mkdir(join(path, name, '..'), { recursive: true });
      await writeFile(join(path, name), bytes);
    },
    close: async () => {},
  };
}

export interface Rclone { readonly pid: number; readonly url: URL; readonly path: string; close(): Promise<void> }

/** The real server; resolves when it listens. */
export async function serveWebdav(folder: string, o: { user?: string; password?: string; readOnly?: boolean; etagHash?: 'MD5' | 'SHA-1' } = {}): Promise<Rclone> {
  const path = join(folder, 'dav');
  await mkdir(path, { recursive: true });
  let heard: (url: string) => void = () => {};
  const listens = new Promise<string>((resolve) => { heard = resolve; });
  // No cache folder and no configuration of whoever runs this.
  const child = await launch('rclone', [
    'serve', 'webdav', '--addr', '127.0.0.1:0', '--user', o.user ?? 'sally', '--pass', o.password ?? 'port', '--config', join(folder, 'rclone.conf'), '--dir-cache-time', '0s', ...(o.readOnly === true ? ['--read-only'] : []), ...(o.etagHash === undefined ? [] : ['--etag-hash', o.etagHash]), path,
  ], { environment: { HOME: folder }, package: 'rclone', onErrorLine: (line) => { const url = /started on \[?(http:\S+?)\]?$/i.exec(line)?.[1]; if (url !== undefined) heard(url); } });
  child.stdout.resume();
  const url = new URL(await Promise.race([listens, child.exited.then(({ status }) => { throw new Error(`rclone ended with ${status}`); })]));
  return { pid: child.pid, url, path, close: async () => { child.kill('SIGKILL'); await child.exited; } };
}

export async function webdavFar(folder: string, o: { etagHash?: 'MD5' | 'SHA-1'; readBack?: WebdavOptions['readBack'] } = {}): Promise<Far> {
  const server = await serveWebdav(folder, o);
  const door = new HttpDoor({ origin: { name: 'dav', url: server.url }, clock: systemClock, pace: noPace });
  const login = { user: 'sally', password: new Secret('port') };
  const store = new WebdavStore({ door, clock: systemClock, logins: { put: login, get: login, delete: login }, readBack: o.readBack ?? 'unless hashed' });
  return { store, ...onDisk(server.path), close: async () => { await store.close(); await server.close(); } };
}

export function s3StoreAt(url: string, keys: Partial<Record<Right, S3Key>>, o: { readBack?: boolean; pin?: string; ca?: string; stallMs?: number; prefix?: string; pace?: Pace } = {}): S3Store {
  const { pin, ca, stallMs } = o;
  const door = new HttpDoor({ origin: { name: 's3', url: new URL(url), ...(pin === undefined ? {} : { pin }), ...(ca === undefined ? {} : { ca }) }, clock: systemClock, pace: o.pace ?? noPace, ...(stallMs === undefined ? {} : { stallMs }) });
  return new S3Store({ door, clock: systemClock, region: 'garage', prefix: o.prefix ?? '', keys, readBack: o.readBack ?? false, partBytes });
}

export function keysOf(stub: S3Stub, rights: readonly Right[] = ['put', 'get', 'delete']): Partial<Record<Right, S3Key>> {
  return Object.fromEntries(rights.map((right) => {
    const { id, secret } = stub.grant([right]);
    return [right, { id, secret: new Secret(secret) }];
  }));
}

/** Each feature with a key that may nothing else. */
export async function stubFar(): Promise<Far> {
  const stub = await S3Stub.start();
  const store = s3StoreAt(stub.url, keysOf(stub), { prefix: 'house/' });
  return {
    store,
    held: async (object) => stub.objects.get(`house/${object}`)?.bytes,
    place: async (path, bytes) => void stub.objects.set(`house/${path}`, { bytes, etag: '"x"', sha256: undefined }),
    close: async () => { await store.close(); await stub.close(); },
  };
}

export interface S3rver { readonly url: URL; readonly path: string; close(): Promise<void> }

/** The S3 server from npm, with one bucket, `bucket`, and one key, whose two halves are `S3RVER`. `cors`: its bucket's rule, as S3 has it in XML. */
export async function serveS3(folder: string, o: { cors?: string } = {}): Promise<S3rver> {
  // @ts-expect-error -- it brings no types
  const { default: Server } = await import('s3rver') as { default: new (o: object) => { run(): Promise<{ port: number }>; close(): Promise<void> } };
  const server = new Server({ address: '127.0.0.1', port: 0, silent: true, directory: join(folder, 's3rver'), configureBuckets: [{ name: 'bucket', configs: o.cors === undefined ? [] : [o.cors] }] });
  const { port } = await server.run();
  return { url: new URL(`http://127.0.0.1:${port}/`), path: join(folder, 's3rver', 'bucket'), close: async () => { await server.close(); await rm(join(folder, 's3rver'), { recursive: true, force: true }); } };
}

/** It takes any secret for a known key, and knows no conditions: what it cannot show, the stub does. */
export async function s3rverFar(folder: string): Promise<Far> {
  const server = await serveS3(folder);
  const key = { id: 'S3RVER', secret: new Secret('S3RVER') };
  const store = s3StoreAt(`${server.url.href}bucket`, { put: key, get: key, delete: key });
  return {
    store,
    held: (object) => readFile(join(folder, 's3rver', 'bucket', `${object}._S3rver_object`)).catch(() => undefined),
    place: async (path, bytes) => {
      await mkdir(join(folder, 's3rver', 'bucket', path, '..'), { recursive: true });
      await writeFile(join(folder, 's3rver', 'bucket', `${path}._S3rver_object`), bytes);
      await writeFile(join(folder, 's3rver', 'bucket', `${path}._S3rver_object.md5`), createHash('md5').update(bytes).digest('hex'));
      await writeFile(join(folder, 's3rver', 'bucket', `${path}._S3rver_metadata.json`), '{}');
    },
    close: async () => { await store.close(); await server.close(); },
  };
}

/** An S3 stub behind TLS, with a certificate of its own for 127.0.0.1 that no authority knows. `pin`: its fingerprint, as a destination names it. */
export async function stubByTls(t: Test, folder: string): Promise<{ stub: S3Stub; cert: string; pin: string }> {
  const made = await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem'), '-days', '2', '-subj', '/CN=store', '-addext', 'subjectAltName=IP:127.0.0.1']);
  t.equal(made.status, 0, made.stderr);
  const [key, cert] = await Promise.all(['key.pem', 'cert.pem'].map((name) => readFile(join(folder, name), 'utf8'))) as [string, string];
  const stub = await S3Stub.start({ tls: { key, cert } });
  t.teardown(() => stub.close());
  return { stub, cert, pin: new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase() };
}
