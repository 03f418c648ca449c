import t from 'tap';
import { list, maybe, oneOf, table, text, variants, whole, yesNo } from '../../src/base/closed.ts';

const schema = table({ name: text(/^[a-z]+$/, 5), count: whole(0, 9), kinds: list(oneOf(['a', 'b']), 2), on: maybe(yesNo) });

t.test('a closed table takes what is described and nothing else', async (t) => {
  t.same(schema({ name: 'x', count: 3, kinds: ['a'] }, ''), { name: 'x', count: 3, kinds: ['a'] });
  t.same(schema({ name: 'x', count: 3, kinds: [], on: false }, ''), { name: 'x', count: 3, kinds: [], on: false });
  const cases: readonly (readonly [value: unknown, says: RegExp])[] = [
    [null, /must be a table/], [[], /must be a table/], ['x', /must be a table/],
    [{ name: 'x', count: 3 }, /kinds must be a list/], [{ name: 'x', count: 3, kinds: [], more: 1 }, /not known: more/],
    [{ name: 'X', count: 3, kinds: [] }, /name cannot be used/], [{ name: 'abcdef', count: 3, kinds: [] }, /name cannot/],
    [{ name: 'x', count: 10, kinds: [] }, /count must be a whole number from 0 to 9/], [{ name: 'x', count: 1.5, kinds: [] }, /count/], [{ name: 'x', count: '1', kinds: [] }, /count/],
    [{ name: 'x', count: 1, kinds: ['a', 'b', 'a'] }, /more than 2/], [{ name: 'x', count: 1, kinds: ['c'] }, /kinds\[0\] is none/],
    [{ name: 'x', count: 1, kinds: [], on: null }, /on must be true or false/],
    [JSON.parse('{"name":"x","count":1,"kinds":[],"__proto__":{}}'), /odd characters|not known/],
    [Object.create({ name: 'x', count: 1, kinds: [] }), /name/],
  ];
  for (const [value, says] of cases) t.throws(() => schema(value, ''), { name: 'TypeError', message: says }, JSON.stringify(value));
});

t.test('no problem repeats a value, which may be a secret', async (t) => {
  for (const value of [{ name: 'HUNTER2', count: 1, kinds: [] }, { name: 'x', count: 1, kinds: ['HUNTER2'] }, { name: 'x', count: 'HUNTER2', kinds: [] }, { 'hunter2 ': 1 }]) {
    let said = '';
    try {
      schema(value, '');
    } catch (error) {
      said = String(error);
    }
    t.match(said, /TypeError/);
    t.notMatch(said, /hunter2/i);
  }
});

t.test('variants are told apart by their key, and only by those that are listed', async (t) => {
  const either = variants('kind', { one: table({ kind: oneOf(['one']), n: whole(0, 1) }), two: table({ kind: oneOf(['two']) }) });
  t.same(either({ kind: 'two' }, ''), { kind: 'two' });
  for (const value of [{ kind: 'three' }, {}, null, { kind: 'constructor' }, { kind: 'two', n: 1 }, { kind: ['one'], n: 1 }]) t.throws(() => either(value, ''), TypeError);
});
