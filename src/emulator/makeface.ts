/** A camera as it comes out of its box. */
import { systemClock } from '../base/clock.ts';
import { CameraEvents } from './events.ts';
import { cameraTimeMs, identityOf, type CameraFace, type Quirks } from './face.ts';
import { PtzHead } from './head.ts';
import { factsOf, type Make } from './makes.ts';
import { factorySettings } from './settings.ts';

type Given = Pick<CameraFace, 'name' | 'address' | 'streams' | 'user' | 'password' | 'talk' | 'tls' | 'rebootMs' | 'closed'>;

export function makeFace(o: Given & { make: Make; moves: boolean | undefined; ports: { readonly onvif: number; readonly rtsp: number; readonly https?: number; readonly rtsps?: number } | undefined }): CameraFace {
  const { ports, moves, make, ...given } = o;
  const { habits, quirks: strays, urn, device, serial } = factsOf[make];
  const identity = identityOf(o.address);
  const clock = systemClock;
  const quirks: Quirks = { ...strays };
  const settings = factorySettings(o.name);
  return {
    ...given, ...identity, urn: urn ?? identity.urn, device: { ...identity.device, ...device, serial: serial?.(identity.device.serial) ?? identity.device.serial },
    clock, quirks, habits, settings, head: moves ?? habits.moves ? new PtzHead(clock) : undefined,
    events: new CameraEvents({ topics: habits.topics, clock, nowMs: () => cameraTimeMs({ clock, quirks, settings }) }),
    onvifPort: ports?.onvif ?? habits.port ?? 0, rtspPort: ports?.rtsp ?? 0, httpsPort: ports?.https ?? 0, rtspsPort: ports?.rtsps ?? 0,
    reboot: () => {}, synchronize: () => {}, tries: { right: 0, wrong: 0 },
  };
}
