/** The video encoders that both media services tell of and set. */
import { find, textOf, type XmlElement } from '../../base/xml.ts';
import { streamNames, type CameraFace, type StreamName } from '../face.ts';
import type { Track } from '../rtp.ts';
import type { VideoCodec } from '../samples.ts';
import { SoapFault } from './soap.ts';

const codecs: ReadonlyMap<string, VideoCodec> = new Map([['H264', 'h264'], ['H265', 'h265']]);
/** Under their ONVIF names. */
export const encodings: readonly string[] = [...codecs.keys()];

export interface Encoder {
  /** `H264` or `H265` */
  readonly encoding: string;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly fpsLimit: number;
  readonly kbpsLimit: number;
  readonly quality: number;
  readonly gop: number;
  readonly profile: string;
  /** From one picture that others build on to the next: one more than there are B-frames between them. */
  readonly anchorDistance: number;
  /** Of GOPs that could be set. */
  readonly gopMax: number;
}

export function encoderOf(face: CameraFace, name: StreamName): Encoder {
  const track = face.streams[name].tracks.find(({ kind }) => kind === 'video');
  if (track?.video === undefined) throw new SoapFault({ code: 'Receiver', subcodes: ['Action'], reason: 'no picture' });
  const { codec, width, height, fps, kbps, gop, profile, bFrames } = track.video;
  const { quality, fpsLimit, kbpsLimit } = face.settings.encoders[name];
  return {
    encoding: codec.toUpperCase(), width, height, fps, gop, profile, quality, anchorDistance: bFrames + 1, fpsLimit: fpsLimit ?? Math.round(fps), kbpsLimit: kbpsLimit ?? kbps,
    gopMax: Math.max(gop, Math.round(track.loopMs / track.unitMs)),
  };
}

/** What a Set operation wants of an encoder; what is not named stays. */
export interface WantedEncoder {
  readonly encoding: string | undefined;
  readonly gop: string | undefined;
  readonly configuration: XmlElement | undefined;
}

/** The stream itself is made anew where its GOP or codec changes. Throws InvalidArgVal/ConfigModify for what it cannot be. */
export async function setEncoder(face: CameraFace, name: StreamName, wanted: WantedEncoder): Promise<void> {
  const now = encoderOf(face, name);
  const codec = codecs.get(wanted.encoding ?? now.encoding);
  const gop = wanted.gop === undefined ? now.gop : Number(wanted.gop);
  const number = (otherwise: number, ...path: readonly string[]): number => Number(textOf(wanted.configuration, ...path) ?? otherwise);
  const quality = number(now.quality, 'Quality');
  const fpsLimit = number(now.fpsLimit, 'RateControl', 'FrameRateLimit');
  const kbpsLimit = number(now.kbpsLimit, 'RateControl', 'BitrateLimit');
  const fits = Number.isInteger(gop) && gop >= 1 && gop <= now.gopMax
    && number(now.width, 'Resolution', 'Width') === now.width && number(now.height, 'Resolution', 'Height') === now.height
    && quality >= 1 && quality <= 6 && fpsLimit >= 1 && fpsLimit <= 60 && kbpsLimit >= 1 && kbpsLimit <= 100_000;
  if (!fits || codec === undefined) throw configModify('this camera cannot be set so');
  if (gop !== now.gop || codec !== codecs.get(now.encoding)) {
    if (face.recode === undefined) throw configModify('these pictures cannot be made anew');
    try {
      await face.recode(name, { codec, gop });
    } catch {
      throw configModify('these pictures cannot be made so');
    }
  }
  face.settings.encoders[name] = { quality, fpsLimit, kbpsLimit };
}

/** By the token of a configuration in a request. */
export function streamOfEncoder(face: CameraFace, token: string | undefined): StreamName {
  const name = streamNames.find((one) => face.habits.tokens.encoders[one] === token);
  if (name === undefined) throw noConfiguration();
  return name;
}

export function streamOfProfile(face: CameraFace, token: string | undefined): StreamName {
  const name = streamNames.find((one) => face.habits.tokens.profiles[one] === token);
  if (name === undefined) throw new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', 'NoProfile'], reason: 'no profile has this token' });
  return name;
}

/** Of requests where both tokens may be left out. */
export function streamOfEither(face: CameraFace, request: XmlElement): StreamName | undefined {
  if (find(request, 'ConfigurationToken') !== undefined) return streamOfEncoder(face, textOf(request, 'ConfigurationToken'));
  return find(request, 'ProfileToken') === undefined ? undefined : streamOfProfile(face, textOf(request, 'ProfileToken'));
}

export function noConfiguration(): SoapFault {
  return new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', 'NoConfig'], reason: 'no configuration has this token' });
}

function configModify(reason: string): SoapFault {
  return new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', 'ConfigModify'], reason });
}

export function soundOf(face: CameraFace): Track | undefined {
  return face.streams.main.tracks.find(({ kind }) => kind === 'audio');
}

export function isAlaw(track: Track): boolean {
  return track.payloadType === 8;
}
