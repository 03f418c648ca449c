import t from 'tap';
import { writeFileSync } from 'node:fs';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { checkHold, holdBytes, sealHold, type HoldPrimitives } from '../../src/seal/format/hold.ts';
import { makeHold } from '../../src/seal/hold.ts';
import { Identity, recipientPoint } from '../../src/seal/identity.ts';
import { fileKeyIn, openWhole } from '../../src/seal/opener.ts';
import { sealWhole } from '../../src/seal/sealer.ts';
import { ageOpens, noAge, typageOpens } from './referees.ts';

/** As a browser has them. */
const noble: HoldPrimitives = {
  agree: (point) => {
    const { secretKey, publicKey } = x25519.keygen();
    return { share: publicKey, secret: x25519.getSharedSecret(secretKey, point) };
  },
  hkdf: (secret, salt, info) => hkdf(sha256, secret, salt, new TextEncoder().encode(info), 32),
  hmac: (key, message) => hmac(sha256, key, message),
  seal: (key, plain) => chacha20poly1305(key, new Uint8Array(12)).encrypt(plain),
  wipe: (secret) => void secret.fill(0),
};

const plain = Buffer.alloc(70_000, 7);
const [hour, later, other] = [Identity.generate(), Identity.generate(), Identity.generate()];
const sealed = sealWhole(plain, [hour.recipient]);

const made = [
  ['libsodium', () => {
    const key = fileKeyIn(sealed, [hour], 'it');
    const hold = makeHold(key, later.recipient);
    key.close();
    return hold;
  }],
  ['the browser\'s primitives', () => {
    const key = fileKeyIn(sealed, [hour], 'it');
    const hold = sealHold(Uint8Array.from(key.bytes), recipientPoint(later.recipient), noble);
    key.close();
    return Buffer.from(hold);
  }],
] as const;

for (const [by, make] of made) {
  t.test(`a second header by ${by} opens the file that its first one opens, for whom it was made`, { skip: noAge }, async (t) => {
    const hold = make();
    t.equal(hold.length, holdBytes);
    checkHold(hold, 'it');
    const held = Buffer.concat([hold, sealed.subarray(holdBytes)]);
    t.ok(openWhole(held, [later], 'it').equals(plain));
    const file = `${t.testdir()}/later.txt`;
    writeFileSync(file, later.reveal());
    t.ok((await ageOpens(held, file))?.equals(plain), 'age');
    t.ok((await typageOpens(held, later.reveal()))?.equals(plain), 'age-encryption');
    t.throws(() => openWhole(held, [hour], 'it'), { code: 'SP_WRONG_IDENTITY' }, 'not for whom the first was made');
    t.throws(() => openWhole(held, [other], 'it'), { code: 'SP_WRONG_IDENTITY' });
    t.ok(openWhole(sealed, [hour], 'it').equals(plain), 'and the file is as it was');
    t.notOk(make().equals(hold), 'each has a share of its own');
  });
}

t.test('a second header of another file opens nothing of this one', async (t) => {
  const key = fileKeyIn(sealWhole(plain, [hour.recipient]), [hour], 'it');
  const held = Buffer.concat([makeHold(key, later.recipient), sealed.subarray(holdBytes)]);
  key.close();
  t.throws(() => openWhole(held, [later], 'it'), { code: 'SP_AGE_PAYLOAD', evidence: { chunk: 0 } });
});

t.test('only 168 bytes that are a header for one X25519 recipient have the shape of a hold', async (t) => {
  const hold = made[0][1]();
  const text = hold.toString('latin1');
  const wrong = (bytes: Uint8Array | string): unknown => t.throws(() => checkHold(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, 'it'), { code: 'SP_AGE_HEADER' });
  for (let length = 0; length < holdBytes; length++) wrong(hold.subarray(0, length));
  wrong(Buffer.concat([hold, Buffer.alloc(16)]));
  wrong(sealed.subarray(0, 184));
  wrong(sealWhole(plain, [hour.recipient, later.recipient]).subarray(0, holdBytes));
  wrong(text.replace('X25519', 'scrypt'));
  wrong(text.replace('v1\n', 'v2\n'));
  wrong(text.replace('--- ', '---'));
  wrong(text.replaceAll('\n', '\r'));
  wrong(Buffer.alloc(holdBytes, 10));
  // A flip anywhere is refused, or leaves something that only whoever opens it can tell.
  for (let at = 0; at < holdBytes; at++) {
    const flipped = Buffer.from(hold);
    flipped[at] = (flipped[at] as number) ^ 1;
    try {
      checkHold(flipped, 'it');
    } catch (error) {
      t.match(error, { code: 'SP_AGE_HEADER' });
      continue;
    }
    t.throws(() => openWhole(Buffer.concat([flipped, sealed.subarray(holdBytes)]), [later], 'it'), { code: /SP_AGE_|SP_WRONG/ }, `byte ${at}`);
  }
});
