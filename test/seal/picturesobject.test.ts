import t from 'tap';
import { decodePicturesObject, encodePicturesObject } from '../../src/seal/format/picturesobject.ts';

const alarm = '00000001cafe0123';
const [full, thumb] = [Buffer.alloc(40_000, 7), Buffer.alloc(300, 9)];
const made = encodePicturesObject({ alarm, pictures: [['full', full], ['thumb', thumb]] });

t.test('what an alarm has of pictures comes out of its object as it went in, with blanks behind it or without', (t) => {
  for (const blanks of [0, 1, 4_000]) {
    const read = decodePicturesObject(Buffer.concat([made, Buffer.alloc(blanks, ' ')]), 'it');
    t.equal(read.alarm, alarm);
    t.same(read.pictures.map(([which, bytes]) => [which, Buffer.from(bytes)]), [['full', full], ['thumb', thumb]]);
  }
  t.same(decodePicturesObject(encodePicturesObject({ alarm, pictures: [] }), 'it').pictures, []);
  t.end();
});

t.test('anything else is refused', (t) => {
  const head = Buffer.from(made).subarray(0, Buffer.from(made).indexOf(0x0a)).toString();
  const withHead = (line: string): Buffer => Buffer.concat([Buffer.from(`${line}\n`), full, thumb]);
  for (const [what, bytes] of [
    ['an empty one', Buffer.alloc(0)], ['no line', Buffer.alloc(300, 'a')], ['cut', made.subarray(0, -1)], ['something behind', Buffer.concat([made, Buffer.from('x')])],
    ['another version', withHead(head.replace('"v":1', '"v":2'))], ['another name', withHead(head.replace('"full"', '"face"'))], ['another order', withHead(head.replace('"full",40000', '"thumb",40000'))],
    ['a picture twice', withHead(head.replace('"thumb"', '"full"'))], ['another number', withHead(head.replace(alarm, alarm.toUpperCase()))], ['a larger picture', withHead(head.replace('300', '900000'))], ['a comma too many', withHead(head.replace('300]]', '300],]'))],
  ] as const) t.throws(() => decodePicturesObject(bytes, 'it'), { code: 'SP_FAR_PICTURES' }, what);
  t.end();
});
