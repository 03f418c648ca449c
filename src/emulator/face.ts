/** What the services of an emulated camera know about it: one object per camera, handed to each service. */
import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { TalkCodec } from './ear.ts';
import type { CameraEvents } from './events.ts';
import type { Habits } from './habits.ts';
import type { PtzHead } from './head.ts';
import type { Mischief } from './onvif/mischief.ts';
import type { OnvifQuirks } from './onvifquirks.ts';
import type { Track } from './rtp.ts';
import type { RtspQuirks } from './rtspquirks.ts';
import type { VideoCodec } from './samples.ts';
import type { Settings } from './settings.ts';

export interface DeviceFacts {
  readonly manufacturer: string;
  readonly model: string;
  /** Text: "5.10" is not 5.1. */
  readonly firmware: string;
  readonly serial: string;
  readonly hardware: string;
}

export type StreamName = 'main' | 'sub';
export const streamNames: readonly StreamName[] = ['main', 'sub'];

export interface StreamFacts {
  readonly tracks: readonly Track[];
  /** JPEG of the scene. */
  readonly snapshot: Buffer;
}

/** How a stream is to be from now on. */
export interface WantedVideo {
  readonly codec: VideoCodec;
  /** Pictures from one key frame to the next. */
  readonly gop: number;
}

/** Where a camera strays from the standard; an empty one strays nowhere. */
export interface Quirks extends OnvifQuirks, RtspQuirks {
  /** What its HTTP server does to whoever asks. */
  mischief?: Mischief;
}

export interface CameraFace {
  readonly name: string;
  /** Changes when the camera moves; who it is does not. */
  address: string;
  readonly urn: string;
  /** Its hardware address. */
  readonly hardware: string;
  readonly device: DeviceFacts;
  readonly user: string;
  /** What each sends now. */
  readonly streams: Record<StreamName, StreamFacts>;
  /** What its loudspeaker takes over the backchannel; of no codec, and it has none. */
  readonly talk: readonly TalkCodec[];
  readonly clock: Clock;
  readonly quirks: Quirks;
  readonly habits: Habits;
  readonly events: CameraEvents;
  /** Where it moves. */
  readonly head: PtzHead | undefined;
  readonly settings: Settings;
  /** How long a reboot takes. */
  readonly rebootMs: number;
  reboot: () => void;
  /** A key frame is wanted by somebody who looks at the stream. */
  synchronize: (name: StreamName) => void;
  /** Aborted when the camera goes away for good. */
  readonly closed: AbortSignal;
  /** Makes the pictures of a stream anew, for whoever looks; undefined where they are what they are. */
  recode?: (name: StreamName, wanted: WantedVideo) => Promise<void>;
  password: string;
  /** How often its password was tried since it came out of its box, by whatever way; what a lock-out would go by. */
  readonly tries: Tries;
  readonly tls: TlsUse;
  /** 0 until the camera listens, and where it has no such port. */
  onvifPort: number;
  rtspPort: number;
  httpsPort: number;
  rtspsPort: number;
}

export interface Tries { right: number; wrong: number }

/** Whether it speaks HTTPS and RTSPS too, or nothing else. */
export type TlsUse = 'none' | 'also' | 'only';

/** Of the camera's own clock. */
export function cameraTimeMs({ clock, quirks, settings }: Pick<CameraFace, 'clock' | 'quirks' | 'settings'>): number {
  const { clockStep } = quirks;
  const wallMs = clock.wallMs();
  const steppedMs = clockStep !== undefined && wallMs >= clockStep.atMs ? clockStep.byMs : 0;
  return wallMs + (quirks.clockOffsetMs ?? 0) + steppedMs + settings.clockSetMs;
}

export function deviceXaddr(face: CameraFace): string {
  return xaddrOf(face, face.habits.paths.device);
}

/** Of a path of this camera; by TLS only where there is no other way. */
export function xaddrOf(face: CameraFace, path: string): string {
  return face.tls === 'only' ? `https://${face.address}:${face.httpsPort}${path}` : `http://${face.address}:${face.onvifPort}${path}`;
}

export function rtspOrigin(face: CameraFace): string {
  return face.tls === 'only' ? `rtsps://${face.address}:${face.rtspsPort}` : `rtsp://${face.address}:${face.rtspPort}`;
}

/** Those that nobody can take away. */
export function fixedScopesOf(face: CameraFace): string[] {
  return ['onvif://www.onvif.org/type/video_encoder', 'onvif://www.onvif.org/Profile/Streaming', `onvif://www.onvif.org/hardware/${encodeURIComponent(face.device.model)}`, `onvif://www.onvif.org/MAC/${face.hardware}`];
}

export function scopesOf(face: CameraFace): string[] {
  return [...fixedScopesOf(face), ...face.settings.scopes];
}

/** A camera's identity hangs on its first address, so that it is the same camera after the emulator's restart, and after it moved. */
export function identityOf(address: string): { urn: string; hardware: string; device: DeviceFacts } {
  const hash = createHash('sha256').update(`emulated camera ${address}`).digest('hex');
  const uuid = [hash.slice(0, 8), hash.slice(8, 12), `4${hash.slice(13, 16)}`, `a${hash.slice(17, 20)}`, hash.slice(20, 32)].join('-');
  const octets = address.split('.').map((octet) => octet.padStart(3, '0')).join('');
  return {
    urn: `urn:uuid:${uuid}`,
    hardware: macOf(address),
    // Twenty digits with leading zeros: whoever takes a serial number for a number loses it.
    device: { manufacturer: 'Emulated Optics', model: 'EO-720', firmware: '5.10', serial: `00012345${octets}`, hardware: '1.0' },
  };
}

/** Locally administered. */
function macOf(address: string): string {
  return ['02', '00', ...address.split('.').map((octet) => Number(octet).toString(16).padStart(2, '0'))].join(':');
}
