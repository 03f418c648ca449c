/**
 * Finds a camera again that changed its address. Whoever is missed for ten seconds is asked for, and what was heard of is looked at: who
 * calls itself the same is asked once more, and followed only when the kernel would send to the hardware address that the camera had, or
 * when its certificate is remembered. Anything less is told to the owner, and gets no password (docs/decisions/004-a-camera-that-moved.md).
 */
import type { Clock } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import { isLoopback } from '../cameras/addresses.ts';
import type { CameraAddress } from '../cameras/client.ts';
import type { HeardCamera } from '../cameras/discovery.ts';
import { neighbourOf } from '../cameras/neighbours.ts';
import { isDisplaced, judgeMove, plainEndpoint, type CameraIdentity, type MoveVerdict } from '../policy/identity.ts';
import type { By } from '../policy/access.ts';
import type { CameraConfig } from '../policy/settings.ts';
import type { Vault } from '../vault/vault.ts';
import { recallCamera } from './adopt.ts';
import type { ListenDuty } from './listen.ts';
import type { Notices } from './notices.ts';
import type { Site } from './site.ts';
import { addressOf } from './watch.ts';

export interface FollowOptions {
  readonly site: Pick<Site, 'cameras' | 'placed' | 'move'>;
  readonly listen: Pick<ListenDuty, 'heard' | 'search'>;
  readonly vault: Pick<Vault, 'setting'>;
  readonly notices: Pick<Notices, 'raise' | 'settle'>;
  readonly clock: Clock;
  readonly log: Log;
  /** The hardware address that answers for an address; for tests. */
  readonly neighbourOf?: (address: string) => Promise<string | undefined>;
}

const lookEveryMs = 2 * secondMs;
const lookEveryMsMin = secondMs / 2;
const missedAfterMs = 10 * secondMs;
const searchEveryMs = 30 * secondMs;
const placesEveryMs = 30 * secondMs;
const searchMs = 2 * secondMs;
/** For one address that is asked by itself, so that the kernel learns who answers for it. */
const proveMs = secondMs / 2;
/** What was heard longer ago may have gone since. */
const freshMs = 3 * minuteMs;
const candidatesMax = 8;
/** A wrong password is not sent again soon: many cameras lock a user out after some. */
const refusedWaitMs = 5 * minuteMs;
const triesMax = 256;

export class FollowDuty {
  readonly #o: FollowOptions;
  readonly #loop: Loop;
  /** Since when each is missed, monotonic. */
  readonly #missed = new Map<string, number>();
  /** In whose place somebody else answers. */
  readonly #displaced = new Set<string>();
  /** When a camera may be judged again at an address where it was not found. */
  readonly #tries = new Map<string, number>();
  /** Where the owner may say that a camera is. */
  readonly #perhaps = new Map<string, CameraAddress>();
  #searchedMs = -Infinity;
  #placesMs = -Infinity;
  #lookedMs = -Infinity;

