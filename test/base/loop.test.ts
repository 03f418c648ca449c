import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { Loop } from '../../src/base/loop.ts';

const longMs = 3_600_000;

t.test('turn follows turn after the time that each asks for', async (t) => {
  const loop = new Loop(systemClock);
  let turns = 0;
  await new Promise<void>((resolve) => {
    loop.start(() => {
      if (++turns === 3) resolve();
      return turns < 3 ? 1 : longMs;
    });
  });
  await loop.close();
  t.equal(turns, 3);
});

t.test('the first turn can wait, too, and never comes when the loop is closed before', async (t) => {
  const loop = new Loop(systemClock);
  let turns = 0;
  loop.start(() => {
    turns++;
    return longMs;
  }, longMs);
  await loop.close();
  t.equal(turns, 0);
});

t.test('a nudge ends the pause; one that comes during a turn makes another follow, and no more', async (t) => {
  const loop = new Loop(systemClock);
  const turns: (() => void)[] = [];
  let begun: () => void = () => {};
  const begins = (): Promise<void> => new Promise((resolve) => { begun = resolve; });
  const first = begins();
  loop.start(() => new Promise((resolve) => {
    turns.push(() => resolve(longMs));
    begun();
  }));
  await first;
  const second = begins();
  loop.nudge();
  loop.nudge();
  turns[0]?.();
  await second;
  const third = begins();
  turns[1]?.();
  await new Promise(setImmediate);
  t.equal(turns.length, 2, 'it waits again');
  loop.nudge();
  await third;
  turns[2]?.();
  await loop.close();
  t.equal(turns.length, 3);
});

t.test('closing waits for the turn under way, cuts the pause short, and begins nothing more', async (t) => {
  const loop = new Loop(systemClock);
  let turns = 0;
  let ended = false;
  loop.start(async () => {
    turns++;
    await new Promise(setImmediate);
    ended = true;
    return longMs;
  });
  const closed = loop.close();
  t.ok(loop.signal.aborted);
  await closed;
  t.ok(ended);
  t.equal(turns, 1);
  await new Loop(systemClock).close();
});
