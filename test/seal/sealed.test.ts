import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { FileKey } from '../../src/seal/filekey.ts';
import { makeHold } from '../../src/seal/hold.ts';
import { Identity } from '../../src/seal/identity.ts';
import { padmeSize } from '../../src/seal/padme.ts';
import { Sealed } from '../../src/seal/sealed.ts';
import { sealWhole } from '../../src/seal/sealer.ts';

const owner = Identity.generate();
const sealed = (bytes: number): Buffer => sealWhole(Buffer.alloc(bytes, 7), [owner.recipient]);

t.test('a text is sealed with blanks behind it, so that its size says little, and opens with stock age', async (t) => {
  const folder = t.testdir();
  const plain = JSON.stringify({ secret: 'x'.repeat(1000) });
  writeFileSync(join(folder, 'kit.txt'), `${owner.reveal()}\n`);
  const one = Sealed.text(Buffer.from(plain), [owner.recipient]);
  writeFileSync(join(folder, 'one.age'), one.bytes);
  const opened = execFileSync('age', ['-d', '-i', join(folder, 'kit.txt'), join(folder, 'one.age')]);
  t.equal(opened.length, padmeSize(plain.length));
  t.equal(opened.toString().trimEnd(), plain);
  t.ok(one.sizeHidden);
  t.equal(Sealed.text(Buffer.alloc(1003, 65), [owner.recipient]).bytes.length, Sealed.text(Buffer.alloc(1020, 65), [owner.recipient]).bytes.length, 'sizes near each other are one');
});

t.test('what was sealed before is recognised, and whether its size is hidden', async (t) => {
  t.ok(Sealed.recognise(sealed(padmeSize(1_000_001)), 'it').sizeHidden);
  t.notOk(Sealed.recognise(sealed(1_000_001), 'it').sizeHidden);
  t.ok(Sealed.recognise(sealed(65_536 * 131), 'it').sizeHidden, 'cut at a whole chunk');
  const fileKey = FileKey.generate();
  t.equal(Sealed.recogniseHold(makeHold(fileKey, owner.recipient), 'it').bytes.length, 168);
  fileKey.close();
});

t.test('plain bytes are never taken for sealed ones, whatever they are', async (t) => {
  const refused = (bytes: Uint8Array): void => {
    t.throws(() => Sealed.recognise(bytes, 'it'), { code: /^SP_AGE_(HEADER|PAYLOAD)$/ });
    t.throws(() => Sealed.recogniseHold(bytes, 'it'), { code: 'SP_AGE_HEADER' });
  };
  const whole = sealed(1000);
  const fileKey = FileKey.generate();
  const hold = Buffer.from(makeHold(fileKey, owner.recipient));
  fileKey.close();
  for (const bytes of [
    Buffer.alloc(0), Buffer.from('age-encryption.org/v1\n'), Buffer.from('name = "front door"\n'), Buffer.alloc(5000, 'A'),
    whole.subarray(0, 150), whole.subarray(0, 184), Buffer.concat([whole.subarray(0, 190)]), Buffer.concat([Buffer.from(' '), whole]),
    Buffer.from(whole.toString('latin1').replace('X25519', 'scrypt'), 'latin1'),
    Buffer.from(hold.toString('latin1').replace('X25519', 'X25518'), 'latin1'),
  ]) refused(bytes);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
    t.throws(() => Sealed.recognise(bytes, 'it'));
  }));
});

t.test('nobody else makes one: the compiler refuses it', async (t) => {
  // @ts-expect-error -- the constructor is private
  t.ok(() => new Sealed(Buffer.from('plain'), true));
  // @ts-expect-error -- a class with a private name is fitted by no other object
  const forged: Sealed = { bytes: Buffer.from('plain'), sizeHidden: true };
  t.notOk(forged instanceof Sealed);
});
