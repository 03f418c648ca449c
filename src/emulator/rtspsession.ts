/**
 * One viewer's playing of one stream over its RTSP connection: which tracks on which channels, where it began, its sequence numbers and
 * sender reports. Begins, and after every interruption goes on, at a key frame.
 */
import { randomBytes, randomInt } from 'node:crypto';
import type { Feed, Viewer } from './feed.ts';
import { addressUnit, senderReport, type Viewpoint } from './rtp.ts';

interface TrackView extends Viewpoint {
  /** First unit to be sent. */
  from: number;
  packets: number;
  octets: number;
}

const reportEveryMs = 5000;

export class RtspSession implements Viewer {
  readonly id = randomBytes(8).toString('hex').toUpperCase();
  readonly feed: Feed;
  readonly path: string;
  readonly #write: (bytes: Buffer) => void;
  readonly #alter: ((unit: Buffer) => Buffer) | undefined;
  readonly #views = new Map<number, TrackView>();
  #playing = false;
  #stalled = false;
  #reportDueMs = 0;

  /** `alter` is the last to touch each unit, on a camera that means harm. */
  constructor(o: { feed: Feed; path: string; write: (bytes: Buffer) => void; alter?: ((unit: Buffer) => Buffer) | undefined }) {
    this.feed = o.feed;
    this.path = o.path;
    this.#write = o.write;
    this.#alter = o.alter;
  }

  get playing(): boolean {
    return this.#playing;
  }

  /** The channel is the wanted one, or the next free one. */
  setup(trackIndex: number, wanted: number | undefined): { channel: number; ssrc: number } {
    const taken = new Set([...this.#views].flatMap(([index, view]) => (index === trackIndex ? [] : [view.channel])));
    let channel = wanted ?? 0;
    while (taken.has(channel)) channel = (channel + 2) % 256;
    const view = {
      channel, ssrc: randomInt(2 ** 32), tickBase: randomInt(2 ** 32), sequence: randomInt(2 ** 16),
      from: 0, packets: 0, octets: 0,
    };
    this.#views.set(trackIndex, view);
    return view;
  }

  get ready(): boolean {
    return this.#views.size > 0;
  }

  /** Sets where it begins; the answer is for the RTP-Info header. Nothing is sent before `play`. */
  cue(): { trackIndex: number; sequence: number; rtpTime: number }[] {
    const startMs = this.#nextKeyFrameMs();
    this.#reportDueMs = 0;
    return [...this.#views].map(([trackIndex, view]) => {
      const track = this.#track(trackIndex);
      view.from = Math.ceil(startMs / track.unitMs - 1e-6);
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
    const unit = track.unit(n);
    view.packets += unit.packets.length;
    view.octets += unit.bytes.length - unit.packets.length * 16;
    const bytes = addressUnit(unit, view, track.ticks(n));
    this.#write(this.#alter === undefined ? bytes : this.#alter(bytes));
  }

  skipped(): void {
    this.cue();
  }

  /** All tracks at once, before the first packets too, so that a player relates sound and picture from the start. */
  #report(atMs: number): void {
    if (atMs < this.#reportDueMs) return;
    this.#reportDueMs = atMs + reportEveryMs;
    for (const [trackIndex, view] of this.#views) {
      const track = this.#track(trackIndex);
      this.#write(senderReport({
        channel: view.channel + 1, ssrc: view.ssrc, wallMs: this.feed.startWallMs + atMs,
        rtpTime: view.tickBase + (atMs * track.clockRate) / 1000,
        packets: view.packets, octets: view.octets, cname: 'camera',
      }));
    }
  }

  /** When the next key frame is due; now, when only sound is watched. */
  #nextKeyFrameMs(): number {
    const nowMs = this.feed.elapsedMs();
    const video = this.feed.tracks.findIndex((track) => track.kind === 'video');
    if (!this.#views.has(video)) return nowMs;
    const track = this.#track(video);
    let n = Math.ceil(nowMs / track.unitMs);
    while (!track.unit(n).keyFrame) n++;
    return n * track.unitMs;
  }

  #track(index: number): Feed['tracks'][number] {
    return this.feed.tracks[index] as Feed['tracks'][number];
  }
}
