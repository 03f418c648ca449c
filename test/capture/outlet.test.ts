import { once } from 'node:events';
import t, { type Test } from 'tap';
import type { Clock } from '../../src/base/clock.ts';
import { launch, type Child } from '../../src/base/spawn.ts';
import { Attention, Outlet } from '../../src/capture/outlet.ts';
import { readEveryMsMax } from '../../src/policy/reading.ts';

/** Stands still until it is moved. */
class HandClock implements Clock {
  nowMs = 1_000_000;
  readonly #sleepers = new Set<{ dueMs: number; wake: () => void }>();
  readonly wallMs = (): number => this.nowMs;
  readonly monotonicMs = (): number => this.nowMs;

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { dueMs: this.nowMs + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper);
        reject(new Error('woken'));
      }, { once: true });
    });
  }

  move(ms: number): void {
    this.nowMs += ms;
    for (const sleeper of [...this.#sleepers].filter(({ dueMs }) => dueMs <= this.nowMs)) {
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}

interface Piece { readonly text: string; readonly afterMs: number; readonly byMs: number }

/** Says on standard error what lies in its standard output already. */
interface Tapped { child: Child; clock: HandClock; attention: Attention; pieces: Piece[]; gone: AbortController; run: Promise<void>; print(text: string): Promise<void>; piece(): Promise<void> }

async function tapped(t: Test): Promise<Tapped> {
  const clock = new HandClock();
  const attention = new Attention();
  const pieces: Piece[] = [];
  const gone = new AbortController();
  let onLine = (_line: string): void => {};
  let onPiece = (): void => {};
  const child = await launch('sh', ['-c', 'while read -r line; do echo "$line"; echo "$line" >&2; done'], { input: 'pipe', onErrorLine: (line) => onLine(line), stderrLinesMax: Infinity });
  t.teardown(() => child.kill('SIGKILL'));
  const outlet = new Outlet({
    child, clock, attention,
    onChunk: (chunk, afterMs, byMs) => {
      pieces.push({ text: chunk.toString(), afterMs, byMs });
      onPiece();
    },
  });
  return {
    child, clock, attention, pieces, gone,
    run: outlet.run(gone.signal),
    print: (text) => new Promise((resolve) => {
      onLine = (line) => void (line === text && resolve());
      child.stdin?.write(`${text}\n`);
    }),
    piece: () => new Promise((resolve) => { onPiece = resolve; }),
  };
}

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

/** Long enough for a chunk that waits in the kernel to be read, were it read. */
async function turns(): Promise<void> {
  for (let count = 0; count < 50; count++) await turn();
}

t.test('what comes between two readings waits in the kernel, and the next reading has all of it', async (t) => {
  const { clock, pieces, print, piece } = await tapped(t);
  const first = piece();
  await print('first');
  await first;
  for (const text of ['second', 'third', 'fourth']) await print(text);
  await turns();
  t.same(pieces.map(({ text }) => text), ['first\n'], 'nobody was woken');
  const next = piece();
  clock.move(readEveryMsMax);
  await next;
  t.same(pieces.map(({ text }) => text), ['first\n', 'second\nthird\nfourth\n']);
  t.same([pieces[1]?.afterMs, pieces[1]?.byMs], [1_000_000, 1_000_000 + readEveryMsMax], 'it came between the two');
});

t.test('a camera with a picture now and then is read when the picture comes, however long that takes', async (t) => {
  const { clock, pieces, print, piece } = await tapped(t);
  for (const text of ['one', 'two', 'three']) {
    const next = piece();
    await print(text);
    await next;
    clock.move(readEveryMsMax);
    await turns();
    clock.move(60_000);
  }
  t.same(pieces.map(({ text }) => text), ['one\n', 'two\n', 'three\n']);
});

t.test('as long as somebody watches, each picture comes at once', async (t) => {
  const { attention, pieces, print, piece } = await tapped(t);
  const first = piece();
  await print('first');
  await first;
  await print('second');
  const second = piece();
  attention.watched = true;
  await second;
  t.equal(pieces[1]?.text, 'second\n', 'what was waiting comes when somebody begins to watch');
  for (const text of ['third', 'fourth']) {
    const next = piece();
    await print(text);
    await next;
  }
  t.same(pieces.slice(2).map(({ afterMs, byMs }) => byMs - afterMs), [0, 0]);
  attention.watched = false;
  const last = piece();
  await print('fifth');
  await last;
  await print('sixth');
  await turns();
  t.equal(pieces.at(-1)?.text, 'fifth\n', 'and when nobody does, it waits again');
});

t.test('a program that ends while its output waits is read to its end without any clock', async (t) => {
  const { child, gone, run, pieces, print, piece } = await tapped(t);
  const first = piece();
  await print('first');
  await first;
  await print('last words');
  child.stdin?.end();
  t.same(await child.exited, { status: 0, signal: null });
  t.equal(pieces.map(({ text }) => text).join(''), 'first\nlast words\n');
  gone.abort();
  await run;
});

t.test('a flood comes through whole, and is read more often', async (t) => {
  const clock = new HandClock();
  const gone = new AbortController();
  let bytes = 0;
  const child = await launch('head', ['-c', '20000000', '/dev/zero']);
  const outlet = new Outlet({ child, clock, attention: new Attention(), onChunk: (chunk) => { bytes += chunk.length; } });
  const run = outlet.run(gone.signal);
  let ended = false;
  const exited = child.exited.then(() => { ended = true; });
  for (let moves = 0; !ended; moves++) {
    clock.move(10);
    await turn();
  }
  await exited;
  gone.abort();
  await run;
  t.equal(bytes, 20_000_000);
});

t.test('holding the output of a program that has ended changes nothing', async (t) => {
  const child = await launch('echo', ['hello']);
  child.stdout.resume();
  await child.exited;
  child.holdOutput();
  child.releaseOutput();
  t.ok(child.stdout.destroyed || (await once(child.stdout, 'close')));
});

t.test('what is read lies in one place for all programs and is wiped when it was taken', async (t) => {
  const seen: Buffer[] = [];
  for (const text of ['one', 'two']) {
    const child = await launch('echo', [text]);
    child.readOutput((bytes) => {
      t.equal(bytes.toString(), `${text}\n`);
      seen.push(bytes);
    });
    t.same(await child.exited, { status: 0, signal: null });
  }
  t.equal(seen.length, 2);
  t.equal(seen[0]?.buffer, seen[1]?.buffer, 'this fails when a Node changes the handle below its streams');
  t.equal(seen[0]?.byteOffset, seen[1]?.byteOffset);
  t.ok(seen.every((bytes) => bytes.every((byte) => byte === 0)));
});
