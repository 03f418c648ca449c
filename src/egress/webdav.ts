/**
 * WebDAV as a store (RFC 4918): Nextcloud, a NAS, `rclone serve webdav`. An object is sent under a name of its own with `.part` behind it and then moved, so
 * that one that was cut off is never taken for whole. WebDAV knows no way to go on within a file: what was cut is sent anew.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { find, findAll, parseXml, textOf, type XmlElement } from '../base/xml.ts';
import { listedMax, objectPattern, type Proof } from '../outbox/orders.ts';
import { randomName } from '../outbox/out.ts';
import { probeBytes, probeName, type Feature, type Listed, type Probe, type Put, type Source, type Store } from './destination.ts';
import { refusedBy, type Answer, type HttpDoor, type Request } from './http.ts';
import { givesBack, hashOfAll } from './readback.ts';

export interface Login {
  readonly user: string;
  readonly password: Secret;
}

export interface WebdavOptions {
  readonly door: HttpDoor;
  readonly clock: Clock;
  /** Whose rights each feature uses; a feature without one is off. */
  readonly logins: Readonly<Partial<Record<Feature, Login>>>;
  /** Whether what was sent is read back: `unless hashed` where the server's ETag does not prove it. Without either its size is all that is known. */
  readonly readBack: 'always' | 'unless hashed' | 'never';
}

/** Of one of 256 folders: some 40,000 objects. */
const listBytesMax = 2 ** 24;
/** Few enough that they stay within the bounds of our XML, whatever a server tells of each. */
const responsesAtOnce = 100;
const shardPattern = /^[0-9a-f]{2}$/;
/** After so many ETags that are no hashes none is computed again: Nextcloud's only look like one. */
const missesMax = 3;

export class WebdavStore implements Store {
  readonly name: string;
  readonly off: Readonly<Partial<Record<Feature, string>>>;
  readonly #o: WebdavOptions;
  /** Folders that are known to be there. */
  readonly #shards = new Set<string>();
  /** How many of its ETags in a row looked like a hash and were none. */
  #misses = 0;

  constructor(o: WebdavOptions) {
    this.name = o.door.origin.name;
    this.#o = o;
    this.off = offWithout(o.logins);
  }

