/**
 * policy/ decides and touches nothing: no disk, no network, no clock, no randomness; whoever asks hands in what is known (also the
 * time) and does what comes back. So each rule that the owner relies on is a small function with a table of cases as its test:
 * retention, cutting, the trust in clocks, and which changes wait for the owner's yes. May import `base/` only.
 * docs/CONFIG.md names the settings, docs/PROMISES.md the promises that these decisions keep.
 *
 * This file: the configuration as decisions see it. `config.ts` makes it from the household's files.
 */
import type { UnixMs } from '../base/clock.ts';
import type { AlarmRule, Zone } from './alarmrules.ts';
import type { DestinationConfig } from './declared.ts';
import type { FacesLock } from './people.ts';
import type { PrivacyRule } from './privacy.ts';
import type { RecordingRule } from './recordmode.ts';
import type { Place } from './sun.ts';

export interface CameraConfig {
  /** Matches `cameraIdPattern`; the name of its folder, so it never changes. */
  readonly id: string;
  readonly name: string;
  /** IPv4 address or host name of the local network. */
  readonly address: string;
  readonly port: number;
  readonly path: string;
  /** Asked by HTTPS, and by nothing else. */
  readonly secure: boolean;
  readonly user: string;
  /** How long its footage is kept: its own `keep`, else that of `[keep] footage`. */
  readonly keepMs: number;
  /** Whether `keepMs` is its own or follows `[keep] footage`. */
  readonly ownKeep: boolean;
  readonly audio: boolean;
  readonly record: boolean;
  /** Whether its sub stream is recorded too. */
  readonly sub: boolean;
  /** Whether its events are asked for and kept as observations. */
  readonly events: boolean;
  /** Whose observations count for alarms. The hub looks itself only while a rule needs it. */
  readonly detect: DetectBy;
  readonly space: string;
  /** It was taken in by page or command line, and is not one of the household's files. */
  readonly byPage?: true;
  readonly serial?: string;
  /** What notices call it outside. */
  readonly alias?: string;
  /** What its footage may take of the disk. */
  readonly budgetBytes?: number;
}

/** `hub`: what it finds in the pictures; `camera`: what the camera's events say. */
export const detectBy = ['both', 'hub', 'camera', 'off'] as const;
export type DetectBy = (typeof detectBy)[number];

/** How far ffmpeg is confined, from least to most: see `native/jail.c`. */
export const jailLevels = ['off', 'files', 'full'] as const;
export type JailLevel = (typeof jailLevels)[number];

export interface PageConfig {
  readonly enabled: boolean;
  /** 0: any free port. */
  readonly port: number;
  readonly httpPort: number;
  readonly names: readonly string[];
  /** MPEG-1 for browsers without Media Source Extensions. */
  readonly panels: boolean;
  /** PEM files, absolute; both or none. Without them the hub has an authority of its own. */
  readonly certificate?: string;
  readonly certificateKey?: string;
}

export interface HubConfig {
  readonly name: string;
  /** The data folder, absolute. */
  readonly data: string;
  /** It lies on a file system that is not the machine's own: until that is there, nothing is begun. */
  readonly dataMount: boolean;
  /** The owner list, absolute; without it nothing is recorded. */
  readonly owner?: string;
  readonly socket: string;
  readonly record: { readonly periodMs: number; readonly cutAfterMs: number; readonly thumbnails: boolean };
  readonly keep: { readonly footageMs: number; readonly logsMs: number; readonly auditMs: number };
  /** What footage may take, and what stays free; without `reserveBytes` the size of the disk decides (`policy/disk.ts`). */
  readonly disk: { readonly budgetBytes?: number; readonly reserveBytes?: number };
  readonly scrub: { readonly everyMs: number; readonly bytesPerSecond: number };
  readonly time: { readonly source: 'ntp' | 'system'; readonly settleMs: number };
  readonly discovery: { readonly loopback: boolean; readonly interfaces: readonly string[] };
  /** The page: HTTPS for visitors, plain HTTP on 127.0.0.1 alone. `names`: host names and addresses besides those the machine knows of itself. */
  readonly page: PageConfig;
  readonly capture: { readonly ffmpeg: string; readonly ffprobe: string; readonly jail: JailLevel };
  /** Faces are compared with those of people who agreed; how long a consent lasts; who has the keys of these people. */
  readonly faces: { readonly enabled: boolean; readonly consentMs: number; readonly lock: FacesLock };
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' };
  /** When spaces are private by themselves. */
  readonly privacy: readonly PrivacyRule[];
  /** Places in the cameras' pictures. */
  readonly zones: readonly Zone[];
  /** Which observations become alarms. */
  readonly alarms: readonly AlarmRule[];
  /** When cameras are recorded; the first that fits counts, and without one it is always. */
  readonly recordings: readonly RecordingRule[];
  /** Where sealed things and notices go. In force: only what an owner has said yes to. */
  readonly destinations: readonly DestinationConfig[];
  readonly place?: Place;
  readonly cameras: readonly CameraConfig[];
}

/** Keys whose change takes effect only when the hub starts again; all others take effect at once, without a gap elsewhere. */
export const restartKeys: ReadonlySet<string> = new Set(['name', 'data', 'data_mount', 'socket', 'time.source', 'time.settle', 'log.level', 'page.enabled', 'page.port', 'page.http_port', 'page.names', 'page.certificate', 'page.certificate_key']);

/**
 * Keys that files alone set, never the page: paths, programs and how these are confined, for nothing that a visitor says becomes one of
 * them; whether there is a page, which could not bring itself back; and where a camera is asked with its password (`adopt --moved`).
 */
export const fileKeys: ReadonlySet<string> = new Set([
  'data', 'data_mount', 'owner', 'socket', 'page.enabled', 'page.certificate', 'page.certificate_key', 'capture.ffmpeg', 'capture.ffprobe', 'capture.jail',
  'camera.id', 'camera.address', 'camera.port', 'camera.path', 'camera.user', 'camera.serial',
]);

/** What a household decides in its first hour counts also where an installer's file says something; for any other key that file counts. */
export const householdKeys: ReadonlySet<string> = new Set(['keep.footage']);

/** A period as the catalogue knows it, as far as deadlines are concerned. */
export interface PeriodTimes {
  readonly startMs: UnixMs;
  readonly endMs: UnixMs;
  readonly deadlineMs: UnixMs;
}
