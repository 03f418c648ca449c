import fc from 'fast-check';
import t from 'tap';
import {
  hourListPath, isCameraId, parseDateFolder, parseHourFolder, parseHourListName, parseSegmentName, parseSegmentPath, periodFolder, segmentName, segmentPath,
} from '../../src/vault/footagepaths.ts';

const start = Date.UTC(2026, 10, 24, 5, 17, 9, 250);

t.test('names say camera, hour of the period, time, number and stream', async (t) => {
  t.equal(segmentPath('front-door', Date.UTC(2026, 10, 24, 5), { startMs: start, seq: 42, stream: 'main' }), 'front-door/20261124/05/20261124T051709Z-42.mp4.age');
  t.equal(segmentName({ startMs: start, seq: 0, stream: 'sub' }), '20261124T051709Z-0.sub.mp4.age');
  t.equal(hourListPath('front-door', start, 17), 'front-door/20261124/05/hour-17.json.age');
  t.equal(periodFolder('front-door', Date.UTC(2026, 10, 24, 23, 59, 59, 999)), 'front-door/20261124/23');
});

t.test('what was built is read back', async (t) => {
  const times = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
  fc.assert(fc.property(times, times, fc.nat({ max: 1e15 - 1 }), fc.constantFrom('main', 'sub'), (periodMs, startMs, seq, stream) => {
    const path = segmentPath('cam', periodMs, { startMs, seq, stream });
    for (const part of [false, true]) {
      const read = parseSegmentPath(path + (part ? '.part' : ''));
      t.match(read, { camera: 'cam', seq, stream, part, startMs: startMs - (startMs % 1000), folderMs: periodMs - (periodMs % 3_600_000), folder: periodFolder('cam', periodMs) });
    }
    t.equal(parseHourListName(`hour-${seq % 1e9}.json.age`), seq % 1e9);
  }), { numRuns: 50 });
});

t.test('no other name is taken for one', async (t) => {
  const name = '20261124T051709Z-42.mp4.age';
  for (const bad of ['', 'x', '20261124T051709Z-42.mp4', '20261124T051709Z-042.mp4.age', '20261124T051709Z--1.mp4.age', '20261324T051709Z-4.mp4.age', '20260230T051709Z-4.mp4.age', `${name}.part.part`, `${name}.hold`,
    ` ${name}`, `${name}\n`, '20261124T051709Z-4.SUB.mp4.age', '20261124T051709Z-1e3.mp4.age', `20261124T051709Z-${'9'.repeat(16)}.mp4.age`]) t.equal(parseSegmentName(bad), undefined, JSON.stringify(bad));
  for (const bad of [`/cam/20261124/05/${name}`, `../cam/20261124/05/${name}`, `cam/../20261124/05/${name}`, `cam/20261124/${name}`, `cam/20261124/24/${name}`, `cam/20261124/5/${name}`, `cam/20261131/05/${name}`, `Cam/20261124/05/${name}`,
    `cam/20261124/05/${name}/`, `cam//20261124/05/${name}`, `cam/20261124/05/x\0${name}`, '..']) t.equal(parseSegmentPath(bad), undefined, JSON.stringify(bad));
  for (const bad of ['hour-1.json', 'hour-.json.age', 'hour-01.json.age', 'hour--1.json.age', 'hour-1.json.age.part', 'hour-99999999999.json.age', 'Hour-1.json.age']) t.equal(parseHourListName(bad), undefined, bad);
  for (const bad of ['2026112', '202611240', '20261324', 'abcdefgh']) t.equal(parseDateFolder(bad), undefined, bad);
  t.equal(parseHourFolder('20261124', '24'), undefined);
  for (const bad of ['', '-a', 'A', 'a/b', '..', 'a.b', 'a'.repeat(41), 'ä', 'a\n', '__proto__']) t.notOk(isCameraId(bad), JSON.stringify(bad));
  for (const good of ['a', '0', 'front-door', 'constructor', 'a'.repeat(40)]) t.ok(isCameraId(good), good);
});

t.test('nothing that is no camera, number or time becomes a path', async (t) => {
  for (const build of [
    () => periodFolder('../etc', start),
    () => periodFolder('', start),
    () => periodFolder('cam', Number.NaN),
    () => periodFolder('cam', 1e15),
    () => periodFolder('cam', -1e14),
    () => segmentName({ startMs: start, seq: -1, stream: 'main' }),
    () => segmentName({ startMs: start, seq: 1.5, stream: 'main' }),
    () => hourListPath('cam', start, Number.NaN),
  ]) t.throws(build, { code: 'SP_INTERNAL' });
});
