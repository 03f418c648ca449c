/** Who outside the house is told what, and what cameras are called there: the hub's side of notices. When they ring is the courier's (`noticing.ts`). */
import { noticeMessageKinds, type NoticeMessageKind } from './noticing.ts';

export interface NoticeDestination {
  readonly name: string;
  readonly kind: 'ntfy' | 'webhook' | 'mqtt';
  /** Undefined: all there are. */
  readonly kinds?: readonly NoticeMessageKind[] | undefined;
  /** By a camera's id: what it is called there; without, `camera-1` and so on. */
  readonly aliases?: Readonly<Record<string, string>> | undefined;
  /** Whether what comes back from there may turn cameras and make spaces private. */
  readonly commands?: boolean | undefined;
}

/** Numbers for cameras that are called by none of their owner's words: given once and never again, so that a number never comes to mean another camera. */
export type CameraNumbers = Readonly<Record<string, number>>;

export function numberCameras(known: CameraNumbers, cameras: readonly string[]): CameraNumbers {
  const next = { ...known };
  for (const camera of cameras) if (!Object.hasOwn(next, camera)) next[camera] = Math.max(0, ...Object.values(next)) + 1;
  return next;
}

export function aliasOf({ aliases }: Pick<NoticeDestination, 'aliases'>, camera: string, numbers: CameraNumbers): string {
  const own = aliases !== undefined && Object.hasOwn(aliases, camera) ? aliases[camera] : undefined;
  return own ?? (Object.hasOwn(numbers, camera) ? `camera-${numbers[camera]}` : 'camera');
}

export function isToldOf({ kinds }: Pick<NoticeDestination, 'kinds'>, kind: NoticeMessageKind): boolean {
  return (kinds ?? noticeMessageKinds).includes(kind);
}
