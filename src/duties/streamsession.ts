/** One stream of a camera as it comes: the way to it and its capture. Recorded or not, this is its one session. */
import type { Secret } from '../base/secret.ts';
import type { Certificates } from '../cameras/certificates.ts';
import { StreamDoor } from '../cameras/streamdoor.ts';
import { StreamCapture, type StreamState } from '../capture/stream.ts';
import { audioRule } from '../policy/audio.ts';
import type { StreamFacts } from './adopt.ts';
import type { WatchOptions } from './watch.ts';

export interface StreamSessionOptions {
  readonly stream: 'main' | 'sub';
  readonly facts: StreamFacts;
  /** What the camera may show by TLS. */
  readonly certificates: Certificates;
  readonly password: Secret;
  readonly watch: Pick<WatchOptions, 'camera' | 'ffmpeg' | 'jail' | 'clock' | 'log' | 'random'>;
  readonly onState?: (state: StreamState) => void;
}

export class StreamSession {
  readonly stream: 'main' | 'sub';
  readonly capture: StreamCapture;
  readonly #door: StreamDoor;

  constructor({ stream, facts, certificates, password, watch, onState }: StreamSessionOptions) {
    const { camera, ffmpeg, jail, clock, log, random } = watch;
    this.stream = stream;
    this.#door = new StreamDoor({ camera: camera.id, uri: facts.uri, user: camera.user, password, certificates });
    this.capture = new StreamCapture({
      camera: camera.id, stream, url: () => this.#door.url(), audio: audioRule(camera.audio, facts.audioCodec),
      hevc: facts.videoCodec === 'hevc', ffmpeg, jail, clock, log, random, ...(onState === undefined ? {} : { onState }),
    });
  }

  start(): void {
    this.capture.start();
  }

  /** Resolves when ffmpeg is gone. */
  async close(): Promise<void> {
    await this.capture.stop();
    await this.#door.close();
  }
}
