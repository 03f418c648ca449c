/**
 * S3 as a store: Garage, MinIO, Ceph, any cloud. Requests are signed by aws4fetch, which sends nothing itself; each of put, get and delete has a
 * credential of its own, and works without the others. Large objects go in parts, each with its checksum, and a try goes on where the last one
 * ended. What the far end says it holds is compared with what was sent: by SHA-256 where it knows it, else by MD5, else by reading it back.
 */
import { createHash, randomBytes } from 'node:crypto';
import { AwsV4Signer } from 'aws4fetch';
import type { Clock } from '../base/clock.ts';
import { list, table, text, whole, type Checked } from '../base/closed.ts';
import { SallyportError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { escapeXml, findAll, parseXml, textOf, type XmlElement } from '../base/xml.ts';
import { objectPattern, type Proof } from '../outbox/orders.ts';
import { randomName } from '../outbox/out.ts';
import { probeBytes, probeName, type Feature, type Listed, type Probe, type Put, type Source, type Store } from './destination.ts';
import { refusedBy, type Answer, type Body, type HttpDoor } from './http.ts';
import { givesBack, hashOfAll } from './readback.ts';
import { deletingRefused, offWithout, rangeOf } from './webdav.ts';

export interface S3Key {
  readonly id: string;
  readonly secret: Secret;
}

export interface S3Options {
  /** Its origin's path is the bucket: path-style addresses, which every server knows. */
  readonly door: HttpDoor;
  readonly clock: Clock;
  readonly region: string;
  /** Stands before each object's name. */
  readonly prefix: string;
  readonly keys: Readonly<Partial<Record<Feature, S3Key>>>;
  /** Also where a checksum agrees. */
  readonly readBack: boolean;
  /** S3's least for a part is 5 MiB. */
  readonly partBytes?: number;
}

const partBytesDefault = 8 * 2 ** 20;
const emptySha256 = createHash('sha256').digest('hex');
const etagPattern = /^"?[A-Za-z0-9+/=_.:-]{1,200}"?$/;
/** Few enough that a listing stays within the bounds of our XML. */
const listMax = 500;
/** Of names that are none of ours, before one is. */
const pagesMax = 200;

/** What a try notes of an upload in parts. */
const uploadSchema = table({ upload: text(/^[!-~]+$/, 1024), part_bytes: whole(1, 2 ** 32), parts: list(text(etagPattern), 1000) });
type Upload = Checked<typeof uploadSchema>;

interface Ask {
  readonly method: string;
  readonly object?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | Body;
  /** Of the body, in hexadecimal digits. */
  readonly sha256?: string;
  readonly answerBytesMax?: number;
  readonly onPiece?: (piece: Buffer) => void;
  readonly onSent?: (bytes: number) => void;
}

export class S3Store implements Store {
  readonly name: string;
  readonly off: Readonly<Partial<Record<Feature, string>>>;
  readonly #o: S3Options;
  /** A server that knows no conditional put ignores the header or refuses it; then it is asked before. */
  #conditional = true;

  constructor(o: S3Options) {
    this.#o = o;
    this.name = o.door.origin.name;
    this.off = offWithout(o.keys);
  }

  async put(put: Put, signal: AbortSignal): Promise<Proof> {
    const { object, source, replace, again } = put;
    if (again && !replace && await this.#there(put, signal)) return this.#prove(object, source, undefined, signal);
    const answer = source.bytes <= this.#partBytes ? await this.#putWhole(put, signal) : await this.#putParts(put, signal);
    // The very same may be there by a try whose answer was lost.
    if (answer.status === 412) await this.#there(put, signal);
    return this.#prove(object, source, answer.status === 412 ? undefined : answer, signal);
  }

  async get(object: string, from: number, length: number, signal: AbortSignal, orLess = false): Promise<Buffer> {
    const answer = await this.#ask('get', { method: 'GET', object, headers: { Range: `bytes=${from}-${from + length - 1}` }, answerBytesMax: length }, signal);
    return rangeOf({ name: this.name, object, from, length, orLess }, answer, () => this.#refused('get', object, answer));
  }

  async delete(object: string, signal: AbortSignal): Promise<void> {
    const answer = await this.#ask('delete', { method: 'DELETE', object }, signal);
    if (![200, 204, 404].includes(answer.status)) throw deletingRefused(this.name, answer) ?? this.#refused('delete', object, answer);
  }

  /** Names of others do not end it: a bucket may hold whatever its owner lays there besides. */
  async list(after: string | undefined, signal: AbortSignal): Promise<Listed> {
    const { prefix } = this.#o;
    let foreign = 0;
    let from: Readonly<Record<string, string>> = after === undefined ? {} : { 'start-after': `${prefix}${after}` };
    for (let page = 0; page < pagesMax; page++) {
      const query = { 'list-type': '2', 'max-keys': String(listMax), ...(prefix === '' ? {} : { prefix }), ...from };
      const answer = await this.#ask('get', { method: 'GET', query, answerBytesMax: 2 ** 19 }, signal);
      if (answer.status !== 200) throw this.#refused('get', 'the list', answer);
      const root = this.#xml(answer);
      const contents = findAll(root, 'Contents').map((entry) => ({ key: textOf(entry, 'Key') ?? '', size: textOf(entry, 'Size') ?? '' }));
      // Nothing twice, whatever it says: whoever asks goes on behind the last.
      const ours = contents.filter(({ key, size }) => key.startsWith(prefix) && objectPattern.test(key.slice(prefix.length)) && /^\d{1,15}$/.test(size) && (after === undefined || key > `${prefix}${after}`));
      foreign += contents.length - ours.length;
      const more = textOf(root, 'IsTruncated') === 'true';
      if (ours.length > 0 || !more) return { objects: ours.map(({ key, size }): [string, number] => [key.slice(prefix.length), Number(size)]).sort(([one], [other]) => (one < other ? -1 : 1)), more, foreign };
      const [token, last] = [textOf(root, 'NextContinuationToken'), contents.at(-1)?.key];
      if (token === undefined && last === undefined) throw new SallyportError('SP_FAR_ANSWER', { destination: this.name, reason: 'it has more to list, and does not say what' });
      from = token === undefined ? { 'start-after': last ?? '' } : { 'continuation-token': token };
    }
    throw new SallyportError('SP_FAR_ANSWER', { destination: this.name, reason: `${pagesMax * listMax} names in a row are none of ours; give it a prefix or a bucket of its own` });
  }

  async probe(signal: AbortSignal): Promise<Probe> {
    const object = this.#o.keys.delete === undefined ? probeName : randomName();
    try {
      let keepsVersions: Probe['keepsVersions'] = 'no';
      let last = Buffer.alloc(0);
      for (const turn of ['first', 'second']) {
        last = randomBytes(probeBytes);
        const answer = await this.#ask('put', { method: 'PUT', object, body: last, sha256: sha256Of(last) }, signal);
        // Whoever may put may not replace: a rule of the bucket, or a lock on what is there.
        if (turn === 'second' && [403, 405, 409, 412].includes(answer.status)) return { keepsVersions, overwrites: 'no' };
        if (answer.status !== 200) throw this.#refused('put', object, answer);
        if (isVersioned(answer)) keepsVersions = 'yes';
      }
      const second = this.#o.keys.get === undefined ? undefined : await this.get(object, 0, probeBytes, signal);
      return { keepsVersions, overwrites: second === undefined ? 'unknown' : second.equals(last) ? 'yes' : 'no' };
    } finally {
      if (this.#o.keys.delete !== undefined) await this.delete(object, signal).catch(() => {});
    }
  }

  async close(): Promise<void> {
    this.#o.door.close();
  }

  get #partBytes(): number {
    return this.#o.partBytes ?? partBytesDefault;
  }

  /** Whether the very same is there; SP_FAR_EXISTS when something else is. */
  async #there({ object, source }: Put, signal: AbortSignal): Promise<boolean> {
    const head = await this.#head(object, signal);
    if (head === undefined) return false;
    if (head.bytes === source.bytes && head.sha256 !== undefined && head.sha256 === source.sha256) return true;
    if (head.bytes === source.bytes && this.#o.keys.get !== undefined && await this.#givesBack(object, source, signal)) return true;
    // Without a way to look nobody can tell; a name of 128 random bits that is there with this size is ours.
    if (head.bytes === source.bytes && head.sha256 === undefined && this.#o.keys.get === undefined) return true;
    throw new SallyportError('SP_FAR_EXISTS', { destination: this.name, object });
  }

  /** undefined when there is nothing, or when nobody may ask. */
  async #head(object: string, signal: AbortSignal): Promise<{ bytes: number; sha256: string | undefined } | undefined> {
    const feature = this.#o.keys.get === undefined ? 'put' : 'get';
    const answer = await this.#ask(feature, { method: 'HEAD', object, headers: { 'x-amz-checksum-mode': 'ENABLED' } }, signal);
    // A key that may put alone is refused here; the conditional put then guards what is there.
    if (answer.status === 404 || (answer.status === 403 && feature === 'put')) return undefined;
    if (answer.status !== 200) throw this.#refused('put', object, answer);
    return { bytes: Number(answer.headers['content-length'] ?? -1), sha256: checksumOf(answer) };
  }

  /** The answer has status 200, or 412 when something is there. */
  async #putWhole(put: Put, signal: AbortSignal): Promise<Answer> {
    const { object, source, replace, sent } = put;
    const checksum = Buffer.from(source.sha256, 'hex').toString('base64');
    const ask: Ask = { method: 'PUT', object, headers: { 'x-amz-checksum-sha256': checksum, ...this.#condition(replace) }, body: source, sha256: source.sha256, onSent: sent };
    const answer = await this.#ask('put', ask, signal);
    if (this.#knowsNoCondition(answer)) return this.#putWhole(put, signal);
    if (answer.status !== 200 && answer.status !== 412) throw this.#refused('put', object, answer);
    if (isVersioned(answer)) put.versioned();
    return answer;
  }

  /** Goes on with the parts that an earlier try noted, as far as the far end still has them. */
  async #putParts(put: Put, signal: AbortSignal): Promise<Answer> {
    const { object, source } = put;
    let upload = await this.#resume(put, signal) ?? await this.#begin(put, signal);
    const count = Math.ceil(source.bytes / upload.part_bytes);
    for (let number = upload.parts.length + 1; number <= count; number++) {
      const etag = await this.#putPart(put, upload, number, signal);
      upload = { ...upload, parts: [...upload.parts, etag] };
      await put.note(JSON.stringify(upload));
    }
    const parts = upload.parts.map((etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`).join('');
    const body = Buffer.from(`<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts}</CompleteMultipartUpload>`);
    const complete = async (): Promise<Answer> => this.#ask('put', { method: 'POST', object, query: { uploadId: upload.upload }, headers: { 'Content-Type': 'application/xml', ...this.#condition(put.replace) }, body, sha256: sha256Of(body) }, signal);
    let answer = await complete();
    if (this.#knowsNoCondition(answer)) answer = await complete();
    if (answer.status === 412) return answer;
    // It may say 200 and then that it failed.
    if (answer.status !== 200 || /<Error>/.test(answer.body.toString('latin1'))) throw this.#refused('put', object, answer.status === 200 ? { ...answer, status: 500 } : answer);
    if (isVersioned(answer)) put.versioned();
    // Its ETag and checksum are of the parts' checksums, which were compared one by one.
    return { ...answer, headers: {} };
  }

  async #begin({ object, note }: Put, signal: AbortSignal): Promise<Upload> {
    const answer = await this.#ask('put', { method: 'POST', object, query: { uploads: '' }, headers: { 'x-amz-checksum-algorithm': 'SHA256' } }, signal);
    if (answer.status !== 200) throw this.#refused('put', object, answer);
    const upload = textOf(this.#xml(answer), 'UploadId') ?? '';
    if (!/^[!-~]{1,1024}$/.test(upload)) throw new SallyportError('SP_FAR_ANSWER', { destination: this.name, reason: 'it names no upload' });
    const begun = { upload, part_bytes: this.#partBytes, parts: [] };
    await note(JSON.stringify(begun));
    return begun;
  }

  async #resume({ object, resume, source }: Put, signal: AbortSignal): Promise<Upload | undefined> {
    if (resume === undefined) return undefined;
    let noted: Upload;
    try {
      noted = uploadSchema(JSON.parse(resume), '');
    } catch {
      return undefined;
    }
    const answer = await this.#ask('put', { method: 'GET', object, query: { uploadId: noted.upload }, answerBytesMax: 2 ** 19 }, signal);
    if (answer.status !== 200) return undefined;
    const there = new Map(findAll(this.#xml(answer), 'Part').map((part) => [Number(textOf(part, 'PartNumber')), { etag: unquoted(textOf(part, 'ETag') ?? ''), bytes: Number(textOf(part, 'Size')) }]));
    const kept = noted.parts.findIndex((etag, index) => there.get(index + 1)?.etag !== unquoted(etag) || there.get(index + 1)?.bytes !== Math.min(noted.part_bytes, source.bytes - index * noted.part_bytes));
    return { ...noted, parts: kept === -1 ? noted.parts : noted.parts.slice(0, kept) };
  }

  async #putPart({ object, source, sent }: Put, upload: Upload, number: number, signal: AbortSignal): Promise<string> {
    const from = (number - 1) * upload.part_bytes;
    const body = await source.read(from, Math.min(upload.part_bytes, source.bytes - from));
    const sha256 = sha256Of(body);
    const answer = await this.#ask('put', {
      method: 'PUT', object, query: { partNumber: String(number), uploadId: upload.upload }, headers: { 'x-amz-checksum-sha256': Buffer.from(sha256, 'hex').toString('base64') }, body, sha256, onSent: sent,
    }, signal);
    if (answer.status !== 200) throw this.#refused('put', object, answer);
    const etag = etagOf(answer);
    if (etag === undefined) throw new SallyportError('SP_FAR_ANSWER', { destination: this.name, reason: 'it gives a part no ETag' });
    const md5 = createHash('md5').update(body).digest('hex');
    if ((checksumOf(answer) ?? sha256) !== sha256 || (md5Of(answer) ?? md5) !== md5) throw new SallyportError('SP_FAR_CHECKSUM', { destination: this.name, object });
    return etag;
  }

  /** `answer`: to the put of just now, if there was one. */
  async #prove(object: string, source: Source, answer: Answer | undefined, signal: AbortSignal): Promise<Proof> {
    const mayGet = this.#o.keys.get !== undefined;
    const proof = this.#o.readBack && mayGet ? undefined : await this.#checksumProof(object, source, answer, signal);
    if (proof !== undefined) return proof;
    if (!mayGet) return 'size';
    if (!(await this.#givesBack(object, source, signal))) throw await this.#spoiled(object, signal);
    return 'read back';
  }

  #givesBack(object: string, source: Source, signal: AbortSignal): Promise<boolean> {
    return givesBack({ name: this.name, object, source, nowMs: this.#o.clock.wallMs(), ask: (request) => this.#ask('get', { ...request, object }, signal) });
  }

  /** undefined when the far end's word is none. SP_FAR_CHECKSUM when it is another. */
  async #checksumProof(object: string, source: Source, answer: Answer | undefined, signal: AbortSignal): Promise<Proof | undefined> {
    const md5 = answer === undefined ? undefined : md5Of(answer);
    let given = answer === undefined ? undefined : checksumOf(answer);
    if (given === undefined && md5 === undefined) {
      const head = await this.#head(object, signal);
      if (head !== undefined && head.bytes !== source.bytes) throw await this.#spoiled(object, signal);
      given = head?.sha256;
      // All parts, each compared, and the right size.
      if (given === undefined && answer !== undefined && source.bytes > this.#partBytes && head !== undefined) return 'checksum';
    }
    if (given === undefined && md5 === undefined) return undefined;
    const right = given === undefined ? md5 === await hashOfAll(source, 'md5') : given === source.sha256;
    if (!right) throw await this.#spoiled(object, signal);
    return 'checksum';
  }

  /** It is taken away, so that the next try does not find it in its place. */
  async #spoiled(object: string, signal: AbortSignal): Promise<SallyportError> {
    if (this.#o.keys.delete !== undefined) await this.delete(object, signal).catch(() => {});
    return new SallyportError('SP_FAR_CHECKSUM', { destination: this.name, object });
  }

  #condition(replace: boolean): Record<string, string> {
    return replace || !this.#conditional ? {} : { 'If-None-Match': '*' };
  }

  #knowsNoCondition(answer: Answer): boolean {
    if (answer.status !== 501 || !this.#conditional) return false;
    this.#conditional = false;
    return true;
  }

  async #ask(feature: Feature, ask: Ask, signal: AbortSignal): Promise<Answer> {
    const key = this.#o.keys[feature];
    if (key === undefined) throw new SallyportError('SP_FAR_FEATURE', { destination: this.name, feature, reason: this.off[feature] ?? '' });
    const { origin } = this.#o.door;
    const base = `${origin.url.origin}${origin.url.pathname.replace(/\/$/, '')}`;
    const url = new URL(ask.object === undefined ? `${base}/` : `${base}/${this.#o.prefix}${ask.object}`);
    for (const [name, value] of Object.entries(ask.query ?? {})) url.searchParams.set(name, value);
    const signed = await new AwsV4Signer({
      method: ask.method, url: url.href, headers: { ...ask.headers, 'X-Amz-Content-Sha256': ask.sha256 ?? emptySha256 }, accessKeyId: key.id, secretAccessKey: key.secret.reveal(), service: 's3', region: this.#o.region,
      datetime: new Date(this.#o.clock.wallMs()).toISOString().replaceAll(/[:-]|\.\d{3}/g, ''),
    }).sign();
    const path = `${signed.url.pathname}${signed.url.search}`.slice(origin.url.pathname.replace(/\/$/, '').length);
    return this.#o.door.ask({
      method: ask.method, path, headers: Object.fromEntries(signed.headers as unknown as Iterable<[string, string]>), ...(ask.body === undefined ? {} : { body: ask.body }),
      ...(ask.answerBytesMax === undefined ? {} : { answerBytesMax: ask.answerBytesMax }), ...(ask.onSent === undefined ? {} : { onSent: ask.onSent }), ...(ask.onPiece === undefined ? {} : { onPiece: ask.onPiece }),
    }, signal);
  }

  #xml(answer: Answer): XmlElement {
    try {
      return parseXml(answer.body.toString('utf8'));
    } catch (error) {
      throw new SallyportError('SP_FAR_ANSWER', { destination: this.name, reason: 'it is no XML that can be used' }, error);
    }
  }

  #refused(what: string, object: string, answer: Answer): SallyportError {
    return refusedBy(this.name, what, object, answer, this.#o.clock.wallMs());
  }
}

/** A bucket with versions gives each its number; one where that was stopped says "null". */
function isVersioned({ headers }: Answer): boolean {
  const version = headers['x-amz-version-id'];
  return typeof version === 'string' && version !== 'null';
}

/** In hexadecimal digits; undefined where the far end says none of the whole object. */
function checksumOf({ headers }: Answer): string | undefined {
  const given = headers['x-amz-checksum-sha256'];
  return typeof given === 'string' && /^[A-Za-z0-9+/]{43}=$/.test(given) ? Buffer.from(given, 'base64').toString('hex') : undefined;
}

function etagOf({ headers }: Answer): string | undefined {
  const { etag } = headers;
  return typeof etag === 'string' && etagPattern.test(etag) ? unquoted(etag) : undefined;
}

function unquoted(etag: string): string {
  return etag.replaceAll('"', '');
}

/** Where the ETag is one: what a store encrypts under keys of its own has an ETag that only looks like it. */
function md5Of(answer: Answer): string | undefined {
  const etag = etagOf(answer);
  const encrypted = answer.headers['x-amz-server-side-encryption'] ?? answer.headers['x-amz-server-side-encryption-customer-algorithm'];
  return etag !== undefined && /^[0-9a-f]{32}$/.test(etag) && (encrypted === undefined || encrypted === 'AES256' && answer.headers['x-amz-server-side-encryption-customer-algorithm'] === undefined) ? etag : undefined;
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
