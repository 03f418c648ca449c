/** What cameras answer about what can be set on them. Pure; lenient, bounded; text stays text. */
import { escapeXml, find, findAll, textOf, type XmlElement } from '../base/xml.ts';
import { gopOf, readVideo, type VideoFacts } from './answers.ts';
import { plainWord } from './charset.ts';
import { schemaNamespace } from './onvif.ts';

const listMax = 512;

export interface Preset {
  readonly token: string;
  readonly name: string;
}

/** Of GetPresets. Hikvision names three hundred places that nobody saved; those have a name too, so all are kept. */
export function readPresets(response: XmlElement): Preset[] {
  return findAll(response, 'Preset').slice(0, listMax).flatMap((preset) => {
    const token = preset.attributes['token'];
    return token === undefined || token === '' ? [] : [{ token, name: plainWord(textOf(preset, 'Name')) ?? token }];
  });
}

/** Of SetPreset. */
export function readPresetToken(response: XmlElement): string | undefined {
  return textOf(response, 'PresetToken');
}

export interface Relay {
  readonly token: string;
  /** It falls back by itself after this time; undefined when it stays. */
  readonly delay: string | undefined;
  readonly idle: 'open' | 'closed' | undefined;
}

/** Of GetRelayOutputs. */
export function readRelays(response: XmlElement): Relay[] {
  return findAll(response, 'RelayOutputs').slice(0, listMax).flatMap((relay) => {
    const token = relay.attributes['token'];
    if (token === undefined || token === '') return [];
    const idle = textOf(relay, 'Properties', 'IdleState');
    const delay = textOf(relay, 'Properties', 'Mode') === 'Monostable' ? plainWord(textOf(relay, 'Properties', 'DelayTime'), 32) : undefined;
    return [{ token, delay, idle: idle === 'open' || idle === 'closed' ? idle : undefined }];
  });
}

/** Servers of GetNTP, and whether the network names them. */
export function readNtp(response: XmlElement): { fromNetwork: boolean; servers: string[] } {
  const information = find(response, 'NTPInformation');
  const servers = [...findAll(information, 'NTPManual'), ...findAll(information, 'NTPFromDHCP')].slice(0, 8)
    .flatMap((server) => plainWord(textOf(server, 'DNSname') ?? textOf(server, 'IPv4Address') ?? textOf(server, 'IPv6Address'), 253) ?? []);
  return { fromNetwork: textOf(information, 'FromDHCP') === 'true', servers };
}

/** How the camera keeps its clock; of GetSystemDateAndTime. */
export function readClockKind(response: XmlElement): 'NTP' | 'Manual' | undefined {
  const kind = textOf(response, 'SystemDateAndTime', 'DateTimeType');
  return kind === 'NTP' || kind === 'Manual' ? kind : undefined;
}

/** What of a picture can be set by a number, in the order in which the schema has them, and how its infrared filter stands. */
export const imagingNumbers = ['Brightness', 'ColorSaturation', 'Contrast', 'Sharpness'] as const;
export const infraredStates = ['ON', 'OFF', 'AUTO'] as const;
export type ImagingNumber = (typeof imagingNumbers)[number];

export interface Imaging {
  readonly numbers: ReadonlyMap<ImagingNumber, { readonly value: number; readonly min?: number; readonly max?: number }>;
  /** ON: the filter is in the way of infrared, as by day. */
  readonly infraredFilter: string | undefined;
}

/** Of GetImagingSettings, with the ranges of GetOptions where the camera tells them. */
export function readImaging(response: XmlElement, options: XmlElement | undefined): Imaging {
  const settings = find(response, 'ImagingSettings');
  const ranges = find(options, 'ImagingOptions');
  const numbers = imagingNumbers.flatMap((name) => {
    const value = numberOf(textOf(settings, name));
    if (value === undefined) return [];
    const [min, max] = [numberOf(textOf(ranges, name, 'Min')), numberOf(textOf(ranges, name, 'Max'))];
    return [[name, { value, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) }] as const];
  });
  return { numbers: new Map(numbers), infraredFilter: plainWord(textOf(settings, 'IrCutFilter'), 16) };
}

export interface Encoder {
  readonly token: string;
  readonly name: string;
  readonly video: VideoFacts;
  /** As the camera said it, to be said back. */
  readonly element: XmlElement;
}

/** Of GetVideoEncoderConfigurations, Media 1 and Media 2. */
export function readEncoders(response: XmlElement): Encoder[] {
  return findAll(response, 'Configurations').slice(0, 32).flatMap((element) => {
    const token = element.attributes['token'];
    const video = readVideo(element);
    return token === undefined || token === '' || video === undefined ? [] : [{ token, name: plainWord(textOf(element, 'Name')) ?? token, video, element }];
  });
}

/** The same configuration with another distance of key frames, in pictures; undefined where it names none that could be changed. */
export function withGop({ element }: Encoder, gop: number): string | undefined {
  if (gopOf(element) === undefined) return undefined;
  const attributes = { ...element.attributes, ...(element.attributes['GovLength'] === undefined ? {} : { GovLength: String(gop) }) };
  const children = element.children.map((child) => (child.name === 'H264' || child.name === 'MPEG4'
    ? { ...child, children: child.children.map((inner) => (inner.name === 'GovLength' ? { ...inner, text: String(gop) } : inner)) } : child));
  return `<Configuration${attributesInXml(attributes)}>${children.map((child) => inXml(child, ` xmlns="${schemaNamespace}"`)).join('')}</Configuration>`;
}

/**
 * The same configuration with another codec, as Media 2 has it; the camera chooses the profile, whose names differ by codec. Undefined for
 * a configuration of Media 1, where each codec has an element of its own.
 */
export function withCodec({ element }: Encoder, codec: 'H264' | 'H265'): string | undefined {
  if (element.children.some(({ name }) => name === 'H264' || name === 'MPEG4') || !element.children.some(({ name }) => name === 'Encoding')) return undefined;
  const { Profile: _, ...attributes } = element.attributes;
  const children = element.children.map((child) => (child.name === 'Encoding' ? { ...child, text: codec } : child));
  return `<Configuration${attributesInXml(attributes)}>${children.map((child) => inXml(child, ` xmlns="${schemaNamespace}"`)).join('')}</Configuration>`;
}

/** The schema's own (onvif.xsd, VideoEncoderConfiguration and VideoEncoder2Configuration); namespaces of the camera's XML are not among them. */
const attributeNames = new Set(['token', 'GovLength', 'AnchorFrameDistance', 'Profile', 'GuaranteedFrameRate', 'ConstantBitRate']);

function attributesInXml(attributes: XmlElement['attributes']): string {
  return Object.entries(attributes).filter(([name]) => attributeNames.has(name)).map(([name, value]) => ` ${name}="${escapeXml(value)}"`).join('');
}

/** Extensions of the make are left out: their namespaces are not known any more. */
function inXml(element: XmlElement, namespace = ''): string {
  if (element.name === 'Extension' || !/^[A-Za-z0-9]{1,40}$/.test(element.name)) return '';
  return `<${element.name}${namespace}${attributesInXml(element.attributes)}>${element.children.length > 0 ? element.children.map((child) => inXml(child)).join('') : escapeXml(element.text)}</${element.name}>`;
}

function numberOf(text: string | undefined): number | undefined {
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) && Math.abs(value) < 1e9 ? value : undefined;
}
