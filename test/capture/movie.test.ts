import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';
import { pictureSizeOf, readMoov, withoutSound } from '../../src/capture/movie.ts';
import { noFfprobe } from '../seal/referees.ts';
import { makeClip, streamOf, take } from './clips.ts';

t.test('without its sound a stream is a stream of pictures alone', { skip: noFfprobe }, async (t) => {
  const folder = t.testdir();
  const stream = await streamOf(await makeClip(join(folder, 'clip.mp4'), { audio: 'aac' }), { audio: 'copy', hevc: false, richProbe: false });
  const { inits: [init], fragments } = take(stream);
  if (init === undefined) throw new Error('no init');
  t.same(pictureSizeOf(init.moov), { width: 320, height: 240 });
  const moov = withoutSound(init.moov);
  const movie = readMoov(moov);
  t.equal(movie.videoCodec, init.videoCodec);
  t.equal(movie.audioCodec, undefined);
  t.same([...movie.tracks.values()].map(({ kind }) => kind), ['video']);
  t.same(movie.tracks.get(1), readMoov(init.moov).tracks.get(1), 'its defaults stay');
  t.ok(withoutSound(moov).equals(moov));
  const file = join(folder, 'silent.mp4');
  await writeFile(file, Buffer.concat([init.ftyp, moov, ...fragments.filter(({ track }) => track === 'video').map(({ bytes }) => bytes)]));
  const { stdout, stderr } = await run('ffprobe', ['-v', 'warning', '-count_packets', '-show_entries', 'stream=codec_type,nb_read_packets', '-of', 'csv=p=0', file]);
  t.equal(stdout.toString().trim(), 'video,75');
  t.equal(stderr, '');
});

t.test('a stream that has no sound stays as it is', async (t) => {
  const stream = await streamOf(await makeClip(join(t.testdir(), 'clip.mp4')), { audio: 'drop', hevc: false, richProbe: false });
  const [init] = take(stream).inits;
  t.ok(init !== undefined && withoutSound(init.moov).equals(init.moov));
});
