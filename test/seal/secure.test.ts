import t from 'tap';
import { createHmac, hkdfSync } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { hkdfSha256, hmacSha256 } from '../../src/seal/hkdf.ts';
import { randomBytes, securePages, wipe } from '../../src/seal/secure.ts';

t.test('secure pages serve reads past the page cache', async (t) => {
  const folder = t.testdir({ block: Buffer.alloc(8192, 7) });
  const pages = securePages(5000);
  t.equal(pages.length, 8192, 'rounded up to whole pages');
  const handle = await open(`${folder}/block`, constants.O_RDONLY | constants.O_DIRECT).catch((error: NodeJS.ErrnoException) => error);
  if (handle instanceof Error) {
    t.equal(handle.code, 'EINVAL', 'this file system has no direct reads');
    return;
  }
  try {
    t.equal((await handle.read(pages, 0, 8192, 0)).bytesRead, 8192);
    t.ok(pages.every((byte) => byte === 7));
  } finally {
    await handle.close();
  }
});

t.test('wiped is zero', async (t) => {
  for (const buffer of [securePages(1), randomBytes(100), Buffer.alloc(0)]) {
    buffer.fill(9);
    wipe(buffer);
    t.ok(buffer.every((byte) => byte === 0));
  }
});

t.test('random bytes differ', async (t) => {
  t.equal(randomBytes(33).length, 33);
  t.equal(randomBytes(0).length, 0);
  t.notSame(randomBytes(32), randomBytes(32));
});

t.test('HMAC and HKDF in secure memory are those of OpenSSL', async (t) => {
  const [hmac, derived] = [Buffer.alloc(32), Buffer.alloc(32)];
  for (const length of [0, 1, 16, 32, 63, 64]) {
    const [key, message] = [randomBytes(length), randomBytes(length * 7)];
    hmacSha256(hmac, key, message.subarray(0, length), message.subarray(length));
    t.strictSame(hmac, createHmac('sha256', key).update(message).digest());
    hkdfSha256(derived, message, key, 'some info');
    t.strictSame(derived, Buffer.from(hkdfSync('sha256', message, key, 'some info', 32)));
  }
});
