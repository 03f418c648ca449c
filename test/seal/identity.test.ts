import t from 'tap';
import { Identity, checkRecipient } from '../../src/seal/identity.ts';
import { run } from '../../src/base/spawn.ts';
import { noAge } from './referees.ts';
import { identityToRecipient } from 'age-encryption';

t.test('an identity reads back from its text', async (t) => {
  const identity = Identity.generate();
  t.match(identity.reveal(), /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/);
  t.match(identity.recipient, /^age1[02-9ac-hj-np-z]{58}$/);
  t.equal(Identity.parse(`  ${identity.reveal()}\n`, 'kit.txt').recipient, identity.recipient);
});

t.test('age and age-encryption derive the same recipient', { skip: noAge }, async (t) => {
  for (let i = 0; i < 5; i++) {
    const identity = Identity.generate();
    t.equal(await identityToRecipient(identity.reveal()), identity.recipient);
    const { stdout } = await run('age-keygen', ['-y'], { input: `${identity.reveal()}\n` });
    t.equal(stdout.toString().trim(), identity.recipient);
  }
  const made = (await run('age-keygen', [])).stdout.toString();
  t.equal(Identity.parseFile(made, 'made by age-keygen')[0]?.recipient, /# public key: (\S+)/.exec(made)?.[1]);
});

t.test('an identity file may have comments, blank lines and several identities', async (t) => {
  const [one, two] = [Identity.generate(), Identity.generate()];
  const file = `# kit\r\n\r\n${one.reveal()}\r\n  # another\n${two.reveal()}`;
  t.strictSame(Identity.parseFile(file, 'kit.txt').map(({ recipient }) => recipient), [one.recipient, two.recipient]);
  t.throws(() => Identity.parseFile('# only words\n\n', 'kit.txt'), { code: 'SP_BAD_IDENTITY', evidence: { file: 'kit.txt' } });
  t.throws(() => Identity.parseFile(`${one.reveal()}\nhello\n`, 'kit.txt'), { code: 'SP_BAD_IDENTITY' });
});

t.test('a mistyped identity or recipient is refused', async (t) => {
  const identity = Identity.generate();
  const text = identity.reveal();
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] === 'Q' ? 'P' : 'Q';
    t.throws(() => Identity.parse(`${text.slice(0, at)}${letter}${text.slice(at + 1)}`, 'kit.txt'), { code: 'SP_BAD_IDENTITY' });
    t.throws(() => checkRecipient(`${identity.recipient.slice(0, at)}${identity.recipient[at] === 'q' ? 'p' : 'q'}${identity.recipient.slice(at + 1)}`), { code: 'SP_BAD_RECIPIENT' });
  }
  for (const wrong of ['', text.toLowerCase(), text.slice(0, -1), `${text}Q`, identity.recipient, `${text.slice(0, 20)}${text.slice(20).toLowerCase()}`, `${text.slice(0, 30)}\u0171${text.slice(31)}`]) {
    t.throws(() => Identity.parse(wrong, 'kit.txt'), { code: 'SP_BAD_IDENTITY' }, wrong.slice(0, 3));
  }
  const withQ = identity.recipient.indexOf('q', 4);
  if (withQ > 0) t.throws(() => checkRecipient(`${identity.recipient.slice(0, withQ)}\u0171${identity.recipient.slice(withQ + 1)}`), { code: 'SP_BAD_RECIPIENT' });
  for (const wrong of ['', 'age1', identity.recipient.toUpperCase(), text, `${identity.recipient} `]) t.throws(() => checkRecipient(wrong), { code: 'SP_BAD_RECIPIENT' });
  checkRecipient(identity.recipient);
});

t.test('an error about an identity does not show it', async (t) => {
  const text = Identity.generate().reveal();
  try {
    Identity.parse(`${text.slice(0, -1)}!`, 'kit.txt');
    t.fail('it should be refused');
  } catch (error) {
    t.notOk(JSON.stringify(error).includes(text.slice(16, 40)));
  }
});

t.test('a recipient that protects nothing is refused', async (t) => {
  const { bech32Length, writeBech32 } = await import('../../src/seal/format/bech32.ts');
  for (const point of [new Uint8Array(32), Uint8Array.of(1, ...new Uint8Array(31))]) {
    const text = Buffer.alloc(bech32Length('age', 32));
    writeBech32(text, 'age', point);
    t.throws(() => checkRecipient(text.toString('latin1')), { code: 'SP_BAD_RECIPIENT' });
  }
});

t.test('a closed identity is wiped', async (t) => {
  const identity = Identity.generate();
  const before = identity.reveal();
  identity.close();
  t.not(identity.reveal(), before);
});
