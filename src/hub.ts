/**
 * The hub: the process that sees. Read `start` for the plan: what is built, in order; closing goes the other way.
 * It reaches cameras and visitors of the site and nothing else; what leaves the house is the courier's, which has no key.
 */
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { serveControl, type ControlSocket } from './api/control.ts';
import type { PageOperations } from './api/contract.ts';
import { operationsOf } from './api/operations.ts';
import { Page } from './api/page.ts';
import { pageParts } from './api/pageparts.ts';
import { systemClock, type Clock } from './base/clock.ts';
import { clockSynchronised } from './base/timesync.ts';
import { SallyportError, reasonOf } from './base/errors.ts';
import { dayFileWriter, ensureFolder, joinPath, onDiskOfItsOwn, readTextBounded } from './base/files.ts';
import { Lifetime } from './base/lifetime.ts';
import { createLog, type Log } from './base/log.ts';
import { serviceManager } from './base/notify.ts';
import { plural, secondMs } from './base/units.ts';
import { checkFfmpeg } from './capture/ffmpeg.ts';
import { probeJail } from './capture/jail.ts';
import { Moments } from './capture/moments.ts';
import { loadConfig } from './config.ts';
import { Detector, modelId } from './detect/client.ts';
import { AccountsDuty } from './duties/accounts.ts';
import { AlarmList } from './duties/alarmlist.ts';
import { AlarmsDuty } from './duties/alarms.ts';
import { ArchiveDuty } from './duties/archive.ts';
import { AuditCheck } from './duties/auditcheck.ts';
import { CommandsDuty } from './duties/commands.ts';
import { placesOf, turnTo } from './duties/control.ts';
import { CopiesDuty } from './duties/copies.ts';
import { CourierDuty } from './duties/doors.ts';
import { DetectDuty } from './duties/detect.ts';
import { FaceFinder } from './duties/faces.ts';
import { DiskDuty } from './duties/disk.ts';
import { DropsDuty } from './duties/drops.ts';
import { EnrolDuty } from './duties/enrol.ts';
import { EraseDuty } from './duties/erase.ts';
import { FarSlotsDuty } from './duties/farslots.ts';
import { MendDuty } from './duties/mend.ts';
import { FollowDuty } from './duties/follow.ts';
import { HeaderOrders } from './duties/headers.ts';
import { HeartbeatDuty } from './duties/heartbeat.ts';
import { HoldDuty } from './duties/hold.ts';
import { HomeStateDuty } from './duties/homestate.ts';
import { Ledger } from './duties/ledger.ts';
import { ListenDuty } from './duties/listen.ts';
import { LiveDuty } from './duties/live.ts';
import { Notices } from './duties/notices.ts';
import { NotifyDuty } from './duties/notify.ts';
import { PanelDuty } from './duties/panel.ts';
import { PeopleBook, ownersOf } from './duties/people.ts';
import { PlaybackDuty } from './duties/playback.ts';
import { PrivacyDuty } from './duties/privacy.ts';
import { PurgeDuty } from './duties/purge.ts';
import { ScrubDuty } from './duties/scrub.ts';
import { SealingDuty } from './duties/sealing.ts';
import { Site } from './duties/site.ts';
import { StillDuty } from './duties/still.ts';
import { TalkDuty } from './duties/talk.ts';
import { Timekeeper } from './duties/timekeeper.ts';
import { Told } from './duties/told.ts';
import { SeenPlaces } from './duties/seenplaces.ts';
import { FarSurveyDuty } from './duties/farsurvey.ts';
import { UploadDuty } from './duties/upload.ts';
import { CommandReader } from './outbox/commands.ts';
import type { DestinationConfig } from './policy/declared.ts';
import type { HubConfig } from './policy/settings.ts';
import { noticeDestinations } from './policy/telling.ts';
import { FileKeys } from './seal/filekey.ts';
import { Vault } from './vault/vault.ts';

export interface HubOptions {
  readonly configPath: string;
  readonly workingKeyFile?: string;
  readonly clock?: Clock;
  /** The folder between hub and courier; in the data folder when absent. */
  readonly outbox?: string;
  /** Who starts the courier: the hub, when absent. */
  readonly courier?: 'child' | 'service';
  /** A folder in memory, where there is one: secrets of destinations lie there while the courier starts. */
  readonly runtime?: string;
  /** Where log lines go besides the day files; for a terminal. */
  readonly echo?: (line: string) => void;
}

