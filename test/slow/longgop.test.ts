/** Key frames two minutes apart, as smart codecs make them: seen in the scene, and in the packets of two minutes and more, without waiting for them. */
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import type { Delivery } from '../../src/emulator/delivery.ts';
import type { Feed } from '../../src/emulator/feed.ts';
import { videoTrack, type Track } from '../../src/emulator/rtp.ts';
import { RtspSession } from '../../src/emulator/rtspsession.ts';
import { loadVideo } from '../../src/emulator/scene.ts';
import { pictureTypes, rtspUrl, startEmulator } from '../emulator/testkit.ts';

const gopSeconds = 120;
const pictures = gopSeconds * 15;

/** A time line that is turned by hand. */
class HandFeed implements Feed {
  readonly tracks: readonly Track[];
  readonly startWallMs = systemClock.wallMs();
  #n = 0;

  constructor(track: Track) {
    this.tracks = [track];
  }

  elapsedMs(): number { return this.#n * (this.tracks[0] as Track).unitMs; }
  next(): number { return this.#n; }
  join(): void {}
  leave(): void {}

  turn(viewers: readonly RtspSession[]): void {
    for (const viewer of viewers) viewer.send(0, this.#n);
    this.#n++;
  }
}

/** The RTP times of key frames that one viewer gets, in seconds from its first picture. */
class KeyFrameTimes implements Delivery {
  readonly transport = '';
  readonly channel = 0;
  readonly seconds: number[] = [];
  #first: number | undefined;
  readonly #parameterSet: (payload: Buffer) => boolean;

  constructor(parameterSet: (payload: Buffer) => boolean) {
    this.#parameterSet = parameterSet;
  }

  media(packets: Buffer): void {
    const time = packets.readUInt32BE(8);
    this.#first ??= time;
    if (this.#parameterSet(packets.subarray(16))) this.seconds.push(((time - this.#first + 2 ** 32) % 2 ** 32) / 90_000);
  }

  control(): void {}
  close(): void {}
}

for (const [codec, parameterSet] of [['h264', (payload: Buffer) => (payload.readUInt8(0) & 0x1f) === 7], ['h265', (payload: Buffer) => ((payload.readUInt8(0) >> 1) & 0x3f) === 32]] as const) {
  t.test(`${codec}: a key frame each two minutes, and one for who comes between`, { timeout: 180_000 }, async (t) => {
    const begunMs = performance.now();
    const { camera } = await startEmulator(t, { codec, gopSeconds, seconds: 2, folder: t.testdir() });
    t.comment(`made in ${((performance.now() - begunMs) / 1000).toFixed(1)} s`);
    const samples = await loadVideo(camera.scenes.main);
    t.equal(samples.pictures.length, pictures);
    t.strictSame(samples.pictures.flatMap(({ keyFrame }, n) => (keyFrame ? [n] : [])), [0], 'one key frame in the whole scene');

    const feed = new HandFeed(videoTrack(samples));
    const watch = (): { session: RtspSession; seen: KeyFrameTimes } => {
      const seen = new KeyFrameTimes(parameterSet);
      const session = new RtspSession({ feed, path: '/main' });
      session.setup(0, seen);
      session.cue();
      session.play();
      return { session, seen };
    };
    const early = watch();
    for (let n = 0; n < 700; n++) feed.turn([early.session]);
    const late = watch();
    for (let n = 0; n < 2 * pictures; n++) feed.turn([early.session, late.session]);
    t.strictSame(early.seen.seconds, [0, 120, 240]);
    t.strictSame(late.seen.seconds, [0, 120], 'from a key frame of its own, two minutes too');

    t.match(await pictureTypes(rtspUrl(camera, '/main'), 40), /^IP{39}/, 'a player sees pictures at once');
  });
}
