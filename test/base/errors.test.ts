import t from 'tap';
import { asSallyportError, errorTable, isSallyportError, reasonOf, SallyportError } from '../../src/base/errors.ts';

t.test('every row has a stable code, a kind, a sentence and a hint', async (t) => {
  for (const [code, row] of Object.entries(errorTable)) {
    t.match(code, /^SP_[A-Z0-9]+(?:_[A-Z0-9]+)*$/);
    t.match(row.kind, /^(?:refuse|retry|fault)$/, code);
    t.notMatch(row.sentence, /\.$|^[A-Z][a-z]+ .*\. /, `${code}: one sentence, without its full stop`);
    t.match(row.hint, /\S.*[.?)]$|^\{\w+\}$/, `${code}: a hint in whole sentences, or what the case brings`);
  }
});

t.test('an error says what is known of the case, and where it came from', async (t) => {
  const cause = new Error('inner');
  const error = new SallyportError('SP_TOOL_MISSING', { tool: 'ffmpeg', package: 'ffmpeg' }, cause);
  t.match(error.message, /ffmpeg/);
  t.notMatch(error.message, /\{/, 'no gap is left in the sentence');
  t.equal(error.cause, cause);
  t.equal(error.kind, errorTable.SP_TOOL_MISSING.kind);
  t.same(error.evidence, { tool: 'ffmpeg', package: 'ffmpeg' });
  t.ok(isSallyportError(error));
  t.ok(isSallyportError(error, 'SP_TOOL_MISSING'));
  t.notOk(isSallyportError(error, 'SP_READ'));
  t.notOk(isSallyportError(cause));
});

t.test('a foreign error is taken in once', async (t) => {
  const foreign = new Error('odd');
  const ours = asSallyportError(foreign);
  t.match(ours, { code: 'SP_INTERNAL', cause: foreign });
  t.equal(asSallyportError(ours), ours);
});

t.test('reasons are a few words, never a stack', async (t) => {
  t.equal(reasonOf(new Error('odd')), 'odd');
  t.equal(reasonOf('text'), 'text');
  const errno = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  t.notMatch(reasonOf(errno), /ENOSPC|\n/);
});
