import t from 'tap';
import { audioRule } from '../../src/policy/audio.ts';

t.test('without the owner\'s yes there is no sound', async (t) => {
  for (const codec of ['aac', 'pcm_alaw', 'opus', undefined]) t.equal(audioRule(false, codec), 'drop', String(codec));
});

t.test('AAC is copied, what can be decoded is made AAC, the rest is dropped', async (t) => {
  for (const codec of ['aac', 'AAC', ' aac ', 'MP4A-LATM']) t.equal(audioRule(true, codec), 'copy', codec);
  for (const codec of ['pcm_alaw', 'pcm_mulaw', 'PCMA', 'G711', 'G726', 'adpcm_g726', 'opus']) t.equal(audioRule(true, codec), 'transcode', codec);
  for (const codec of [undefined, '', 'none', 'constructor', '__proto__', 'some codec of tomorrow']) t.equal(audioRule(true, codec), 'drop', String(codec));
});
