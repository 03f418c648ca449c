/** Adoption: what a camera says of itself, asked with its password checked first, and remembered. */
import type { Clock, UnixMs } from '../base/clock.ts';
import type { CanonicalValue } from '../base/canonical.ts';
import { SallyportError, asSallyportError, isSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Secret } from '../base/secret.ts';
import { Certificates } from '../cameras/certificates.ts';
import { CameraClient, type CameraAddress, type DeviceFacts, type ProfileFacts } from '../cameras/client.ts';
import { CameraControls, type Abilities } from '../cameras/controls.ts';
import { findSecureAddress } from '../cameras/secureaddress.ts';
import { StreamDoor } from '../cameras/streamdoor.ts';
import { neighbourOf } from '../cameras/neighbours.ts';
import { Talk } from '../cameras/talk.ts';
import type { Jail } from '../capture/jail.ts';
import { probeStream, type ProbedStream } from '../capture/probe.ts';
import type { CameraIdentity } from '../policy/identity.ts';
import type { CameraConfig } from '../policy/settings.ts';
import { chooseStreams, pictureAdvice, pictureWords, type PictureFacts } from '../policy/picture.ts';
import { isoTime } from '../policy/times.ts';
import type { Vault } from '../vault/vault.ts';

export interface StreamFacts {
  readonly token: string;
  readonly uri: string;
  readonly videoCodec: string;
  readonly width: number;
  readonly height: number;
  /** Pictures in 1,000 s, so that the value stays whole. */
  readonly fps1000: number | undefined;
  readonly audioCodec: string | undefined;
  /** Pictures from one key frame to the next, by the camera's word. */
  readonly gop?: number;
  /** Why this one of those that the camera has, in words. */
  readonly why?: string;
}

/** Undefined: it could not be found out, and is offered until the camera refuses it. */
export interface CameraAbilities extends Abilities {
  readonly talk: boolean | undefined;
}

/** What is kept of a camera between starts; nothing else of it is stored. */
export interface CameraFacts {
  readonly device: DeviceFacts;
  readonly main: StreamFacts;
  readonly sub: StreamFacts | undefined;
  readonly snapshotUri: string | undefined;
  /** SHA-256 of what it showed by TLS when it was adopted; nothing else is believed. Absent where it has no TLS. */
  readonly certificates?: readonly string[];
  /** By which it is known again at another address. */
  readonly identity?: CameraIdentity;
  /** Where this was asked: at another address it is asked again. */
  readonly askedAt?: string;
  /** Where it offers HTTPS, though the configuration has it asked without. */
  readonly secureOffer?: { readonly port: number; readonly path: string };
  /** When it was asked for the first time, kept through all that comes later. Absent in what older versions have stored. */
  readonly adoptedMs?: UnixMs;
  /** Absent in what older versions have stored. */
  readonly abilities?: CameraAbilities;
  readonly clockOffsetMs: number;
  readonly readAtMs: number;
}

export interface CameraAccess {
  readonly camera: string;
  readonly address: CameraAddress;
  readonly user: string;
  readonly password: Secret;
}

export interface AdoptRooms {
  readonly clock: Clock;
  readonly log: Log;
  readonly ffprobe: string;
  readonly jail: Jail;
}

/**
 * Asks the camera in this order: its clock (without a password), whether the password holds, who it is, its streams, and what
 * really comes out of them. What it shows by TLS meanwhile is believed from then on, unless `believed` says what it may show.
 * SP_CAMERA_REFUSED, SP_CAMERA_UNREACHABLE, SP_CAMERA_CERTIFICATE, SP_CAMERA_ANSWER, SP_CAMERA_NO_STREAM.
 */
