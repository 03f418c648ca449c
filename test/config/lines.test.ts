import fc from 'fast-check';
import { parse, stringify } from 'smol-toml';
import t from 'tap';
import { KeyLines } from '../../src/configlines.ts';

const text = `# a comment with [brackets] and key = "value"
title = "a # b"
"quoted.key" = 1
multi = """
inner = 2
[not.a.table]"""
lit = '''
x = 1'''''
dotted . key = true
list = [ # comment ]
  1,
  [2, 3], { deep = [
    4 ] },
]
[table]
a = 1
[table.sub]
b = { c = 1, d = { e = 2 } }
[[many]]
a = 1
[[many]]
a = 2
[many.sub]
c = 3
[[many.inner]]
d = 4
[[many.inner]]
d = 5
`;

t.test('each key has its line', async (t) => {
  t.ok(parse(text), 'the text is TOML');
  const lines = new KeyLines(text);
  for (const [path, line] of [
    [['title'], 2], [['quoted.key'], 3], [['multi'], 4], [['lit'], 7], [['dotted', 'key'], 9], [['dotted'], 9], [['list'], 10], [['list', 1], 12], [['list', 2, 'deep'], 12], [['list', 2, 'deep', 0], 13],
    [['table'], 15], [['table', 'a'], 16], [['table', 'sub', 'b', 'd', 'e'], 18], [['many', 0, 'a'], 20], [['many', 1], 21], [['many', 1, 'a'], 22], [['many', 1, 'sub', 'c'], 24], [['many', 1, 'inner', 1, 'd'], 28],
    [['table', 'missing'], 15], [['nothing'], 1], [['inner'], 1],
  ] as const) t.equal(lines.of(path), line, JSON.stringify(path));
});

t.test('any text ends, TOML or not', async () => {
  const pieces = fc.constantFrom('[', ']', '[[', ']]', '{', '}', '"', "'", '"""', "'''", '=', '.', ',', '#', '\n', ' ', '\\', 'a', 'b', '1');
  fc.assert(fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
    new KeyLines(parts.join('')).of(['a', 0, 'b']);
  }), { numRuns: 2000 });
});

t.test('whatever the writer writes, each key is found on a line that names it', async () => {
  const key = fc.stringMatching(/^[a-z]{1,6}$/);
  const leaf = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.string({ maxLength: 8 }), fc.boolean());
  const table = fc.dictionary(key, fc.oneof(leaf, fc.dictionary(key, leaf), fc.array(fc.dictionary(key, leaf, { minKeys: 1 }), { minLength: 1, maxLength: 3 })), { noNullPrototype: true });
  fc.assert(fc.property(table, (value) => {
    const written = stringify(value);
    const rows = written.split('\n');
    const lines = new KeyLines(written);
    for (const [name, inner] of Object.entries(value)) {
      for (const [sub] of typeof inner === 'object' && !Array.isArray(inner) ? Object.entries(inner) : []) {
        if (!rows[lines.of([name, sub]) - 1]?.includes(`${sub} =`)) throw new Error(`${name}.${sub} not on line ${lines.of([name, sub])} of\n${written}`);
      }
    }
  }), { numRuns: 300 });
});