  async put({ object, source, replace, again, sent }: Put, signal: AbortSignal): Promise<Proof> {
    if (again && !replace && await this.#there(object, source, signal)) return this.#prove(object, source, undefined, signal);
    const said = await this.#makeShard(object.slice(0, 2), signal);
    const part = `${pathOf(object)}.part`;
    const put = await this.#ask('put', { method: 'PUT', path: part, headers: { 'Content-Type': 'application/octet-stream' }, body: source, onSent: sent }, signal);
    if (put.status === 409 || put.status === 404) {
      // Somebody took the folder away: the next try makes it anew.
      this.#shards.delete(object.slice(0, 2));
      // One that only reads says the one and the other, whatever is there.
      if (said === 'there') throw new SallyportError('SP_FAR_REFUSED', { destination: this.name, what: 'put', reason: `it says that the folder is there, and that it is not (status ${put.status}); it may be served for reading alone` });
      throw new SallyportError('SP_FAR_BUSY', { destination: this.name, reason: `status ${put.status}` });
    }
    if (![200, 201, 204].includes(put.status)) throw this.#refused('put', object, put);
    const { url } = this.#o.door.origin;
    const destination = `${url.origin}${url.pathname.replace(/\/$/, '')}${pathOf(object)}`;
    const moved = await this.#ask('put', { method: 'MOVE', path: part, headers: { Destination: destination, Overwrite: replace ? 'T' : 'F' } }, signal);
    // The very same may be there by a try whose answer was lost.
    if (moved.status === 412) await this.#there(object, source, signal);
    else if (![201, 204].includes(moved.status)) throw this.#refused('put', object, moved);
    return this.#prove(object, source, moved.status === 412 ? undefined : put, signal);
  }

  async get(object: string, from: number, length: number, signal: AbortSignal, orLess = false): Promise<Buffer> {
    const answer = await this.#ask('get', { method: 'GET', path: pathOf(object), headers: { Range: `bytes=${from}-${from + length - 1}` }, answerBytesMax: length }, signal);
    return rangeOf({ name: this.name, object, from, length, orLess }, answer, () => this.#refused('get', object, answer));
  }

  async delete(object: string, signal: AbortSignal): Promise<void> {
    for (const path of [pathOf(object), `${pathOf(object)}.part`]) {
      const answer = await this.#ask('delete', { method: 'DELETE', path }, signal);
      // 409: its folder is not there either.
      if (![200, 204, 404, 409].includes(answer.status)) throw deletingRefused(this.name, answer) ?? this.#refused('delete', object, answer);
    }
  }

  async list(after: string | undefined, signal: AbortSignal): Promise<Listed> {
    const objects: [string, number][] = [];
    const top = await this.#children('/', signal);
    let foreign = top.filter(({ name }) => !shardPattern.test(name)).length;
    // Not every server lists in order, and the next look goes on behind the last name of this one.
    for (const { name: shard } of inOrder(top).filter(({ name }) => shardPattern.test(name) && (after === undefined || name >= after.slice(0, 2)))) {
      const children = (await this.#children(`/${shard}/`, signal)).filter(({ name }) => !/^[0-9a-f]{32}\.part$/.test(name));
      const ours = children.filter(({ name, bytes }) => objectPattern.test(name) && name.startsWith(shard) && bytes !== undefined);
      foreign += children.length - ours.length;
      objects.push(...inOrder(ours).filter(({ name }) => after === undefined || name > after).map(({ name, bytes }): [string, number] => [name, bytes ?? 0]));
      if (objects.length > listedMax) break;
    }
    return { objects: objects.slice(0, listedMax), more: objects.length > listedMax, foreign };
  }

  async probe(signal: AbortSignal): Promise<Probe> {
    const path = this.#o.logins.delete === undefined ? `/${probeName}` : `/${randomName()}.part`;
    try {
      let last = Buffer.alloc(0);
      for (const turn of ['first', 'second']) {
        last = randomBytes(probeBytes);
        const answer = await this.#ask('put', { method: 'PUT', path, body: last }, signal);
        // Whoever may put may not replace.
        if (turn === 'second' && [403, 405, 409, 412].includes(answer.status)) return { keepsVersions: 'unknown', overwrites: 'no' };
        if (![200, 201, 204].includes(answer.status)) throw this.#refused('put', path, answer);
      }
      if (this.#o.logins.get === undefined) return { keepsVersions: 'unknown', overwrites: 'unknown' };
      const answer = await this.#ask('get', { method: 'GET', path, answerBytesMax: probeBytes }, signal);
      return { keepsVersions: 'unknown', overwrites: answer.body.equals(last) ? 'yes' : 'no' };
    } finally {
      if (this.#o.logins.delete !== undefined) await this.#ask('delete', { method: 'DELETE', path }, signal).catch(() => {});
    }
  }

  async close(): Promise<void> {
    this.#o.door.close();
  }

  /** `put`: the answer to the put of just now, if there was one. */
  async #prove(object: string, source: Source, put: Answer | undefined, signal: AbortSignal): Promise<Proof> {
    const { readBack, logins } = this.#o;
    if (put !== undefined && !(readBack === 'always' && logins.get !== undefined) && await this.#hashAgrees(put, source) && await this.#lengthOf(object, signal) === source.bytes) return 'checksum';
    if (readBack !== 'never' && logins.get !== undefined) {
      if (!(await this.#givesBack(object, source, signal))) throw await this.#spoiled(object, signal);
      return 'read back';
    }
    if (await this.#sizeOf(object, signal) !== source.bytes) throw await this.#spoiled(object, signal);
    return 'size';
  }

  #givesBack(object: string, source: Source, signal: AbortSignal): Promise<boolean> {
    return givesBack({ name: this.name, object, source, nowMs: this.#o.clock.wallMs(), ask: (request) => this.#ask('get', { ...request, path: pathOf(object) }, signal) });
  }

  /**
   * Whether the server's ETag is a hash of what it has written, and agrees (`rclone serve webdav --etag-hash MD5`): nobody hits upon that without having the bytes.
   * One that is no hash says nothing. Not OC-Checksum: that one server computes and another one repeats from the request.
   */
  async #hashAgrees({ headers: { etag = '' } }: Answer, source: Source): Promise<boolean> {
    const [, digits = ''] = /^"([0-9a-f]+)"$/.exec(etag) ?? [];
    const algorithm = ({ 32: 'md5', 40: 'sha1', 64: 'sha256' } as const)[digits.length];
    if (algorithm === undefined || this.#misses >= missesMax) return false;
    const agrees = digits === await hashOfAll(source, algorithm);
    this.#misses = agrees ? 0 : this.#misses + 1;
    return agrees;
  }

  /** Without asking for its ETag, which a server may have to read all of it for. undefined when there is nothing, or it does not say. */
  async #lengthOf(object: string, signal: AbortSignal): Promise<number | undefined> {
    const answer = await this.#ask('put', { method: 'PROPFIND', path: pathOf(object), headers: { Depth: '0', 'Content-Type': 'application/xml' }, body: propfind, answerBytesMax: 2 ** 16 }, signal);
    const length = answer.status === 207 ? /<(?:\w+:)?getcontentlength[^>]*>(\d{1,15})</.exec(answer.body.toString('utf8'))?.[1] : undefined;
    return length === undefined ? undefined : Number(length);
  }

  /** It is taken away, so that the next try does not find it in its place. */
  async #spoiled(object: string, signal: AbortSignal): Promise<SallyportError> {
    if (this.#o.logins.delete !== undefined) await this.delete(object, signal).catch(() => {});
    return new SallyportError('SP_FAR_CHECKSUM', { destination: this.name, object });
  }

  /** Whether the very same is there, as far as one may look; SP_FAR_EXISTS when something else is. */
  async #there(object: string, source: Source, signal: AbortSignal): Promise<boolean> {
    const bytes = await this.#sizeOf(object, signal);
    if (bytes === undefined) return false;
    if (bytes === source.bytes && (this.#o.logins.get === undefined || await this.#givesBack(object, source, signal))) return true;
    throw new SallyportError('SP_FAR_EXISTS', { destination: this.name, object });
  }

  /** undefined when there is nothing. */
  async #sizeOf(object: string, signal: AbortSignal): Promise<number | undefined> {
    const answer = await this.#ask('put', { method: 'HEAD', path: pathOf(object) }, signal);
    if (answer.status === 404 || answer.status === 409) return undefined;
    if (answer.status !== 200) throw this.#refused('put', object, answer);
    return Number(answer.headers['content-length'] ?? -1);
  }

  /** What the server has said of the folder just now; undefined when it was not asked. */
  async #makeShard(shard: string, signal: AbortSignal): Promise<'made' | 'there' | undefined> {
    if (this.#shards.has(shard)) return undefined;
    const answer = await this.#ask('put', { method: 'MKCOL', path: `/${shard}` }, signal);
    // 405: it is there.
    if (![200, 201, 405].includes(answer.status)) throw this.#refused('put', shard, answer);
    this.#shards.add(shard);
    return answer.status === 405 ? 'there' : 'made';
  }

  async #children(path: string, signal: AbortSignal): Promise<{ name: string; bytes: number | undefined }[]> {
    const answer = await this.#ask('get', { method: 'PROPFIND', path, headers: { Depth: '1', 'Content-Type': 'application/xml' }, body: propfind, answerBytesMax: listBytesMax }, signal);
    if (answer.status !== 207) throw this.#refused('get', path, answer);
    try {
      return childrenOf(responsesOf(answer.body.toString('utf8')), `${this.#o.door.origin.url.pathname.replace(/\/$/, '')}${path}`);
    } catch (error) {
      throw new SallyportError('SP_FAR_ANSWER', { destination: this.name, reason: 'its listing is no list' }, error);
    }
  }

  async #ask(feature: Feature, request: Request, signal: AbortSignal): Promise<Answer> {
    const login = this.#o.logins[feature];
    if (login === undefined) throw new SallyportError('SP_FAR_FEATURE', { destination: this.name, feature, reason: this.off[feature] ?? '' });
    const authorization = `Basic ${Buffer.from(`${login.user}:${login.password.reveal()}`).toString('base64')}`;
    return this.#o.door.ask({ ...request, headers: { ...request.headers, Authorization: authorization } }, signal);
  }

  #refused(what: string, object: string, answer: Answer): SallyportError {
    return refusedBy(this.name, what, object, answer, this.#o.clock.wallMs());
  }
}

const propfind = Buffer.from('<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/></prop></propfind>');

/** A server that only reads says that it knows no such method (`rclone serve webdav --read-only`); undefined: it says something else. */
export function deletingRefused(name: string, { status }: Answer): SallyportError | undefined {
  return status === 405 || status === 501 ? new SallyportError('SP_FAR_REFUSED', { destination: name, what: 'delete', reason: `status ${status}` }) : undefined;
}

/** Why a feature is off without its credential. */
export function offWithout(given: Readonly<Partial<Record<Feature, unknown>>>): Partial<Record<Feature, string>> {
  const lost: Readonly<Record<Feature, string>> = { put: 'nothing is sent there', get: 'nothing there can be played or verified from here', delete: 'what is erased here stays there until its key is gone' };
  return Object.fromEntries((['put', 'get', 'delete'] as const).filter((feature) => given[feature] === undefined).map((feature) => [feature, `no credential; ${lost[feature]}`]));
}

export interface AskedRange { readonly name: string; readonly object: string; readonly from: number; readonly length: number; readonly orLess: boolean }

/** The bytes of an answer to a range. */
export function rangeOf({ name, object, from, length, orLess }: AskedRange, { status, body, headers }: Answer, refused: () => SallyportError): Buffer {
  if (status === 416) throw new SallyportError('SP_FAR_ANSWER', { destination: name, reason: 'the object is shorter' });
  const end = from + body.length;
  // Fewer are all there is only where the store says so.
  const isEnd = orLess && body.length > 0 && body.length < length && (status === 206 ? headers['content-range'] === `bytes ${from}-${end - 1}/${end}` : from === 0 && headers['content-length'] === String(body.length));
  // A store that knows no ranges gives all of it, which is what was asked for only when it is as long.
  if (status !== 206 && !(status === 200 && (body.length === length || isEnd) && !headers['content-range'])) throw refused();
  if (body.length !== length && !isEnd) throw new SallyportError('SP_FAR_ANSWER', { destination: name, reason: `${body.length} bytes came of ${object} where ${length} were asked for` });
  return body;
}

function pathOf(object: string): string {
  return `/${object.slice(0, 2)}/${object}`;
}

/** The elements of a multistatus, some at a time: a long list makes no large tree. Throws a plain Error for what is none. */
function responsesOf(text: string): XmlElement[] {
  const [, root = ''] = /^\uFEFF?\s*(?:<\?xml[^>]*>\s*)?<((?:[\w.-]+:)?multistatus)(?=[\s/>])/.exec(text) ?? [];
  if (root === '' || !new RegExp(`(</${root}\\s*>|/>)\\s*$`).test(text.slice(-100))) throw new Error('no multistatus');
  const name = root.replace(/multistatus$/, 'response');
  const responses: XmlElement[] = [];
  const some: string[] = [];
  const read = (): void => { if (some.length > 0) responses.push(...parseXml(`<some>${some.splice(0).join('')}</some>`).children); };
  for (let end = 0; ;) {
    const start = text.indexOf(`<${name}`, end);
    // What is not read as one must not be one: then a list would be taken for whole that is not.
    if (/<(?:[\w.-]+:)?response[\s/>]/.test(text.slice(end, start === -1 ? undefined : start))) throw new Error('responses of two kinds');
    if (start === -1) break;
    const close = text.indexOf(`</${name}`, start);
    end = close === -1 ? -1 : text.indexOf('>', close) + 1;
    if (end <= 0) throw new Error('a response without an end');
    some.push(text.slice(start, end));
    if (some.length === responsesAtOnce) read();
  }
  read();
  return responses;
}

/** Each once, however often it is said. */
function inOrder<C extends { readonly name: string }>(children: readonly C[]): C[] {
  return [...new Map(children.map((child) => [child.name, child])).values()].toSorted((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0));
}

/** Names directly below `folder`, whatever host the far end gives itself, and whatever it writes as percent signs; a name that is no plain one stays as it is, and is foreign. */
function childrenOf(responses: readonly XmlElement[], folder: string): { name: string; bytes: number | undefined }[] {
  const above = decoded(folder);
  return responses.flatMap((response) => {
    const path = decoded((textOf(response, 'href') ?? '').trim().replace(/^https?:\/\/[^/]*/, '').replace(/\/$/, ''));
    if (path === above.replace(/\/$/, '')) return [];
    const properties = findAll(response, 'propstat').map((propstat) => find(propstat, 'prop'));
    const length = properties.map((prop) => textOf(prop, 'getcontentlength')).find((text) => text !== undefined && /^\d{1,15}$/.test(text));
    const isFolder = properties.some((prop) => find(prop, 'resourcetype', 'collection') !== undefined);
    return [{ name: path.startsWith(above) ? path.slice(above.length) : path, bytes: isFolder || length === undefined ? undefined : Number(length) }];
  });
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
