/**
 * One viewer's playing of one stream: which tracks go which way, where it began, its sequence numbers and sender reports. Begins, and
 * after every interruption goes on, at a key frame. It ends with its RTSP connection, also where it is delivered by datagrams.
 */
import { randomBytes, randomInt } from 'node:crypto';
import type { Delivery } from './delivery.ts';
import type { Ear } from './ear.ts';
import type { Feed, Viewer } from './feed.ts';
import { addressUnit, senderReport, type Viewpoint } from './rtp.ts';

interface TrackView extends Viewpoint {
  readonly delivery: Delivery;
  /** First unit to be sent. */
  from: number;
  /** Added to the number of each unit: this viewer is so far ahead in the loop. */
  ahead: number;
  packets: number;
  octets: number;
}

const reportEveryMs = 5000;
const keyFrameWaitMsMax = 2000;

export class RtspSession implements Viewer {
  readonly id = randomBytes(8).toString('hex').toUpperCase();
  readonly feed: Feed;
  readonly path: string;
  readonly #alter: ((unit: Buffer) => Buffer) | undefined;
  readonly #views = new Map<number, TrackView>();
  /** The way to the loudspeaker, where this viewer talks. */
  #talk: { readonly ear: Ear; readonly delivery: Delivery } | undefined;
  #playing = false;
  #stalled = false;
  #reportDueMs = 0;

  /** `alter` is the last to touch each unit: what a harmful camera or a bad network makes of it. */
  constructor(o: { feed: Feed; path: string; alter?: ((unit: Buffer) => Buffer) | undefined }) {
    this.feed = o.feed;
    this.path = o.path;
    this.#alter = o.alter;
  }

  get playing(): boolean {
    return this.#playing;
  }

  /** Whether somebody talks here. */
  get talks(): boolean {
    return this.#talk !== undefined;
  }

  /** The wanted interleaved channel for a track, or the next free one. */
  channelFor(trackIndex: number, wanted: number | undefined): number {
    const taken = new Set([...this.#views].flatMap(([index, view]) => (index === trackIndex ? [] : [view.channel])));
    if (this.#talk !== undefined && trackIndex !== this.feed.tracks.length) taken.add(this.#talk.delivery.channel);
    let channel = wanted ?? 0;
    while (taken.has(channel)) channel = (channel + 2) % 256;
    return channel;
  }

  setup(trackIndex: number, delivery: Delivery): { ssrc: number } {
    this.#views.get(trackIndex)?.delivery.close();
    const view = {
      delivery, channel: delivery.channel, ssrc: randomInt(2 ** 32), tickBase: randomInt(2 ** 32), sequence: randomInt(2 ** 16),
      from: 0, ahead: 0, packets: 0, octets: 0,
    };
    this.#views.set(trackIndex, view);
    return view;
  }

  /** The ear was taken for this session. */
  setupTalk(ear: Ear, delivery: Delivery): void {
    this.#talk?.delivery.close();
    this.#talk = { ear, delivery };
  }

  get ready(): boolean {
    return this.#views.size > 0 || this.talks;
  }

  /** What came interleaved; only a talker's channel says anything. */
  hearInterleaved(channel: number, payload: Buffer): void {
    if (this.#talk !== undefined && channel === this.#talk.delivery.channel) this.hear(payload);
  }

  /** An RTP packet of the talker; before PLAY it is not listened to. */
  hear(packet: Buffer): void {
    if (this.#playing && !this.#stalled) this.#talk?.ear.hear(this, packet);
  }

  /** Sets where it begins; the answer is for the RTP-Info header. Nothing is sent before `play`. */
  cue(): { trackIndex: number; sequence: number; rtpTime: number }[] {
    const { startMs, aheadMs } = this.#nextKeyFrame();
    this.#reportDueMs = 0;
    return [...this.#views].map(([trackIndex, view]) => {
      const track = this.#track(trackIndex);
      view.from = Math.ceil(startMs / track.unitMs - 1e-6);
      view.ahead = Math.round(aheadMs / track.unitMs);
      return { trackIndex, sequence: view.sequence, rtpTime: (view.tickBase + track.ticks(view.from)) % 2 ** 32 };
    });
  }

  /** Sends at once what fell due since `cue` named the beginning: a viewer is not told of a key frame that it never gets. */
  play(): void {
    this.#playing = true;
    this.feed.join(this);
    for (const [trackIndex, { from }] of this.#views) {
      for (let n = from; n < this.feed.next(trackIndex); n++) this.send(trackIndex, n);
    }
  }

  close(): void {
    this.#playing = false;
    this.feed.leave(this);
    for (const { delivery } of this.#views.values()) delivery.close();
    this.#talk?.delivery.close();
    this.#talk?.ear.release(this);
  }

  stall(): void {
    this.#stalled = true;
  }

  resume(): void {
    this.#stalled = false;
    this.cue();
  }

  send(trackIndex: number, n: number): void {
    const view = this.#views.get(trackIndex);
    if (view === undefined || this.#stalled || n < view.from) return;
    const track = this.#track(trackIndex);
    this.#report(n * track.unitMs);
    const unit = track.unit(n + view.ahead);
    view.packets += unit.packets.length;
    view.octets += unit.bytes.length - unit.packets.length * 16;
    const bytes = addressUnit(unit, view, track.ticks(n) + track.reordering(n + view.ahead));
    const altered = this.#alter === undefined ? bytes : this.#alter(bytes);
    if (altered.length > 0) view.delivery.media(altered);
  }

  skipped(): void {
    this.cue();
  }

  /** One that comes soon anyway is waited for, and nothing left out. */
  synchronize(): void {
    if (!this.#stalled && this.#nextKeyFrame().broughtForward) this.cue();
  }

  /** All tracks at once, before the first packets too, so that a player relates sound and picture from the start. */
  #report(atMs: number): void {
    if (atMs < this.#reportDueMs) return;
    this.#reportDueMs = atMs + reportEveryMs;
    for (const [trackIndex, view] of this.#views) {
      const track = this.#track(trackIndex);
      view.delivery.control(senderReport({
        channel: view.channel + 1, ssrc: view.ssrc, wallMs: this.feed.startWallMs + atMs,
        rtpTime: view.tickBase + (atMs * track.clockRate) / 1000,
        packets: view.packets, octets: view.octets, cname: 'camera',
      }));
    }
  }

  /** When the next key frame is due; now, when only sound is watched. One that is far off is brought forward, as cameras make one for a newcomer. */
  #nextKeyFrame(): { startMs: number; aheadMs: number; broughtForward: boolean } {
    const nowMs = this.feed.elapsedMs();
    const view = this.#views.get(this.feed.tracks.findIndex((track) => track.kind === 'video'));
    if (view === undefined) return { startMs: nowMs, aheadMs: 0, broughtForward: false };
    const track = this.#track(this.feed.tracks.findIndex((one) => one.kind === 'video'));
    const first = Math.ceil(nowMs / track.unitMs);
    let wait = 0;
    while (!track.keyFrame(first + view.ahead + wait)) wait++;
    if (wait * track.unitMs <= keyFrameWaitMsMax) return { startMs: (first + wait) * track.unitMs, aheadMs: view.ahead * track.unitMs, broughtForward: false };
    return { startMs: first * track.unitMs, aheadMs: (view.ahead + wait) * track.unitMs, broughtForward: true };
  }

  #track(index: number): Feed['tracks'][number] {
    return this.feed.tracks[index] as Feed['tracks'][number];
  }
}
