/**
 * Live pictures in a video element: from the hub's WebSocket into Media Source Extensions, one fragment a picture, always at the newest.
 * How it comes is `livelink.ts`'s; what it is doing it tells its listener, and puts no word on the page.
 */
import type { LiveFrame } from '../../policy/liveframe.ts';
import { cushionSecMin, nextCushion, nextLead, stayAtEdge } from './edge.ts';
import { Feed } from './feed.ts';
import { LiveLink, type LiveInit, type LiveListener } from './livelink.ts';
import { LiveTimes, Moments } from './livetimes.ts';
import { canShow, mediaType, openMedia, type OpenMedia } from './media.ts';

/** Kept behind the picture that is shown. */
const keptSec = 5;
const trimmedAtSec = 15;
const lookMs = 200;
/** A microphone that is announced and says nothing would hold the pictures back. */
const soundWaitMs = 4000;

export class LivePlayer {
  readonly #video: HTMLVideoElement;
  readonly #listener: LiveListener;
  readonly #link: LiveLink;
  readonly #times = new LiveTimes();
  #moments = new Moments();
  #init: LiveInit | undefined;
  #media: OpenMedia | undefined;
  #type = '';
  #feed: Feed | undefined;
  /** What came while the media source was opening. */
  #early: LiveFrame[] | undefined;
  #opening = 0;
  /** Where on the player's line the pictures of the last init begin: an older one says nothing of how it is now. */
  #fromSec = Infinity;
  #behind = false;
  #wantsSound = false;
  /** It was asked for and never came. */
  #soundSince: number | undefined;
  #cushionSec = cushionSecMin;
  #leadSec: number | undefined;
  #ranOutMs = 0;

