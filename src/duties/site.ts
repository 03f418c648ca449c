/**
 * The site as it is configured: which cameras are watched, and how that changes while the hub runs. A change touches only the
 * cameras that it concerns; what lowers privacy waits for the owner's signed yes (`consent.ts`).
 */
import { Turns } from '../base/turns.ts';
import type { Clock } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Secret } from '../base/secret.ts';
import type { Certificates } from '../cameras/certificates.ts';
import type { CameraAddress } from '../cameras/client.ts';
import type { FoundCamera, LeftOut } from '../cameras/discovery.ts';
import { findSecureAddress } from '../cameras/secureaddress.ts';
import { Jail, type JailFacts } from '../capture/jail.ts';
import { Stills } from '../capture/still.ts';
import { ConfigErrors, changePageCamera, changePageFile, loadConfig, readEntries, writePageCamera } from '../config.ts';
import { applyChange, problemsOf, settingsOf, type SettingProblem, type Settings, type SettingsChange } from '../configpage.ts';
import type { CameraEntry, FileEntries } from '../configschema.ts';
import type { By } from '../policy/access.ts';
import type { GapReason } from '../policy/gaps.ts';
import type { Change } from '../policy/observations.ts';
import type { CameraConfig, HubConfig } from '../policy/settings.ts';
import type { PendingChange } from '../policy/consent.ts';
import { planChanges, type PlannedChange } from '../policy/plan.ts';
import { slugOf } from '../policy/names.ts';
import { unrecorded } from '../policy/unrecorded.ts';
import type { FileKeys } from '../seal/filekey.ts';
import type { Vault } from '../vault/vault.ts';
import { certificatesAnew, certificatesOf, describeCamera, passwordName, placeOf, readCamera, recallCamera, rememberCamera, secureAdvice, withEndpoints, type AdoptRooms, type CameraAccess, type CameraFacts } from './adopt.ts';
import { acceptChange, judgeConsent, type Approval } from './consent.ts';
import type { ListenDuty } from './listen.ts';
import { foreseeLosses, type MayDestroy } from './losses.ts';
import type { Notices } from './notices.ts';
import { adoptedByTheirWord, adoptedElsewhere } from './recognise.ts';
import { recallPlace, rememberPlace, type CameraPlace } from './place.ts';
import { earlierOwnerLists, loadOwner, ownerListText, recipientsOf, takeOwnerList, type Owner } from './owner.ts';
import type { SpacePrivacy } from './privacy.ts';
import { PrivateWatch } from './privatewatch.ts';
import type { RecordingRoom, SealedSegment } from './record.ts';
import { CameraPlan } from './recordplan.ts';
import { CameraWatch, addressOf, type Watched } from './watch.ts';

export interface SiteOptions {
  readonly configPath: string;
  readonly wanted: HubConfig;
  readonly vault: Vault;
  readonly notices: Notices;
  readonly listen: ListenDuty;
  readonly fileKeys: FileKeys;
  /** How far this kernel confines ffmpeg. */
  readonly jail: JailFacts;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly bootId: string;
  readonly clockState: () => 'synchronised' | 'unsynchronised';
  readonly room: RecordingRoom;
  /** Whether a space is private now. */
  readonly privacy: (space: string) => SpacePrivacy | undefined;
  /** A segment of a camera is durable. */
  readonly onSealed?: (camera: string, segment: SealedSegment) => void;
  /** A camera's events have said something. */
  readonly onObserved?: (camera: string, changes: readonly Change[]) => void;
  /** After retention or cameras changed. */
  readonly onChange: () => void;
}

export interface AdoptOrder {
  readonly id?: string;
  readonly address?: string;
  readonly port?: number;
  readonly path?: string;
  readonly user: string;
  readonly password: string;
  readonly as?: string;
  readonly name?: string;
  readonly space?: string;
  readonly keep?: string;
  readonly audio?: boolean;
  readonly sub?: boolean;
}

type Marked = FoundCamera & { readonly adoptedAs: string | undefined };

