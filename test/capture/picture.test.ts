import fc from 'fast-check';
import t from 'tap';
import { makeBox } from '../../src/base/mp4.ts';
import { run } from '../../src/base/spawn.ts';
import { PictureWatch } from '../../src/capture/picture.ts';

/** A fragment as ffmpeg's mp4 muxer writes it: a moof, then the NAL units behind their lengths. */
function fragmentOf(nals: readonly Buffer[]): Buffer {
  const data = nals.flatMap((nal) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(nal.length);
    return [length, nal];
  });
  return Buffer.concat([makeBox('moof', Buffer.alloc(16)), makeBox('mdat', Buffer.concat(data))]);
}

/** The NAL units of the first key frame that the encoder makes. */
async function encoded(size: string, encoder: readonly string[], format: 'h264' | 'hevc'): Promise<Buffer[]> {
  const made = await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=s=${size}:r=5:d=0.2`, ...encoder, '-f', format, '-']);
  if (made.status !== 0) throw new Error(made.stderr);
  const starts = startsIn(made.stdout);
  return starts.map((start, index) => made.stdout.subarray(start + 3, starts[index + 1] ?? made.stdout.length));
}

/** Where start codes are (ITU-T H.264, annex B). */
function startsIn(stream: Buffer): number[] {
  const starts: number[] = [];
  for (let at = stream.indexOf('000001', 0, 'hex'); at !== -1; at = stream.indexOf('000001', at + 3, 'hex')) starts.push(at);
  return starts;
}

const x264 = (...more: string[]): string[] => ['-c:v', 'libx264', '-preset', 'ultrafast', ...more];
const x265 = (...more: string[]): string[] => ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error', ...more];

const pictures: [picture: string, size: string, encoder: string[], format: 'h264' | 'hevc'][] = [
  ['H.264 1920x1080', '1920x1080', x264('-profile:v', 'baseline'), 'h264'],
  ['H.264 642x362', '642x362', x264('-profile:v', 'high', '-preset', 'medium'), 'h264'],
  ['H.264 720x576', '720x576', x264('-flags', '+ildct+ilme', '-x264-params', 'interlaced=1', '-preset', 'medium'), 'h264'],
  ['H.264 320x240, chroma format 1, 10 bits', '320x240', x264('-pix_fmt', 'yuv420p10le'), 'h264'],
  ['H.264 322x242, chroma format 3, 8 bits', '322x242', x264('-pix_fmt', 'yuv444p'), 'h264'],
  ['H.264 704x576', '704x576', x264('-x264-params', 'cqm=jvt', '-profile:v', 'high', '-preset', 'medium'), 'h264'],
  ['H.265 1920x1080', '1920x1080', x265(), 'hevc'],
  ['H.265 640x362, chroma format 1, 10 bits', '640x362', x265('-pix_fmt', 'yuv420p10le'), 'hevc'],
];

t.test('another picture in mid-stream is noticed and told in words, the same one never', async (t) => {
  const first = fragmentOf(await encoded('160x120', x264(), 'h264'));
  for (const [picture, size, encoder, format] of pictures) {
    const watch = new PictureWatch();
    const later = fragmentOf(await encoded(size, encoder, format));
    t.equal(watch.changeIn(first), undefined, 'the first is no change');
    t.equal(watch.changeIn(first), undefined);
    t.equal(watch.changeIn(later), `its picture is ${picture} instead of H.264 160x120`, picture);
    t.equal(watch.changeIn(later), undefined, 'told once');
  }
});

t.test('another bit rate, rate of pictures or level is no other picture', async (t) => {
  const watch = new PictureWatch();
  t.equal(watch.changeIn(fragmentOf(await encoded('320x240', x264('-r', '5', '-level', '3.0'), 'h264'))), undefined);
  t.equal(watch.changeIn(fragmentOf(await encoded('320x240', x264('-r', '12', '-level', '4.1', '-preset', 'medium', '-profile:v', 'main'), 'h264'))), undefined);
});

t.test('key frames without parameter sets, and bytes of any kind, say nothing and break nothing', async (t) => {
  const watch = new PictureWatch();
  const whole = fragmentOf(await encoded('320x240', x264(), 'h264'));
  watch.changeIn(whole);
  t.equal(watch.changeIn(fragmentOf([Buffer.from([0x65, 1, 2, 3])])), undefined);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => new PictureWatch().changeIn(Buffer.from(bytes)) === undefined));
  fc.assert(fc.property(fc.nat(whole.length), (end) => new PictureWatch().changeIn(whole.subarray(0, end)) === undefined));
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 12 }), fc.constantFrom(0x67, 0x42), (nals, header) => {
    const fragment = fragmentOf(nals.map((nal) => Buffer.concat([Buffer.from([header, 1]), nal])));
    return new PictureWatch().changeIn(fragment) === undefined;
  }));
});