  constructor(video: HTMLVideoElement, url: string, listener: LiveListener) {
    this.#video = video;
    this.#listener = listener;
    this.#link = new LiveLink(url, listener, {
      onOpen: () => { if (this.#wantsSound) this.#link.say({ audio: true }); },
      onInit: (init) => { this.#init = init; },
      onFrame: (frame) => this.#take(frame),
      onBehind: (behind) => this.#setBehind(behind),
      onLost: () => { this.#fromSec = Infinity; },
      onOver: () => this.#closeMedia(),
      // A managed source that wants no more: the hub sends none until it does, then from the newest on.
      held: () => this.#feed?.held === true,
    });
    const { gone: signal } = this.#link;
    video.addEventListener('waiting', () => this.#onWaiting(), { signal });
    video.addEventListener('error', () => this.#restart(video.error?.message ?? ''), { signal });
    const looking = setInterval(() => this.#look(), lookMs);
    signal.addEventListener('abort', () => clearInterval(looking));
    this.#watchPictures();
  }

  /** Only from a person's deed: a browser plays no sound unasked. */
  sound(on: boolean): void {
    if (on === this.#wantsSound) return;
    this.#wantsSound = on;
    this.#video.muted = !on;
    this.#link.say({ audio: on });
  }

  close(): void {
    this.#link.close();
    this.#closeMedia();
  }

  #take(frame: LiveFrame): void {
    if (frame.init) void this.#begin(frame);
    else if (this.#early !== undefined) this.#early.push(frame);
    else this.#show(frame);
  }

  #setBehind(behind: boolean): void {
    this.#behind = behind;
    this.#listener.onBehind(behind);
  }

  // pictures

  /** What follows belongs to this. The same video goes on where it can, so that the last picture stands until the next one comes. */
  async #begin(frame: LiveFrame): Promise<void> {
    const init = this.#init;
    if (init === undefined) return;
    const turn = ++this.#opening;
    this.#setBehind(false);
    this.#listener.onSound(init.sound);
    const type = mediaType(init);
    if (!canShow(type)) return this.#cannotShow(init.video);
    this.#soundSince = init.audio === null ? undefined : performance.now();
    if (this.#feed === undefined || type !== this.#type) {
      this.#early = [];
      this.#closeMedia();
      const media = await openMedia(this.#video, type);
      if (turn !== this.#opening || this.#link.gone.aborted) return media?.close();
      if (media === undefined) return this.#restart('');
      this.#media = media;
      this.#type = type;
      for (const event of ['startstreaming', 'endstreaming']) media.source.addEventListener(event, () => this.#link.tellWanted(), { signal: this.#link.gone });
      this.#feed = new Feed({ ...media, onAppended: () => this.#onAppended(), onFault: (words) => this.#restart(words) });
    }
    this.#times.begin(frame.bytes);
    this.#fromSec = Infinity;
    this.#feed.push(frame.bytes);
    if (this.#link.state !== 'playing') this.#link.tell('waiting', '');
    this.#play();
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const one of early) this.#show(one);
  }

  #show(frame: LiveFrame): void {
    if (frame.sound) this.#soundSince = undefined;
    try {
      const placed = this.#times.place(frame.bytes, { close: this.#behind });
      if (placed === undefined) return;
      if (!frame.sound) this.#moments.add(placed.atSec, frame.wallMs);
      if (!frame.sound && this.#fromSec === Infinity) this.#fromSec = placed.atSec;
      this.#feed?.push(frame.bytes, placed.offsetSec);
    } catch (error) {
      this.#restart(error instanceof Error ? error.message : '');
    }
  }

  #play(): void {
    if (this.#video.paused) void this.#video.play().catch(() => {});
  }

  #cannotShow(codec: string): void {
    this.#closeMedia();
    this.#link.tell('unsupported', codec);
    // There is nothing to come back for.
    this.#link.lose('');
  }

  /** Something is wrong with what is shown: all of it anew. */
  #restart(words: string): void {
    if (this.#link.gone.aborted || this.#media === undefined && words === '') return;
    this.#closeMedia();
    this.#link.lose(words);
  }

  #closeMedia(): void {
    this.#feed?.close();
    this.#feed = undefined;
    this.#media?.close();
    this.#media = undefined;
    this.#moments = new Moments();
  }

  #onAppended(): void {
    const last = this.#feed?.ranges.at(-1);
    const atSec = this.#video.currentTime;
    this.#leadSec = last === undefined || atSec < last[0] ? undefined : nextLead(this.#leadSec, last[1] - atSec);
    this.#stay();
  }

  #stay(): void {
    const feed = this.#feed;
    if (feed === undefined || this.#video.seeking) return;
    const { seekToSec, rate } = stayAtEdge({
      ranges: feed.ranges, atSec: this.#video.currentTime, leadSec: this.#leadSec, pictureSec: this.#times.pictureSec, cushionSec: this.#cushionSec,
      sound: this.#wantsSound && this.#init?.audio !== null,
    });
    if (seekToSec !== undefined) {
      this.#video.currentTime = seekToSec;
      this.#leadSec = undefined;
    }
    if (this.#video.playbackRate !== rate) this.#video.playbackRate = rate;
  }

  /** Stays at the newest picture, and forgets old ones. */
  #look(): void {
    const nowMs = performance.now();
    if (this.#soundSince !== undefined && nowMs - this.#soundSince > soundWaitMs) return this.#giveSoundUp();
    this.#stay();
    const quietSec = (nowMs - this.#ranOutMs) / 1000;
    const cushionSec = nextCushion(this.#cushionSec, quietSec, false);
    if (cushionSec !== this.#cushionSec) this.#ranOutMs = nowMs;
    this.#cushionSec = cushionSec;
    const first = this.#feed?.ranges[0]?.[0];
    const atSec = this.#video.currentTime;
    if (first !== undefined && atSec - first > trimmedAtSec) this.#feed?.trim(0, atSec - keptSec);
  }

  #giveSoundUp(): void {
    this.#soundSince = undefined;
    this.#wantsSound = false;
    this.#video.muted = true;
    this.#link.say({ audio: false });
    this.#listener.onSound(false);
  }

  /** It ran out of pictures: they came later than it had thought. */
  #onWaiting(): void {
    if (this.#link.state !== 'playing' || this.#video.seeking) return;
    this.#ranOutMs = performance.now();
    this.#cushionSec = nextCushion(this.#cushionSec, 0, true);
  }

  #watchPictures(): void {
    this.#video.requestVideoFrameCallback((_now, { mediaTime, expectedDisplayTime }) => {
      if (this.#link.gone.aborted) return;
      this.#onPicture(mediaTime, expectedDisplayTime);
      this.#watchPictures();
    });
  }

  #onPicture(atSec: number, shownMs: number): void {
    const wallMs = this.#moments.wallAt(atSec);
    if (wallMs === undefined || atSec < this.#fromSec - 0.001) return;
    this.#link.shown(wallMs, shownMs);
  }
}
