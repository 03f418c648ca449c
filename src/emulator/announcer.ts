/** A way of being found on the network: WS-Discovery and mDNS are the two. */
import type { CameraFace } from './face.ts';

export interface Announcer {
  /** From now on the camera is answered for. Never throws: a camera that cannot be found still works. */
  announce(face: CameraFace): void;
  /** Says goodbye and answers no longer; resolves when it is said. Never rejects. */
  withdraw(face: CameraFace): Promise<void>;
  close(): Promise<void>;
}
