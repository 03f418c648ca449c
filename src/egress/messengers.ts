/** Where notices go: ntfy (docs.ntfy.sh/publish) and signed webhooks. Nothing but the closed fields leaves: kind, alias, time, opaque id; and pictures that were sealed before they came here. */
import { createHmac } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { canonicalJson } from '../base/canonical.ts';
import type { Secret } from '../base/secret.ts';
import { noticePicturesMax, noticeText, type NoticeMessage } from '../policy/noticing.ts';
import { refusedBy, type HttpDoor } from './http.ts';

export interface TellNotice extends NoticeMessage {
  /** An age file. */
  readonly picture?: Uint8Array | undefined;
}

export interface Messenger {
  readonly name: string;
  /** So many pictures go with a message at most. */
  readonly picturesMax: number;
  /** One message about all of these; resolves to how many bytes told it, pictures not counted. `message`: the same for each try of it, so that a receiver can tell. SP_FAR_… */
  send(notices: readonly TellNotice[], message: string, urgent: boolean, signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
}

export interface MessengerOptions {
  readonly door: HttpDoor;
  readonly clock: Clock;
}

/** Attachments are not enabled there; too large, or its room for them is used up; no room left. */
const noAttachments: ReadonlySet<number> = new Set([400, 413, 507]);

/** Whoever knows the topic reads along, so it is a secret. */
export class Ntfy implements Messenger {
  readonly name: string;
  /** A message has one attachment. */
  readonly picturesMax = 1;
  readonly #o: MessengerOptions & { readonly topic: Secret; readonly token: Secret | undefined };

  constructor(o: MessengerOptions & { topic: Secret; token: Secret | undefined }) {
    this.#o = o;
    this.name = o.door.origin.name;
  }

  async send(notices: readonly TellNotice[], _message: string, urgent: boolean, signal: AbortSignal): Promise<number> {
    const { door, topic, token, clock } = this.#o;
    const pictured = notices.find(({ picture }) => picture !== undefined);
    // A server that takes no attachments, or no more of them, is told without.
    if (pictured?.picture !== undefined && await this.#attach(notices, pictured.id, pictured.picture, urgent, signal)) return Buffer.byteLength(noticeText(notices));
    const body = Buffer.from(canonicalJson({ topic: topic.reveal(), title: 'Sallyport', message: noticeText(notices), priority: urgent ? 5 : 3 }));
    const headers = { 'Content-Type': 'application/json', ...(token === undefined ? {} : { Authorization: `Bearer ${token.reveal()}` }) };
    const answer = await door.ask({ method: 'POST', path: '/', headers, body }, signal);
    if (answer.status !== 200) throw refusedBy(this.name, 'notify', 'the topic', answer, clock.wallMs());
    return body.length;
  }

  /** The picture is the body, what is told stands in headers. False when the server takes the notice, but no attachment. */
  async #attach(notices: readonly TellNotice[], id: string, picture: Uint8Array, urgent: boolean, signal: AbortSignal): Promise<boolean> {
    const { door, topic, token, clock } = this.#o;
    const headers = {
      'Content-Type': 'application/octet-stream', 'Title': 'Sallyport', 'Message': noticeText(notices), 'Priority': urgent ? '5' : '3', 'Filename': `${id}.jpg.age`, ...(token === undefined ? {} : { Authorization: `Bearer ${token.reveal()}` }),
    };
    const answer = await door.ask({ method: 'PUT', path: `/${encodeURIComponent(topic.reveal())}`, headers, body: Buffer.from(picture) }, signal);
    if (answer.status === 200) return true;
    if (noAttachments.has(answer.status)) return false;
    throw refusedBy(this.name, 'notify', 'the topic', answer, clock.wallMs());
  }

  async close(): Promise<void> {
    this.#o.door.close();
  }
}

/** `Sallyport-Signature: t=<ms>,v1=<HMAC-SHA-256 over "<ms>.<body>">`: docs/FORMAT.md says how a receiver checks it and refuses a replay. */
export class Webhook implements Messenger {
  readonly name: string;
  readonly picturesMax = noticePicturesMax;
  readonly #o: MessengerOptions & { readonly key: Secret };

  constructor(o: MessengerOptions & { key: Secret }) {
    this.#o = o;
    this.name = o.door.origin.name;
  }

  async send(notices: readonly TellNotice[], message: string, urgent: boolean, signal: AbortSignal): Promise<number> {
    const { door, key, clock } = this.#o;
    const sentMs = Math.round(clock.wallMs());
    const body = Buffer.from(canonicalJson({ v: 1, message, urgent, notices: notices.map(({ kind, camera, atMs, id, over, picture }) => ({ kind, camera, at_ms: Math.round(atMs), id, over, picture: picture === undefined ? undefined : Buffer.from(picture).toString('base64') })) }));
    const signature = createHmac('sha256', key.reveal()).update(`${sentMs}.`).update(body).digest('hex');
    const answer = await door.ask({ method: 'POST', path: '', headers: { 'Content-Type': 'application/json', 'Sallyport-Signature': `t=${sentMs},v1=${signature}` }, body }, signal);
    if (answer.status < 200 || answer.status > 299) throw refusedBy(this.name, 'notify', 'the address', answer, clock.wallMs());
    return body.length - notices.reduce((sum, { picture }) => sum + (picture?.length ?? 0), 0);
  }

  async close(): Promise<void> {
    this.#o.door.close();
  }
}
