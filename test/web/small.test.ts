/** The page's small pure parts: passphrases, mu-law, what a browser lacks, addresses that are typed. */
import t from 'tap';
import { words } from '../../src/policy/wordlist.ts';
import { missing } from '../../src/web/cannot.ts';
import { deviceName } from '../../src/web/devicename.ts';
import { fitted } from '../../src/web/facepicture.ts';
import { mulaw } from '../../src/web/mulaw.ts';
import { passphraseFits, suggestPassphrase } from '../../src/web/passphrase.ts';
import { addressOf } from '../../src/web/typedaddress.ts';

t.test('a suggested passphrase is five words of the list, and long enough', async (t) => {
  const suggested = suggestPassphrase(words, (values) => { values.forEach((_, index) => { values[index] = 4_294_967_295 - (index * 77); }); return values; });
  t.equal(suggested.split(' ').length, 5);
  t.ok(suggested.split(' ').every((word) => words.includes(word)));
  t.ok(passphraseFits(suggested));
  t.notOk(passphraseFits('elevenchars'));
  t.equal(2 ** 32 % words.length, 0, 'no word is likelier than another');
});

t.test('mu-law is that of ITU-T G.711', async (t) => {
  const codes = (samples: number[]): number[] => [...mulaw(Float32Array.from(samples, (sample) => sample / 32_767))];
  t.same(codes([0, 32_767, -32_767, 8, -8, 1000, -1000]), [0xff, 0x80, 0x00, 0xfe, 0x7e, 0xce, 0x4e]);
  t.same([...mulaw(Float32Array.of(2, -2, Number.NaN))].slice(0, 2), [0x80, 0x00], 'what is too loud is cut');
});

t.test('a browser that lacks something is told what', async (t) => {
  const all = { secure: true, subtle: true, storage: true, worker: true, media: true };
  t.same(missing(all), []);
  t.same(missing({ ...all, media: false }), [], 'without pictures the settings remain');
  t.same(missing({ ...all, secure: false }), ['crypto']);
  t.same(missing({ secure: false, subtle: false, storage: false, worker: false, media: false }), ['crypto', 'storage', 'worker']);
});

t.test('an address is typed with or without a port, and nothing else is one', async (t) => {
  t.same(addressOf(' 192.168.1.20 '), { address: '192.168.1.20' });
  t.same(addressOf('192.168.1.20:8000'), { address: '192.168.1.20', port: 8000 });
  for (const text of ['', 'camera.local', 'http://192.168.1.20', '192.168.1', '192.168.1.20:', '192.168.1.20/x', 'user:pass@192.168.1.20', '999.1.1.1', '10.0.0.1:70000']) t.equal(addressOf(text), undefined, text);
});

t.test('a device is called by its browser and system', async (t) => {
  t.equal(deviceName('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/605.1'), 'Safari on iPhone');
  t.equal(deviceName('Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Safari/537.36'), 'Chrome on Linux');
  t.equal(deviceName(''), 'Device');
});

t.test('a picture of a face keeps its shape, and no side is longer than may be', async (t) => {
  t.same([fitted({ width: 4000, height: 3000 }), fitted({ width: 1080, height: 1920 }), fitted({ width: 640, height: 480 }), fitted({ width: 9000, height: 1 })].map(({ width, height }) => [width, height]), [[1024, 768], [576, 1024], [640, 480], [1024, 1]]);
});
