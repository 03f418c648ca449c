/** How a camera's maker shapes what the standard leaves open; makes.ts has those of makes, here is a camera without any. */
import { standardTopics, type Topics } from './topics.ts';

export const serviceNames = ['device', 'media', 'events'] as const;
export type ServiceName = (typeof serviceNames)[number];

export interface Habits {
  /** What it offers; the device service always. */
  readonly services: readonly ServiceName[];
  readonly paths: Readonly<Record<ServiceName, string>>;
  readonly topics: Topics;
  /** How a subscription is told from others: by its own path, or by a reference parameter at the service's path. */
  readonly subscriptions: 'path' | 'reference';
  /** Each pull puts a subscription's end off, whatever was asked for. */
  readonly pullsRenew: boolean;
  readonly pullPointsMax: number;
}

export const standardHabits: Habits = {
  services: serviceNames,
  paths: { device: '/onvif/device_service', media: '/onvif/media_service', events: '/onvif/event_service' },
  topics: standardTopics,
  subscriptions: 'path',
  pullsRenew: false,
  pullPointsMax: 10,
};
