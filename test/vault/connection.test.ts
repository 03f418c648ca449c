import { join } from 'node:path';
import t from 'tap';
import { openConnection } from '../../src/vault/connection.ts';

t.test('a text is compiled once, but for one whose rows are still being read', (t) => {
  const db = openConnection(join(t.testdir(), 'working.db'), Buffer.from(`raw:${'0'.repeat(64)}`), { readonly: false });
  const text = "SELECT value FROM json_each('[1, 2, 3]') WHERE value > ?";
  const statement = db.prepare<[number], { value: number }>(text);
  t.equal(db.prepare(text), statement);
  const rows = statement.iterate(0);
  t.same(rows.next().value, { value: 1 });
  const another = db.prepare<[number], { value: number }>(text);
  t.not(another, statement);
  t.same(another.all(2), [{ value: 3 }]);
  t.same([...rows], [{ value: 2 }, { value: 3 }]);
  t.equal(db.prepare(text), statement, 'it is free again');
  db.close();
  t.end();
});

t.test('texts without end are not kept without end', (t) => {
  const db = openConnection(join(t.testdir(), 'working.db'), Buffer.from(`raw:${'0'.repeat(64)}`), { readonly: false });
  for (let n = 0; n < 1_100; n++) db.prepare(`SELECT ${n} AS n`);
  t.equal(db.prepare('SELECT 0 AS n'), db.prepare('SELECT 0 AS n'));
  t.not(db.prepare('SELECT 1099 AS n'), db.prepare('SELECT 1099 AS n'));
  db.close();
  t.end();
});
