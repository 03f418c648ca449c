/**
 * The pictures object (docs/FORMAT.md, "The pictures object"): what an alarm has of pictures, together, as it is sent away. A line that says whose they
 * are and how long each is, then each as it lies at home: an age file for the key of the alarm's day. All of it is sealed to that key once more, so that
 * neither how many there are nor how large they are can be told from outside. Pure, and shared with the browser.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { SallyportError } from '../../base/errors.ts';
import { asciiOf } from './header.ts';

/** In the order of their bits in an alarm's row. */
export const pictureNames = ['full', 'crop', 'thumb', 'text'] as const;
export type PictureName = (typeof pictureNames)[number];

export interface PicturesObject {
  /** 16 hexadecimal digits. */
  readonly alarm: string;
  /** Sealed, each once. */
  readonly pictures: readonly (readonly [which: PictureName, sealed: Uint8Array])[];
}

const lineFeed = 0x0a;
const blank = 0x20;
/** The first line is within this. */
const headBytesMax = 256;
/** Of a sealed picture; twice what one may have. */
const pictureBytesMax = 96 * 1024;
/** Larger ones are none. */
export const picturesObjectBytesMax = 512 * 1024;

/** Without the blanks that bring it to a Padmé size. */
export function encodePicturesObject({ alarm, pictures }: PicturesObject): Uint8Array<ArrayBuffer> {
  const parts = [new TextEncoder().encode(`${headOf(alarm, pictures.map(([which, { length }]) => [which, length]))}\n`), ...pictures.map(([, sealed]) => sealed)];
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Of the opened object; each picture is a view of it. SP_FAR_PICTURES. */
export function decodePicturesObject(plain: Uint8Array, what: string): PicturesObject {
  const refuse = (reason: string): never => {
    throw new SallyportError('SP_FAR_PICTURES', { what, reason });
  };
  const end = plain.subarray(0, headBytesMax).indexOf(lineFeed);
  if (end === -1) refuse('it does not begin as one does');
  const line = asciiOf(plain.subarray(0, end));
  const [, alarm = '', list = ''] = /^\{"alarm":"([0-9a-f]{16})","pictures":\[((?:\["[a-z]+",[1-9]\d{0,5}\],?)*)\],"v":1\}$/.exec(line) ?? refuse('its first line is none');
  const sizes = [...list.matchAll(/\["([a-z]+)",(\d+)\]/g)].map(([, which = '', size = '']) => [which as PictureName, Number(size)] as const);
  if (headOf(alarm, sizes) !== line) refuse('its first line is not the one way to write it');
  const order = sizes.map(([which]) => pictureNames.indexOf(which));
  if (order.some((index, at) => index === -1 || (at > 0 && index <= (order[at - 1] ?? 0)))) refuse('it names other pictures than an alarm has');
  let at = end + 1;
  const pictures = sizes.map(([which, size]) => {
    if (size > pictureBytesMax || at + size > plain.length) refuse(`its picture "${which}" ends behind its end`);
    const sealed = plain.subarray(at, at + size);
    at += size;
    return [which, sealed] as const;
  });
  if (plain.subarray(at).some((byte) => byte !== blank)) refuse('something stands behind its last picture');
  return { alarm, pictures };
}

/** Of that alarm's object, opened. SP_FAR_PICTURES, also where it is another one's. */
export function picturesOf(plain: Uint8Array, alarm: string): PicturesObject['pictures'] {
  const what = `the pictures of alarm ${alarm}`;
  const found = decodePicturesObject(plain, what);
  if (found.alarm !== alarm) throw new SallyportError('SP_FAR_PICTURES', { what, reason: 'it is of another alarm' });
  return found.pictures;
}

function headOf(alarm: string, sizes: readonly (readonly [string, number])[]): string {
  return canonicalJson({ v: 1, alarm, pictures: sizes.map(([which, size]) => [which, size]) });
}
