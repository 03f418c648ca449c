/** How far what runs here is held: ffmpeg by its jail, the hub by the service manager. What the kernel says, not what files ask for. */
import { serviceRules, type ServiceRules } from '../base/servicerules.ts';
import type { Jail, JailLevel } from '../capture/jail.ts';

export interface Confinement {
  /** Reached by ffmpeg. */
  readonly level: JailLevel;
  readonly need: JailLevel;
  readonly landlock: number;
  readonly seccomp: boolean;
  readonly missing?: string;
  /** What systemd's rules add, for the hub and all its children. */
  readonly hub: ServiceRules;
}

export async function confinementOf({ facts, need }: Jail): Promise<Confinement> {
  const { level, landlock, seccomp, missing } = facts;
  return { level, need, landlock, seccomp, ...(missing === undefined ? {} : { missing }), hub: await serviceRules() };
}

/** What the owner should know: ffmpeg, taken over by what a camera sends, could do as the hub can. */
export function confinementWarnings({ level, missing }: Confinement): string[] {
  if (missing !== undefined) return [`ffmpeg is not confined, because its jail cannot be used (${missing}): build it with scripts/native`];
  return level === 'off' ? ['ffmpeg may read what the hub may read: this kernel has no Landlock, or the service\'s filter refuses it'] : [];
}
