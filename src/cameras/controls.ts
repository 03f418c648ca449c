/** What one adopted camera can be told to do: its clock, its motors, its picture, its relays. Each method is what a person asked for, never a habit of the hub. */
import type { Clock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { secondMs } from '../base/units.ts';
import { findDeep } from '../base/xml.ts';
import { plainWord } from './charset.ts';
import {
  imagingNumbers, readClockKind, readEncoders, readImaging, readNtp, readPresets, readPresetToken, readRelays, withCodec, withGop,
  type Encoder, type Imaging, type ImagingNumber, type Preset, type Relay,
} from './controlanswers.ts';
import { CameraLink, isOfThisCall, type CameraLinkOptions } from './link.ts';
import { requests, type MediaService, type MoveSpeed, type RequestMaker, type Service } from './onvif.ts';
import { listProfiles, mediaServices } from './profiles.ts';

export { imagingNumbers, infraredStates } from './controlanswers.ts';
export type { Encoder, Imaging, ImagingNumber, Preset, Relay } from './controlanswers.ts';
export type { MoveSpeed } from './onvif.ts';

/** A movement that nobody ends ends by itself after this. */
export const moveMsMax = 10 * secondMs;
/** How much longer than asked the camera may go on when the hub does not come back to stop it. */
const deadManMs = secondMs;

export interface ClockFacts {
  readonly offsetMs: number;
  readonly kind: 'NTP' | 'Manual' | undefined;
  /** Undefined where the camera tells nothing of NTP. */
  readonly ntp: { readonly fromNetwork: boolean; readonly servers: readonly string[] } | undefined;
}

/** What a camera can do beyond sending pictures. Undefined: it could not be found out. */
export interface Abilities {
  readonly ptz: boolean | undefined;
  readonly imaging: boolean | undefined;
  readonly relays: boolean | undefined;
}

/** All methods reject as those of CameraClient do; SP_CAMERA_FAULT where the camera does not do it. */
export class CameraControls {
  readonly #link: CameraLink;
  readonly #clock: Clock;

  /** SP_CAMERA_ADDRESS when the address is not of the local network. */
  constructor(o: CameraLinkOptions) {
    this.#link = new CameraLink(o);
    this.#clock = o.clock;
  }

  /** Asked, not tried: nothing moves. */
  async abilities(): Promise<Abilities> {
    return {
      ptz: await this.#whether('ptz', async () => (await listProfiles(this.#link)).some(({ profile }) => profile.moves) || (await this.presets(), true)),
      imaging: await this.#whether('imaging', async () => {
        const { numbers, infraredFilter } = await this.imaging();
        return numbers.size > 0 || infraredFilter !== undefined;
      }),
      relays: await this.#whether('device', async () => (await this.relays()).length > 0),
    };
  }

  async clock(): Promise<ClockFacts> {
    const offsetMs = await this.#link.session.readClock();
    const kind = readClockKind(await this.#call(requests.getSystemDateAndTime, 'device'));
    return { offsetMs, kind, ntp: await this.#orNone(async () => readNtp(await this.#call(requests.getNtp, 'device'))) };
  }

  /** Sets the camera's clock to the hub's, in UTC, kept by hand from then on. Cameras take whole seconds: what is left is under one. */
  async setClock(): Promise<void> {
    await this.#call(requests.setClock(this.#clock.wallMs()), 'device');
    await this.#link.session.readClock();
  }

  /** `server`: an IPv4 address or a host name that the camera asks for the time. */
  async useNtp(server: string): Promise<void> {
    await this.#call(requests.setNtp(server), 'device');
    await this.#call(requests.setClockByNtp, 'device');
  }

  /** Returns what the camera says to it. */
  async reboot(): Promise<string | undefined> {
    return plainWord(findDeep(await this.#call(requests.reboot, 'device'), 'Message')?.text, 160);
  }

  async presets(): Promise<Preset[]> {
    return readPresets(await this.#call(requests.getPresets(await this.#profile()), 'ptz'));
  }

  async goTo(preset: string): Promise<Preset> {
    const found = await this.#preset(preset);
    await this.#call(requests.gotoPreset(await this.#profile(), found.token), 'ptz');
    return found;
  }

  /** Where it looks now, under a name; one of that name is replaced. */
  async savePreset(name: string): Promise<string | undefined> {
    const known = (await this.presets()).find((preset) => preset.name === name);
    return readPresetToken(await this.#call(requests.setPreset(await this.#profile(), name, known?.token), 'ptz')) ?? known?.token;
  }

  async removePreset(preset: string): Promise<Preset> {
    const found = await this.#preset(preset);
    await this.#call(requests.removePreset(await this.#profile(), found.token), 'ptz');
    return found;
  }

  async goHome(): Promise<void> {
    await this.#call(requests.gotoHome(await this.#profile()), 'ptz');
  }

  /**
   * Moves for `ms`, at most 10 s, and stops. The camera itself is told when to stop at the latest, so that it does so when hub or network
   * fail meanwhile; and it is told to stop also when the signal ends it, or when its own time-out is not to be trusted.
   */
  async move(speed: MoveSpeed, ms: number, signal?: AbortSignal): Promise<void> {
    const profile = await this.#profile();
    const forMs = Math.min(ms, moveMsMax);
    await this.#call(requests.move(profile, speed, forMs + deadManMs), 'ptz');
    try {
      await this.#clock.sleep(forMs, signal).catch(() => {});
    } finally {
      await this.#call(requests.stop(profile), 'ptz');
    }
  }

  async stop(): Promise<void> {
    await this.#call(requests.stop(await this.#profile()), 'ptz');
  }

  async imaging(): Promise<Imaging> {
    const source = await this.#source();
    const options = await this.#orNone(() => this.#call(requests.getImagingOptions(source), 'imaging'));
    return readImaging(await this.#call(requests.getImaging(source), 'imaging'), options);
  }

  /** Only what is named changes. */
  async setImaging(numbers: ReadonlyMap<ImagingNumber, number>, infraredFilter?: string): Promise<void> {
    const wanted = imagingNumbers.flatMap((name) => (numbers.has(name) ? [[name, String(numbers.get(name))] as const] : []));
    // In the schema's order: Brightness, ColorSaturation, Contrast, …, IrCutFilter, Sharpness.
    const filter = infraredFilter === undefined ? [] : [['IrCutFilter', infraredFilter] as const];
    const before = wanted.filter(([name]) => name !== 'Sharpness');
    const after = wanted.filter(([name]) => name === 'Sharpness');
    await this.#call(requests.setImaging(await this.#source(), [...before, ...filter, ...after]), 'imaging');
  }

  async relays(): Promise<Relay[]> {
    return readRelays(await this.#call(requests.getRelays, 'device'));
  }

  async setRelay(token: string, active: boolean): Promise<void> {
    await this.#call(requests.setRelay(token, active), 'device');
  }

  /** Of each media service that answers, Media 2 first, for it knows H.265; each encoder once. */
  async encoders(): Promise<(Encoder & { readonly media: MediaService })[]> {
    const all: (Encoder & { readonly media: MediaService })[] = [];
    let problem: unknown;
    for (const media of [...(await mediaServices(this.#link)).keys()].toReversed()) {
      try {
        const listed = readEncoders(await this.#call(requests.getEncoders(media), media));
        all.push(...listed.filter(({ token }) => !all.some((other) => other.token === token)).map((encoder) => ({ ...encoder, media })));
      } catch (error) {
        if (!isOfThisCall(error)) throw error;
        problem ??= error;
      }
    }
    if (all.length === 0 && problem !== undefined) throw problem;
    return all;
  }

  /** Asks for a key frame each `gop` pictures. */
  async setGop(encoder: Encoder & { readonly media: MediaService }, gop: number): Promise<void> {
    const configuration = withGop(encoder, gop);
    if (configuration === undefined) throw this.#cannot('SetVideoEncoderConfiguration', 'it does not tell the distance of its key frames');
    await this.#call(requests.setEncoder(encoder.media, configuration), encoder.media);
  }

  async setCodec(encoder: Encoder & { readonly media: MediaService }, codec: 'H264' | 'H265'): Promise<void> {
    const configuration = encoder.media === 'media2' ? withCodec(encoder, codec) : undefined;
    if (configuration === undefined) throw this.#cannot('SetVideoEncoderConfiguration', 'its codec can be chosen in its own settings only');
    await this.#call(requests.setEncoder(encoder.media, configuration), encoder.media);
  }

  /** The profile by which it is moved: the first that says it can be, else the first. */
  async #profile(): Promise<string> {
    const listed = await listProfiles(this.#link);
    const token = (listed.find(({ profile }) => profile.moves) ?? listed[0])?.profile.token;
    if (token === undefined) throw this.#cannot('GetProfiles', 'it has no media profile');
    return token;
  }

  async #source(): Promise<string> {
    const source = (await listProfiles(this.#link)).map(({ profile }) => profile.source).find((token) => token !== undefined);
    if (source === undefined) throw this.#cannot('GetProfiles', 'it names no source of its picture');
    return source;
  }

  /** By its name, else by its token. */
  async #preset(wanted: string): Promise<Preset> {
    const presets = await this.presets();
    const found = presets.find(({ name }) => name === wanted) ?? presets.find(({ token }) => token === wanted);
    if (found === undefined) throw this.#cannot('GotoPreset', `it has no place called ${plainWord(wanted) ?? 'that'}; it has ${presets.slice(0, 20).map(({ name }) => name).join(', ') || 'none'}`);
    return found;
  }

  /** What a camera refuses for the password, or answers badly, says nothing of what it can do. */
  async #whether(service: Service, ask: () => Promise<boolean>): Promise<boolean | undefined> {
    try {
      if (service !== 'device' && !(await this.#link.services()).has(service)) return false;
      return await ask();
    } catch (error) {
      if (!isOfThisCall(error)) throw error;
      return error.code === 'SP_CAMERA_FAULT' ? false : undefined;
    }
  }

  async #orNone<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (isOfThisCall(error)) return undefined;
      throw error;
    }
  }

  #call(make: RequestMaker, service: Service): ReturnType<CameraLink['call']> {
    return this.#link.call(make, service);
  }

  #cannot(operation: string, reason: string): SallyportError {
    return new SallyportError('SP_CAMERA_FAULT', { camera: this.#link.camera, operation, reason });
  }
}
