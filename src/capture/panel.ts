/**
 * MPEG-1 of a stream, for browsers without Media Source Extensions: the only file that knows node-rtsp-stream, of which it takes the muxer and never
 * the server. The muxer starts its program past base/spawn.ts, so the program that it starts is the jail (`native/jail.c`), which gives
 * ffmpeg no file, no socket and no environment of the hub's. (Of an ffmpeg that ends with status 1 the muxer says one line on the hub's standard
 * error; it names nothing.) The pictures go in by standard input: what stands in the argument list is the
 * same for every camera, and the camera notices nothing.
 */
import Mpeg1Muxer from 'node-rtsp-stream/mpeg1muxer.js';
import type { Clock } from '../base/clock.ts';
import { scrub } from '../base/log.ts';
import type { Waiting } from '../policy/viewing.ts';
import { codecOf } from './decoder.ts';
import type { Jail } from './jail.ts';
import { TsPieces, type TsPiece } from './tspieces.ts';

export interface PanelEncoderOptions {
  readonly ffmpeg: string;
  readonly jail: Jail;
  readonly clock: Clock;
  /** Of the stream that will be written, RFC 6381. */
  readonly videoCodec: string;
  readonly onPieces: (pieces: readonly TsPiece[]) => void;
}

/** Larger pictures are made smaller, to fit into a square of it: 640 x 360 of a usual camera. */
export const panelSide = 640;
/** MPEG-1 knows some rates only. Fewer pictures a second stay as few; more are left out. */
const picturesPerSecondMax = 25;
const keyFrameEvery = 15;
/** Others go first: recording, for one. */
const niceness = '5';
const errorBytesMax = 500;

export class PanelEncoder {
  readonly #clock: Clock;
  readonly #muxer: Mpeg1Muxer;
  readonly #pieces = new TsPieces();
  /** Written, and not taken by ffmpeg yet; the oldest first. */
  readonly #waiting: { readonly bytes: number; readonly atMs: number }[] = [];
  #waitingBytes = 0;
  #words = '';
  /** When it is gone, with its own words. Never rejects. */
  readonly ended: Promise<string>;

  /** SP_JAIL_MISSING, SP_JAIL_LEVEL. */
  constructor({ ffmpeg, jail, clock, videoCodec, onPieces }: PanelEncoderOptions) {
    if (jail.problem !== undefined) throw jail.problem;
    const { facts } = jail;
    this.#clock = clock;
    const confined = facts.missing === undefined;
    this.#muxer = new Mpeg1Muxer({
      url: 'pipe:0', ffmpegPath: confined ? facts.launcher : ffmpeg,
      ffmpegOptions: { ...encoderOptions, ...(confined ? { '--jail': '', '--need': facts.level, '--nice': niceness, '--parent': String(process.pid), '--': ffmpeg, ...decoderOptions(videoCodec) } : {}) },
    });
    const { stream } = this.#muxer;
    this.ended = new Promise((resolve) => {
      // Without a listener a program that is not there would end the hub.
      stream.on('error', (error) => resolve(error.message));
      stream.once('close', () => resolve(this.#words));
    });
    stream.stdin.on('error', () => {}); // it ended before it had read everything, which `ended` tells
    this.#muxer.on('ffmpegStderr', (bytes) => {
      this.#words = scrub(`${this.#words}${bytes.toString()}`.slice(0, errorBytesMax));
    });
    this.#muxer.on('mpeg1data', (bytes) => {
      try {
        onPieces(this.#pieces.take(bytes));
      } catch {
        this.#words ||= 'what comes out is no transport stream';
        this.close();
      }
    });
  }

  /** Not known before it runs. */
  get pid(): number | undefined {
    return this.#muxer.stream.pid;
  }

  get waiting(): Waiting {
    const [oldest] = this.#waiting;
    return { bytes: this.#waitingBytes, ms: oldest === undefined ? 0 : this.#clock.monotonicMs() - oldest.atMs };
  }

  /** Pieces of an fMP4 without sound, its init first. Kept until ffmpeg has taken them: a copy where they are somebody else's. */
  write(bytes: Buffer): void {
    const { stdin } = this.#muxer.stream;
    if (!stdin.writable) return;
    const piece = { bytes: bytes.length, atMs: this.#clock.monotonicMs() };
    this.#waiting.push(piece);
    this.#waitingBytes += piece.bytes;
    stdin.write(bytes, () => {
      this.#waiting.shift();
      this.#waitingBytes -= piece.bytes;
    });
  }

  /** At once; `ended` tells when it is gone. */
  close(): void {
    this.#muxer.stream.kill('SIGKILL');
  }
}

/**
 * Key by key, as the muxer takes them. Pictures keep their own distances in time; each is given out at once (`low_delay`, which ffmpeg 5.1
 * calls unofficial for MPEG-1: else each waits for the next), and says how long it is.
 */
const encoderOptions: Readonly<Record<string, string>> = {
  '-an': '', '-vf': `scale=w=min(iw\\,${panelSide}):h=min(ih\\,${panelSide}):force_original_aspect_ratio=decrease:force_divisible_by=2:flags=fast_bilinear,setsar=1,format=yuv420p`,
  '-r': String(picturesPerSecondMax), '-fps_mode': 'vfr', '-q:v': '6', '-g': String(keyFrameEvery), '-bf': '0', '-flags:v': '+low_delay', '-strict:v': 'unofficial', '-threads:v': '1', '-filter_threads': '1',
  '-muxdelay': '0', '-muxpreload': '0', '-flush_packets': '1', '-omit_video_pes_length': '0',
};

/** What stands before the input, which only the jail can put there: this demuxer and this decoder alone, and no picture held back by threads. */
function decoderOptions(videoCodec: string): Record<string, string> {
  return {
    '-hide_banner': '', '-loglevel': 'error', '-nostdin': '', '-protocol_whitelist': 'pipe', '-nofind_stream_info': '', '-threads': '1', '-flags': 'low_delay',
    '-c:v': codecOf({ videoCodec }), '-f': 'mov',
  };
}
