/**
 * What a camera's loudspeaker would play (ONVIF Streaming, 5.3): the G.711 that one talker at a time sends, kept so that a test can
 * prove which sound arrived, and where some of it was lost on the way.
 */

export const talkCodecs = ['PCMU', 'PCMA'] as const;
export type TalkCodec = (typeof talkCodecs)[number];

/** The static payload types of RFC 3551; both have 8,000 samples a second, one byte each. */
export const talkPayloadTypes: Readonly<Record<TalkCodec, number>> = { PCMU: 0, PCMA: 8 };

export interface Hearing {
  /** Somebody holds the way to the loudspeaker. */
  readonly taken: boolean;
  /** Of the last packet. */
  readonly codec: TalkCodec | undefined;
  readonly packets: number;
  /** Sequence numbers that never came, or too late. */
  readonly lost: number;
  /** Packets that are no RTP, of no codec on offer, or came twice or too late; their sound is not kept. */
  readonly refused: number;
  /** Older sound that had to go, because more is not kept. */
  readonly forgottenBytes: number;
}

/** Five minutes. */
const keptBytesMax = 5 * 60 * 8000;

export class Ear {
  readonly codecs: readonly TalkCodec[];
  #talker: object | undefined;
  /** A ring, made when there is something to keep. */
  #ring: Buffer | undefined;
  #heardBytes = 0;
  #next: { ssrc: number; sequence: number } | undefined;
  #codec: TalkCodec | undefined;
  #packets = 0;
  #lost = 0;
  #refused = 0;

  constructor(codecs: readonly TalkCodec[]) {
    this.codecs = codecs;
  }

  /** False when another has it. */
  take(talker: object): boolean {
    if (this.#talker !== undefined && this.#talker !== talker) return false;
    this.#talker = talker;
    this.#next = undefined;
    return true;
  }

  release(talker: object): void {
    if (this.#talker === talker) this.#talker = undefined;
  }

  /** One RTP packet; its bytes are copied. */
  hear(talker: object, packet: Buffer): void {
    if (this.#talker !== talker) return;
    const rtp = readRtp(packet);
    const codec = this.codecs.find((one) => talkPayloadTypes[one] === rtp?.payloadType);
    if (rtp === undefined || codec === undefined || !this.#follows(rtp)) {
      this.#refused++;
      return;
    }
    this.#codec = codec;
    this.#packets++;
    this.#keep(rtp.payload);
  }

  /** The sound so far, one byte a sample, without what was lost. */
  heard(): Buffer {
    if (this.#ring === undefined) return Buffer.alloc(0);
    const end = this.#heardBytes % keptBytesMax;
    return this.#heardBytes < keptBytesMax ? Buffer.from(this.#ring.subarray(0, end)) : Buffer.concat([this.#ring.subarray(end), this.#ring.subarray(0, end)]);
  }

  get hearing(): Hearing {
    return { taken: this.#talker !== undefined, codec: this.#codec, packets: this.#packets, lost: this.#lost, refused: this.#refused, forgottenBytes: Math.max(0, this.#heardBytes - keptBytesMax) };
  }

  /** Counts what was skipped; false for what came before already. */
  #follows({ ssrc, sequence }: Rtp): boolean {
    const skipped = this.#next?.ssrc === ssrc ? (sequence - this.#next.sequence) & 0xffff : 0;
    if (skipped >= 0x8000) return false;
    this.#lost += skipped;
    this.#next = { ssrc, sequence: (sequence + 1) & 0xffff };
    return true;
  }

  #keep(sound: Buffer): void {
    const ring = this.#ring ??= Buffer.alloc(keptBytesMax);
    const at = this.#heardBytes % keptBytesMax;
    const fits = sound.copy(ring, at);
    sound.copy(ring, 0, fits);
    this.#heardBytes += sound.length;
  }
}

interface Rtp {
  readonly payloadType: number;
  readonly sequence: number;
  readonly ssrc: number;
  readonly payload: Buffer;
}

const headerBytes = 12;

/** RFC 3550, 5.1: past contributing sources, extension and padding. Undefined for what is none. */
function readRtp(packet: Buffer): Rtp | undefined {
  if (packet.length < headerBytes || packet.readUInt8(0) >> 6 !== 2) return undefined;
  const first = packet.readUInt8(0);
  let from = headerBytes + (first & 0x0f) * 4;
  if ((first & 0x10) !== 0) {
    if (packet.length < from + 4) return undefined;
    from += 4 + packet.readUInt16BE(from + 2) * 4;
  }
  const to = packet.length - ((first & 0x20) === 0 ? 0 : packet.readUInt8(packet.length - 1));
  if (from > to) return undefined;
  return { payloadType: packet.readUInt8(1) & 0x7f, sequence: packet.readUInt16BE(2), ssrc: packet.readUInt32BE(8), payload: packet.subarray(from, to) };
}
