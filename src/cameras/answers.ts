/** What ONVIF answers say, from the XML itself: text stays text ("5.10", "00123", the token "1.0"). Pure; lenient, for 22 of 198 real answers break the schema. */
import type { UnixMs } from '../base/clock.ts';
import { find, findAll, findDeep, textOf, type XmlElement } from '../base/xml.ts';
import { hardwareAddress } from './addresses.ts';
import { plainWord } from './charset.ts';
import type { Service } from './onvif.ts';

export interface DeviceFacts {
  readonly manufacturer: string;
  readonly model: string;
  readonly firmware: string;
  readonly serial: string;
  readonly hardware: string;
}

/** Empty where the camera says nothing. */
export function readDevice(response: XmlElement): DeviceFacts {
  const word = (name: string): string => plainWord(textOf(response, name), 128) ?? '';
  return { manufacturer: word('Manufacturer'), model: word('Model'), firmware: word('FirmwareVersion'), serial: word('SerialNumber'), hardware: word('HardwareId') };
}

const interfacesMax = 16;

/** Of GetNetworkInterfaces: those of one device alone. */
export function readHardware(response: XmlElement): string[] {
  const told = findAll(response, 'NetworkInterfaces').slice(0, interfacesMax).map((one) => hardwareAddress(textOf(one, 'Info', 'HwAddress')?.trim()));
  return [...new Set(told.filter((address) => address !== undefined))].toSorted();
}

/** Undefined where the camera tells no time that there is (seen: no UTC time at all, month 0). */
export function readClock(response: XmlElement): UnixMs | undefined {
  const time = find(response, 'SystemDateAndTime');
  const utc = find(time, 'UTCDateTime') ?? find(time, 'LocalDateTime');
  const part = (...path: [string, string]): number => Number(textOf(utc, ...path) ?? Number.NaN);
  const [year, month, day] = [part('Date', 'Year'), part('Date', 'Month'), part('Date', 'Day')];
  const ms = Date.UTC(year, month - 1, day, part('Time', 'Hour'), part('Time', 'Minute'), part('Time', 'Second'));
  return Number.isNaN(ms) || month < 1 || month > 12 || day < 1 || day > 31 || year < 1970 || year > 2200 ? undefined : ms;
}

/** XAddrs as the camera says them. */
export type ServiceAddresses = ReadonlyMap<Service, string>;

const namespaces: ReadonlyMap<Service, string> = new Map([
  ['device', 'ver10/device/wsdl'], ['media', 'ver10/media/wsdl'], ['media2', 'ver20/media/wsdl'], ['events', 'ver10/events/wsdl'],
  ['ptz', 'ver20/ptz/wsdl'], ['imaging', 'ver20/imaging/wsdl'],
]);

/** Of GetServices: by namespace. */
export function readServices(response: XmlElement): ServiceAddresses {
  const services = findAll(response, 'Service').slice(0, servicesMax);
  return addressesOf([...namespaces].map(([name, namespace]) =>
    [name, textOf(services.find((service) => textOf(service, 'Namespace')?.replace(/\/$/, '') === `http://www.onvif.org/${namespace}`), 'XAddr')]));
}

/** Of GetCapabilities, for cameras older than GetServices; Media 2 is younger. */
export function readCapabilities(response: XmlElement): ServiceAddresses {
  const capabilities = find(response, 'Capabilities');
  const words = [['device', 'Device'], ['media', 'Media'], ['events', 'Events'], ['ptz', 'PTZ'], ['imaging', 'Imaging']] as const;
  return addressesOf(words.map(([name, word]) => [name, textOf(capabilities, word, 'XAddr')]));
}

const servicesMax = 64;

function addressesOf(said: readonly (readonly [Service, string | undefined])[]): ServiceAddresses {
  return new Map(said.flatMap(([name, xaddr]) => (xaddr === undefined || xaddr === '' ? [] : [[name, xaddr] as const])));
}

