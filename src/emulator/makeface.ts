/** A camera as it comes out of its box. */
import { systemClock } from '../base/clock.ts';
import { CameraEvents } from './events.ts';
import { cameraTimeMs, identityOf, type CameraFace, type Quirks } from './face.ts';
import { standardHabits } from './habits.ts';
import { PtzHead } from './head.ts';
import { factorySettings } from './settings.ts';

type Given = Pick<CameraFace, 'name' | 'address' | 'streams' | 'user' | 'password' | 'talk' | 'tls' | 'rebootMs' | 'closed'>;

export function makeFace(o: Given & { moves: boolean | undefined; ports: { readonly onvif: number; readonly rtsp: number; readonly https?: number; readonly rtsps?: number } | undefined }): CameraFace {
  const { ports, moves, ...given } = o;
  const clock = systemClock;
  const quirks: Quirks = {};
  const habits = standardHabits;
  const settings = factorySettings(o.name);
  return {
    ...given, ...identityOf(o.address), clock, quirks, habits, settings, head: moves ?? habits.moves ? new PtzHead(clock) : undefined,
    events: new CameraEvents({ topics: habits.topics, clock, nowMs: () => cameraTimeMs({ clock, quirks, settings }) }),
    onvifPort: ports?.onvif ?? 0, rtspPort: ports?.rtsp ?? 0, httpsPort: ports?.https ?? 0, rtspsPort: ports?.rtsps ?? 0,
    reboot: () => {},
  };
}
