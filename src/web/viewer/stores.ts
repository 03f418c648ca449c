/** Stores as a browser reads them: WebDAV, S3, a folder of this computer. Only reading; what a store says is a stranger's word, and what it gives is verified by whoever opens it. */
import { AwsV4Signer } from 'aws4fetch';
import { SallyportError, reasonOf } from '../../base/errors.ts';
import { encodeBase64 } from '../../seal/format/base64.ts';
import { asciiOf } from '../../seal/format/header.ts';
import { utf8 } from '../crypto/bytes.ts';
import type { ByteRange } from '../crypto/fetcher.ts';

export interface ViewerStore {
  readonly where: string;
  /** Whom the page speaks to for it; undefined: nobody. */
  readonly origin: string | undefined;
  /** Objects of ours with their sizes. SP_FAR_… */
  list(): Promise<(readonly [object: string, bytes: number])[]>;
  /** Exactly the range, or all of it. SP_FAR_MISSING, SP_FAR_REFUSED, SP_FAR_UNREACHABLE, SP_FAR_ANSWER. */
  get(object: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array>;
}

const objectName = /^[0-9a-f]{32}$/;
const shardsAtOnce = 8;
/** What a request without a body is signed with. */
const sha256OfNothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** As it lies there: `<first two digits>/<object>`. */
export function webdavStore({ url, user, password }: { readonly url: URL; readonly user: string; readonly password: string }): ViewerStore {
  const base = url.href.replace(/\/*$/, '/');
  const authorization = `Basic ${asciiOf(encodeBase64(utf8(`${user}:${password}`), true))}`;
  const ask = (path: string, o: RequestInit, signal?: AbortSignal): Promise<Response> => asked(url, `${base}${path}`, { ...o, headers: { ...o.headers as Record<string, string>, authorization } }, signal);
  const children = async (path: string): Promise<{ name: string; bytes: number | undefined }[]> => {
    const answer = await ask(path, { method: 'PROPFIND', headers: { depth: '1' } });
    if (answer.status === 404) return [];
    if (answer.status !== 207) throw await refused(url, answer);
    return childrenOf(await answer.text());
  };
  return {
    where: url.host, origin: url.origin,
    list: async () => {
      const found: (readonly [string, number])[] = [];
      const shards = (await children('')).flatMap(({ name }) => (/^[0-9a-f]{2}$/.test(name) ? [name] : []));
      for (let from = 0; from < shards.length; from += shardsAtOnce) {
        const lists = await Promise.all(shards.slice(from, from + shardsAtOnce).map((shard) => children(`${shard}/`)));
        for (const { name, bytes } of lists.flat()) if (objectName.test(name) && bytes !== undefined) found.push([name, bytes]);
      }
      return found;
    },
    get: async (object, range, signal) => bytesOf(url, object, await ask(`${object.slice(0, 2)}/${object}`, { headers: rangeHeader(range) }, signal), range),
  };
}

export interface S3Place {
  readonly url: URL;
  readonly bucket: string;
  readonly prefix: string;
  readonly region: string;
  readonly id: string;
  readonly secret: string;
}

/** Signature version 4 in headers, the bucket in the path: a secret in an address would stand in the browser's history. */
export function s3Store(place: S3Place, nowMs: () => number = Date.now): ViewerStore {
  const { url, bucket, prefix, region, id, secret } = place;
  const root = `${url.origin}${url.pathname.replace(/\/*$/, '')}/${encoded(bucket)}`;
  // A day's key is derived once.
  const cache = new Map<string, ArrayBuffer>();
  const ask = async (path: string, query: Readonly<Record<string, string>>, headers: Record<string, string>, signal?: AbortSignal): Promise<Response> => {
    const address = new URL(`${root}${path.split('/').map(encoded).join('/')}`);
    for (const [key, value] of Object.entries(query)) address.searchParams.set(key, value);
    const datetime = new Date(nowMs()).toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const signed = await new AwsV4Signer({ method: 'GET', url: address.href, headers: { ...headers, 'x-amz-content-sha256': sha256OfNothing }, accessKeyId: id, secretAccessKey: secret, service: 's3', region, datetime, cache }).sign();
    return asked(url, signed.url.href, { headers: signed.headers }, signal);
  };
  return {
    where: url.host, origin: url.origin,
    list: async () => {
      const found: (readonly [string, number])[] = [];
      for (let after: string | undefined; ;) {
        const answer = await ask('/', { 'list-type': '2', ...(prefix === '' ? {} : { prefix }), ...(after === undefined ? {} : { 'start-after': after }) }, {});
        if (!answer.ok) throw await refused(url, answer);
        const text = await answer.text();
        const entries = [...text.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)].map(([, inner = '']) => [/<Key>([^<]*)<\/Key>/.exec(inner)?.[1] ?? '', Number(/<Size>(\d{1,15})<\/Size>/.exec(inner)?.[1] ?? Number.NaN)] as const);
        for (const [key, bytes] of entries) if (key.startsWith(prefix) && objectName.test(key.slice(prefix.length)) && !Number.isNaN(bytes)) found.push([key.slice(prefix.length), bytes]);
        const last = entries.at(-1)?.[0];
        if (!/<IsTruncated>true<\/IsTruncated>/.test(text) || last === undefined || last === after) return found;
        after = last;
      }
    },
    get: async (object, range, signal) => bytesOf(url, object, await ask(`/${prefix}${object}`, {}, rangeHeader(range), signal), range),
  };
}

/** Files that the person chose; a copy of a store, of whatever form, has objects' names at the ends of its paths. */
export function folderStore(files: Iterable<Pick<File, 'name' | 'size' | 'slice'>>, where: string): ViewerStore {
  const objects = new Map([...files].filter(({ name }) => objectName.test(name)).map((file) => [file.name, file]));
  return {
    where, origin: undefined,
    list: async () => [...objects].map(([name, { size }]) => [name, size] as const),
    get: async (object, range) => {
      const file = objects.get(object);
      if (file === undefined) throw new SallyportError('SP_FAR_MISSING', { destination: where, object });
      const bytes = new Uint8Array(await (range === undefined ? file.slice() : file.slice(range.from, range.to)).arrayBuffer());
      return exactly(where, bytes, range);
    },
  };
}

/** Never followed elsewhere, and nothing is sent along but what stands here. */
async function asked(url: URL, address: string, o: RequestInit, signal?: AbortSignal): Promise<Response> {
  try {
    return await fetch(address, { ...o, mode: 'cors', credentials: 'omit', redirect: 'error', cache: 'no-store', referrerPolicy: 'no-referrer', ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (signal?.aborted === true) throw new SallyportError('SP_STOPPED', { what: 'fetching' });
    throw new SallyportError('SP_FAR_UNREACHABLE', { destination: url.host, reason: reasonOf(error) }, error);
  }
}

async function bytesOf(url: URL, object: string, answer: Response, range: ByteRange | undefined): Promise<Uint8Array> {
  if (answer.status === 404) throw new SallyportError('SP_FAR_MISSING', { destination: url.host, object });
  if (answer.status !== 200 && answer.status !== 206) throw await refused(url, answer);
  const bytes = new Uint8Array(await answer.arrayBuffer().catch((error: unknown) => { throw new SallyportError('SP_FAR_UNREACHABLE', { destination: url.host, reason: reasonOf(error) }, error); }));
  // One that knows no ranges gives all of it: slow, not wrong.
  return exactly(url.host, range !== undefined && answer.status === 200 ? bytes.subarray(range.from, range.to) : bytes, range);
}

function exactly(where: string, bytes: Uint8Array, range: ByteRange | undefined): Uint8Array {
  if (range !== undefined && bytes.length !== range.to - range.from) throw new SallyportError('SP_FAR_ANSWER', { destination: where, reason: `${bytes.length} bytes came where ${range.to - range.from} were asked for` });
  return bytes;
}

/** S3 says in a word why: a clock that is off, a key that it does not know. */
async function refused(url: URL, answer: Response): Promise<SallyportError> {
  const code = /<Code>([A-Za-z0-9]{1,60})<\/Code>/.exec((await answer.text().catch(() => '')).slice(0, 4096))?.[1];
  return new SallyportError('SP_FAR_REFUSED', { destination: url.host, what: 'read', reason: `status ${answer.status}${code === undefined ? '' : `, ${code}`}` });
}

function rangeHeader(range: ByteRange | undefined): Record<string, string> {
  return range === undefined ? {} : { range: `bytes=${range.from}-${range.to - 1}` };
}

/** Last parts of paths, with sizes; folders have none. Whatever prefix the server gives its elements. */
function childrenOf(xml: string): { name: string; bytes: number | undefined }[] {
  return [...xml.matchAll(/<(?:\w+:)?response[\s>]([\s\S]*?)<\/(?:\w+:)?response>/g)].map(([, inner = '']) => {
    const href = /<(?:\w+:)?href>\s*([^<]*?)\s*<\/(?:\w+:)?href>/.exec(inner)?.[1] ?? '';
    const isFolder = /<(?:\w+:)?collection\b/.test(inner);
    const bytes = /<(?:\w+:)?getcontentlength[^>]*>(\d{1,15})</.exec(inner)?.[1];
    return { name: href.replace(/\/+$/, '').split('/').at(-1) ?? '', bytes: isFolder || bytes === undefined ? undefined : Number(bytes) };
  });
}

/** All but letters, digits and `-._~`. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}