export async function readCamera(access: CameraAccess, rooms: AdoptRooms, signal?: AbortSignal, believed?: Certificates): Promise<CameraFacts> {
  const certificates = believed ?? new Certificates(access.camera, undefined);
  const client = new CameraClient({ ...access, certificates, clock: rooms.clock, log: rooms.log });
  // Beside the rest: a port that lets nobody in is waited for. Who looks for an address by HTTPS first leaves it open whether this one is.
  const secure = access.address.secure !== false ? undefined : findSecureAddress({ camera: access.camera, address: access.address, xaddrs: [], clock: rooms.clock, ...(signal === undefined ? {} : { signal }) });
  const { offsetMs } = await client.readClock();
  await client.checkCredentials();
  const device = await client.device();
  const chosen = chooseStreams(await client.profiles());
  if (chosen === undefined) throw new SallyportError('SP_CAMERA_NO_STREAM', { camera: access.camera, reason: 'it names no profile with H.264 or H.265' });
  const { main, sub } = chosen;
  const probe = async (profile: ProfileFacts): Promise<ProbedStream> => {
    const door = new StreamDoor({ camera: access.camera, uri: profile.streamUri, user: access.user, password: access.password, certificates });
    try {
      return await probeStream({
        ffprobe: rooms.ffprobe, jail: rooms.jail, camera: access.camera, url: await door.url(), timeoutMs: 15_000, ...(signal === undefined ? {} : { signal }),
      });
    } finally {
      await door.close();
    }
  };
  const streams = {
    main: { ...toFacts(main, await probe(main)), why: chosen.mainWhy },
    sub: sub === undefined ? undefined : { ...toFacts(sub, await probe(sub).catch(() => undefined)), why: chosen.subWhy },
  };
  return {
    device,
    ...streams,
    snapshotUri: main.snapshotUri,
    ...(certificates.believed.length === 0 ? {} : { certificates: certificates.believed }),
    identity: await readIdentity(client, access.address),
    askedAt: placeOf(access.address),
    ...offerOf(await secure),
    abilities: await readAbilities({ ...access, uri: main.streamUri, certificates }, rooms, signal),
    clockOffsetMs: Math.round(offsetMs),
    readAtMs: Math.round(rooms.clock.wallMs()),
  };
}

/** Last, and for what it is worth: a camera that fails at these is recorded all the same. SP_STOPPED. */
async function readAbilities({ uri, ...access }: CameraAccess & { uri: string; certificates: Certificates }, { clock, log }: AdoptRooms, signal: AbortSignal | undefined): Promise<CameraAbilities> {
  const ending = { clock, log, ...(signal === undefined ? {} : { signal }) };
  const orUnknown = async <T>(ask: () => Promise<T>, unknown: T): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      if (isSallyportError(error, 'SP_STOPPED')) throw error;
      log.info({ component: 'adopt', camera: access.camera, code: asSallyportError(error).code }, 'what the camera can do is not known in full');
      return unknown;
    }
  };
  const talk = await orUnknown<boolean | undefined>(() => Talk.has({ ...access, uri, ...ending }), undefined);
  return { talk, ...await orUnknown(() => new CameraControls({ ...access, ...ending }).abilities(), { ptz: undefined, imaging: undefined, relays: undefined }) };
}

/** Its own word comes first: a radio repeater puts its own hardware address in the camera's place. */
async function readIdentity(client: CameraClient, { host }: CameraAddress): Promise<CameraIdentity> {
  const endpoint = await client.endpoint();
  const told = await client.hardwareAddresses();
  const seen = await neighbourOf(host);
  const hardware = told.length > 0 || seen === undefined ? told : [seen];
  return { endpoints: endpoint === undefined ? [] : [endpoint], hardware, direct: seen !== undefined && hardware.includes(seen) };
}

/** A camera may call itself otherwise where it is asked than where it is heard; it is known by both. The newest count. */
export function withEndpoints(facts: CameraFacts, heard: readonly string[]): CameraFacts {
  const identity = facts.identity ?? { endpoints: [], hardware: [] };
  return { ...facts, identity: { ...identity, endpoints: [...new Set([...identity.endpoints, ...heard])].slice(0, endpointsMax) } };
}

const endpointsMax = 4;

export function placeOf({ host, port }: CameraAddress): string {
  return `${host}:${port}`;
}

function toFacts(profile: ProfileFacts, probed: ProbedStream | undefined): StreamFacts {
  const fps = probed?.video.fps ?? profile.video?.fps;
  return {
    token: profile.token,
    uri: profile.streamUri,
    videoCodec: probed?.video.codec ?? profile.video?.codec.toLowerCase() ?? 'h264',
    width: probed?.video.width ?? profile.video?.width ?? 0,
    height: probed?.video.height ?? profile.video?.height ?? 0,
    fps1000: fps === undefined ? undefined : Math.round(fps * 1000),
    audioCodec: probed === undefined ? profile.audioCodec?.toLowerCase() : probed.audio?.codec,
    ...(profile.video?.gop === undefined ? {} : { gop: profile.video.gop }),
  };
}

