import t from 'tap';
import fc from 'fast-check';
import { endAll, endBySilence, nothingLasts, observationKinds, ongoingMax, silenceMs, takeSignals, type Change, type Ongoing, type Signal } from '../../src/policy/observations.ts';

function signal(says: Signal['says'], more: Partial<Signal> = {}): Signal {
  return { kind: 'motion', source: '000', property: 'cells\n', tellsEnd: true, says, ...more };
}

/** Signals one after the other, each a second later; what changed, in order. */
function play(signals: readonly Signal[], startMs = 0): { changes: Change[]; ongoing: Ongoing; dropped: number } {
  let ongoing = nothingLasts;
  let dropped = 0;
  const changes: Change[] = [];
  signals.forEach((one, second) => {
    const taken = takeSignals(ongoing, [one], startMs + second * 1000);
    ongoing = taken.ongoing;
    dropped += taken.dropped;
    changes.push(...taken.changes);
  });
  return { changes, ongoing, dropped };
}

const motion = { kind: 'motion', source: '000', fromMs: 0 } as const;

t.test('an observation begins once and ends once, however often it is said', async (t) => {
  const { changes, ongoing } = play([signal('on'), signal('on'), signal('off'), signal('off')]);
  t.same(changes, [{ ...motion, toMs: undefined }, { ...motion, toMs: 2000 }]);
  t.equal(ongoing.size, 0);
});

t.test('what several properties say lasts while one of them says so', async (t) => {
  const { changes } = play([signal('on'), signal('on', { property: 'region\n' }), signal('off'), signal('off', { property: 'region\n' })]);
  t.same(changes, [{ ...motion, toMs: undefined }, { ...motion, toMs: 3000 }]);
});

t.test('sources and kinds last apart', async (t) => {
  const { ongoing } = play([signal('on'), signal('on', { source: '001', property: 'b\n' }), signal('on', { kind: 'person', property: 'c\n' }), signal('off')]);
  t.same([...ongoing.values()].map(({ kind, source }) => `${kind} ${source}`), ['motion 001', 'person 000']);
});

t.test('an end that does not say of what kind it was ends all that the property had said', async (t) => {
  const { changes } = play([signal('on', { kind: 'person', property: 'scenario 1\nactive\n' }), signal('off', { property: 'scenario 1\n' })]);
  t.same(changes.at(-1), { kind: 'person', source: '000', fromMs: 0, toMs: 1000 });
});

t.test('a moment is an observation without length, and none while the same lasts', async (t) => {
  t.same(play([signal('moment', { kind: 'line' })]).changes, [{ kind: 'line', source: '000', fromMs: 0, toMs: 0 }]);
  t.equal(play([signal('on'), signal('moment')]).changes.length, 1);
});

t.test('on, off and on within one answer is one that lasts', async (t) => {
  const { changes, ongoing } = takeSignals(nothingLasts, [signal('on'), signal('off'), signal('on')], 7);
  t.same(changes, [{ ...motion, fromMs: 7, toMs: undefined }]);
  t.equal(ongoing.size, 1);
});

t.test('silence ends only what tells no end, at the time when it was said last', async (t) => {
  const told = play([signal('on')]).ongoing;
  t.same(endBySilence(told, 100 * silenceMs).changes, []);
  const untold = play([signal('on', { tellsEnd: false }), signal('on', { tellsEnd: false })]).ongoing;
  t.same(endBySilence(untold, 999 + silenceMs).changes, []);
  t.same(endBySilence(untold, 1000 + silenceMs), { ongoing: nothingLasts, changes: [{ ...motion, toMs: 1000 }] });
});

t.test('a camera that is lost leaves nothing open, and nothing is said to have lasted beyond what was heard', async (t) => {
  const { ongoing } = play([signal('on'), signal('on', { kind: 'person', property: 'p\n' })]);
  t.same(endAll(ongoing, 500).changes, [{ ...motion, toMs: 500 }, { kind: 'person', source: '000', fromMs: 1000, toMs: 1000 }]);
  t.equal(endAll(ongoing, 500).ongoing.size, 0);
});

t.test('a camera cannot fill the memory: what is beyond the bound is dropped and counted', async (t) => {
  const { ongoing, dropped } = play(Array.from({ length: ongoingMax + 9 }, (_, index) => signal('on', { source: String(index), property: `${index}\n` })));
  t.equal(ongoing.size, ongoingMax);
  t.equal(dropped, 9);
  t.equal(play(Array.from({ length: 99 }, (_, index) => signal('on', { property: `${index}\n` }))).dropped, 99 - 16);
});

t.test('whatever is said, in whatever order: every end has its beginning, and no end comes before it', async () => {
  const any = fc.record({
    kind: fc.constantFrom(...observationKinds), source: fc.constantFrom('', 'a'), property: fc.constantFrom('x\n', 'y\n'), says: fc.constantFrom('on', 'off', 'moment'), tellsEnd: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(fc.tuple(any, fc.integer({ min: -5000, max: 5000 }))), (steps) => {
    let ongoing: Ongoing = nothingLasts;
    let nowMs = 1e6;
    const open = new Map<string, Change>();
    const apply = (changes: readonly Change[]): void => {
      for (const change of changes) {
        const name = `${change.kind} ${change.source} ${change.fromMs}`;
        if (change.toMs === undefined) open.set(name, change);
        else {
          if (change.toMs < change.fromMs) throw new Error('ended before it began');
          open.delete(name);
        }
      }
    };
    for (const [one, stepMs] of steps) {
      nowMs += stepMs;
      const taken = takeSignals(ongoing, [one], nowMs);
      const quiet = endBySilence(taken.ongoing, nowMs);
      ongoing = quiet.ongoing;
      apply([...taken.changes, ...quiet.changes]);
      if (open.size !== ongoing.size) throw new Error(`${open.size} rows are open, ${ongoing.size} last`);
    }
    apply(endAll(ongoing, nowMs).changes);
    return open.size === 0;
  }));
});
