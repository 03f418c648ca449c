/**
 * What hub and detector say to each other through two pipes: messages of a closed schema, each a length of four bytes and so many bytes,
 * little-endian. Either side checks all that it reads against the bounds below, for the detector works on pictures that a hostile camera may have
 * made, and what it answers is then as hostile: numbers out of their bounds, or a byte too many, end it.
 *
 *     order   kind 1, id 4, width 2, height 2, then   1 objects: box 4x4
 *                                                     2 faces:   box 4x4
 *                                                     3 embed:   key points 12x4
 *                                                     4 examine: box 4x4
 *             then the picture: width * height * 3 bytes
 *     answer  kind 1, id 4, then   1 objects: count 1, count x (label 1, score 4, box 4x4)
 *                                  2 faces:   count 1, count x (score 4, box 4x4, key points 12x4, quality 4x4)
 *                                  3 embed:   128 x 4
 *                                  4 examine: count 1, count x (score 4, box 4x4, width 4, blur 4, yaw 4, roll 4, 128 x 4, crop 160x160x3)
 *                                  9 refused: reason 1
 *             8 ready (id 0): version 1, SHA-256 of the embedding's weights 32
 */
import { SallyportError } from '../base/errors.ts';
import { vectorLength, type FaceMeasures } from '../policy/faces.ts';
import type { Box, Point } from './box.ts';
import { labels, type Found } from './tracks.ts';

export const protocolVersion = 2;

