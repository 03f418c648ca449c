import { format, inspect } from 'node:util';
import t from 'tap';
import { Secret } from '../../src/base/secret.ts';

t.test('no way of printing shows it, and reveal does', async (t) => {
  const secret = new Secret('tr0ub4dor');
  const shown = [`${secret}`, String(secret), JSON.stringify({ secret }), inspect(secret), inspect({ a: { b: [secret] } }, { depth: 9, showHidden: true }), format('%s %o %j', secret, secret, secret), Object.keys(secret).join(), JSON.stringify(Object.entries({ ...secret }))];
  for (const text of shown) t.notOk(text.includes('tr0ub4dor'), text);
  t.equal(secret.reveal(), 'tr0ub4dor');
});

t.test('a copy of its structure is empty', async (t) => {
  t.notOk(JSON.stringify(structuredClone({ secret: { ...new Secret('tr0ub4dor') } })).includes('tr0ub4dor'));
});
