import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { noticeKinds, wordsOfNotice } from '../../src/policy/notices.ts';
import { noticeMessageKinds } from '../../src/policy/noticing.ts';
import { readTold, toldForMs, toldLately, toldOnceMax, withTold, type ToldOnce } from '../../src/policy/told.ts';

t.test('whatever may be told has its own sentence, and what to do about it', async (t) => {
  const sentences = new Set<string>();
  for (const kind of noticeMessageKinds) {
    const words = wordsOfNotice(kind);
    t.match(words?.sentence, /^[a-z].*[a-z]$/, `${kind}: a sentence that stands behind a colon`);
    t.match(words?.todo, /^[A-Z`].{15,}\.$/, `${kind}: advice in whole sentences`);
    sentences.add(words?.sentence ?? '');
  }
  t.equal(sentences.size, noticeMessageKinds.length, 'no two kinds are told in the same words');
  t.equal(wordsOfNotice('toString'), undefined);
  t.equal(wordsOfNotice('party'), undefined);
});

t.test('each kind of the list is raised, or told, by some part of the hub', async (t) => {
  const root = join(import.meta.dirname, '../../src');
  const sources = ['duties', 'api'].flatMap((room) => readdirSync(join(root, room)).map((name) => readFileSync(join(root, room, name), 'utf8'))).filter((text) => /\bnotices\b/.test(text)).join('\n');
  const rings = (kind: string): boolean => new RegExp(`\\.(raise|tell)\\([^;\\n]*'${kind}'`).test(sources) || new RegExp(`\\['\\w+', '${kind}'\\]`).test(sources);
  t.same(Object.keys(noticeKinds).filter((kind) => !rings(kind)), []);
  t.notOk(rings('party'));
});

t.test('what was told once is remembered for a week, the newest first, and no more of it than a page shows', async (t) => {
  const one = (n: number): ToldOnce => ({ kind: 'new device', detail: `role ${n}`, at_ms: n });
  let told: readonly ToldOnce[] = [];
  for (let n = 1; n <= toldOnceMax + 5; n++) told = withTold(told, one(n));
  t.equal(told.length, toldOnceMax);
  t.same(toldLately(told, 30).slice(0, 2).map(({ at_ms: atMs }) => atMs), [25, 24]);
  t.same(toldLately(told, toldForMs + 24).map(({ at_ms: atMs }) => atMs), [25]);
  t.equal(toldLately(told, 0).length, toldOnceMax, 'also by a clock that went back');
  t.same(readTold({ v: 1, told }), told);
  for (const odd of [undefined, null, 7, { v: 2, told: [] }, { v: 1, told: [{ kind: 'party', detail: '', at_ms: 1 }] }, { v: 1, told: [{ ...one(1), detail: '\u001B[2J' }] }]) t.same(readTold(odd), []);
  t.same(readTold({ v: 1, told: withTold([], { ...one(1), detail: 'x'.repeat(5000) }) })[0]?.detail.length, 500);
});
