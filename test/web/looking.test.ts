import t from 'tap';
import { Looker } from '../../src/web/looking.ts';

interface Pending { want: string; signal: AbortSignal; answer: (jpeg: Uint8Array<ArrayBuffer> | undefined) => void; fail: () => void }

function looker(): { looker: Looker<string>; pending: Pending[]; forgotten: string[] } {
  const pending: Pending[] = [];
  const forgotten: string[] = [];
  const made = new Looker<string>({
    keyOf: (want) => want,
    load: (want, signal) => new Promise((answer, reject) => { pending.push({ want, signal, answer, fail: () => reject(new Error('it does not open')) }); }),
    show: (jpeg) => `shown ${jpeg[0]}`,
    forget: (shown) => void forgotten.push(shown),
  });
  return { looker: made, pending, forgotten };
}

const never = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

t.test('three at once; the newest first; what nobody wants any more is not asked for', async (t) => {
  const { looker: one, pending } = looker();
  const stop = new AbortController();
  const answers = ['a', 'b', 'c', 'd', 'e', 'f'].map((want) => one.look(want, want === 'e' ? stop.signal : never));
  t.same(pending.map(({ want }) => want), ['a', 'b', 'c']);
  stop.abort();
  pending[0]?.answer(Uint8Array.of(1));
  t.equal(await answers[0], 'shown 1');
  pending[1]?.fail();
  t.equal(await answers[1], undefined, 'a picture is only missing');
  await turn();
  t.same(pending.map(({ want }) => want), ['a', 'b', 'c', 'f', 'd']);
  t.equal(await answers[4], undefined);
  t.equal(one.known('a'), 'shown 1');
  t.equal(await one.look('a', never), 'shown 1');
  t.equal(pending.length, 5, 'and is not asked for again');
});

t.test('what was shown is forgotten in the end, and at once when it must be', async (t) => {
  const { looker: one, pending, forgotten } = looker();
  for (let n = 0; n < 242; n++) {
    const look = one.look(String(n), never);
    pending.at(-1)?.answer(Uint8Array.of(n % 250));
    await look;
  }
  t.same(forgotten, ['shown 0', 'shown 1']);
  one.clear();
  t.equal(forgotten.length, 242);
  t.equal(one.known('241'), undefined);
});