/** A disk that is not there at the start is looked for so often, and said to be missing once a minute. */
const lookForDiskMs = secondMs;
const looksPerLine = 60;

/** Where `scripts/page` puts what visitors' browsers load. */
const pageFolder = fileURLToPath(new URL('../dist/page', import.meta.url));

export class Hub {
  readonly #life = new Lifetime();
  readonly #manager = serviceManager(process.env);
  readonly #stop = new AbortController();
  #site: Site | undefined;
  #detect: DetectDuty | undefined;
  #follow: FollowDuty | undefined;
  #log: Log | undefined;
  #control: ControlSocket | undefined;
  #talk: TalkDuty | undefined;
  #privacy: PrivacyDuty | undefined;
  #page: Page | undefined;
  #courier: CourierDuty | undefined;
  #upload: UploadDuty | undefined;
  #notify: NotifyDuty | undefined;
  #started = false;
  #farSlots: FarSlotsDuty | undefined;
  #survey: FarSurveyDuty | undefined;

  async start(options: HubOptions): Promise<void> {
    const clock = options.clock ?? systemClock;
    const { config, warnings } = await loadConfig(options.configPath);
    if (config.dataMount) await waitForDisk(config.data, clock, this.#stop.signal, options.echo);
    const { log, logFolder } = await openLog(config, clock, options.echo);
    this.#log = log;
    // Programs are started while the vault settles its folder: a hub that was killed must record again within seconds.
    const programs = Promise.all([checkFfmpeg(config.capture.ffmpeg), probeJail({ log })]);
    programs.catch(() => {}); // told below
    const bootId = (await readTextBounded('/proc/sys/kernel/random/boot_id', 100)).trim();

    const vault = await this.#life.own('vault', Vault.open({
      folder: config.data, clock, log, hubName: config.name, ...(options.workingKeyFile === undefined ? {} : { workingKeyFile: options.workingKeyFile }),
      farSlots: async (places) => await this.#farSlots?.renewed(places) ?? places.map((destination) => ({ destination, renewed: false, reason: 'the hub was starting; it is done soon after' })),
    }));
    const [, jail] = await programs;
    const told = await this.#life.own('told', new Told({ vault, clock, log }));
    told.start();
    const notices = await this.#life.own('notices', new Notices({
      vault, clock, log, onRaised: (kind, camera) => this.#notify?.raised(kind, camera), onSettled: (kind, camera) => this.#notify?.settled(kind, camera), onTold: (notice) => { told.note(notice); this.#notify?.told(notice.kind, notice.camera); },
    }));
    const fileKeys = await this.#life.own('file keys', new FileKeys(clock));
    const timekeeper = await this.#life.own('timekeeper', new Timekeeper({
      vault, clock, log, notices, bootId, source: config.time.source, settleMs: config.time.settleMs, synchronised: clockSynchronised,
    }));
    const purge = await this.#life.own('purge', new PurgeDuty({
      vault, clock, log, timekeeper, notices, random, periodMs: config.record.periodMs, keep: () => (this.#site?.config ?? config).keep, observationsKeptMs: (camera) => keptMs(this.#site?.config ?? config, camera), logFolder, forgetKeys: () => fileKeys.forgetDue(),
    }));
    const disk = await this.#life.own('disk', new DiskDuty({ vault, clock, log, notices, random, config: () => this.#site?.config ?? config }));
    const scrub = await this.#life.own('scrub', new ScrubDuty({ vault, clock, log, notices, settings: () => (this.#site?.config ?? config).scrub }));
    const copies = await this.#life.own('copies', new CopiesDuty({ vault, clock, log, notices }));
    const listen = await this.#life.own('listen', new ListenDuty({ clock, log, settings: () => (this.#site?.config ?? config).discovery, onHello: () => this.#follow?.nudge() }));
    const privacy = this.#privacy = await this.#life.own('privacy', new PrivacyDuty({ vault, clock, log, rules: () => this.#site?.config ?? config, spaces: () => this.#site?.spaces ?? [], onChange: () => this.#privacyChanged() }));
    await privacy.load();
    const outbox = options.outbox ?? joinPath(config.data, 'outbox');
    // Before the site has asked for the owner's yes, nothing is a destination.
    const destinations = () => (this.#started ? this.#site?.config.destinations ?? [] : []);
    const ledger = await this.#life.own('ledger', new Ledger({
      vault, folder: outbox, clock, log, purposeOf: (name) => purposeOf(destinations(), name), auditMs: () => (this.#site?.config ?? config).keep.auditMs,
    }));
    const notify = this.#notify = await this.#life.own('notify', new NotifyDuty({
      vault, outbox: ledger, destinations: () => noticeDestinations(destinations()), everyDestination: () => destinations().map(({ name }) => name), cameras: () => this.#site?.config.cameras ?? [], notices, clock, log,
    }));
    const home = await this.#life.own('home state', new HomeStateDuty({
      vault, outbox: ledger, destinations: () => noticeDestinations(destinations()), cameras: () => this.#site?.config.cameras ?? [], numbers: () => notify.numbers, clock, log,
      status: (camera) => ({ online: this.#site?.watchOf(camera)?.status.online ?? false, sealedMs: this.#site?.watchOf(camera)?.status.lastSealedMs }),
      isPrivate: (space) => privacy.of(space) !== undefined, places: (camera) => placesOf({ site, clock, log }, camera),
    }));
    const people = await this.#life.own('people', new PeopleBook({
      vault, faces: () => (this.#site?.config ?? config).faces, owners: () => ownersOf(this.#site?.owner.list), model: modelId, timeTrusted: async () => (await timekeeper.look()).mayPurge, notices, clock, log,
    }));
    // It outlives the site, whose last segments belong to alarms too.
    const alarms = await this.#life.own('alarms', new AlarmsDuty({
      vault, fileKeys, config: () => this.#site?.config ?? config, plan: (camera) => this.#site?.plan(camera), recipients: (camera) => this.#site?.recipientsOf(camera) ?? [],
      pictures: async (camera, atMs, about) => this.#detect?.pictures(camera, atMs, about), markOf: (person, alarm) => people.markOf(person, alarm), onRing: (alarm) => notify.rang(alarm), onPictured: (alarm) => notify.pictured(alarm), clock, log,
    }));
    const site = await this.#life.own('site', new Site({
      configPath: options.configPath, wanted: config, vault, notices, listen, fileKeys, jail, clock, log, random, bootId, clockState: () => timekeeper.clockState, room: disk, privacy: (space) => privacy.of(space),
      onSealed: (camera, segment) => { alarms.sealed(camera, segment); this.#upload?.nudge(); }, onObserved: (camera, changes) => { alarms.changed(camera, changes); home.changed(camera, changes); },
      onChange: () => { purge.nudge(); disk.nudge(); copies.changed(); privacy.nudge(); people.nudge(); this.#detect?.nudge(); this.#page?.siteChanged(); this.#courier?.nudge(); this.#upload?.nudge(); notify.nudge(); home.nudge(); this.#farSlots?.nudge(); this.#survey?.nudge(); },
    }));
    this.#site = site;

    const mend = await this.#life.own('mend', new MendDuty({ vault, clock, log, notices, onReturn: () => { purge.nudge(); disk.nudge(); void this.#control?.renew(); } }));

    await timekeeper.start();
    mend.start();
    purge.start();
    disk.start();
    alarms.start();
    await site.start();
    this.#started = true;
    privacy.start();
    people.start();
    const places = new SeenPlaces(clock);
    const moments = await this.#life.own('moments', new Moments({ clock, log }));
    const detector = await this.#life.own('detector', new Detector({ clock, log, random, jail: { launch: (program, args, options) => site.jail.launch(program, args, options) } }));
    const detect = this.#detect = await this.#life.own('detect', new DetectDuty({
      config: () => site.config, watchOf: (camera) => site.watchOf(camera), jail: () => site.jail, detector, moments, face: new FaceFinder({ detector, moments, templates: () => people.templates(), log }), vault, clock, log, random,
      onSeen: (seen) => { alarms.observe(seen); home.appeared(seen); places.note(seen); }, onEnded: (camera, name, atMs) => { alarms.ended(camera, name, atMs); home.left(camera, name); },
    }));
    detect.start();
    listen.start();
    const follow = await this.#life.own('follow', new FollowDuty({ site, listen, vault, notices, clock, log }));
    this.#follow = follow;
    follow.start();
    scrub.start();
    copies.start();
    const sealing = await this.#life.own('sealing', new SealingDuty({ cameras: () => site.cameras.map((watch) => watch.status), cutAfterMs: () => site.config.record.cutAfterMs, notices, clock }));
    sealing.start();
    ledger.onAnswer((answer, order) => { notify.answered(order, answer); home.answered(order, answer); });
    ledger.start();
    notify.start();
    home.start();
    const commands = await this.#life.own('commands', new CommandsDuty({
      reader: new CommandReader(joinPath(outbox, 'back')), outbox: ledger, vault, destinations: () => noticeDestinations(destinations()), cameras: () => site.config.cameras, numbers: () => notify.numbers,
      makePrivate: (space) => privacy.switch(space, true, { who: 'hub' }), turn: (camera, place) => turnTo({ site, vault, clock, log }, camera, home.placeOf(camera, place)), clock, log,
    }));
    commands.start();
    const courier = this.#courier = await this.#life.own('courier', new CourierDuty({
      vault, folder: outbox, run: options.courier ?? 'child', credentials: joinPath(options.runtime ?? outbox, 'credentials'), destinations, needed: () => ledger.orders.size > 0, clock, log, random,
    }));
    courier.start();
    const drops = await this.#life.own('drops', new DropsDuty({ vault, word: () => courier.word(), destinations: () => noticeDestinations(destinations()), purposeOf: (name) => purposeOf(destinations(), name), clock, log }));
    drops.start();
    const survey = this.#survey = await this.#life.own('far survey', new FarSurveyDuty({ vault, ledger, destinations, owner: () => site.owner.list, clock, log, onChange: () => this.#upload?.nudge() }));
    survey.start();
    const upload = this.#upload = await this.#life.own('upload', new UploadDuty({ vault, ledger, courier, holds: (name) => survey.holds(name), destinations, clock, log }));
    upload.start();
    const farSlots = this.#farSlots = await this.#life.own('far slots', new FarSlotsDuty({ vault, ledger, destinations, clock, log }));
    farSlots.start();
    const auditCheck = await this.#life.own('audit check', new AuditCheck({ vault, notices, clock, log }));
    auditCheck.start();
    const talk = this.#talk = await this.#life.own('talk', new TalkDuty({ site, vault, clock, log }));
    const stills = await this.#life.own('stills', new StillDuty({ site, clock, log }));
    const live = await this.#life.own('live', new LiveDuty({ cameras: () => site.cameras, clock, log, isPrivate: (camera) => isPrivate(site, privacy, camera) }));
    const panel = await this.#life.own('panels', new PanelDuty({
      live, clock, log, random, programs: () => ({ ffmpeg: site.config.capture.ffmpeg, jail: site.jail }), enabled: () => site.config.page.panels, isPrivate: (camera) => isPrivate(site, privacy, camera),
    }));
    const archive = await this.#life.own('archive', new ArchiveDuty({ vault, ledger, destinations, notices, clock, log }));
    archive.start();
    const playback = new PlaybackDuty({ vault, clock, timekeeper, archive });
    const accounts = await this.#life.own('accounts', new AccountsDuty({
      vault, notices, clock, log, ownerList: () => site.owner.list, takeOwnerList: (text) => site.takeOwnerList(text), renewCopies: (why) => copies.renew(why),
    }));
    const headers = new HeaderOrders(vault, clock);
    const changed = (): void => { purge.nudge(); disk.nudge(); };
    const hold = await this.#life.own('hold', new HoldDuty({ vault, site, orders: headers, timekeeper, clock, log, onChange: changed }));
    hold.start();
    const erase = new EraseDuty({ vault, site, orders: headers, clock, onChange: changed });
    const enrol = new EnrolDuty({
      vault, book: people, faces: () => site.config.faces, model: modelId, examine: (picture) => detector.examine(picture), tools: () => ({ ffmpeg: site.config.capture.ffmpeg, jail: site.jail, clock }),
      nameOf: (account) => accounts.nameOf(account), clock,
    });
    const alarmList = new AlarmList({ vault, timekeeper, config: () => site.config, places, clock });
    const page: Page = this.#page = await this.#life.own('page', new Page({
      config: config.page, hubName: config.name, accounts, site, vault, operations: () => operations, parts: pageParts({ live, panel, talk, playback, alarmList, stills, privacy, enrol, courier, logFolder, clock, log }), notices, clock, log, folder: pageFolder,
    }));
    const operations: PageOperations = operationsOf({ page, site, ledger, courier, upload, farSlots, archive, survey, destinations, privacy, alarms, alarmList, detect, sealing, hold, erase, headers, playback, enrol, follow, vault, purge, disk, scrub, copies, timekeeper, notices, told, clock, log, startedMs: clock.wallMs(), warnings });
    this.#control = await this.#life.own('control socket', serveControl({ socket: config.socket, operations, talk: (camera, sound, gone) => talk.talk(camera, sound, gone), log }));
    // Recording has begun; whatever is wrong with the page is told by it and stops nothing.
    await page.start();
    // The code itself is shown by `pair` alone: what is said here may end in a journal.
    if (page.state.state === 'new') options.echo?.(`Nobody has an account here yet. To begin: \`sallyport pair\` shows the code and where to open the page (${page.state.urls[0] ?? 'it is not open'}).\n`);
    await vault.audit({ what: 'hub.started', who: 'hub', detail: { recovery: { ...vault.recovery, missing: vault.recovery.missing.length } } });
    log.info({ component: 'hub', cameras: config.cameras.length, socket: config.socket }, 'the hub is running');
    const heartbeat = await this.#life.own('heartbeat', new HeartbeatDuty({ manager: this.#manager, cameras: () => site.cameras.map((watch) => watch.beating), notices, clock, log }));
    await this.#tell('READY=1', `STATUS=watching ${plural(config.cameras.length, 'camera')}`);
    heartbeat.start();
  }

  /** SIGHUP: takes over a changed configuration; a refused one changes nothing. */
  async reload(): Promise<void> {
    await this.#tell('RELOADING=1', `MONOTONIC_USEC=${Math.round(systemClock.monotonicMs() * 1000)}`);
    try {
      const changes = await this.#site?.reload();
      this.#log?.info({ component: 'hub', changes }, 'configuration read again');
    } finally {
      await this.#tell('READY=1');
    }
  }

  /** Closes segments, signs a checkpoint, unlocks the folder. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#tell('STOPPING=1');
    await this.#life.close();
    this.#log?.info({ component: 'hub' }, 'the hub has stopped');
  }

  async #tell(...states: string[]): Promise<void> {
    const untold = await this.#manager.notify(...states);
    if (untold !== undefined) this.#log?.warn({ component: 'hub', reason: untold }, 'the service manager could not be told');
  }

  async #privacyChanged(): Promise<void> {
    // Before the cameras' watches are closed, which takes the time that their last segments take.
    for (const { id, space } of this.#site?.config.cameras ?? []) if (this.#privacy?.of(space) !== undefined) this.#talk?.cut(id);
    await this.#site?.privacyChanged();
  }

  /** For the one place that handles signals, so that what goes wrong there is said too. */
  get log(): Log | undefined {
    return this.#log;
  }
}

