import type { CameraConfig, HubConfig } from '../../src/policy/settings.ts';

export const day = 86_400_000;
export const hour = 3_600_000;

export function hub(keepDays: number, cameras: readonly CameraConfig[] = [], more: Partial<HubConfig> = {}): HubConfig {
  return {
    name: 'Home', data: '/data', dataMount: false, socket: '/data/control.sock',
    record: { periodMs: hour, cutAfterMs: 60_000, thumbnails: true },
    keep: { footageMs: keepDays * day, logsMs: 14 * day, auditMs: 730 * day },
    disk: {}, scrub: { everyMs: 7 * day, bytesPerSecond: 2_000_000 }, time: { source: 'ntp', settleMs: hour }, discovery: { loopback: false, interfaces: [] }, page: { enabled: true, port: 7443, httpPort: 7480, names: [], panels: false },
    capture: { ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', jail: 'files' }, faces: { enabled: false, consentMs: 365 * day, lock: 'hub' as const }, log: { level: 'info' }, privacy: [], zones: [], alarms: [], recordings: [], destinations: [],
    cameras: cameras.map((camera) => (camera.ownKeep ? camera : { ...camera, keepMs: keepDays * day })),
    ...more,
  };
}

export function camera(id: string, more: { keepDays?: number; audio?: boolean; address?: string; record?: boolean } = {}): CameraConfig {
  return {
    id, name: id, address: more.address ?? '10.0.0.1', port: 80, secure: false, path: '/onvif/device_service', user: 'onvif',
    keepMs: (more.keepDays ?? 0) * day, ownKeep: more.keepDays !== undefined, audio: more.audio ?? false, record: more.record ?? true, sub: false, events: true, detect: 'both', space: 'home',
  };
}
