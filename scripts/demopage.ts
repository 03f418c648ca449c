/**
 * The demo's owner at the hub's page: the first hour as the page itself does it, with the page's own modules, asked by plain HTTP on this
 * machine. Whoever opens the page logs in as `demo`; a browser that asks for a key of its own gets the owner's yes from here.
 */
import { readFile } from 'node:fs/promises';
import { WebSocket } from 'ws';
import type { LiveNews, Me, PageReplyOf, Stretch, Timeline } from '../src/api/pagecontract.ts';
import { makeDevice, type Device } from '../src/web/crypto/device.ts';
import type { Fetcher } from '../src/web/crypto/fetcher.ts';
import { SealedFootage } from '../src/web/crypto/footage.ts';
import { readKit } from '../src/web/crypto/kit.ts';
import { deviceWords, nextOwnerList, openSpaces, verifyOwnerList } from '../src/web/crypto/ownerlist.ts';
import { newStretch, stretch } from '../src/web/crypto/stretch.ts';

export const demoName = 'demo';

export class DemoPage {
  readonly url: string;
  readonly #device: Device = makeDevice('the demo itself');
  #cookie = '';

  /** `url` is where the page is by plain HTTP. */
  constructor(url: string) {
    this.url = url.replace(/\/$/, '');
  }

  /** Makes the owner: the one-time code, a passphrase, and the kit's signature under a list that names this device. */
  async begin(o: { readonly code: string; readonly kitFile: string; readonly listFile: string; readonly passphrase: string }): Promise<void> {
    await this.ask('POST', '/first/begin', { code: o.code });
    const by: Stretch = newStretch();
    const { half } = stretch(o.passphrase, by);
    const kit = readKit(await readFile(o.kitFile, 'utf8'));
    const text = await readFile(o.listFile, 'utf8');
    verifyOwnerList(text);
    const ownerList = nextOwnerList(text, kit, { kind: 'device', device: this.#device.shape }, Date.now());
    kit.close();
    await this.ask('POST', '/first/owner', { person: { name: demoName }, login: { stretch: by, half }, device: this.#device.shape, ownerList });
  }

  /** Resolves to how many pictures came, with the codec, once some came. */
  async live(camera: string, pictures: number): Promise<{ video: string; pictures: number }> {
    const socket = new WebSocket(`${this.url.replace('http', 'ws')}/api/v1/live?camera=${camera}`, { headers: { cookie: this.#cookie, origin: this.url } });
    try {
      return await new Promise((resolve, reject) => {
        let video = '';
        let seen = 0;
        socket.on('error', reject);
        socket.on('close', (code) => reject(new Error(`the live socket was closed with ${code} after ${seen} pictures`)));
        socket.on('message', (data: Buffer, binary: boolean) => {
          if (!binary) {
            const news = JSON.parse(data.toString()) as LiveNews;
            if (news.kind === 'init') video = news.video;
            if (news.kind === 'over') reject(new Error(news.message));
          } else if (++seen > pictures) resolve({ video, pictures: seen });
        });
      });
    } finally {
      socket.terminate();
    }
  }

  /** What the timeline knows of the camera, and how many pictures this device's own key opens of it; the hub hands out sealed bytes only. */
  async replay(camera: string, fromMs: number, toMs: number): Promise<{ segments: number; pictures: number; problems: string[] }> {
    const timeline = await this.ask<Timeline>('GET', `/timeline?camera=${camera}&fromMs=${Math.round(fromMs)}&toMs=${Math.round(toMs)}`);
    return this.#withFootage(async (footage) => {
      const seen = { segments: timeline.segments.length, pictures: 0, problems: [] as string[] };
      for await (const piece of footage.fragments(camera, 'main', fromMs, timeline, { toMs })) {
        if (piece.kind === 'fragment') seen.pictures++;
        if (piece.kind === 'problem') seen.problems.push(piece.error.message);
      }
      return seen;
    });
  }

  /** What this device's own keys open. */
  async #withFootage<T>(deed: (footage: SealedFootage) => Promise<T>): Promise<T> {
    const { text = '' } = await this.ask<PageReplyOf<'ownerList'>>('GET', '/owner');
    const spaces = openSpaces(verifyOwnerList(text), this.#device.identity);
    const footage = new SealedFootage({ fetch: this.#fetcher, identities: spaces.flatMap(({ identities }) => identities) });
    try {
      return await deed(footage);
    } finally {
      footage.close();
      for (const { identities } of spaces) for (const identity of identities) identity.close();
    }
  }

  /** What rules have kept at a camera, the newest first. */
  async alarms(camera: string): Promise<PageReplyOf<'alarms'>['alarms']> {
    return (await this.ask<PageReplyOf<'alarms'>>('GET', `/alarms?camera=${camera}`)).alarms;
  }

  /** An alarm's pictures, opened by this device's own key, by how large they are; and what its text says. */
  async alarmPictures({ id, camera, slot, generation, pictures }: PageReplyOf<'alarms'>['alarms'][number]): Promise<{ sizes: Record<string, number>; text: string }> {
    return this.#withFootage(async (footage) => {
      const seen = { sizes: {} as Record<string, number>, text: '' };
      for (const picture of pictures) {
        const bytes = Buffer.from(await footage.alarmPicture({ camera, alarm: id, picture, slot, generation }));
        if (picture === 'text') seen.text = bytes.toString().trimEnd();
        else if (bytes.readUInt16BE(0) !== 0xffd8) throw new Error(`the picture "${picture}" of alarm ${id} is no JPEG`);
        else seen.sizes[picture] = bytes.length;
      }
      return seen;
    });
  }

  /** The owner's yes to each browser of `demo` that has made a key and waits for it. Answers their names, with the words of their keys. */
  async sayYes(): Promise<string[]> {
    const { account } = await this.ask<Me>('GET', '/me');
    const said: string[] = [];
    for (const { name, recipient, signer } of account.devices) {
      const { text = '' } = await this.ask<PageReplyOf<'ownerList'>>('GET', '/owner');
      if (devicesIn(text, this.#device).includes(recipient)) continue;
      await this.ask('POST', '/owner', { text: nextOwnerList(text, this.#device.identity, { kind: 'device', device: { name, recipient, signer } }, Date.now()) });
      said.push(`${name} (${deviceWords({ recipient, signer }).join(' ')})`);
    }
    return said;
  }

  async ask<T = unknown>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
    const answer = await this.#fetch(`/api/v1${path}`, {
      method, headers: { ...(method === 'POST' ? { 'content-type': 'application/json', 'origin': this.url } : {}), cookie: this.#cookie }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return await answer.json() as T;
  }

  readonly #fetcher: Fetcher = async (path, range) => {
    const answer = await this.#fetch(path, { headers: { cookie: this.#cookie, ...(range === undefined ? {} : { range: `bytes=${range.from}-${range.to - 1}` }) } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return new Uint8Array(await answer.arrayBuffer());
  };

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const answer = await fetch(`${this.url}${path}`, init);
    const set = answer.headers.getSetCookie()[0]?.split(';')[0];
    if (set !== undefined) this.#cookie = set;
    return answer;
  }
}

/** Recipients of the owner's devices in a list, which must be one that followed ours. */
function devicesIn(text: string, { shape }: Device): string[] {
  const list = (JSON.parse(text) as { list: { devices?: { recipient: string }[] } }).list;
  const devices = (list.devices ?? []).map(({ recipient }) => recipient);
  if (!devices.includes(shape.recipient)) throw new Error('the hub shows an owner list without this device');
  return devices;
}
