/** Where single pictures are fetched: by the camera's own path, with what its maker puts behind it. */
import { streamNames, type CameraFace, type StreamName } from '../face.ts';
import { SoapFault } from './soap.ts';

/** As told to clients: path and query. */
export function snapshotPath(face: CameraFace, name: StreamName): string {
  const path = face.habits.snapshot?.(face, name);
  if (path === undefined) throw new SoapFault({ code: 'Receiver', subcodes: ['ActionNotSupported'], reason: 'this camera gives no single pictures' });
  return path;
}

/** Whose picture is asked for; the query belongs to the name. */
export function snapshotAsked(face: CameraFace, url: string): StreamName | undefined {
  return streamNames.find((name) => face.habits.snapshot?.(face, name) === url);
}
