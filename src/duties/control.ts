/**
 * Does to a camera what somebody at the terminal asked for, once: its clock, its motors, its picture, its relays, a restart. Each deed is
 * in the audit; nothing here happens by itself.
 */
import type { Clock } from '../base/clock.ts';
import { SallyportError, isSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { formatAge, secondMs } from '../base/units.ts';
import { CameraControls, type Encoder, type Imaging, type ImagingNumber } from '../cameras/controls.ts';
import type { By } from '../policy/access.ts';
import { gopMsOf, pictureWords } from '../policy/picture.ts';
import type { Vault } from '../vault/vault.ts';
import type { Site } from './site.ts';

/** What somebody asks for. */
export type ControlOrder =
  | { readonly act: 'info' | 'refresh' | 'trust' | 'reboot' | 'stop' | 'home' }
  | { readonly act: 'clock'; readonly set?: boolean | undefined; readonly ntp?: string | undefined }
  | { readonly act: 'goto' | 'save' | 'forget'; readonly place: string }
  | { readonly act: 'move'; readonly pan: number; readonly tilt: number; readonly zoom: number; readonly seconds: number }
  | { readonly act: 'imaging'; readonly brightness?: number | undefined; readonly saturation?: number | undefined; readonly contrast?: number | undefined; readonly sharpness?: number | undefined; readonly infrared?: 'ON' | 'OFF' | 'AUTO' | undefined }
  | { readonly act: 'relay'; readonly relay?: string | undefined; readonly on: boolean }
  | { readonly act: 'gop'; readonly seconds: number }
  | { readonly act: 'codec'; readonly codec: 'H264' | 'H265' };

export interface ControlRooms {
  readonly site: Site;
  readonly vault: Pick<Vault, 'audit'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Returns what was done or found, in sentences. SP_CAMERA_UNKNOWN, and what CameraControls rejects with. */
export async function controlCamera(rooms: ControlRooms, camera: string, order: ControlOrder, { by = { who: 'cli' }, signal }: { readonly by?: By; readonly signal?: AbortSignal } = {}): Promise<string[]> {
  const sentences = await act(rooms, camera, order, signal);
  if (order.act !== 'info' && !(order.act === 'clock' && order.set !== true && order.ntp === undefined)) {
    await rooms.vault.audit({ what: 'camera.control', ...by, camera, detail: { act: order.act } });
  }
  return sentences;
}

/** The places that are saved in a camera, as it names them itself. SP_CAMERA_FAULT where it has none. */
export async function placesOf({ site, clock, log }: Omit<ControlRooms, 'vault'>, camera: string): Promise<string[]> {
  return (await new CameraControls({ ...(await site.accessTo(camera)), clock, log }).presets()).map(({ token }) => token);
}

/** Turned to such a place, by who speaks through the hub. */
export async function turnTo({ site, vault, clock, log }: ControlRooms, camera: string, place: string | undefined): Promise<void> {
  if (place === undefined) throw new SallyportError('SP_CAMERA_FAULT', { camera, operation: 'GotoPreset', reason: 'it has no such place' });
  await new CameraControls({ ...(await site.accessTo(camera)), clock, log }).goTo(place);
  await vault.audit({ what: 'camera.control', who: 'hub', camera, detail: { act: 'goto' } });
}

async function act({ site, clock, log }: ControlRooms, camera: string, order: ControlOrder, signal?: AbortSignal): Promise<string[]> {
  if (order.act === 'refresh' || order.act === 'trust') return site.readAgain(camera, { believe: order.act === 'trust' });
  const controls = new CameraControls({ ...(await site.accessTo(camera)), clock, log, ...(signal === undefined ? {} : { signal }) });
  switch (order.act) {
    case 'info': return [...await site.describe(camera), ...await describe(controls)];
    case 'reboot': return [`${camera} restarts${withWords(await controls.reboot())}`];
    case 'clock': return await setClock(controls, order);
    case 'stop': await controls.stop(); return [`${camera} stands still`];
    case 'home': await controls.goHome(); return [`${camera} goes to its home position`];
    case 'goto': return [`${camera} goes to ${(await controls.goTo(order.place)).name}`];
    case 'save': await controls.savePreset(order.place); return [`where ${camera} looks now is called ${order.place}`];
    case 'forget': return [`${camera} has forgotten ${(await controls.removePreset(order.place)).name}`];
    case 'move': {
      await controls.move(order, order.seconds * secondMs, signal);
      return [`${camera} moved for ${order.seconds} s and stands still`];
    }
    case 'relay': return [await setRelay(controls, camera, order)];
    case 'imaging': return await setImaging(controls, order);
    case 'codec': return [await setCodec(controls, camera, order.codec), ...await site.readAgain(camera, { believe: false })];
    case 'gop': return [await setGop(controls, camera, order.seconds), ...await site.readAgain(camera, { believe: false })];
  }
}

async function setClock(controls: CameraControls, { set, ntp }: { set?: boolean | undefined; ntp?: string | undefined }): Promise<string[]> {
  if (ntp !== undefined) await controls.useNtp(ntp);
  else if (set === true) await controls.setClock();
  return clockInWords(await controls.clock());
}

function clockInWords({ offsetMs, kind, ntp }: Awaited<ReturnType<CameraControls['clock']>>): string[] {
  const off = Math.abs(offsetMs) < 2 * secondMs ? 'its clock is right' : `its clock is ${offsetMs > 0 ? 'ahead' : 'behind'} by ${formatAge(Math.abs(offsetMs))}`;
  const servers = ntp === undefined || ntp.servers.length === 0 ? '' : ` from ${ntp.servers.join(', ')}${ntp.fromNetwork ? ' (the network names them)' : ''}`;
  return [`${off}${kind === undefined ? '' : kind === 'NTP' ? `, kept by NTP${servers}` : ', kept by hand'}`];
}

async function setRelay(controls: CameraControls, camera: string, { relay, on }: { relay?: string | undefined; on: boolean }): Promise<string> {
  const relays = await controls.relays();
  const token = relay ?? relays[0]?.token;
  if (token === undefined || !relays.some((one) => one.token === token)) {
    throw new SallyportError('SP_CAMERA_FAULT', { camera, operation: 'SetRelayOutputState', reason: relays.length === 0 ? 'it has no relay' : `its relays are ${relays.map((one) => one.token).join(', ')}` });
  }
  await controls.setRelay(token, on);
  return `relay ${token} is ${on ? 'on' : 'off'}`;
}

const imagingWords: ReadonlyMap<ImagingNumber, 'brightness' | 'saturation' | 'contrast' | 'sharpness'> = new Map([
  ['Brightness', 'brightness'], ['ColorSaturation', 'saturation'], ['Contrast', 'contrast'], ['Sharpness', 'sharpness'],
]);

async function setImaging(controls: CameraControls, order: Extract<ControlOrder, { act: 'imaging' }>): Promise<string[]> {
  const numbers = new Map([...imagingWords].flatMap(([name, word]) => (order[word] === undefined ? [] : [[name, order[word]] as const])));
  if (numbers.size > 0 || order.infrared !== undefined) await controls.setImaging(numbers, order.infrared);
  return imagingInWords(await controls.imaging());
}

function imagingInWords({ numbers, infraredFilter }: Imaging): string[] {
  const parts = [...numbers].map(([name, { value, min, max }]) => `${imagingWords.get(name)} ${value}${min === undefined || max === undefined ? '' : ` of ${min} to ${max}`}`);
  return [parts.length === 0 ? 'its picture has nothing to set' : `picture: ${parts.join(', ')}`, ...(infraredFilter === undefined ? [] : [`infrared filter: ${infraredFilter}`])];
}

/** The main stream's encoder is the one with the largest picture. */
async function mainEncoder(controls: CameraControls): Promise<Awaited<ReturnType<CameraControls['encoders']>>[number] | undefined> {
  return (await controls.encoders()).toSorted((a, b) => areaOf(b) - areaOf(a))[0];
}

async function setCodec(controls: CameraControls, camera: string, codec: 'H264' | 'H265'): Promise<string> {
  const main = await mainEncoder(controls);
  if (main === undefined) throw new SallyportError('SP_CAMERA_FAULT', { camera, operation: 'GetVideoEncoderConfigurations', reason: 'it has no encoder' });
  await controls.setCodec(main, codec);
  return `${main.name} is asked for ${codec.replace('H', 'H.')}`;
}

async function setGop(controls: CameraControls, camera: string, seconds: number): Promise<string> {
  const main = await mainEncoder(controls);
  if (main?.video.fps === undefined) throw new SallyportError('SP_CAMERA_FAULT', { camera, operation: 'GetVideoEncoderConfigurations', reason: 'it does not tell how many pictures a second it sends' });
  const pictures = Math.max(1, Math.round(main.video.fps * seconds));
  await controls.setGop(main, pictures);
  return `${main.name} is asked for a key frame each ${pictures} pictures, which is ${seconds} s`;
}

function areaOf({ video }: Encoder): number {
  return video.width * video.height;
}

async function describe(controls: CameraControls): Promise<string[]> {
  return [
    ...await part(async () => clockInWords(await controls.clock())),
    ...await part(async () => (await controls.encoders()).map(({ name, video }) => {
      const gopMs = gopMsOf(video);
      return `encoder ${name}: ${pictureWords(video)}${gopMs === undefined ? '' : `, a key frame each ${formatAge(gopMs)}`}`;
    })),
    ...await part(async () => {
      const presets = await controls.presets();
      return [presets.length === 0 ? 'it can be moved; no place is saved' : `places: ${presets.slice(0, 30).map(({ name }) => name).join(', ')}${presets.length > 30 ? ` and ${presets.length - 30} more` : ''}`];
    }),
    ...await part(async () => imagingInWords(await controls.imaging())),
    ...await part(async () => {
      const relays = await controls.relays();
      return relays.length === 0 ? [] : [`relays: ${relays.map(({ token, delay }) => (delay === undefined ? token : `${token} (falls back after ${delay})`)).join(', ')}`];
    }),
  ];
}

/** What a camera does not have is left out; what it refuses for the password is not. */
async function part(ask: () => Promise<string[]>): Promise<string[]> {
  try {
    return await ask();
  } catch (error) {
    if (isSallyportError(error, 'SP_CAMERA_FAULT') || isSallyportError(error, 'SP_CAMERA_ANSWER')) return [];
    throw error;
  }
}

function withWords(said: string | undefined): string {
  return said === undefined ? '' : `; it says: ${said}`;
}
