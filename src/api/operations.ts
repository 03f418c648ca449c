/** What each route of the contract does: one duty each. */
import type { Clock, UnixMs } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { version } from '../base/version.ts';
import type { AlarmList } from '../duties/alarmlist.ts';
import { takeYes, type Approval } from '../duties/consent.ts';
import { controlCamera } from '../duties/control.ts';
import type { EnrolDuty } from '../duties/enrol.ts';
import { doorsOf, egressOf, verifyFar, type EgressParts } from '../duties/egress.ts';
import { credentialPattern } from '../duties/doors.ts';
import type { EraseDuty } from '../duties/erase.ts';
import type { FollowDuty } from '../duties/follow.ts';
import type { HeaderOrders, HeaderPlan } from '../duties/headers.ts';
import type { HoldDuty } from '../duties/hold.ts';
import { metricsText } from '../duties/metrics.ts';
import type { PrivacyDuty } from '../duties/privacy.ts';
import type { SealingDuty } from '../duties/sealing.ts';
import { withDeadlines, type PlaybackDuty } from '../duties/playback.ts';
import { collectStatus, type StatusParts } from '../duties/status.ts';
import type { CameraStatus } from '../duties/watch.ts';
import type { PendingChange } from '../policy/consent.ts';
import { processingRecord } from '../policy/processing.ts';
import { dueMs } from '../policy/retention.ts';
import { eventsInWords } from '../policy/subscriptions.ts';
import type { PageOperations, Pending } from './contract.ts';
import { withoutUndefined } from './defined.ts';
import type { Page } from './page.ts';

