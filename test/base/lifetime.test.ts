import t from 'tap';
import { Lifetime } from '../../src/base/lifetime.ts';

t.test('what was opened is closed in the opposite order, each once', async (t) => {
  const closed: string[] = [];
  const life = new Lifetime();
  const part = await life.own('first', Promise.resolve({ close: async () => void closed.push('first') }));
  life.defer('second', () => closed.push('second'));
  await Promise.all([life.close(), life.close()]);
  await life.close();
  t.strictSame(closed, ['second', 'first']);
  t.type(part.close, 'function');
});

t.test('closing waits for each part before the next', async (t) => {
  const steps: string[] = [];
  const life = new Lifetime();
  life.defer('below', () => steps.push('below'));
  life.defer('above', async () => {
    steps.push('above begins');
    await new Promise(setImmediate);
    steps.push('above ends');
  });
  await life.close();
  t.strictSame(steps, ['above begins', 'above ends', 'below']);
});

t.test('one failing close keeps no other from closing, and all failures are told', async (t) => {
  const closed: string[] = [];
  const life = new Lifetime();
  life.defer('a', () => closed.push('a'));
  life.defer('b', () => { throw new Error('stuck'); });
  life.defer('c', async () => { throw new Error('late'); });
  const error = await life.close().catch((error: unknown) => error);
  t.ok(error instanceof AggregateError);
  t.strictSame((error as AggregateError).errors.map((each: Error) => `${each.message}: ${(each.cause as Error).message}`), ['closing c failed: late', 'closing b failed: stuck']);
  t.strictSame(closed, ['a']);
});

t.test('what fails to open is not closed, and nothing is opened after closing began', async (t) => {
  const life = new Lifetime();
  await t.rejects(life.own('broken', Promise.reject(new Error('no'))), { message: 'no' });
  await life.close();
  t.throws(() => life.defer('late', () => {}), /opened after closing began/);
});
