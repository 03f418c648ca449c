/** What a camera's owner sets over ONVIF; it stays over a reboot, as in a real camera's flash. */
import type { StreamName } from './face.ts';

export type UserLevel = 'Administrator' | 'Operator' | 'User';

export interface Account {
  password: string;
  level: UserLevel;
}

export const imagingLevels = ['Brightness', 'ColorSaturation', 'Contrast', 'Sharpness'] as const;

/** Levels of 0 to 100, under ONVIF's names. */
export interface Imaging extends Record<(typeof imagingLevels)[number], number> {
  IrCutFilter: 'ON' | 'OFF' | 'AUTO';
}

export interface Settings {
  hostname: string;
  /** Added to the camera's clock by whoever set it. */
  clockSetMs: number;
  clockBy: 'Manual' | 'NTP';
  timeZone: string;
  daylightSavings: boolean;
  /** Servers set by hand; with none, they come by DHCP. */
  ntpServers: readonly { readonly type: 'IPv4' | 'IPv6' | 'DNS'; readonly name: string }[];
  /** Scopes beyond those that are fixed. */
  scopes: readonly string[];
  discoverable: boolean;
  /** Beside the first user, who is the camera's own (face.ts). */
  readonly accounts: Map<string, Account>;
  relay: { mode: 'Monostable' | 'Bistable'; delayMs: number; idle: 'open' | 'closed' };
  imaging: Imaging;
  /** Of each encoder what does not change its pictures. */
  readonly encoders: Record<StreamName, { quality: number; fpsLimit?: number; kbpsLimit?: number }>;
}

export function factorySettings(name: string): Settings {
  return {
    hostname: name,
    clockSetMs: 0,
    clockBy: 'NTP',
    timeZone: 'UTC0',
    daylightSavings: false,
    ntpServers: [],
    scopes: [`onvif://www.onvif.org/name/${encodeURIComponent(name)}`, 'onvif://www.onvif.org/location/emulated'],
    discoverable: true,
    accounts: new Map(),
    relay: { mode: 'Bistable', delayMs: 1000, idle: 'open' },
    imaging: { Brightness: 50, ColorSaturation: 50, Contrast: 50, Sharpness: 50, IrCutFilter: 'AUTO' },
    encoders: { main: { quality: 4 }, sub: { quality: 4 } },
  };
}