export function operationsOf(parts: StatusParts & Pick<EgressParts, 'ledger' | 'courier' | 'upload' | 'farSlots' | 'archive' | 'survey' | 'destinations'> & {
  clock: Clock; log: Log; sealing: SealingDuty; privacy: PrivacyDuty; hold: HoldDuty; erase: EraseDuty; headers: HeaderOrders; playback: Pick<PlaybackDuty, 'fetch'>; enrol: EnrolDuty; follow: FollowDuty; alarmList: AlarmList; page: Pick<Page, 'state' | 'pair' | 'warnings'>; startedMs: UnixMs;
  warnings: readonly string[];
}): PageOperations {
  const { site, vault, timekeeper, hold, erase, headers, alarmList, enrol, playback } = parts;
  return {
    status: async () => {
      const status = await collectStatus(parts);
      const { owner } = site;
      return withoutUndefined({
        ...status,
        cameras: status.cameras.map((camera) => ({ ...camera, events: eventsOf(camera.events) })),
        version,
        hub: site.config.name,
        startedMs: Math.round(parts.startedMs),
        owner: { present: owner.list !== undefined, spaces: owner.list?.spaces.map((space) => space.name) ?? [], problem: owner.problem?.toJSON() },
        purge: { ...status.purge, problem: status.purge.problem?.toJSON() },
        scrub: scrubOf(parts.scrub),
        copies: { ...parts.copies.state, problem: parts.copies.state.problem?.toJSON() },
        pending: waiting(parts),
        page: parts.page.state,
        doors: await doorsOf(parts),
        recovery: { ...vault.recovery, missing: vault.recovery.missing.length },
        warnings: [...parts.warnings, ...parts.page.warnings, ...status.warnings, ...await enrol.lockWarnings()],
      });
    },
    pending: () => waiting(parts),
    pair: async () => parts.page.pair(),
    metrics: async () => ({ text: metricsText(await collectStatus(parts), parts.sealing.ages(), parts.startedMs) }),
    discover: async ({ seconds, range }) => withoutUndefined(await site.discover(seconds, range)),
    adopt: async (order, by) => {
      const adopted = await site.adopt(order, by);
      return { ...adopted, pending: pendingOf(adopted.pending) };
    },
    // From here it can only be raised: to lower it needs somebody in the house, with a session.
    privacy: async ({ space }) => {
      await parts.privacy.switch(space, true, { who: 'cli' });
      return { done: true };
    },
    camera: async ({ camera, order }, by) => ({ sentences: await controlCamera(parts, camera, order, by === undefined ? {} : { by }) }),
    moved: async ({ camera, ...place }, by) => ({ camera, sentences: await parts.follow.take(camera, place, by) }),
    secret: async ({ camera, password }, by) => {
      // Whose account footage goes to is no visitor's business: where it goes was said yes to by an owner.
      if (by === undefined && credentialPattern.test(camera)) await parts.courier.setSecret(camera, password, { who: 'cli' });
      else await site.setPassword(camera, password, by);
      return { done: true };
    },
    reload: async () => ({ changes: await site.reload(), pending: pendingOf(site.pending) }),
    accept: async (approval) => ({ changes: [await accept(parts, approval)], pending: waiting(parts) }),
    note: async ({ what, camera, fromMs, toMs }) => {
      await vault.audit({ what: `footage.${what}`, who: 'cli', camera, detail: { from_ms: fromMs, ...(toMs === undefined ? {} : { to_ms: toMs }) } });
      return { done: true };
    },
    list: async (query) => withoutUndefined({
      segments: (await withDeadlines(vault, await vault.segments(query))).map((row) => ({ ...row, state: row.damagedMs !== undefined ? 'damaged' : (row.periodClass === 'hold' || row.periodClass === 'alarm') && row.state !== 'missing' ? 'held' : row.archivedAt !== undefined ? 'archived' : row.state })), gaps: await vault.gaps(query),
    }),
    fetch: async (name) => ({ file: await playback.fetch(name) }),
    observations: async (query) => withoutUndefined({ observations: await vault.observations(query) }),
    alarms: async (query) => withoutUndefined({ alarms: await alarmList.list(query) }),
    'alarm-pictures': async ({ id }) => {
      const { alarm, pictures, slot, footage } = await alarmList.show(id, 'cli');
      return withoutUndefined({ alarm, pictures: pictures.map(({ which, sealed }) => ({ which, sealed: sealed.toString('base64') })), slot: slot.toString('base64'), footage });
    },
    'alarm-mark': async ({ id, ...marks }) => withoutUndefined({ alarm: await alarmList.mark(id, marks, { who: 'cli' }) }),
    notice: async ({ number }) => withoutUndefined({ notices: (await alarmList.ofNotice(number)).map(({ alias: camera, ...found }) => ({ ...found, camera })) }),
    'alarm-test': async ({ rule }) => {
      const { observations, verdicts, visits, unplaced } = await alarmList.test(rule);
      return { observations, unplaced, verdicts: { ...verdicts } as Record<string, number>, visits: [...visits] };
    },
    scrub: async ({ start }) => {
      if (start) parts.scrub.startNow();
      return withoutUndefined(scrubOf(parts.scrub));
    },
    hold: async (signed) => toPlain(await hold.begin(signed)),
    headers: async ({ order, headers: made }) => ({ taken: await headers.take(order, made.map(({ header, ...rest }) => ({ ...rest, header: Buffer.from(header, 'base64') }))) }),
    'hold-done': async ({ order }) => ({ sentences: await hold.finish(order) }),
    holds: async () => withoutUndefined({ holds: await hold.list() }),
    release: async (signed) => ({ sentences: await hold.release(signed) }),
    'erase-look': async ({ whole, ...wish }) => ({ sentences: await erase.look({ ...wish, why: '' }, whole) }),
    erase: async (signed) => erase.begin(signed),
    'erase-hours': async ({ by, ...wish }) => erase.beginWhole(wish, by),
    'erase-plan': async ({ order }) => toPlain(await erase.plan(order)),
    'erase-done': async ({ order, force }) => ({ sentences: await erase.finish(order, force) }),
    processing: async () => ({ text: processingRecord(site.config) }),
    people: async () => enrol.show(),
    'people-lock': async () => {
      const { to, sealed } = await enrol.lockQuestion();
      return { to, sealed: [...sealed] };
    },
    'people-lend': async ({ keys }) => ({ locked: (await enrol.lend(Buffer.from(keys, 'base64'), { who: 'cli' })).locked }),
    'people-take-back': async () => {
      await enrol.takeBack({ who: 'cli' });
      return { done: true };
    },
    'person-forget': async ({ person }) => {
      const { receipt, readBack } = await enrol.forget(person, { who: 'cli' });
      return { sentences: [`the person ${person} is forgotten; receipt ${receipt}${readBack ? ', the shredded key was read back' : ''}`] };
    },
    egress: async (query) => withoutUndefined(await egressOf(parts, query)),
    'egress-unknown': async ({ destination }) => withoutUndefined(await parts.survey.look(destination)),
    'egress-clear': async (signed) => ({ objects: await parts.survey.erase(signed) }),
    'egress-verify': async ({ destination, repair }) => withoutUndefined(await verifyFar(parts, destination, repair)),
    'purge-plan': async () => {
      const verdict = await timekeeper.look();
      const nowMs = Math.round(parts.clock.wallMs());
      const periods = (await vault.livePeriods()).map((period) => ({ ...period, dueMs: Math.round(dueMs(period, nowMs, verdict)) }));
      return { nowMs, mayPurge: verdict.mayPurge, why: verdict.why, periods: periods.map((period) => ({ ...period, due: period.dueMs <= nowMs })) };
    },
  };
}

function waiting({ site, timekeeper }: StatusParts): Pending[] {
  return pendingOf([...site.pending, ...(timekeeper.question === undefined ? [] : [timekeeper.question])]);
}

/** The owner's yes, to a change of the configuration or to the time. */
async function accept({ site, vault, timekeeper, purge }: StatusParts, approval: Approval): Promise<string> {
  const { question } = timekeeper;
  if (question === undefined || approval.id !== question.id) return site.accept(approval);
  await takeYes(vault, site.owner.list, question, approval, () => timekeeper.confirm());
  purge.nudge();
  return question.text;
}

/** The contract's lists are not readonly. */
function toPlain<T extends HeaderPlan>(plan: T): Omit<T, 'targets' | 'wanted'> & { targets: HeaderPlan['targets'][number][]; wanted: HeaderPlan['wanted'][number][] } {
  return { ...plan, targets: [...plan.targets], wanted: [...plan.wanted] };
}

function eventsOf(events: CameraStatus['events']) {
  if (events === undefined) return undefined;
  const { state, dropped, lost, ...rest } = events;
  return { ...rest, state: state.kind, words: eventsInWords(state, events.sinceMs), lost: lost + dropped };
}

function scrubOf({ state }: StatusParts['scrub']) {
  return { ...state, problem: state.problem?.toJSON() };
}

function pendingOf(changes: readonly PendingChange[]): Pending[] {
  return changes.map(({ id, text, camera, key, from, to }) => ({ id, text, key, from: String(from), to: String(to), ...(camera === undefined ? {} : { camera }) }));
}
