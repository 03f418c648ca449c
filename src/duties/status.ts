/** How the hub is, from the parts that know; the same for the command line and the page. */
import type { Clock, UnixMs } from '../base/clock.ts';
import { secondMs } from '../base/units.ts';
import type { PendingChange } from '../policy/consent.ts';
import { noticeKinds } from '../policy/notices.ts';
import type { RoomFit } from '../policy/room.ts';
import type { Vault } from '../vault/vault.ts';
import { confinementOf, confinementWarnings, type Confinement } from './confinement.ts';
import type { AlarmsDuty, AlarmsState } from './alarms.ts';
import type { CopiesDuty } from './copies.ts';
import type { DetectDuty } from './detect.ts';
import type { DiskDuty, DiskState } from './disk.ts';
import type { LookerState } from './looker.ts';
import { noticeSentence, type Notice, type Notices } from './notices.ts';
import { overdueMs, type PurgeDuty, type PurgeState } from './purge.ts';
import type { ScrubDuty } from './scrub.ts';
import type { Site } from './site.ts';
import type { Timekeeper } from './timekeeper.ts';
import type { Told } from './told.ts';
import type { CameraStatus } from './watch.ts';

export interface StatusParts {
  readonly site: Site;
  readonly vault: Vault;
  readonly purge: PurgeDuty;
  readonly disk: DiskDuty;
  readonly timekeeper: Timekeeper;
  readonly notices: Notices;
  readonly told: Pick<Told, 'list'>;
  readonly scrub: ScrubDuty;
  readonly copies: CopiesDuty;
  readonly alarms: Pick<AlarmsDuty, 'state'>;
  readonly detect: Pick<DetectDuty, 'of' | 'status'>;
  readonly clock: Clock;
}

export interface NoticeStanding {
  readonly kind: string;
  readonly camera: string | undefined;
  readonly sinceMs: UnixMs;
  readonly text: string;
  readonly todo: string;
}

export interface HubStatus {
  readonly nowMs: UnixMs;
  readonly cameras: readonly (CameraStatus & { readonly looking: LookerState | undefined })[];
  /** Of all rules; who tells persons and vehicles, and looks that were dropped for newer ones. */
  readonly alarms: AlarmsState & ReturnType<DetectDuty['status']>;
  readonly footage: Awaited<ReturnType<Vault['footageFacts']>>;
  readonly disk: DiskStatus;
  readonly time: { readonly mayPurge: boolean; readonly why: string; readonly clock: string };
  readonly purge: PurgeState;
  /** What the owner should hear of, open now. */
  readonly notices: readonly NoticeStanding[];
  /** What happened within the last week and does not last. */
  readonly told: readonly NoticeStanding[];
  readonly confinement: Confinement;
  readonly warnings: readonly string[];
}

/** What there is, what is needed and what fits; the arithmetic once the disk was first looked at. */
export interface DiskStatus extends Partial<Omit<RoomFit, 'warnings'>> {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly budgetBytes: number | undefined;
  /** Why nothing is recorded. */
  readonly full: string | undefined;
  readonly lastEarly: DiskState['lastEarly'];
}

export async function collectStatus({ site, vault, purge, disk, timekeeper, notices, told, alarms, detect, clock }: StatusParts): Promise<HubStatus> {
  const nowMs = Math.round(clock.wallMs());
  const cameras = site.cameras.map((watch) => watch.status).map((camera) => ({ ...camera, looking: detect.of(camera.camera) }));
  const verdict = timekeeper.verdict;
  const confinement = await confinementOf(site.jail);
  return {
    nowMs,
    cameras,
    alarms: { ...alarms.state, ...detect.status() },
    footage: await vault.footageFacts(),
    disk: await diskStatus(site, vault, disk),
    time: { mayPurge: verdict?.mayPurge ?? false, why: verdict?.why ?? 'the clock was not judged yet', clock: timekeeper.clockState },
    purge: purge.state,
    notices: notices.open.map(standing),
    told: told.list.map(standing),
    confinement,
    warnings: [
      ...warningsOf(site, [...site.pending, ...(timekeeper.question === undefined ? [] : [timekeeper.question])], purge.state, cameras, nowMs),
      ...await site.advice(), ...(disk.state.fit?.warnings ?? []), ...confinementWarnings(confinement),
    ],
  };
}

function standing(notice: Notice): NoticeStanding {
  return { kind: notice.kind, camera: notice.camera, sinceMs: notice.sinceMs, text: noticeSentence(notice), todo: noticeKinds[notice.kind].todo };
}

async function diskStatus(site: Site, vault: Vault, { state }: DiskDuty): Promise<DiskStatus> {
  const { warnings: _, ...fit } = state.fit ?? { warnings: [] };
  return { ...await vault.shownDiskFacts(), ...fit, budgetBytes: site.config.disk.budgetBytes, full: state.halt.hub, lastEarly: state.lastEarly };
}

function warningsOf(site: Site, pending: readonly PendingChange[], purge: PurgeState, cameras: readonly CameraStatus[], nowMs: UnixMs): string[] {
  const warnings: string[] = [];
  if (site.owner.problem !== undefined) warnings.push(`${site.owner.problem.message} (${site.owner.problem.code}): ${site.owner.problem.hint}`);
  for (const change of pending) warnings.push(`waits for the owner's yes: ${change.text} (sallyport accept ${change.id} --identity KIT)`);
  if (purge.problem !== undefined) warnings.push(`purging failed and is tried again: ${purge.problem.message} (${purge.problem.code})`);
  if (purge.nextDeadlineMs !== undefined && nowMs - purge.nextDeadlineMs > overdueMs) warnings.push(`a purge is overdue: ${purge.waiting ?? 'it is being tried'}`);
  const longestSegmentMs = 90 * secondMs;
  for (const camera of cameras) {
    if (camera.recording && camera.lastSealedMs !== undefined && nowMs - camera.lastSealedMs > 2 * longestSegmentMs) {
      warnings.push(`${camera.camera}: nothing was sealed for ${Math.round((nowMs - camera.lastSealedMs) / 1000)} s`);
    }
  }
  return warnings;
}
