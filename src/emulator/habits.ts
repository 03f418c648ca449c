/** How a camera's maker shapes what the standard leaves open; makes.ts has those of makes, here is a camera without any. */
import type { DigestAlgorithm } from '../base/digest.ts';
import type { CameraFace, StreamName } from './face.ts';
import { sourceTokens, standardTopics, type Topics } from './topics.ts';

export const serviceNames = ['device', 'media', 'media2', 'events', 'ptz', 'imaging'] as const;
export type ServiceName = (typeof serviceNames)[number];

export interface Tokens {
  readonly profiles: Readonly<Record<StreamName, string>>;
  readonly encoders: Readonly<Record<StreamName, string>>;
  readonly videoSource: string;
  readonly videoSourceConfiguration: string;
  readonly audioSource: string;
  readonly audioSourceConfiguration: string;
  readonly audioEncoder: string;
  readonly ptzNode: string;
  readonly ptzConfiguration: string;
}

export interface Habits {
  /** What it offers; the device service always, PTZ only where its head moves. */
  readonly services: readonly ServiceName[];
  /** Where its services are by custom; else any free port. */
  readonly port?: number;
  /** Its head moves, where nobody says otherwise. */
  readonly moves: boolean;
  readonly paths: Readonly<Record<ServiceName, string>>;
  readonly tokens: Tokens;
  readonly rtspPaths: Readonly<Record<StreamName, string>>;
  /** Path and query of a single picture, where it gives any. */
  readonly snapshot: ((face: Pick<CameraFace, 'user' | 'password'>, name: StreamName) => string) | undefined;
  /** A snapshot needs no other credentials than its address. */
  readonly snapshotOpen: boolean;
  /** How it wants to know who asks. */
  readonly access: { readonly token: boolean; readonly digest: DigestAlgorithm | 'none' };
  readonly topics: Topics;
  /** How a subscription is told from others: by its own path, or by a reference parameter at the service's path. */
  readonly subscriptions: 'path' | 'reference';
  /** Each pull puts a subscription's end off, whatever was asked for. */
  readonly pullsRenew: boolean;
  readonly pullPointsMax: number;
}

export const standardHabits: Habits = {
  services: serviceNames,
  moves: false,
  paths: { device: '/onvif/device_service', media: '/onvif/media_service', media2: '/onvif/media2_service', events: '/onvif/event_service', ptz: '/onvif/ptz_service', imaging: '/onvif/imaging_service' },
  tokens: {
    profiles: { main: 'profile_main', sub: 'profile_sub' }, encoders: { main: 'VEC_main', sub: 'VEC_sub' },
    videoSource: sourceTokens.video, videoSourceConfiguration: sourceTokens.videoConfiguration,
    audioSource: 'AudioSource1', audioSourceConfiguration: sourceTokens.audioConfiguration, audioEncoder: 'AEC1',
    ptzNode: 'PTZNode1', ptzConfiguration: 'PTZConfig1',
  },
  rtspPaths: { main: '/main', sub: '/sub' },
  snapshot: (_face, name) => `/onvif/snapshot/${name}.jpg`,
  snapshotOpen: false,
  access: { token: true, digest: 'MD5' },
  topics: standardTopics,
  subscriptions: 'path',
  pullsRenew: false,
  pullPointsMax: 10,
};
