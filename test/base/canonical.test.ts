import fc from 'fast-check';
import t from 'tap';
import { canonicalJson, type CanonicalValue } from '../../src/base/canonical.ts';

t.test('equal values give equal bytes, whatever order their members were set in', async (t) => {
  t.equal(canonicalJson({ b: 1, a: [true, null, 'x'] }), '{"a":[true,null,"x"],"b":1}');
  t.equal(canonicalJson({ a: [true, null, 'x'], b: 1 }), '{"a":[true,null,"x"],"b":1}');
  t.equal(canonicalJson({ a: undefined, b: 1 }), '{"b":1}', 'what is undefined is absent');
  t.equal(canonicalJson({ 'é': 1, 'z': 2, '\u20ac': 3, '\r': 4, '1': 5 }), '{"\\r":4,"1":5,"z":2,"é":1,"€":3}', 'sorted by UTF-16 code unit');
});

t.test('what has no canonical form is refused', async (t) => {
  for (const value of [0.5, Number.NaN, Infinity, 2 ** 53]) t.throws(() => canonicalJson(value), TypeError, String(value));
  for (const value of [undefined, () => 1, 1n, Symbol('s')] as unknown as CanonicalValue[]) t.throws(() => canonicalJson(value), TypeError, typeof value);
});

t.test('any value comes back through JSON.parse, and writing it again changes nothing', async () => {
  const { value } = fc.letrec<{ value: CanonicalValue }>((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, fc.string({ unit: 'binary' }), fc.maxSafeInteger(), fc.boolean(), fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 })),
  }));
  fc.assert(fc.property(value, (value) => {
    const text = canonicalJson(value);
    return canonicalJson(JSON.parse(text) as CanonicalValue) === text;
  }));
});