export interface Discovered {
  readonly found: readonly Marked[];
  readonly leftOut: readonly LeftOut[];
  /** Heard since the hub started, and did not answer now. */
  readonly silent: readonly (Marked & { readonly heardAgoMs: number; readonly gone: boolean })[];
}

/** Whoever runs the hub. */
const terminal: By = { who: 'cli' };

export class Site {
  readonly #o: SiteOptions;
  readonly #watches = new Map<string, Watched>();
  readonly #orders = new WeakMap<Watched, string>();
  readonly #plans = new Map<string, CameraPlan>();
  /** What the last search showed, so that `adopt ID` means what the person saw. */
  readonly #found = new Map<string, FoundCamera>();
  #wanted: HubConfig;
  #effective: HubConfig;
  #pending: readonly PendingChange[] = [];
  /** Where cameras went that are no longer where the configuration says. */
  readonly #places = new Map<string, CameraPlace>();
  #owner: Owner = { list: undefined, problem: new SallyportError('SP_NO_OWNER') };
  /** One for all cameras: it has one decoder at a time. */
  readonly #stills: Stills;
  /** Changes are made one after another. */
  readonly #turns = new Turns();

  constructor(o: SiteOptions) {
    this.#o = o;
    this.#wanted = o.wanted;
    this.#effective = o.wanted;
    this.#stills = new Stills({ clock: o.clock, log: o.log });
  }

  async start(): Promise<void> {
    this.#owner = await loadOwner(this.#wanted.owner, this.#o.vault, this.#o.log);
    await this.#apply();
  }

