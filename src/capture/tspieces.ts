/**
 * What ffmpeg writes as an MPEG transport stream of one picture track (ISO/IEC 13818-1), cut where pictures begin, so that whole pictures can be left
 * out. Pure but for what has not come whole. A piece is given on as soon as it is there: the rest of a picture may follow in others.
 */

export interface TsPiece {
  readonly bytes: Buffer;
  /** Of a picture that begins with this piece; undefined where it goes on with one. */
  readonly begins: { readonly keyFrame: boolean; readonly shownMs: number | undefined } | undefined;
}

const packetBytes = 188;
const sync = 0x47;
/** As ffmpeg numbers its first track. */
const pictureTrack = 0x100;
/** The clock of 33 bits in such a stream. */
const ticksPerMs = 90;

export class TsPieces {
  #rest: Buffer = Buffer.alloc(0);

  /** Throws RangeError where it is no such stream; `bytes` may be used again after the return. */
  take(bytes: Buffer): TsPiece[] {
    const all = Buffer.concat([this.#rest, bytes]);
    const end = all.length - (all.length % packetBytes);
    this.#rest = all.subarray(end);
    const pieces: TsPiece[] = [];
    let from = 0;
    let begins: TsPiece['begins'];
    for (let at = 0; at < end; at += packetBytes) {
      const packet = all.subarray(at, at + packetBytes);
      if (packet[0] !== sync) throw new RangeError('it is no transport stream');
      const next = beginningIn(packet);
      if (next === undefined) continue;
      if (at > from) pieces.push({ bytes: all.subarray(from, at), begins });
      [from, begins] = [at, next];
    }
    if (end > from) pieces.push({ bytes: all.subarray(from, end), begins });
    return pieces;
  }
}

/** A key frame is marked as a place where one may come in (random access indicator). */
function beginningIn(packet: Buffer): TsPiece['begins'] {
  const begins = (packet.readUInt8(1) & 0x40) !== 0;
  if (!begins || (packet.readUInt16BE(1) & 0x1fff) !== pictureTrack) return undefined;
  const adapted = (packet.readUInt8(3) & 0x20) !== 0;
  const adaptedBytes = adapted ? packet.readUInt8(4) + 1 : 0;
  const keyFrame = adaptedBytes > 1 && (packet.readUInt8(5) & 0x40) !== 0;
  return { keyFrame, shownMs: shownIn(packet.subarray(4 + adaptedBytes)) };
}

/** When it is to be shown, by the stream's own clock. */
function shownIn(pes: Buffer): number | undefined {
  if (pes.length < 14 || (pes.readUInt8(7) & 0x80) === 0) return undefined;
  const ticks = ((pes.readUInt8(9) >> 1) & 7) * 2 ** 30 + (pes.readUInt16BE(10) >> 1) * 2 ** 15 + (pes.readUInt16BE(12) >> 1);
  return ticks / ticksPerMs;
}
