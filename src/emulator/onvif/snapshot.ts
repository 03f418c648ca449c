/** Where single pictures are fetched: by the camera's own path, with what its maker puts behind it. */
import { streamNames, type CameraFace, type StreamName } from '../face.ts';

/** As told to clients: path and query. */
export function snapshotPath(face: CameraFace, name: StreamName): string {
  return face.habits.snapshot(face, name);
}

/** Whose picture is asked for; the query belongs to the name. */
export function snapshotAsked(face: CameraFace, url: string): StreamName | undefined {
  return streamNames.find((name) => snapshotPath(face, name) === url);
}