/** An empty folder where the disk should be is no place for a new vault. The log would lie on the disk, so it is said on the terminal (the journal). SP_STOPPED. */
async function waitForDisk(folder: string, clock: Clock, signal: AbortSignal, echo: ((line: string) => void) | undefined): Promise<void> {
  for (let looks = 0; !(await onDiskOfItsOwn(folder)); looks++) {
    if (looks % looksPerLine === 0) echo?.(`${new SallyportError('SP_DISK', { folder, reason: 'it is not mounted (data_mount = true)' }).message}\n`);
    await clock.sleep(lookForDiskMs, signal).catch(() => {});
    if (signal.aborted) throw new SallyportError('SP_STOPPED', { what: 'waiting for the disk' });
  }
}

async function openLog(config: HubConfig, clock: Clock, echo: ((line: string) => void) | undefined): Promise<{ log: Log; logFolder: string }> {
  const logFolder = joinPath(config.data, 'log');
  try {
    await ensureFolder(logFolder);
  } catch (error) {
    throw new SallyportError('SP_DATA_FOLDER', { folder: config.data, reason: reasonOf((error as Error).cause ?? error) }, error);
  }
  const toFile = dayFileWriter(logFolder, () => clock.wallMs());
  const log = createLog({ level: config.log.level, write: (line) => { toFile(line); echo?.(line); } });
  return { log, logFolder };
}

/** Of a camera that is not known nobody may see anything. */
function isPrivate(site: Site, privacy: PrivacyDuty, camera: string): boolean {
  const space = site.config.cameras.find(({ id }) => id === camera)?.space;
  return space === undefined || privacy.of(space) !== undefined;
}

/** As the owner has said yes to it; empty for what is no destination (any more). */
function purposeOf(destinations: readonly DestinationConfig[], name: string): string {
  return destinations.find((destination) => destination.name === name)?.purpose ?? '';
}

/** How long what is known of a camera is kept. */
function keptMs({ cameras, keep }: HubConfig, camera: string): number {
  return cameras.find(({ id }) => id === camera)?.keepMs ?? keep.footageMs;
}

/** Jitter only; no secret depends on it. */
function random(): number {
  return randomInt(2 ** 31) / 2 ** 31;
}
