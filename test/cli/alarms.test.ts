/** Which alarms `sallyport alarms` asks for. */
import t from 'tap';
import { kindsOf } from '../../src/cli/alarms.ts';

t.test('kinds are asked for by their words, and a word that is none is refused with those that there are', async (t) => {
  t.strictSame(kindsOf('person'), ['person']);
  t.strictSame(kindsOf('Person, vehicle,doorbell'), ['person', 'vehicle', 'doorbell']);
  for (const text of ['ghost', 'person,', '', 'person vehicle']) t.throws(() => kindsOf(text), { code: 'SP_USAGE', message: /none of motion, person, vehicle/ }, text);
});
