/** Which services a camera has, and which operation is meant by a call. */
import type { CameraFace } from '../face.ts';
import { deviceService } from './device.ts';
import { eventsService, subscriptionBase } from './events.ts';
import { imagingService } from './imaging.ts';
import { mediaService } from './media.ts';
import { media2Service } from './media2.ts';
import type { Operation, ServiceFacts } from './operation.ts';
import { ptzService } from './ptz.ts';

export const allServices: readonly ServiceFacts[] = [deviceService, mediaService, media2Service, eventsService, ptzService, imagingService];

export function servicesOf(face: CameraFace): readonly ServiceFacts[] {
  return allServices.filter(({ name }) => face.habits.services.includes(name) && (name !== 'ptz' || face.head !== undefined));
}

/** By the namespace of the body's element; without one by path, and a client that keeps to one path for all services is served too. */
export function operationOf(face: CameraFace, path: string, called: { readonly namespace: string | undefined; readonly body: { readonly name: string } }): Operation | undefined {
  const services = servicesOf(face);
  const spoken = allServices.find(({ namespace, alsoNamespaces }) => namespace === called.namespace || (called.namespace !== undefined && alsoNamespaces?.includes(called.namespace) === true));
  // A service that this camera does not have answers nothing, whatever another one calls the same.
  if (spoken !== undefined) return services.includes(spoken) ? spoken.operations.get(called.body.name) : undefined;
  const here = services.filter(({ name }) => face.habits.paths[name] === path || (name === 'events' && path.startsWith(subscriptionBase(face))));
  return [...here, ...services].map(({ operations }) => operations.get(called.body.name)).find((operation) => operation !== undefined);
}
