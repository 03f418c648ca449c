import t from 'tap';
import { chooseStreams, gopMsOf, pictureAdvice, pictureWords, type OfferedStream } from '../../src/policy/picture.ts';

function stream(streamUri: string, width?: number, codec = 'h264'): OfferedStream {
  return { streamUri, video: width === undefined ? undefined : { codec, width, height: width / 2 } };
}

const choices: [name: string, offered: OfferedStream[], expected: unknown][] = [
  ['nothing', [], undefined],
  ['JPEG alone is nothing', [stream('a', 640, 'jpeg')], undefined],
  ['a stream without an address is none', [stream('', 640)], undefined],
  ['one', [stream('a', 640)], ['a', undefined, 'its only one']],
  ['two', [stream('small', 640), stream('large', 1920)], ['large', 'small', 'the largest of 2', 'the other one']],
  ['the smallest of three is the second', [stream('a', 1280), stream('b', 1920), stream('c', 320)], ['b', 'c', 'the largest of 3', 'the smallest']],
  ['JPEG is told of', [stream('a', 1920), stream('j', 640, 'jpeg')], ['a', undefined, 'its only one; 1 more of JPEG is left out']],
  ['two names of one address are one stream', [stream('a', 1920), stream('a', 640)], ['a', undefined, 'the largest of 2']],
  ['no sizes', [stream('a'), stream('b')], ['a', 'b', 'the first of 2, for it tells no sizes', 'the other one']],
];

for (const [name, offered, expected] of choices) {
  t.test(`streams: ${name}`, async (t) => {
    const chosen = chooseStreams(offered);
    const said = chosen === undefined ? undefined : [chosen.main.streamUri, chosen.sub?.streamUri, chosen.mainWhy, ...(chosen.sub === undefined ? [] : [chosen.subWhy])];
    t.same(said, expected);
  });
}

t.test('distances of key frames in words', async (t) => {
  t.equal(gopMsOf({ fps: 25, gop: 50 }), 2000);
  t.equal(gopMsOf({ fps: undefined, gop: 50 }), undefined);
  t.same(pictureAdvice('door', { codec: 'h264', width: 1, height: 1, fps: 25, gop: 250 }), [], 'ten seconds are borne');
  t.match(pictureAdvice('door', { codec: 'h264', width: 1, height: 1, fps: 25, gop: 3000 }), [/its key frames are 2 min apart: .*`sallyport camera gop door 2`/]);
  t.match(pictureAdvice('door', { codec: 'hevc', width: 1, height: 1, fps: undefined, gop: undefined }), [/H\.265 is recorded as it is/]);
  t.equal(pictureWords({ codec: 'hevc', width: 3840, height: 2160, fps: 12.5 }), 'H.265 3840x2160 at 12.5 pictures/s');
});