  async close(): Promise<void> {
    await this.#turns.idle();
    await Promise.all([...this.#watches.values()].map((watch) => watch.close('hub stopped')));
    await this.#stills.close();
  }

  get config(): HubConfig {
    return this.#effective;
  }

  /** What of a camera is recorded; for who wants more of it. */
  plan(camera: string): CameraPlan {
    const known = this.#plans.get(camera) ?? new CameraPlan({ camera, rules: () => this.#effective, clock: this.#o.clock });
    this.#plans.set(camera, known);
    return known;
  }

  /** The watch of a camera, or what stands in its place. */
  watchOf(camera: string): Watched | undefined {
    return this.#watches.get(camera);
  }

  /** Whom footage of a camera is sealed for. */
  recipientsOf(camera: string): readonly string[] {
    const space = this.#effective.cameras.find(({ id }) => id === camera)?.space;
    return space === undefined ? [] : recipientsOf(this.#owner, space);
  }

  get pending(): readonly PendingChange[] {
    return this.#pending;
  }

  get owner(): Owner {
    return this.#owner;
  }

  /** Those of the owner's list, and those that cameras are in. */
  get spaces(): readonly string[] {
    return [...new Set([...(this.#owner.list?.spaces ?? []).map(({ name }) => name), ...this.#effective.cameras.map(({ space }) => space)])];
  }

  /** What ffmpeg runs in. */
  get jail(): Jail {
    return this.#jailFor(this.#effective);
  }

  get cameras(): readonly Watched[] {
    return [...this.#watches.values()];
  }

  /** Looks for cameras; what is adopted already is marked. */
  async discover(seconds: number, range?: string): Promise<Discovered> {
    const { listen, clock } = this.#o;
    const { found, leftOut } = await listen.search(seconds * 1000, range);
    for (const camera of found) this.#found.set(camera.id, camera);
    // Whoever asks for a range does not want to hear of the rest.
    const silent = range !== undefined ? [] : listen.heard.filter((camera) => !found.some(({ id, port }) => id === camera.id && port === camera.port));
    const told = await adoptedByTheirWord(this.#o.vault, this.#everyPlace, found);
    const mark = <T extends FoundCamera>(camera: T) => ({ ...camera, adoptedAs: this.#adoptedAs(camera), note: [told.get(camera.id), camera.note].filter((note) => note !== undefined).join('; ') || undefined });
    return { found: found.map(mark), leftOut, silent: silent.map((camera) => ({ ...mark(camera), heardAgoMs: Math.round(clock.monotonicMs() - camera.heardMs) })) };
  }

  /** Asks the camera who it is, remembers it and its password, and starts to watch it. Returns what was found, in words. */
  adopt(order: AdoptOrder, by: By = terminal): Promise<{ camera: string; sentences: string[]; pending: readonly PendingChange[] }> {
    return this.#turns.take(() => this.#adopt(order, by));
  }

  /** Cameras as they are watched: in force, and where they are now. */
  get placed(): readonly CameraConfig[] {
    return this.#effective.cameras.map((camera) => this.#placed(camera));
  }

  /**
   * A camera is at another address now, which `by` says: asked there who it is, remembered there, and watched there from now on. What
   * calls this has made sure that its password may be sent there. SP_CAMERA_OTHER when the serial number is another one; as readCamera.
   */
  async move(id: string, to: CameraAddress, by: string, who: By | { readonly who: 'hub' }): Promise<string[]> {
    const { vault } = this.#o;
    const camera = this.#known(id);
    const { access, facts: known } = await this.#recall(id);
    const facts = await readCamera({ ...access, address: to }, this.#rooms, undefined, certificatesAnew(id, known));
    if (known !== undefined && known.device.serial !== facts.device.serial) {
      throw new SallyportError('SP_CAMERA_OTHER', { camera: id, address: placeOf(to), reason: `its serial number is ${facts.device.serial || 'none'} and not ${known.device.serial || 'none'}` });
    }
    return this.#turns.take(async () => {
      const remembered = await rememberCamera(vault, id, withEndpoints(facts, known?.identity?.endpoints ?? []));
      await rememberPlace(vault, id, to, this.#wanted.cameras.find((wanted) => wanted.id === id) ?? camera);
      await vault.audit({ what: 'camera.moved', ...who, camera: id, detail: { from: placeOf(addressOf(camera)), to: placeOf(to), by } });
      await this.#apply('camera offline');
      return describeCamera(id, remembered);
    });
  }

  /** Stores a camera's password; the camera is asked again at once. */
  setPassword(camera: string, password: string, by: By = terminal): Promise<void> {
    return this.#turns.take(async () => {
      const config = this.#known(camera);
      await this.#o.vault.putSecret(passwordName(camera), new Secret(password));
      await this.#o.vault.audit({ what: 'camera.password-set', ...by, camera });
      await this.#restart(config);
      this.#o.onChange();
    });
  }

  /** How an adopted camera is spoken to. SP_CAMERA_UNKNOWN, SP_PRIVATE, SP_NO_PASSWORD, SP_CAMERA_OTHER when another of ours stands in its place. */
  async accessTo(camera: string): Promise<CameraAccess & { certificates: Certificates }> {
    const { access, facts } = await this.#recallInPlace(camera);
    return { ...access, certificates: facts === undefined ? certificatesAnew(camera, facts) : certificatesOf(camera, facts) };
  }

  /** How the main stream of an adopted camera is come to. SP_CAMERA_NO_STREAM while it is not known. */
  async streamAccessTo(camera: string): Promise<CameraAccess & { certificates: Certificates; uri: string }> {
    const { access, facts } = await this.#recallInPlace(camera);
    if (facts === undefined) throw new SallyportError('SP_CAMERA_NO_STREAM', { camera, reason: 'it has not said yet what it streams' });
    return { ...access, certificates: certificatesOf(camera, facts), uri: facts.main.uri };
  }

  /** How a still picture of an adopted camera is come to. SP_CAMERA_FAULT where it offers none, or has not said so yet. */
  async stillAccessTo(camera: string): Promise<CameraAccess & { certificates: Certificates; uri: string }> {
    const { access, facts } = await this.#recallInPlace(camera);
    if (facts?.snapshotUri === undefined) throw new SallyportError('SP_CAMERA_FAULT', { camera, operation: 'a snapshot', reason: facts === undefined ? 'it has not said yet who it is' : 'it offers none' });
    return { ...access, certificates: certificatesOf(camera, facts), uri: facts.snapshotUri };
  }

  /** What is remembered of a camera, in words. */
  async describe(camera: string): Promise<string[]> {
    const config = this.#known(camera);
    const facts = await recallCamera(this.#o.vault, camera);
    return facts === undefined ? ['it has not said yet who it is'] : [...describeCamera(camera, facts), secureAdvice(config, facts) ?? []].flat();
  }

  /** Asks a camera anew who it is and what it streams, and watches that. `believe`: also if it shows another certificate now. */
  readAgain(camera: string, { believe }: { believe: boolean }): Promise<string[]> {
    return this.#turns.take(async () => {
      const { access, facts: known } = await this.#recallInPlace(camera);
      const facts = await readCamera(access, this.#rooms, undefined, believe || known === undefined ? undefined : certificatesOf(camera, known));
      const remembered = await rememberCamera(this.#o.vault, camera, withEndpoints(facts, known?.identity?.endpoints ?? []));
      this.#o.notices.settle('certificate changed', camera);
      this.#o.notices.settle('camera changed', camera);
      this.#o.notices.settle('firmware changed', camera);
      await this.#restart(this.#known(camera));
      this.#o.onChange();
      return describeCamera(camera, remembered);
    });
  }

  /** Reads the configuration again; the old one stays in force when it is refused. Returns what changed, in words. */
  reload(by: By = terminal): Promise<string[]> {
    return this.#turns.take(async () => {
      const before = this.#wanted;
      const { config } = await loadConfig(this.#o.configPath);
      this.#wanted = config;
      this.#owner = await loadOwner(config.owner, this.#o.vault, this.#o.log);
      const changes = planChanges(before, config).map((change) => change.text);
      if (changes.length > 0) await this.#o.vault.audit({ what: 'config.changed', ...by, detail: changes });
      await this.#apply();
      return changes;
    });
  }

  /** The owner's list, newer, by the page: in force at once, and for what is open from its next key frame on. SP_OWNER_LIST. */
  takeOwnerList(text: string): Promise<void> {
    return this.#turns.take(async () => {
      this.#owner = { list: await takeOwnerList(text, 'of the page', this.#o.vault), problem: undefined };
      // It is taken; a camera that cannot be watched anew now is the business of the next change, not of who sent the list.
      await this.#apply().catch((error: unknown) => this.#o.log.error({ component: 'owner', code: asSallyportError(error).code }, asSallyportError(error).message));
    });
  }

  /** What is set, and by which file; and, in words, what of it counts only after the next start. */
  async settings(): Promise<Settings & { readonly restart: readonly string[] }> {
    const settings = settingsOf(await readEntries(this.#o.configPath));
    return { ...settings, restart: planChanges(this.#o.wanted, this.#wanted).filter(({ restart }) => restart).map(({ text }) => text) };
  }

  /** What a change of settings would do, destroy and leave out from then on, in words, and what is wrong with it; nothing is changed. As changeSettings. */
  async planSettings(change: SettingsChange): Promise<{ changes: PlannedChange[]; losses: string[]; leavesOut: string[]; problems: SettingProblem[] }> {
    let own: FileEntries = {};
    try {
      const after = await this.#changeFile(change, { write: false, seen: (entries) => { own = entries; } });
      // What waited before is no part of this change; what waits no more is.
      const [would, does] = [planChanges(this.#effective, after), planChanges(this.#effective, this.#wanted)];
      const without = (all: readonly PlannedChange[], some: readonly PlannedChange[]): PlannedChange[] => all.filter(({ text }) => !some.some((one) => one.text === text));
      return { changes: [...without(would, does), ...without(does, would).filter(({ lowersPrivacy }) => lowersPrivacy).map((one) => ({ ...one, text: `no longer asked for: ${one.text}`, lowersPrivacy: false }))], losses: await foreseeLosses(this.#o, this.#effective, after), leavesOut: unrecorded(this.#effective, after, this.#o.clock.wallMs()), problems: [] };
    } catch (error) {
      if (error instanceof ConfigErrors) return { changes: [], losses: [], leavesOut: [], problems: problemsOf(error, change, own) };
      throw error;
    }
  }

  /** The rules of alarms as they would be after a change, which is not made. As changeSettings. */
  async rulesAfter(change: SettingsChange): Promise<HubConfig['alarms']> {
    return (await this.#changeFile(change, { write: false })).alarms;
  }

  /**
   * Settings from the page: written to the hub's own file, then in force but for what lowers privacy, which waits. Returns what changed, in
   * words. What it destroys, `mayDestroy` is asked for first. ConfigErrors, SP_SETTING_FIXED, SP_SETTING_GONE, SP_CAMERA_UNKNOWN, SP_SPACE_UNKNOWN.
   */
  async changeSettings(change: SettingsChange, by: By, mayDestroy: MayDestroy): Promise<string[]> {
    await this.#turns.take(() => this.#changeFile(change, {
      write: true,
      before: async (after) => {
        const losses = await foreseeLosses(this.#o, this.#effective, after);
        if (losses.length > 0) await mayDestroy(losses);
      },
    }));
    const changes = await this.reload(by);
    if (change.camera !== undefined && change.remove === true) await this.#forget(change.camera, by);
    return changes;
  }

  async #changeFile(change: SettingsChange, { seen, ...how }: { write: boolean; before?: (after: HubConfig) => Promise<void>; seen?: (own: FileEntries) => void }): Promise<HubConfig> {
    for (const space of [change.privacy?.in?.space, change.camera === undefined ? undefined : change.keys?.find(({ key }) => key === 'space')?.value]) if (typeof space === 'string') this.#checkSpace(space);
    const complete = await this.#withDoor(change);
    return changePageFile(this.#o.configPath, (own, files) => {
      const next = applyChange(own, files, complete);
      seen?.(next);
      return next;
    }, how);
  }

  /** A camera that is to be asked by HTTPS is so at the port and path where it offers that. */
  async #withDoor(change: SettingsChange): Promise<SettingsChange> {
    const https = change.camera === undefined ? undefined : change.keys?.find(({ key }) => key === 'https');
    if (change.camera === undefined || https === undefined) return change;
    const offer = https.value === true ? (await this.facts(change.camera))?.secureOffer : undefined;
    return { ...change, door: { port: offer?.port, path: offer?.path } };
  }

  /** Its password goes with a camera; what it has recorded stays until its deadline. */
  async #forget(camera: string, by: By): Promise<void> {
    await this.#o.vault.removeSecret(passwordName(camera));
    await this.#o.vault.audit({ what: 'camera.removed', ...by, camera });
  }

  /** Another name or space of a camera that was taken in by page or command line; one of the household's files is changed there. Returns what changed, in words. SP_CAMERA_UNKNOWN, SP_SPACE_UNKNOWN. */
  async changeCamera(id: string, next: { readonly name?: string | undefined; readonly space?: string | undefined }, by: By): Promise<string[]> {
    if (next.space !== undefined) this.#checkSpace(next.space);
    await this.#turns.take(() => changePageCamera(this.#o.configPath, id, next));
    return this.reload(by);
  }

  /** What is remembered of a camera. */
  facts(camera: string): Promise<CameraFacts | undefined> {
    return recallCamera(this.#o.vault, camera);
  }

  /** What should be done about how cameras are asked, in words. */
  async advice(): Promise<string[]> {
    const all = await Promise.all(this.placed.map(async (camera) => secureAdvice(camera, await this.facts(camera.id).catch(() => undefined))));
    return all.filter((one) => one !== undefined);
  }

  /** The signed list in force and those before it, as the owner's devices need them. */
  async ownerLists(): Promise<{ text: string | undefined; before: string[] }> {
    return { text: await ownerListText(this.#o.vault), before: await earlierOwnerLists(this.#o.vault) };
  }

  /** The owner's signed yes to a pending change. */
  accept(approval: Approval): Promise<string> {
    return this.#turns.take(async () => {
      const change = this.#pending.find((pending) => pending.id === approval.id);
      if (change === undefined) throw new SallyportError('SP_CHANGE_UNKNOWN', { id: approval.id });
      await acceptChange(this.#o.vault, this.#owner.list, change, approval);
      await this.#apply();
      return change.text;
    });
  }

  async #adopt(order: AdoptOrder, by: By): Promise<{ camera: string; sentences: string[]; pending: readonly PendingChange[] }> {
    const { clock, vault } = this.#o;
    if (order.space !== undefined) this.#checkSpace(order.space);
    const place = await this.#place(order);
    const taken = this.#wanted.cameras.map((known) => known.id);
    const id = order.as ?? slugOf(order.name ?? place.name ?? place.address, taken);
    const known = this.#everyPlace.find((camera) => camera.id === id || (camera.address === place.address && isDoorOf(camera, place)));
    if (known !== undefined) throw new SallyportError('SP_CAMERA_KNOWN', { camera: known.id });
    const password = new Secret(order.password);
    const plain: CameraAddress = { host: place.address, port: place.port, path: place.path };
    const address = await findSecureAddress({ camera: id, address: plain, xaddrs: place.xaddrs, clock }) ?? plain;
    const facts = withEndpoints(await readCamera({ camera: id, address, user: order.user, password }, this.#rooms), this.#heardFrom(place));
    const elsewhere = await adoptedElsewhere(vault, this.#everyPlace, facts);
    if (elsewhere !== undefined) throw new SallyportError('SP_CAMERA_ELSEWHERE', { camera: elsewhere.id, address: address.host, adopted: elsewhere.address, serial: facts.device.serial });
    const entry: CameraEntry = {
      id, name: order.name ?? place.name ?? id, address: address.host, port: address.port, path: address.path, ...(address.secure === true ? { https: true } : {}),
      user: order.user, serial: facts.device.serial,
      ...(order.space === undefined ? {} : { space: order.space }),
      ...(order.keep === undefined ? {} : { keep: order.keep }),
      ...(order.audio === undefined ? {} : { audio: order.audio }),
      ...(order.sub === undefined ? {} : { sub: order.sub }),
    };
    // One that was here before may have left footage under this name, and be kept for a shorter time now.
    const losses = by.who === 'page' ? await foreseeLosses(this.#o, this.#effective, await writePageCamera(this.#o.configPath, entry, { write: false })) : [];
    if (losses.length > 0) throw new SallyportError('SP_CAMERA_LEFT', { camera: id, losses: losses.join('; ') });
    await vault.putSecret(passwordName(id), password);
    await rememberCamera(vault, id, facts);
    await writePageCamera(this.#o.configPath, entry);
    await vault.audit({ what: 'camera.adopted', ...by, camera: id, detail: { ...facts.device, address: place.address } });
    this.#wanted = (await loadConfig(this.#o.configPath)).config;
    await this.#apply();
    return { camera: id, sentences: describeCamera(id, facts), pending: this.#pending };
  }

  /** SP_SPACE_UNKNOWN: nothing would be sealed for anybody there. */
  #checkSpace(space: string): void {
    if (!this.spaces.includes(space)) throw new SallyportError('SP_SPACE_UNKNOWN', { space, known: this.spaces.join(', ') || 'none' });
  }

  async #place(order: AdoptOrder): Promise<{ address: string; port: number; path: string; name: string | undefined; xaddrs: readonly string[] }> {
    if (order.address !== undefined) return { address: order.address, port: order.port ?? 80, path: order.path ?? '/onvif/device_service', name: undefined, xaddrs: [] };
    const id = order.id ?? '';
    if (!this.#found.has(id)) await this.discover(3);
    const found = this.#found.get(id);
    if (found === undefined) throw new SallyportError('SP_CAMERA_UNKNOWN', { camera: id });
    if (!found.adoptable) throw new SallyportError('SP_CAMERA_ADDRESS', { camera: id, reason: found.note ?? 'it cannot be adopted' });
    return found;
  }

  /** Its password, and what is remembered of it: with these it is spoken to. SP_CAMERA_UNKNOWN, SP_PRIVATE, SP_NO_PASSWORD. */
  async #recall(camera: string): Promise<{ access: CameraAccess; facts: CameraFacts | undefined }> {
    const config = this.#known(camera);
    if (this.#o.privacy(config.space) !== undefined) throw new SallyportError('SP_PRIVATE', { camera });
    const password = await this.#o.vault.secret(passwordName(camera));
    if (password === undefined) throw new SallyportError('SP_NO_PASSWORD', { camera });
    return { access: { camera, address: addressOf(config), user: config.user, password }, facts: await recallCamera(this.#o.vault, camera) };
  }

  async #recallInPlace(camera: string): Promise<{ access: CameraAccess; facts: CameraFacts | undefined }> {
    const problem = this.#placeTaken(this.#known(camera));
    if (problem !== undefined) throw problem;
    return this.#recall(camera);
  }

  /** SP_CAMERA_OTHER when another camera of ours has moved, as it has proved, to where this one was. */
  #placeTaken(camera: CameraConfig): SallyportError | undefined {
    if (this.#places.has(camera.id)) return undefined;
    const [other] = [...this.#places].find(([id, { host, port, path }]) => id !== camera.id && host === camera.address && port === camera.port && path === camera.path) ?? [];
    return other === undefined ? undefined : new SallyportError('SP_CAMERA_OTHER', { camera: camera.id, address: placeOf(addressOf(camera)), reason: `it is ${other}, which has moved there` });
  }

  /** As it is in force, and where it is now. */
  #known(camera: string): CameraConfig {
    const config = this.placed.find((known) => known.id === camera);
    if (config === undefined) throw new SallyportError('SP_CAMERA_UNKNOWN', { camera });
    return config;
  }

  /** What they call themselves who were heard from there. */
  #heardFrom({ address, port }: { address: string; port: number }): string[] {
    return this.#o.listen.heard.filter((camera) => camera.address === address && camera.port === port).flatMap(({ urn }) => urn ?? []);
  }

  /** All that are configured, also those that wait for a yes, and where they are now. */
  get #everyPlace(): readonly CameraConfig[] {
    return this.#wanted.cameras.map((camera) => this.#placed(camera));
  }

  get #rooms(): AdoptRooms {
    return { clock: this.#o.clock, log: this.#o.log, ffprobe: this.#wanted.capture.ffprobe, jail: this.#jailFor(this.#wanted) };
  }

  #adoptedAs(found: FoundCamera): string | undefined {
    return this.#everyPlace.find((camera) => camera.address === found.address && isDoorOf(camera, found))?.id;
  }

  /** Brings what runs in line with what is configured and accepted. `why` what is watched anew is not recorded meanwhile. */
  async #apply(why: GapReason = 'settings changed'): Promise<void> {
    const { vault, log, onChange } = this.#o;
    const { effective, pending } = await judgeConsent(vault, this.#wanted);
    this.#effective = effective;
    this.#pending = pending;
    for (const change of pending) log.warn({ component: 'consent', change: change.id, camera: change.camera }, `waits for the owner's yes: ${change.text}`);
    for (const camera of effective.cameras) {
      const shortened = await vault.shortenDeadlines(camera.id, 'footage', camera.keepMs);
      if (shortened > 0) log.info({ component: 'retention', camera: camera.id, periods: shortened }, 'deadlines moved nearer');
    }
    await this.#loadPlaces();
    for (const [id, watch] of this.#watches) {
      const wanted = this.placed.find((camera) => camera.id === id);
      if (wanted !== undefined && this.#orderOf(wanted) === this.#orders.get(watch)) continue;
      this.#watches.delete(id);
      await watch.close(wanted === undefined ? 'not recorded' : why);
    }
    for (const camera of this.placed) if (!this.#watches.has(camera.id)) await this.#watch(camera);
    // No camera waits for it.
    await this.#shortenAlarms();
    onChange();
  }

  /** A rule that keeps shorter now holds for what it has kept, too. */
  async #shortenAlarms(): Promise<void> {
    const { vault, log } = this.#o;
    const keepMsOf = Object.fromEntries(this.#effective.alarms.map(({ name, keepMs }) => [name, keepMs]));
    for (const { id } of this.#effective.cameras) {
      const shortened = await vault.shortenAlarms(id, keepMsOf);
      if (shortened > 0) log.info({ component: 'retention', camera: id, periods: shortened }, 'deadlines of alarms moved nearer');
    }
  }

  async #loadPlaces(): Promise<void> {
    const { vault, notices } = this.#o;
    this.#places.clear();
    for (const camera of this.#effective.cameras) {
      const place = await recallPlace(vault, camera);
      if (place === undefined) notices.settle('camera moved', camera.id);
      else {
        this.#places.set(camera.id, place);
        notices.raise('camera moved', `now ${place.host}, configured ${camera.address}`, camera.id);
      }
    }
  }

  #placed(camera: CameraConfig): CameraConfig {
    const place = this.#places.get(camera.id);
    return place === undefined ? camera : { ...camera, address: place.host, port: place.port, path: place.path };
  }

  async #restart(camera: CameraConfig): Promise<void> {
    const watch = this.#watches.get(camera.id);
    this.#watches.delete(camera.id);
    await watch?.close('settings changed');
    await this.#watch(camera);
  }

  /** A space became private, or is so no more: its cameras are cut off, or watched again, when this resolves. */
  privacyChanged(): Promise<void> {
    return this.#turns.take(() => this.#apply('privacy'));
  }

  async #watch(camera: CameraConfig): Promise<void> {
    const { vault, fileKeys, clock, log, random, bootId, clockState, room, notices, listen } = this.#o;
    const { record, capture } = this.#effective;
    const privacy = this.#o.privacy(camera.space);
    const living = this.#living(camera);
    const watch = privacy !== undefined ? new PrivateWatch({ camera: living, vault, clock, log }, privacy) : new CameraWatch({
      camera: living, vault, fileKeys, clock, log, random, bootId, clockState,
      ffmpeg: capture.ffmpeg, ffprobe: capture.ffprobe, jail: this.jail, periodMs: record.periodMs, cutAfterMs: record.cutAfterMs,
      still: (order) => (this.#effective.record.thumbnails ? this.#stills.order({ ...order, ffmpeg: capture.ffmpeg, jail: this.jail }) : undefined),
      plan: this.plan(camera.id), onSealed: (segment) => this.#o.onSealed?.(camera.id, segment), onObserved: (changes) => this.#o.onObserved?.(camera.id, changes),
      recipients: () => recipientsOf(this.#owner, camera.space), room, notices, helloMs: (address) => listen.helloMs(address), placeTaken: this.#placeTaken(camera),
    });
    this.#watches.set(camera.id, watch);
    this.#orders.set(watch, this.#orderOf(camera));
    watch.start();
  }

  #jailFor({ capture }: HubConfig): Jail {
    return new Jail({ facts: this.#o.jail, need: capture.jail });
  }

  /** What it is called, and how long its footage is kept, is asked when it is needed: nothing is interrupted for it. */
  #living(camera: CameraConfig): CameraConfig {
    const now = (): CameraConfig => this.#effective.cameras.find(({ id }) => id === camera.id) ?? camera;
    return { ...camera, get name() { return now().name; }, get keepMs() { return now().keepMs; } };
  }

  /** All that a watch was started with: when it differs, the camera is watched anew. Budgets, and who looks for what, are not the watch's business; name and `keep` it asks for when it needs them; whether there are thumbnails, and for whom it is sealed, is asked at each segment. */
  #orderOf(camera: CameraConfig): string {
    return JSON.stringify([{ ...camera, budgetBytes: undefined, detect: undefined, name: undefined, keepMs: undefined, ownKeep: undefined, byPage: undefined }, this.#placeTaken(camera)?.message, { ...this.#effective.record, thumbnails: undefined }, this.#effective.capture, recipientsOf(this.#owner, camera.space).length > 0, this.#o.privacy(camera.space)]);
  }
}

/** Whether a camera, which may be asked by HTTPS, is the one that was found at this port of its address. */
function isDoorOf(camera: CameraConfig, { port, xaddrs }: { port: number; xaddrs: readonly string[] }): boolean {
  if (camera.port === port) return true;
  if (!camera.secure) return false;
  return (camera.port === 443 && port === 80) || xaddrs.includes(`https://${camera.address}${camera.port === 443 ? '' : `:${camera.port}`}${camera.path}`);
}