/** Returns it as it is remembered. */
export async function rememberCamera(vault: Vault, camera: string, facts: CameraFacts): Promise<CameraFacts> {
  const known = await recallCamera(vault, camera);
  const adoptedMs = known === undefined ? facts.readAtMs : known.adoptedMs;
  const remembered = { ...facts, ...(adoptedMs === undefined ? {} : { adoptedMs }) };
  await vault.putSetting(`camera/${camera}`, remembered as unknown as CanonicalValue);
  return remembered;
}

/** What is to be done where the configuration has a camera asked by plain HTTP that offers better; undefined where there is nothing to do. */
export function secureAdvice(camera: Pick<CameraConfig, 'id' | 'secure' | 'path'>, facts: Pick<CameraFacts, 'secureOffer'> | undefined): string | undefined {
  const offer = facts?.secureOffer;
  if (camera.secure || offer === undefined) return undefined;
  const path = offer.path === camera.path ? '' : ` and \`path = "${offer.path}"\``;
  return `${camera.id} is asked by plain HTTP and offers HTTPS: write \`https = true\`, \`port = ${offer.port}\`${path} at its [[camera]]; its certificate is then remembered, and no other believed`;
}

function offerOf(address: CameraAddress | undefined): Pick<CameraFacts, 'secureOffer'> {
  return address === undefined ? {} : { secureOffer: { port: address.port, path: address.path } };
}

export async function recallCamera(vault: Pick<Vault, 'setting'>, camera: string): Promise<CameraFacts | undefined> {
  return (await vault.setting(`camera/${camera}`)) as unknown as CameraFacts | undefined;
}

/** What this camera may show by TLS. */
export function certificatesOf(camera: string, facts: CameraFacts): Certificates {
  return new Certificates(camera, facts.certificates ?? []);
}

/** What this camera may show by TLS while it is asked anew: where nothing was believed before, what it shows is, as at its adoption. */
export function certificatesAnew(camera: string, facts: CameraFacts | undefined): Certificates {
  return new Certificates(camera, facts?.certificates);
}

export function passwordName(camera: string): string {
  return `camera/${camera}/password`;
}

/** What was found, for people. */
export function describeCamera(camera: string, facts: CameraFacts): string[] {
  const { device, main, sub } = facts;
  const stream = (facts: StreamFacts): string => `${pictureWords(pictureOf(facts))}, ${describeAudio(facts.audioCodec)}${facts.why === undefined ? '' : ` (${facts.why})`}`;
  return [
    `${device.manufacturer} ${device.model}, firmware ${device.firmware}, serial ${device.serial}`,
    `main stream: ${stream(main)}${main.uri.startsWith('rtsps:') ? ', encrypted on its way' : ''}`,
    sub === undefined ? 'no second stream' : `second stream: ${stream(sub)}`,
    ...abilitiesInWords(facts.abilities),
    ...pictureAdvice(camera, pictureOf(main)),
    ...(facts.certificates === undefined ? [] : ['asked by HTTPS; its certificate is remembered, and another one is not believed']),
    ...(facts.adoptedMs === undefined ? [] : [`adopted on ${isoTime(facts.adoptedMs)}`]),
    Math.abs(facts.clockOffsetMs) < 5000 ? 'its clock is right' : `its clock is off by ${Math.round(facts.clockOffsetMs / 1000)} s (it does not matter for recording)`,
  ];
}

function abilitiesInWords(abilities: CameraAbilities | undefined): string[] {
  if (abilities === undefined) return [];
  const names = [['ptz', 'can be moved'], ['talk', 'has a loudspeaker to talk through'], ['imaging', 'has a picture that can be set'], ['relays', 'has relays']] as const;
  const can = names.flatMap(([key, words]) => (abilities[key] === true ? [words] : []));
  const unknown = names.flatMap(([key, words]) => (abilities[key] === undefined ? [words] : []));
  return [...(can.length === 0 ? [] : [`it ${can.join(', ')}`]), ...(unknown.length === 0 ? [] : [`it does not say whether it ${unknown.join(', ')}`])];
}

function pictureOf({ videoCodec, width, height, fps1000, gop }: StreamFacts): PictureFacts {
  return { codec: videoCodec, width, height, fps: fps1000 === undefined ? undefined : fps1000 / 1000, gop };
}

function describeAudio(codec: string | undefined): string {
  if (codec === undefined) return 'no sound';
  const names = new Map([['aac', 'AAC sound'], ['pcm_alaw', 'A-law sound'], ['pcm_mulaw', 'mu-law sound']]);
  return names.get(codec) ?? `${codec} sound`;
}