  constructor(o: FollowOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(() => this.#turn(), lookEveryMs);
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  /** Somebody came to the network; whoever says so often makes nobody look more often. */
  nudge(): void {
    if (this.#missed.size > 0 && this.#o.clock.monotonicMs() - this.#lookedMs >= lookEveryMsMin) this.#loop.nudge();
  }

  /** The owner's word that a camera is at another address: there, or where it was heard. SP_CAMERA_NOT_SEEN; as Site.move. */
  async take(id: string, place: { readonly address?: string; readonly port?: number; readonly path?: string }, by: By = { who: 'cli' }): Promise<string[]> {
    const camera = this.#o.site.placed.find((known) => known.id === id);
    if (camera === undefined) throw new SallyportError('SP_CAMERA_UNKNOWN', { camera: id });
    const now = addressOf(camera);
    const to = place.address === undefined ? this.#perhaps.get(id) : { ...now, host: place.address, port: place.port ?? now.port, path: place.path ?? now.path };
    if (to === undefined) throw new SallyportError('SP_CAMERA_NOT_SEEN', { camera: id });
    const sentences = await this.#o.site.move(id, to, 'the owner\'s word', by);
    this.#found(id);
    return sentences;
  }

  async #turn(): Promise<number> {
    const { site, clock } = this.#o;
    const nowMs = clock.monotonicMs();
    this.#lookedMs = nowMs;
    await this.#lookAtPlaces();
    const offline = new Set(site.cameras.map(({ status }) => status).filter(({ online, privacy, camera }) => (!online && !privacy) || this.#displaced.has(camera)).map(({ camera }) => camera));
    for (const id of [...this.#missed.keys(), ...this.#perhaps.keys()]) if (!offline.has(id)) this.#found(id);
    for (const id of offline) if (!this.#missed.has(id)) this.#missed.set(id, nowMs);
    if ([...this.#missed.values()].some((sinceMs) => nowMs - sinceMs >= missedAfterMs)) await this.#search();
    for (const camera of site.placed) {
      if (this.#loop.signal.aborted) break;
      if (this.#missed.has(camera.id)) await this.#lookFor(camera);
    }
    return lookEveryMs;
  }

  /** Two cameras whose addresses a router exchanged may take each other's password: only their hardware addresses tell. */
  async #lookAtPlaces(): Promise<void> {
    const { site, vault, clock, notices } = this.#o;
    if (clock.monotonicMs() - this.#placesMs < placesEveryMs) return;
    this.#placesMs = clock.monotonicMs();
    for (const camera of site.placed) {
      const known = await recallCamera(vault, camera.id).catch(() => undefined);
      const seen = await this.#neighbourOf(camera.address);
      if (known?.identity !== undefined && isDisplaced(known.identity, seen)) {
        this.#displaced.add(camera.id);
        notices.raise('camera displaced', `${camera.address} is ${seen}, and not ${known.identity.hardware.join(' or ')}`, camera.id);
      } else if (this.#displaced.delete(camera.id)) notices.settle('camera displaced', camera.id);
    }
  }

  #neighbourOf(address: string): Promise<string | undefined> {
    return (this.#o.neighbourOf ?? neighbourOf)(address);
  }

  #found(id: string): void {
    this.#missed.delete(id);
    if (this.#displaced.delete(id)) this.#o.notices.settle('camera displaced', id);
    this.#perhaps.delete(id);
    this.#o.notices.settle('camera found elsewhere', id);
  }

  async #search(): Promise<void> {
    const { listen, clock, log } = this.#o;
    if (clock.monotonicMs() - this.#searchedMs < searchEveryMs) return;
    this.#searchedMs = clock.monotonicMs();
    await listen.search(searchMs).catch((error: unknown) => log.debug({ component: 'follow', code: asSallyportError(error).code }, 'cameras that are missed cannot be looked for'));
  }

  async #lookFor(camera: CameraConfig): Promise<void> {
    const { vault, log } = this.#o;
    const known = await recallCamera(vault, camera.id).catch(() => undefined);
    if (known?.identity === undefined) return;
    const pinned = camera.secure && known.certificates !== undefined;
    for (const seen of this.#candidates(camera, known.identity)) {
      if (this.#loop.signal.aborted) return;
      const to: CameraAddress = pinned ? { ...addressOf(camera), host: seen.address } : { host: seen.address, port: seen.port, path: seen.path, secure: false };
      // From plain HTTP to HTTPS, or back, nobody is followed: that is another way of asking, which the owner decides.
      if ((camera.secure || seen.secure) && !pinned) continue;
      const key = keyOf(camera, seen);
      const verdict = await this.#judge(known.identity, seen, pinned);
      log.debug({ component: 'follow', camera: camera.id, address: seen.address, verdict: verdict.kind }, 'one that may be the camera');
      if (verdict.kind === 'the same' && await this.#move(camera.id, to, verdict.by, key)) return;
      if (verdict.kind === 'perhaps' && !this.#isTaken(camera, seen)) this.#tell(camera.id, to, verdict.why);
      if (verdict.kind !== 'the same') this.#waitWith(key, searchEveryMs);
    }
  }

  /** Who was heard lately, and may be it: who says so first, then who was looked at longest ago, so that among many each has its turn. */
  #candidates(camera: CameraConfig, { endpoints }: CameraIdentity): HeardCamera[] {
    const { listen, clock } = this.#o;
    const oldestMs = clock.monotonicMs() - freshMs;
    const names = endpoints.map(plainEndpoint);
    const here = (heard: HeardCamera): boolean => heard.address === camera.address && heard.port === camera.port;
    const triedMs = (heard: HeardCamera): number => this.#tries.get(keyOf(camera, heard)) ?? 0;
    return listen.heard
      .filter((heard) => heard.heardMs >= oldestMs && !heard.gone && heard.adoptable && !here(heard) && (this.#tries.get(keyOf(camera, heard)) ?? -Infinity) <= clock.monotonicMs())
      .filter((heard) => heard.urn === undefined || names.length === 0 || names.includes(plainEndpoint(heard.urn)))
      .toSorted((a, b) => Number(a.urn === undefined) - Number(b.urn === undefined) || triedMs(a) - triedMs(b))
      .slice(0, candidatesMax);
  }

  /** Another camera of ours is there, or was until now: only proof counts then, not what somebody says. */
  #isTaken(camera: CameraConfig, heard: HeardCamera): boolean {
    return this.#o.site.placed.some((other) => other.id !== camera.id && other.address === heard.address);
  }

  async #judge(known: CameraIdentity, seen: HeardCamera, pinned: boolean): Promise<MoveVerdict> {
    return judgeMove({ known, seen: { endpoint: seen.urn, hardware: await this.#hardwareOf(seen) }, endpointShared: this.#isShared(seen.urn), pinned });
  }

  /** Whether several that are there at once call themselves so. */
  #isShared(endpoint: string | undefined): boolean {
    const { listen, site, clock } = this.#o;
    if (endpoint === undefined) return false;
    const oldestMs = clock.monotonicMs() - freshMs;
    const online = new Set(site.cameras.filter(({ status }) => status.online).map(({ status }) => status.camera));
    const elsewhere = listen.heard.filter((heard) => heard.heardMs >= oldestMs && !heard.gone && heard.urn !== undefined && plainEndpoint(heard.urn) === plainEndpoint(endpoint));
    return elsewhere.some((heard) => site.placed.some((camera) => camera.address === heard.address && online.has(camera.id)));
  }

  /** Spoken with first, by a datagram that says nothing secret, so that the kernel knows who answers now. */
  async #hardwareOf(seen: HeardCamera): Promise<string | undefined> {
    await this.#o.listen.search(proveMs, seen.address).catch(() => {});
    // Loopback has no neighbours, and nobody there who is not on this machine already: what an emulated camera claims is believed.
    return isLoopback(seen.address) ? seen.hardware : this.#neighbourOf(seen.address);
  }

  async #move(id: string, to: CameraAddress, by: string, key: string): Promise<boolean> {
    const { site, log } = this.#o;
    try {
      await site.move(id, to, by, { who: 'hub' });
      log.info({ component: 'follow', camera: id, address: to.host, by }, 'the camera has another address, and is watched there');
      this.#found(id);
      return true;
    } catch (error) {
      const { code, message } = asSallyportError(error);
      log.warn({ component: 'follow', camera: id, code }, message);
      const settled = code === 'SP_CAMERA_REFUSED' || code === 'SP_CAMERA_OTHER' || code === 'SP_CAMERA_CERTIFICATE';
      this.#waitWith(key, settled ? refusedWaitMs : searchEveryMs);
      if (code === 'SP_CAMERA_OTHER' || code === 'SP_CAMERA_CERTIFICATE') this.#tell(id, to, message);
      return false;
    }
  }

  /** Nobody is judged again at once: a judgement takes a datagram, and a try a password. */
  #waitWith(key: string, ms: number): void {
    if (this.#tries.size >= triesMax) this.#tries.clear();
    this.#tries.set(key, this.#o.clock.monotonicMs() + ms);
  }

  #tell(id: string, to: CameraAddress, why: string): void {
    this.#perhaps.set(id, to);
    this.#o.notices.raise('camera found elsewhere', `${to.host}: ${why}`, id);
  }
}

function keyOf(camera: CameraConfig, { address, port }: HeardCamera): string {
  return `${camera.id} ${address}:${port}`;
}
