import t from 'tap';
import { padmeSize } from '../../src/seal/format/padme.ts';
import { isThumbnail, paddedThumbnail } from '../../src/seal/thumbnail.ts';

/** The least that counts as one, with so many bytes of picture; `jfif`: with the segment that says what file it is in front. */
function jpegOf(bytes: number, jfif: boolean): Buffer {
  const first = jfif ? [0xff, 0xe0, 0, 4, 1, 2] : [];
  const head = [0xff, 0xd8, ...first, 0xff, 0xc0, 0, 11, 8, 0, 90, 0, 160, 1, 1, 0x11, 0, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(bytes, 0x55), Buffer.from([0xff, 0xd9])]);
}

t.test('a padded thumbnail is of a Padmé size, a thumbnail still, and the same picture without its comment', (t) => {
  for (const jfif of [true, false]) {
    for (let bytes = 200; bytes < 23_000; bytes += bytes < 700 ? 1 : 137) {
      const jpeg = jpegOf(bytes, jfif);
      const padded = Buffer.from(paddedThumbnail(jpeg));
      const at = jfif ? 8 : 2;
      const gap = padded.length - jpeg.length;
      const same = Buffer.concat([padded.subarray(0, at), padded.subarray(at + gap)]).equals(jpeg);
      const comment = gap === 0 || (gap >= 4 && padded[at] === 0xff && padded[at + 1] === 0xfe && padded.readUInt16BE(at + 2) === gap - 2);
      if (!isThumbnail(jpeg) || !isThumbnail(padded) || padmeSize(padded.length) !== padded.length || !same || !comment) t.fail(`${jpeg.length} bytes${jfif ? ', with JFIF' : ''}: ${padded.length}`);
    }
  }
  t.pass('each of them');
  t.end();
});
