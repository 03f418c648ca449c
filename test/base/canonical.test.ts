import fc from 'fast-check';
import t from 'tap';
import { canonicalJson, type CanonicalValue } from '../../src/base/canonical.ts';
import { anyCharacter } from './characters.ts';

t.test('the same value has one text', async (t) => {
  t.equal(canonicalJson({ b: 1, a: [true, null, 'x'], c: { z: 0, y: -1 } }), '{"a":[true,null,"x"],"b":1,"c":{"y":-1,"z":0}}');
  t.equal(canonicalJson({ a: 1, gone: undefined }), '{"a":1}');
  t.equal(canonicalJson([]), '[]');
  t.equal(canonicalJson({}), '{}');
});

t.test('keys are sorted by UTF-16 code units, as RFC 8785 wants', async (t) => {
  // The example of RFC 8785, section 3.2.3.
  const keys = ['\u20ac', '\r', '\ufb33', '1', '\u{1f600}', '\u0080', '\u00f6'];
  const text = canonicalJson(Object.fromEntries(keys.map((key, index) => [key, index])));
  t.strictSame(Object.keys(JSON.parse(text) as object).filter((key) => key !== '1'), ['\r', '\u0080', '\u00f6', '\u20ac', '\u{1f600}', '\ufb33']);
  t.ok(text.startsWith('{"\\r":1,"1":3,'), text);
});

t.test('what has no canonical form is refused', async (t) => {
  const odd: readonly unknown[] = [1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, undefined, () => 1, 10n, Symbol('x')];
  for (const value of odd) {
    t.throws(() => canonicalJson(value as CanonicalValue), TypeError, String(value));
    t.throws(() => canonicalJson([value as CanonicalValue]), TypeError, `in a list: ${String(value)}`);
  }
});

t.test('any value is read back by JSON, and the order of its keys does not matter', async (t) => {
  const { value } = fc.letrec<{ value: CanonicalValue }>((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, fc.string({ unit: anyCharacter }), fc.integer(), fc.maxSafeInteger(), fc.boolean(), fc.constant(null),
      fc.array(tie('value'), { maxLength: 5 }), fc.dictionary(fc.string(), tie('value'), { maxKeys: 5, noNullPrototype: true })),
  }));
  fc.assert(fc.property(value, (value) => {
    const text = canonicalJson(value);
    t.same(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    return canonicalJson(reversed(value)) === text;
  }));
});

function reversed(value: CanonicalValue): CanonicalValue {
  if (Array.isArray(value)) return (value as readonly CanonicalValue[]).map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).reverse().map(([key, item]) => [key, reversed(item as CanonicalValue)]));
}
