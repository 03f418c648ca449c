/** A page with our players in a real Chromium, served on loopback; each module of ours as it is, less its types. */
import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { stripTypeScriptTypes } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join, resolve, sep } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { makeCertificate } from '../../src/emulator/certificate.ts';

const root = resolve(import.meta.dirname, '../..');

/** A test, or whatever else ends what was begun in it. */
export interface Ending { teardown(end: () => unknown): unknown }

export interface Stand {
  readonly server: Server;
  readonly origin: string;
  readonly browser: Browser;
  /** A page that has run this module; it may import ours from `/src/…`. */
  open(script: string, body?: string): Promise<Page>;
  /** Answers at a path. */
  serve(path: string, answer: () => Promise<{ type: string; body: Uint8Array | string }>): void;
}

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src blob:; connect-src 'self'; require-trusted-types-for 'script'; trusted-types sallyport-worker";

/** @param o.tls By HTTPS, with a certificate of its own. */
export async function openStand(t: Ending, { tls = false } = {}): Promise<Stand> {
  const pages = new Map<string, { type: string; body: Uint8Array | string }>();
  const answers = new Map<string, () => Promise<{ type: string; body: Uint8Array | string }>>();
  const give: RequestListener = (request, reply) => {
    void find(request.url ?? '/').then(({ type, body }) => reply.writeHead(200, { 'content-type': type, 'content-security-policy': policy }).end(body), () => reply.writeHead(404).end());
  };
  const server = tls ? createSecureServer(makeCertificate({ address: '127.0.0.1', name: 'test', nowMs: Date.now() }), give) : createServer(give);
  const find = async (url: string): Promise<{ type: string; body: Uint8Array | string }> => {
    const { pathname } = new URL(url, 'http://x');
    const known = pages.get(pathname) ?? await answers.get(pathname)?.();
    if (known !== undefined) return known;
    const file = join(root, pathname);
    if (!file.startsWith(`${root}/src/`.replaceAll('/', sep)) || !file.endsWith('.ts')) throw new Error('nothing is here');
    return { type: 'text/javascript', body: stripTypeScriptTypes(await readFile(file, 'utf8')) };
  };
  server.listen(0, '127.0.0.1');
  await new Promise((listening) => { server.once('listening', listening); });
  const origin = `http${tls ? 's' : ''}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'] });
  t.teardown(async () => {
    await browser.close();
    server.closeAllConnections();
    server.close();
  });
  return {
    server, origin, browser,
    serve: (path, answer) => void answers.set(path, answer),
    open: async (script, body = '<video id="video" muted playsinline></video>') => {
      const name = `/page-${pages.size}`;
      pages.set(`${name}.js`, { type: 'text/javascript', body: script });
      pages.set(name, { type: 'text/html', body: `<!doctype html><html lang="en"><title>test</title><link rel="icon" href="data:,">${body}<script type="module" src="${name}.js"></script></html>` });
      const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ignoreHTTPSErrors: true });
      page.on('pageerror', (error) => console.error(`in the page: ${error.message}`));
      page.on('console', (message) => { if (message.type() === 'error') console.error(`in the page: ${message.text()}`); });
      await page.goto(`${origin}${name}`);
      return page;
    },
  };
}
