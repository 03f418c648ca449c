/** ffmpeg's output as the hub reads it (src/capture/fmp4.ts): ffmpeg is a stranger's tongue. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fmp4Reader } from '../../../src/capture/fmp4.ts';
import { makeClip, streamOf } from '../../capture/clips.ts';
import { boxMutators } from '../boxes.ts';
import { byteMutators } from '../mutate.ts';
import { expect, refusal, type Target } from '../target.ts';

export const mp4: Target = {
  name: 'mp4',
  what: 'fragmented MP4 from ffmpeg: boxes, moov, moof (src/capture/fmp4.ts, movie.ts)',
  bytesMax: 32_768,
  longRun: 1_000_000,
  mutators: [...boxMutators, ...boxMutators, ...byteMutators],
  async corpus() {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-fuzz-'));
    try {
      const plain = await streamOf(await makeClip(join(folder, 'a.mp4')), { audio: 'drop', hevc: false, richProbe: false });
      const sound = await streamOf(await makeClip(join(folder, 'b.mp4'), { audio: 'aac' }), { audio: 'copy', hevc: false, richProbe: false });
      const hevc = await streamOf(await makeClip(join(folder, 'c.mp4'), { hevc: true }), { audio: 'drop', hevc: true, richProbe: false });
      return [plain, sound, hevc].flatMap((stream) => [shortened(stream, 1), shortened(stream, 4)]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  read(bytes) {
    let inits = 0;
    let fragments = 0;
    let given = 0;
    const reader = new Fmp4Reader('gate', {
      onInit: ({ ftyp, moov }) => {
        inits++;
        expect(ftyp.length + moov.length <= bytes.length, 'an init holds no more than what came');
      },
      onFragment: (fragment) => {
        fragments++;
        given += fragment.bytes.length;
        expect(Number.isFinite(fragment.timeMs) && Number.isFinite(fragment.durationMs) && fragment.durationMs >= 0, 'times are numbers');
      },
    });
    try {
      const step = stepOf(bytes);
      for (let at = 0; at < bytes.length; at += step) reader.push(Buffer.from(bytes.subarray(at, at + step)), 1000, 1);
      expect(given <= bytes.length, 'fragments hold no more than what came');
      return `read ${Math.min(inits, 3)} ${Math.min(fragments, 8)}`;
    } catch (error) {
      return refusal(error, ['SP_FMP4']);
    }
  },
};

/** Init and the first fragments, their media data cut to a few bytes: what is parsed is small, and so the inputs are. */
function shortened(stream: Buffer, fragments: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0, left = fragments; at + 8 <= stream.length && left > 0;) {
    const size = stream.readUInt32BE(at);
    const box = Buffer.from(stream.subarray(at, at + size));
    if (box.toString('latin1', 4, 8) === 'mdat') {
      left--;
      const short = box.subarray(0, Math.min(box.length, 40));
      short.writeUInt32BE(short.length, 0);
      parts.push(short);
    } else parts.push(box);
    at += size;
  }
  return Buffer.concat(parts);
}

/** The chunks in which it comes hang on the bytes alone, so that a saved input fails again. */
function stepOf(bytes: Buffer): number {
  let sum = 0;
  for (const byte of bytes.subarray(-16)) sum += byte;
  return [bytes.length, bytes.length, bytes.length, 512, 100, 61, 7, 1][sum % 8] || 1;
}
