import t from 'tap';
import { writeFileSync } from 'node:fs';
import { Identity } from '../../src/seal/identity.ts';
import { Signer, verifySignature } from '../../src/seal/sshsig.ts';
import { run } from '../../src/base/spawn.ts';
import { noSshKeygen } from './referees.ts';

const signer = Signer.generate();
const namespace = 'sallyport-checkpoint';
const message = '{"checkpoint":17}';

async function keygenVerifies(folder: string, signature: string, text: string, ns = namespace): Promise<boolean> {
  writeFileSync(`${folder}/signature`, signature);
  const { status } = await run('ssh-keygen', ['-Y', 'verify', '-f', `${folder}/allowed`, '-I', 'hub', '-n', ns, '-s', `${folder}/signature`], { input: text });
  return status === 0;
}

t.test('ssh-keygen verifies what we sign, and refuses one flipped byte', { skip: noSshKeygen }, async (t) => {
  const folder = t.testdir({ allowed: `hub ${signer.publicKey}\n` });
  const signature = signer.sign(message, namespace);
  t.equal(await keygenVerifies(folder, signature, message), true);
  t.equal(await keygenVerifies(folder, signature, message.replace('17', '18')), false);
  t.equal(await keygenVerifies(folder, signature, message, 'sallyport-receipt'), false);
  const lines = signature.split('\n');
  lines[4] = `${lines[4]?.slice(0, 20)}${lines[4]?.[20] === 'A' ? 'B' : 'A'}${lines[4]?.slice(21)}`;
  t.equal(await keygenVerifies(folder, lines.join('\n'), message), false);
});

t.test('we verify what ssh-keygen signs', { skip: noSshKeygen }, async (t) => {
  const folder = t.testdir({});
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'someone@somewhere', '-f', `${folder}/key`]);
  const { stdout } = await run('ssh-keygen', ['-Y', 'sign', '-f', `${folder}/key`, '-n', namespace], { input: message });
  const publicKey = (await run('cat', [`${folder}/key.pub`])).stdout.toString();
  verifySignature({ message, signature: stdout.toString(), namespace, publicKey, what: 'a checkpoint' });
  t.throws(() => verifySignature({ message: `${message} `, signature: stdout.toString(), namespace, publicKey, what: 'a checkpoint' }), { code: 'SP_BAD_SIGNATURE' });
});

t.test('a signature holds for its message, key and purpose only', async (t) => {
  const signature = signer.sign(Buffer.from(message), namespace);
  const genuine = { message, signature, namespace, publicKey: signer.publicKey, what: 'a checkpoint' };
  verifySignature(genuine);
  for (const wrong of [
    { message: `${message}\n` }, { namespace: 'sallyport-receipt' }, { publicKey: Signer.generate().publicKey }, { publicKey: '' },
    { signature: '' }, { signature: signature.replace('BEGIN', 'BEGUN') }, { signature: signature.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA') }, { signature: signer.sign('x', namespace) },
  ]) {
    t.throws(() => verifySignature({ ...genuine, ...wrong }), { code: 'SP_BAD_SIGNATURE', evidence: { what: 'a checkpoint' } }, Object.keys(wrong)[0] ?? '');
  }
});

t.test('no bit of a signature can be flipped', async (t) => {
  const signature = signer.sign(message, namespace);
  const [begin, ...rest] = signature.trim().split('\n');
  const end = rest.pop();
  const blob = Buffer.from(rest.join(''), 'base64');
  for (let bit = 0; bit < blob.length * 8; bit++) {
    const flipped = Buffer.from(blob);
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    const text = [begin, flipped.toString('base64'), end].join('\n');
    t.throws(() => verifySignature({ message, signature: text, namespace, publicKey: signer.publicKey, what: 'it' }), { code: 'SP_BAD_SIGNATURE' });
  }
});

t.test('a signer comes back from its seed, and an identity always has the same one', async (t) => {
  const again = Signer.fromSeed(signer.seed());
  t.equal(again.publicKey, signer.publicKey);
  t.equal(again.sign(message, namespace), signer.sign(message, namespace));
  const identity = Identity.generate();
  t.equal(identity.signer().publicKey, Identity.parse(identity.reveal(), 'kit').signer().publicKey);
  t.not(identity.signer().publicKey, Identity.generate().signer().publicKey);
  t.throws(() => Signer.fromSeed(Buffer.alloc(31)), { code: 'SP_INTERNAL' });
});
