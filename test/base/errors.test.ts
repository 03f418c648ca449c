import t from 'tap';
import { SallyportError, asSallyportError, errorTable, isSallyportError, reasonOf, type ErrorCode } from '../../src/base/errors.ts';

t.test('every row has a code of our own, a kind, a sentence without a full stop and a hint with one', async (t) => {
  for (const [code, row] of Object.entries(errorTable)) {
    t.match(code, /^SP_[A-Z0-9]+(?:_[A-Z0-9]+)*$/);
    t.ok(['refuse', 'retry', 'fault'].includes(row.kind), code);
    t.match(row.sentence, /[^.]$/, code);
    t.match(row.hint, /[.}]$/, code);
  }
});

t.test('distinct faults have distinct texts', async (t) => {
  const sentences = Object.values(errorTable).map(({ sentence }) => sentence).filter((sentence) => !/^\{\w+\}$/.test(sentence));
  t.strictSame(sentences.filter((sentence, index) => sentences.indexOf(sentence) !== index), []);
});

t.test('the evidence stands in the sentence and in the hint', async (t) => {
  const error = new SallyportError('SP_NO_PASSWORD', { camera: 'front' });
  t.equal(error.message, 'no password is known for front');
  t.equal(error.hint, 'Give it with `sallyport secret set front`.');
  t.equal(error.kind, 'refuse');
  t.equal(new SallyportError('SP_NO_PASSWORD').message, 'no password is known for ?', 'missing evidence shows');
});

t.test('evidence is not read from what every object has', async (t) => {
  const camera = '{constructor} $& {camera}';
  t.equal(new SallyportError('SP_NO_PASSWORD', { camera }).message, `no password is known for ${camera}`, 'and is not filled in a second time');
});

t.test('an error crosses a process and is the same again', async (t) => {
  const error = new SallyportError('SP_AGE_PAYLOAD', { what: 'a.mp4.age', chunk: 3 }, new Error('inner'));
  const text = JSON.stringify(error);
  t.notOk(text.includes('inner'), 'the cause stays at home');
  const again = SallyportError.fromJSON(JSON.parse(text) as Record<string, unknown>);
  t.equal(again.code, 'SP_AGE_PAYLOAD');
  t.equal(again.message, error.message);
  t.strictSame(again.evidence, error.evidence);
});

t.test('a stranger\'s error becomes SP_INTERNAL, whatever it claims to be', async (t) => {
  for (const value of [{ code: 'SP_NOT_OURS', message: 'x' }, { code: 'toString', message: 'x' }, { code: 'constructor', message: 'x' }, { code: 7, message: 'x' }, { message: 'x' }]) {
    const error = SallyportError.fromJSON(value);
    t.equal(error.code, 'SP_INTERNAL', JSON.stringify(value));
  }
  t.equal(asSallyportError(new TypeError('boom')).code, 'SP_INTERNAL');
  t.match(asSallyportError('thrown text').message, /thrown text/);
  const known = new SallyportError('SP_STOPPED', { what: 'it' });
  t.equal(asSallyportError(known), known);
});

t.test('errors are told apart by code', async (t) => {
  const error: unknown = new SallyportError('SP_WRITE', { file: 'x', reason: 'y' });
  t.ok(isSallyportError(error));
  t.ok(isSallyportError(error, 'SP_WRITE'));
  t.notOk(isSallyportError(error, 'SP_READ' satisfies ErrorCode));
  t.notOk(isSallyportError(new Error('SP_WRITE')));
});

t.test('errno is told in words', async (t) => {
  t.equal(reasonOf(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })), 'the disk is full');
  t.equal(reasonOf(Object.assign(new Error('odd'), { code: 'EODD' })), 'odd');
  t.equal(reasonOf('text'), 'text');
});
