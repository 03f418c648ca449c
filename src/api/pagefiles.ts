/**
 * The page's own files, as `scripts/page` built them: read once into memory, so that what a visitor asks for is looked up in a list and never
 * becomes a path. Whatever is no file, and not of the api, is the page itself, which has a router of its own.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { joinPath, listFolder, readFileBounded } from '../base/files.ts';
import type { Log } from '../base/log.ts';
import { SallyportError, reasonOf } from '../base/errors.ts';

const fileBytesMax = 8 * 2 ** 20;
const filesMax = 400;
const depthMax = 4;

const types: ReadonlyMap<string, string> = new Map([
  ['html', 'text/html; charset=utf-8'], ['js', 'text/javascript; charset=utf-8'], ['css', 'text/css; charset=utf-8'], ['svg', 'image/svg+xml'], ['png', 'image/png'],
  ['ico', 'image/x-icon'], ['webp', 'image/webp'], ['json', 'application/json'], ['webmanifest', 'application/manifest+json'], ['txt', 'text/plain; charset=utf-8'], ['wasm', 'application/wasm'],
]);

/** Whatever makes the address of a script must say so by this name (`web/crypto/client.ts`). */
export const scriptPolicies = ['sallyport-worker'] as const;

/** No script or style but the page's own files; no frame, no form, no other site. */
const policy = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob: data:", 'media-src blob:', "connect-src 'self'", "worker-src 'self'", "manifest-src 'self'",
  "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'", `trusted-types ${scriptPolicies.join(' ')}`,
].join('; ');

/** On every answer, whatever it is. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(self), geolocation=(), microphone=(self), payment=(), usb=()',
  'x-frame-options': 'DENY',
};

const notBuilt = 'The page is not built: run scripts/page, then load this again.\n';

interface PageFile {
  readonly type: string;
  readonly plain: Buffer;
  readonly zipped: Buffer | undefined;
  readonly tag: string;
  /** Its name says what is in it. */
  readonly hashed: boolean;
}

export class PageFiles {
  readonly #folder: string;
  readonly #log: Log;
  #files: ReadonlyMap<string, PageFile> = new Map();

  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#log = log;
  }

  async load(): Promise<void> {
    const files = new Map<string, PageFile>();
    try {
      await this.#read('', 0, files);
    } catch (error) {
      this.#log.error({ component: 'page', reason: reasonOf(error) }, 'the files of the page cannot be read');
    }
    this.#files = files;
  }

  mount(server: FastifyInstance): void {
    const serve = (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => this.#serve(request, reply);
    server.route({ method: ['GET', 'HEAD'], url: '/', schema: { hide: true } as object, handler: serve });
    server.route({ method: ['GET', 'HEAD'], url: '/*', schema: { hide: true } as object, handler: serve });
  }

  async #serve(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const [path = '/'] = (request.raw.url ?? '/').split('?');
    if (/^\/+api(\/|$)/i.test(path)) throw new SallyportError('SP_PAGE_UNKNOWN', { what: 'route' });
    if (this.#files.size === 0) await this.load();
    const file = this.#files.get(path) ?? (path.startsWith('/assets/') ? undefined : this.#files.get('/index.html'));
    if (file === undefined) return reply.status(this.#files.size === 0 ? 503 : 404).type('text/plain; charset=utf-8').header('cache-control', 'no-store').send(this.#files.size === 0 ? notBuilt : 'There is no such file.\n');
    reply.header('cache-control', file.hashed ? 'public, max-age=31536000, immutable' : 'no-cache').header('etag', file.tag).header('vary', 'accept-encoding').type(file.type);
    if (request.headers['if-none-match'] === file.tag) return reply.status(304).send();
    const zip = file.zipped !== undefined && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    if (zip) reply.header('content-encoding', 'gzip');
    return reply.send(zip ? file.zipped : file.plain);
  }

  /** Files with an ending that is known, of a bounded size and depth. */
  async #read(path: string, depth: number, files: Map<string, PageFile>): Promise<void> {
    for (const name of await listFolder(joinPath(this.#folder, path))) {
      const type = types.get(name.split('.').at(-1) ?? '');
      const inner = `${path}/${name}`;
      if (type === undefined) {
        // What is no folder lists nothing.
        if (!name.includes('.') && depth < depthMax) await this.#read(inner, depth + 1, files).catch(() => {});
        continue;
      }
      if (files.size >= filesMax) throw new Error(`there are more than ${filesMax}`);
      const plain = await readFileBounded(joinPath(this.#folder, inner), fileBytesMax, { noFollow: true });
      const zipped = /^(text|application)\/|svg/.test(type) ? gzipSync(plain, { level: 9 }) : undefined;
      files.set(inner, {
        type, plain, zipped: zipped !== undefined && zipped.length < plain.length ? zipped : undefined,
        tag: `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`, hashed: inner.startsWith('/assets/'),
      });
    }
  }
}
