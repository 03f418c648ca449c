/** Whom an alarm names: told in the browser by marks, the same as the hub makes them. */
import { createHmac, randomBytes } from 'node:crypto';
import t from 'tap';
import { Naming, whoOrWhat, wordsOf, type Nameable } from '../../src/web/naming.ts';

interface Made extends Nameable { readonly key: Buffer }
const personOf = (name: string): Made => {
  const key = randomBytes(32);
  return { id: randomBytes(16).toString('hex'), name, key, mark: key.toString('base64url') };
};
/** As the hub writes it into an alarm's text. */
const markOn = ({ key }: Made, alarm: string): string => createHmac('sha256', key).update(alarm).digest().subarray(0, 16).toString('hex');

const [anna, berta] = [personOf('Anna'), personOf('Berta')];
const [first, second] = ['0000000112345678', '0000000287654321'] as const;

t.test('somebody is named by the mark on that very alarm, and by no other', async (t) => {
  const naming = new Naming([anna, berta]);
  t.equal((await naming.whoIs(first, { zones: [], person: markOn(anna, first) }))?.name, 'Anna');
  t.equal((await naming.whoIs(second, { zones: [], person: markOn(berta, second) }))?.name, 'Berta');
  t.equal(await naming.whoIs(second, { zones: [], person: markOn(anna, first) }), undefined, 'what stands in one alarm says nothing of another');
  t.equal(await naming.whoIs(first, { zones: ['door'] }), undefined, 'nobody was recognised');
});

t.test('who was forgotten, or is not listed to this visitor, has no name', async (t) => {
  t.equal(await new Naming([berta]).whoIs(first, { zones: [], person: markOn(anna, first) }), undefined);
  t.equal(await new Naming([]).whoIs(first, { zones: [], person: markOn(anna, first) }), undefined);
  t.equal(await new Naming([{ ...anna, mark: berta.mark }]).whoIs(first, { zones: [], person: markOn(anna, first) }), undefined, 'enrolled anew is somebody else');
});

t.test('that it is not certain who it was is told only to whom names are, and names nobody', async (t) => {
  const unsure = { zones: ['door'], unsure: true };
  t.strictSame(wordsOf(unsure, undefined, true), { zones: ['door'], unsure: true });
  t.strictSame(wordsOf(unsure, undefined, false), { zones: ['door'] }, 'without the right it is a person');
  t.strictSame(wordsOf({ zones: [] }, anna, true), { zones: [], who: anna });
  t.equal(whoOrWhat('person', wordsOf(unsure, undefined, true)), 'Person, not sure who');
  t.equal(whoOrWhat('person', wordsOf(unsure, undefined, false)), 'Person');
  t.equal(whoOrWhat('person', { zones: [], who: anna }), 'Anna');
  t.equal(whoOrWhat('person', undefined), 'Person');
});