/** Red, green and blue of each pixel, row by row from the upper left. */
export interface Picture {
  readonly rgb: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Of the face that is looked at, as the detector's model tells them: `right` is the person's own, so it lies left in the picture. */
export const keypointNames = ['rightEye', 'leftEye', 'nose', 'mouth', 'rightEar', 'leftEar'] as const;
/** In the order of `keypointNames`. */
export type Keypoints = readonly Point[];

export interface Quality {
  /** Width of the face in pixels of the picture that it was found in. */
  readonly widthPx: number;
  /** How sharp it is: 0 a gray blur, 1 as sharp as can be. */
  readonly sharpness: number;
  /** Turned to a side: 0 straight into the camera, 1 in profile. */
  readonly turn: number;
  /** Tilted, in degrees: 0 upright. */
  readonly tilt: number;
}

export interface Face {
  readonly score: number;
  readonly box: Box;
  readonly keypoints: Keypoints;
  readonly quality: Quality;
}

/** A face, all that can be said of it, and a small upright picture of it. The caller overwrites vector and crop after their use. */
export interface ExaminedFace extends FaceMeasures {
  readonly vector: Float32Array;
  /** `cropSide` wide and high. */
  readonly crop: Picture;
}

export const foundMax = 32;
export const facesMax = 16;
/** Of more faces in one picture the largest are examined. */
export const examinedMax = 4;
export const cropSide = 160;
export const sideLeast = 16;
export const sideMost = 4096;
export const pictureBytesMax = 8 * 2 ** 20;

export type Order =
  | { readonly kind: 'objects'; readonly id: number; readonly picture: Picture; readonly roi: Box }
  | { readonly kind: 'faces'; readonly id: number; readonly picture: Picture; readonly roi: Box }
  | { readonly kind: 'embed'; readonly id: number; readonly picture: Picture; readonly keypoints: Keypoints }
  | { readonly kind: 'examine'; readonly id: number; readonly picture: Picture; readonly roi: Box };

/** Why the detector gives no answer to an order that is well formed. */
export const refusals = ['the picture cannot be looked at', 'the face cannot be aligned', 'there is not enough memory', 'the model failed'] as const;
export type Refusal = (typeof refusals)[number];

export type Answer =
  | { readonly kind: 'objects'; readonly id: number; readonly found: readonly Found[] }
  | { readonly kind: 'faces'; readonly id: number; readonly faces: readonly Face[] }
  | { readonly kind: 'embed'; readonly id: number; readonly vector: Float32Array }
  | { readonly kind: 'examine'; readonly id: number; readonly faces: readonly ExaminedFace[] }
  | { readonly kind: 'refused'; readonly id: number; readonly reason: Refusal }
  | { readonly kind: 'ready'; readonly id: 0; readonly embedding: string };

const codes = { objects: 1, faces: 2, embed: 3, examine: 4, ready: 8, refused: 9 } as const;
const prefixBytes = 4;
const orderHeadBytes = 9;
const boxBytes = 16;
const keypointsBytes = keypointNames.length * 8;
export const orderBytesMax = orderHeadBytes + keypointsBytes + pictureBytesMax;
const cropBytes = cropSide ** 2 * 3;
const examinedBytes = 4 + boxBytes + 16 + vectorLength * 4 + cropBytes;
const answerHeadBytes = 6;
/** Of faces, which are longer than all but the examined. */
const facesBytesMax = answerHeadBytes + facesMax * (4 + boxBytes + keypointsBytes + 16);
export const answerBytesMax = answerHeadBytes + examinedMax * examinedBytes;
/** Key points may lie outside of the picture, of a face at its edge; boxes may not. */
const outsideMost = 4;

/** SP_PICTURE_SIZE for a picture that no order may carry. */
export function checkPicture({ rgb, width, height }: Picture): void {
  const whole = Number.isInteger(width) && Number.isInteger(height);
  if (!whole || Math.min(width, height) < sideLeast || Math.max(width, height) > sideMost || width * height * 3 > pictureBytesMax) throw new SallyportError('SP_PICTURE_SIZE', { width, height, reason: `sides are ${sideLeast} to ${sideMost} pixels, and it has at most ${pictureBytesMax} bytes` });
  if (rgb.length !== width * height * 3) throw new SallyportError('SP_PICTURE_SIZE', { width, height, reason: `${rgb.length} bytes came instead of ${width * height * 3}` });
}

/** With its length before it, in memory of its own, which the caller wipes. SP_PICTURE_SIZE; SP_DETECTOR_SPOKE for a box or a point beyond its bounds. */
export function encodeOrder(order: Order): Buffer {
  checkPicture(order.picture);
  const { rgb, width, height } = order.picture;
  const bytes = new Bytes(orderHeadBytes + (order.kind === 'embed' ? keypointsBytes : boxBytes) + rgb.length);
  bytes.uint(codes[order.kind], 1).uint(order.id, 4).uint(width, 2).uint(height, 2);
  if (order.kind === 'embed') bytes.keypoints(order.keypoints);
  else bytes.box(order.roi);
  return bytes.raw(rgb).done();
}

/** Of a message without its length; the picture lies in the message's memory. SP_DETECTOR_SPOKE. */
export function decodeOrder(message: Uint8Array): Order {
  const reader = new Reader(message);
  const code = reader.uint(1), id = reader.uint(4), width = reader.uint(2), height = reader.uint(2);
  const kind = code === codes.objects ? 'objects' : code === codes.faces ? 'faces' : code === codes.embed ? 'embed' : code === codes.examine ? 'examine' : broken('an order of no kind');
  const asked = kind === 'embed' ? { keypoints: reader.keypoints() } : { roi: reader.box() };
  const picture = { rgb: reader.rest(), width, height };
  checkPicture(picture);
  return { kind, id, picture, ...asked } as Order;
}

/** As `encodeOrder`. */
export function encodeAnswer(answer: Answer): Buffer {
  const bytes = new Bytes(answer.kind === 'examine' ? answerHeadBytes + answer.faces.length * examinedBytes : facesBytesMax);
  bytes.uint(codes[answer.kind], 1).uint(answer.id, 4);
  switch (answer.kind) {
    case 'objects':
      bytes.uint(bounded(answer.found.length, foundMax), 1);
      for (const { label, score, box } of answer.found) bytes.uint(labels.indexOf(label), 1).float(score).box(box);
      break;
    case 'faces':
      bytes.uint(bounded(answer.faces.length, facesMax), 1);
      for (const { score, box, keypoints, quality } of answer.faces) bytes.float(score).box(box).keypoints(keypoints).float(quality.widthPx).float(quality.sharpness).float(quality.turn).float(quality.tilt);
      break;
    case 'embed':
      bytes.vector(answer.vector);
      break;
    case 'examine':
      bytes.uint(bounded(answer.faces.length, examinedMax), 1);
      for (const { score, box, widthPx, blur, pose: { yaw, roll }, vector, crop } of answer.faces) bytes.float(score).box(box).float(widthPx).float(blur).float(yaw).float(roll).vector(vector).raw(crop.rgb);
      break;
    case 'refused':
      bytes.uint(refusals.indexOf(answer.reason), 1);
      break;
    case 'ready':
      bytes.uint(protocolVersion, 1).raw(Buffer.from(answer.embedding, 'hex'));
      break;
  }
  return bytes.done();
}

/** Of a message without its length; copies all it takes. SP_DETECTOR_SPOKE for whatever is not exactly as it must be. */
export function decodeAnswer(message: Uint8Array): Answer {
  const reader = new Reader(message);
  const answer = readAnswer(reader, reader.uint(1), reader.uint(4));
  if (reader.rest().length > 0) broken('more than its answer');
  return answer;
}

function readAnswer(reader: Reader, code: number, id: number): Answer {
  switch (code) {
    case codes.objects:
      return { kind: 'objects', id, found: reader.list(foundMax, () => ({ label: labels[reader.uint(1)] ?? broken('a label of no kind'), score: reader.fraction(), box: reader.box() })) };
    case codes.faces:
      return { kind: 'faces', id, faces: reader.list(facesMax, () => ({ score: reader.fraction(), box: reader.box(), keypoints: reader.keypoints(), quality: reader.quality() })) };
    case codes.embed:
      return { kind: 'embed', id, vector: reader.vector() };
    case codes.examine:
      return { kind: 'examine', id, faces: reader.list(examinedMax, () => reader.examined()) };
    case codes.refused:
      return { kind: 'refused', id, reason: refusals[reader.uint(1)] ?? broken('a reason of no kind') };
    case codes.ready:
      if (reader.uint(1) !== protocolVersion || id !== 0) broken('another version of its protocol');
      return { kind: 'ready', id: 0, embedding: Buffer.from(reader.take(32)).toString('hex') };
    default:
      return broken('an answer of no kind');
  }
}

/** Overwrites what of an answer tells faces apart. */
export function wipe(answer: Answer): void {
  if (answer.kind === 'embed') answer.vector.fill(0);
  if (answer.kind === 'examine') wipeFaces(answer.faces);
}

export function wipeFaces(faces: readonly ExaminedFace[]): void {
  for (const { vector, crop } of faces) {
    vector.fill(0);
    crop.rgb.fill(0);
  }
}

/** Puts messages together that come in pieces. */
export class Messages {
  readonly #bytesMax: number;
  readonly #prefix = Buffer.alloc(prefixBytes);
  #prefixLength = 0;
  #body: Buffer | undefined;
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Calls with each message that is whole now; its memory is wiped after the return. SP_DETECTOR_SPOKE for one beyond the bound. */
  take(bytes: Uint8Array, onMessage: (message: Buffer) => void): void {
    for (let at = 0; at < bytes.length;) {
      at += this.#body === undefined ? this.#takePrefix(bytes.subarray(at)) : this.#takeBody(this.#body, bytes.subarray(at));
      const body = this.#body;
      if (body === undefined || this.#length < body.length) continue;
      this.#body = undefined;
      this.#prefixLength = 0;
      try {
        onMessage(body);
      } finally {
        body.fill(0);
      }
    }
  }

  /** Wipes what is not whole. */
  clear(): void {
    this.#body?.fill(0);
    this.#body = undefined;
    this.#prefixLength = 0;
  }

  #takePrefix(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, prefixBytes - this.#prefixLength);
    this.#prefix.set(bytes.subarray(0, taken), this.#prefixLength);
    this.#prefixLength += taken;
    if (this.#prefixLength < prefixBytes) return taken;
    const size = this.#prefix.readUInt32LE(0);
    if (size === 0 || size > this.#bytesMax) broken(`a message of ${size} bytes`);
    this.#body = Buffer.alloc(size);
    this.#length = 0;
    return taken;
  }

  #takeBody(body: Buffer, bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, body.length - this.#length);
    body.set(bytes.subarray(0, taken), this.#length);
    this.#length += taken;
    return taken;
  }
}

function broken(what: string): never {
  throw new SallyportError('SP_DETECTOR_SPOKE', { what });
}

function bounded(count: number, most: number): number {
  return count <= most ? count : broken(`${count} things`);
}

class Bytes {
  readonly #bytes: Buffer;
  #at = prefixBytes;

  constructor(most: number) {
    this.#bytes = Buffer.alloc(prefixBytes + most);
  }

  uint(value: number, size: 1 | 2 | 4): this {
    this.#at = this.#bytes.writeUIntLE(value, this.#at, size);
    return this;
  }

  float(value: number): this {
    this.#at = this.#bytes.writeFloatLE(Number.isFinite(value) ? value : broken('a number that is none'), this.#at);
    return this;
  }

  box({ x, y, width, height }: Box): this {
    return this.float(x).float(y).float(width).float(height);
  }

  keypoints(points: Keypoints): this {
    if (points.length !== keypointNames.length) broken(`${points.length} key points`);
    for (const { x, y } of points) this.float(x).float(y);
    return this;
  }

  vector(values: Float32Array): this {
    for (const value of values) this.float(value);
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  done(): Buffer {
    this.#bytes.writeUInt32LE(this.#at - prefixBytes, 0);
    return this.#bytes.subarray(0, this.#at);
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  take(count: number): Buffer {
    if (this.#at + count > this.#bytes.length) broken('less than its answer');
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  rest(): Buffer {
    return this.take(this.#bytes.length - this.#at);
  }

  uint(size: 1 | 2 | 4): number {
    return this.take(size).readUIntLE(0, size);
  }

  between(least: number, most: number): number {
    const value = this.take(4).readFloatLE(0);
    return value >= least && value <= most ? value : broken(`${value} where ${least} to ${most} is possible`);
  }

  fraction(): number {
    return this.between(0, 1);
  }

  box(): Box {
    const box = { x: this.fraction(), y: this.fraction(), width: this.fraction(), height: this.fraction() };
    // Rounding to four bytes may put a box that ends at the edge beyond it.
    return box.x + box.width <= 1.0001 && box.y + box.height <= 1.0001 ? box : broken('a box beyond the picture');
  }

  keypoints(): Keypoints {
    return keypointNames.map(() => ({ x: this.between(-outsideMost, outsideMost), y: this.between(-outsideMost, outsideMost) }));
  }

  quality(): Quality {
    return { widthPx: this.between(0, 2 * sideMost), sharpness: this.fraction(), turn: this.fraction(), tilt: this.between(-180, 180) };
  }

  examined(): ExaminedFace {
    const score = this.fraction(), box = this.box(), widthPx = this.between(0, 2 * sideMost), blur = this.fraction(), yaw = this.between(-90, 90), roll = this.between(-180, 180);
    return { score, box, widthPx, blur, pose: { yaw, roll }, vector: this.vector(), crop: { rgb: Uint8Array.from(this.take(cropBytes)), width: cropSide, height: cropSide } };
  }

  vector(): Float32Array {
    return Float32Array.from({ length: vectorLength }, () => this.between(-10, 10));
  }

  list<T>(most: number, one: () => T): T[] {
    return Array.from({ length: bounded(this.uint(1), most) }, one);
  }
}
