import t from 'tap';
import { writeFileSync } from 'node:fs';
import { run } from '../../../src/base/spawn.ts';
import { Identity as HubIdentity } from '../../../src/seal/identity.ts';
import { verifySignature as hubVerifies } from '../../../src/seal/sshsig.ts';
import { Identity } from '../../../src/web/crypto/identity.ts';
import { verifySignature } from '../../../src/web/crypto/sshsig.ts';
import { noSshKeygen } from '../../seal/referees.ts';

const hub = HubIdentity.generate();
const identity = Identity.parse(hub.reveal(), 'it');
const message = 'a message with ümlauts\n';
const namespace = 'sallyport-accept';

t.test('browser and hub make the same bytes, and each believes the other', async (t) => {
  const signature = identity.sign(message, namespace);
  t.equal(signature, hub.signer().sign(message, namespace));
  hubVerifies({ message, signature, namespace, publicKey: identity.signer, what: 'it' });
  verifySignature({ message, signature, namespace, publicKey: hub.signer().publicKey, what: 'it' });
});

t.test('ssh-keygen believes it', { skip: noSshKeygen }, async (t) => {
  const folder = t.testdir({ allowed: `owner ${identity.signer}\n`, 'it.sig': identity.sign(message, namespace) });
  const verify = (text: string, purpose: string): Promise<{ status: number | null }> => run('ssh-keygen', ['-Y', 'verify', '-f', `${folder}/allowed`, '-I', 'owner', '-n', purpose, '-s', `${folder}/it.sig`], { input: Buffer.from(text) });
  t.equal((await verify(message, namespace)).status, 0);
  t.not((await verify(`${message} `, namespace)).status, 0);
  t.not((await verify(message, 'sallyport-owner')).status, 0);
  writeFileSync(`${folder}/it.sig`, Identity.generate().sign(message, namespace));
  t.not((await verify(message, namespace)).status, 0);
});

t.test('another key, purpose or message, and what is no signature, are refused', async (t) => {
  const signature = identity.sign(message, namespace);
  const check = { message, signature, namespace, publicKey: identity.signer, what: 'it' };
  const refused = (changed: Partial<typeof check>, reason: RegExp): void => void t.throws(() => verifySignature({ ...check, ...changed }), { code: 'SP_BAD_SIGNATURE', message: reason });
  refused({ publicKey: Identity.generate().signer }, /another key/);
  refused({ namespace: 'sallyport-owner' }, /made for/);
  refused({ message: `${message}.` }, /altered/);
  refused({ signature: '' }, /not an SSH signature/);
  refused({ signature: signature.replace('SIGNATURE', 'SIGNATUR') }, /not an SSH signature/);
  const lines = signature.split('\n');
  const blob = Buffer.from(lines.slice(1, -2).join(''), 'base64');
  for (let at = 0; at < blob.length; at++) {
    const altered = Buffer.from(blob);
    altered[at] = (altered[at] as number) ^ 1;
    t.throws(() => verifySignature({ ...check, signature: [lines[0], altered.toString('base64'), lines.at(-2), ''].join('\n') }), { code: 'SP_BAD_SIGNATURE' });
  }
});