export interface VideoFacts {
  /** `h264`, `hevc`, `jpeg`, else the camera's word in small letters. */
  readonly codec: string;
  readonly width: number;
  readonly height: number;
  readonly fps: number | undefined;
  readonly kbps: number | undefined;
  /** Pictures from one key frame to the next. */
  readonly gop: number | undefined;
}

export interface Profile {
  readonly token: string;
  readonly name: string;
  readonly video: VideoFacts | undefined;
  /** `aac`, `g711`, `pcm_alaw`, `pcm_mulaw`, else the camera's word in small letters. */
  readonly audioCodec: string | undefined;
  /** Token of its picture's source, for imaging. */
  readonly source: string | undefined;
  /** Whether it says that it can be moved. */
  readonly moves: boolean;
}

const profilesMax = 32;

/** Of Media 1 and Media 2 alike. */
export function readProfiles(response: XmlElement): Profile[] {
  return findAll(response, 'Profiles').slice(0, profilesMax).flatMap((profile) => {
    const token = profile.attributes['token'];
    if (token === undefined || token === '') return [];
    const video = find(profile, 'VideoEncoderConfiguration') ?? find(profile, 'Configurations', 'VideoEncoder');
    const audio = find(profile, 'AudioEncoderConfiguration') ?? find(profile, 'Configurations', 'AudioEncoder');
    return [{ token, name: plainWord(textOf(profile, 'Name')) ?? token, video: readVideo(video), audioCodec: codecOf(textOf(audio, 'Encoding')), source: sourceOf(profile), moves: (find(profile, 'PTZConfiguration') ?? find(profile, 'Configurations', 'PTZ')) !== undefined }];
  });
}

export function readVideo(encoder: XmlElement | undefined): VideoFacts | undefined {
  const codec = codecOf(textOf(encoder, 'Encoding'));
  if (codec === undefined) return undefined;
  const number = (...path: string[]): number | undefined => {
    const value = Number(textOf(encoder, ...path) ?? Number.NaN);
    return Number.isFinite(value) && value > 0 && value < 1e6 ? value : undefined;
  };
  return {
    codec,
    width: number('Resolution', 'Width') ?? 0,
    height: number('Resolution', 'Height') ?? 0,
    fps: number('RateControl', 'FrameRateLimit'),
    kbps: number('RateControl', 'BitrateLimit'),
    gop: gopOf(encoder),
  };
}

/** Media 1 has it below the codec, Media 2 as an attribute. */
export function gopOf(encoder: XmlElement | undefined): number | undefined {
  const value = Number(encoder?.attributes['GovLength'] ?? textOf(encoder, 'H264', 'GovLength') ?? textOf(encoder, 'MPEG4', 'GovLength') ?? Number.NaN);
  return Number.isInteger(value) && value > 0 && value < 1e6 ? value : undefined;
}

function sourceOf(profile: XmlElement): string | undefined {
  return textOf(find(profile, 'VideoSourceConfiguration') ?? find(profile, 'Configurations', 'VideoSource'), 'SourceToken');
}

/** ONVIF's words (Media 1 enumerations, Media 2 IANA names) in ffmpeg's. */
const codecs = new Map([['h264', 'h264'], ['h265', 'hevc'], ['hevc', 'hevc'], ['jpeg', 'jpeg'], ['aac', 'aac'], ['mp4a-latm', 'aac'], ['pcmu', 'pcm_mulaw'], ['pcma', 'pcm_alaw']]);

function codecOf(encoding: string | undefined): string | undefined {
  const word = plainWord(encoding, 16)?.toLowerCase();
  return word === undefined ? undefined : codecs.get(word) ?? word;
}

/** Of GetStreamUri and GetSnapshotUri, Media 1 and Media 2. */
export function readUri(response: XmlElement): string | undefined {
  const uri = findDeep(response, 'Uri')?.text.trim();
  return uri === undefined || uri === '' || uri.length > 2048 ? undefined : uri;
}
