/** Who outside the house is told what, and what cameras are called there: the hub's side of notices. When they ring is the courier's (`noticing.ts`). */
import type { DestinationConfig } from './declared.ts';
import { noticeMessageKinds, type NoticeMessageKind } from './noticing.ts';

export interface NoticeDestination {
  readonly name: string;
  readonly kind: 'ntfy' | 'webhook' | 'mqtt';
  /** Undefined: all there are. */
  readonly kinds?: readonly NoticeMessageKind[] | undefined;
  /** An alarm's small picture goes along, sealed. */
  readonly picture?: boolean | undefined;
  /** Whether what comes back from there may turn cameras and make spaces private. */
  readonly commands?: boolean | undefined;
}

/** Those of them that take notices. */
export function noticeDestinations(destinations: readonly DestinationConfig[]): NoticeDestination[] {
  return destinations.flatMap(({ name, kind, messenger }) => (kind === 'ntfy' || kind === 'webhook' || kind === 'mqtt' ? [{ name, kind, kinds: messenger?.kinds, picture: messenger?.picture, commands: messenger?.commands }] : []));
}

/** Numbers for cameras that are called by none of their owner's words: given once and never again, so that a number never comes to mean another camera. */
export type CameraNumbers = Readonly<Record<string, number>>;

export function numberCameras(known: CameraNumbers, cameras: readonly string[]): CameraNumbers {
  const next = { ...known };
  for (const camera of cameras) if (!Object.hasOwn(next, camera)) next[camera] = Math.max(0, ...Object.values(next)) + 1;
  return next;
}

/** What a camera is called outside. */
export function aliasOf({ id, alias }: { readonly id: string; readonly alias?: string }, numbers: CameraNumbers): string {
  return alias ?? (Object.hasOwn(numbers, id) ? `camera-${numbers[id]}` : 'camera');
}

export function isToldOf({ kinds }: Pick<NoticeDestination, 'kinds'>, kind: NoticeMessageKind): boolean {
  return (kinds ?? noticeMessageKinds).includes(kind);
}
