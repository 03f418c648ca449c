import t from 'tap';
import { MediaRing } from '../../src/capture/ring.ts';
import type { Fragment, Init, Lost, MediaEvent } from '../../src/capture/media.ts';

const init = (name: string): Init => ({ ftyp: Buffer.from(name), moov: Buffer.alloc(0), videoCodec: 'avc1.42c01e', audioCodec: undefined });
const lost = (detail: string): Lost => ({ kind: 'lost', reason: 'stream ended', detail, wallMs: 0, monotonicMs: 0 });

/** `K` key frame, `p` picture, `a` sound; each of `sizeBytes`, numbered by its first byte. */
function feed(ring: MediaRing, kinds: string, sizeBytes = 10): void {
  for (const kind of kinds) {
    const fragment: Fragment = { bytes: Buffer.alloc(sizeBytes, count), track: kind === 'a' ? 'audio' : 'video', keyFrame: kind === 'K', timeMs: count++, durationMs: 1, wallMs: 0, monotonicMs: 0 };
    ring.push(fragment);
  }
}
let count = 0;
t.beforeEach(() => { count = 0; });

const said = (event: MediaEvent): string => {
  if (event.kind === 'init') return `init ${event.init.ftyp.toString()}`;
  if (event.kind === 'fragment') return `${event.fragment.keyFrame ? 'K' : event.fragment.track === 'audio' ? 'a' : 'p'}${event.fragment.timeMs}`;
  return event.kind === 'lost' ? `lost ${event.detail}` : `behind ${event.droppedBytes}`;
};

class Reader {
  readonly #events: AsyncGenerator<MediaEvent>;
  #waiting: Promise<IteratorResult<MediaEvent>> | undefined;

  constructor(ring: MediaRing, signal?: AbortSignal) {
    this.#events = ring.read(signal);
  }

  /** What is there now, in words; a read that would wait stays pending for the next call. */
  async now(): Promise<string> {
    const words: string[] = [];
    for (;;) {
      this.#waiting ??= this.#events.next();
      const idle = new Promise<undefined>((resolve) => { setImmediate(resolve, undefined); });
      const result = await Promise.race([this.#waiting, idle]);
      if (result === undefined) return words.join(' ');
      this.#waiting = undefined;
      if (result.done === true) return [...words, 'end'].join(' ');
      words.push(said(result.value));
    }
  }
}

t.test('a reader begins with the init and the current key frame, and misses nothing from there', async (t) => {
  const ring = new MediaRing(2 ** 20);
  const early = new Reader(ring);
  t.equal(await early.now(), '');
  ring.begin(init('A'));
  feed(ring, 'paKpa');
  t.equal(await early.now(), 'init A K2 p3 a4', 'what comes before the first key frame is passed over');
  const late = new Reader(ring);
  feed(ring, 'p');
  t.equal(await late.now(), 'init A K2 p3 a4 p5');
  feed(ring, 'Kp');
  t.equal(await late.now(), 'K6 p7');
  t.equal(await early.now(), 'p5 K6 p7');
});

t.test('only the current GOP and what a reader still wants is kept', async (t) => {
  const ring = new MediaRing(2 ** 20);
  ring.begin(init('A'));
  feed(ring, 'Kppp');
  const cost = ring.heldBytes / 4;
  feed(ring, 'KpppKpp');
  t.equal(ring.heldBytes, 3 * cost, 'without readers: the GOP');
  const reader = new Reader(ring);
  t.equal(await reader.now(), 'init A K8 p9 p10');
  feed(ring, 'KpKpKp');
  t.equal(ring.heldBytes, 6 * cost, 'for the reader: what it has not had');
  t.equal(await reader.now(), 'K11 p12 K13 p14 K15 p16');
  feed(ring, 'K');
  t.equal(ring.heldBytes, cost);
});

t.test('a reader that falls out of the ring is told how much it lost and goes on at a key frame', async (t) => {
  const ring = new MediaRing(10 * (100 + 512));
  ring.begin(init('A'));
  const reader = new Reader(ring);
  feed(ring, 'Kp', 100);
  t.equal(await reader.now(), 'init A K0 p1');
  feed(ring, 'ppKppp'.repeat(4), 100);
  t.ok(ring.heldBytes <= 10 * 612, 'the bound holds');
  t.equal(await reader.now(), 'behind 1400 K16 p17 p18 p19 p20 p21 K22 p23 p24 p25');
  feed(ring, 'p'.repeat(30), 100);
  t.equal(await reader.now(), 'behind 3000', 'no key frame is held: everything up to now is lost');
  feed(ring, 'ppKp', 100);
  t.equal(await reader.now(), 'K58 p59');
});

t.test('a GOP larger than the ring is still passed on to who keeps up', async (t) => {
  const ring = new MediaRing(5 * 612);
  ring.begin(init('A'));
  const reader = new Reader(ring);
  const words: string[] = [];
  feed(ring, 'K', 100);
  for (let index = 0; index < 20; index++) {
    words.push(await reader.now());
    feed(ring, 'p', 100);
  }
  t.notMatch(words.join(' '), /behind/);
  t.equal(await new Reader(ring).now(), 'init A', 'a new reader waits for the next key frame');
});

t.test('a fragment larger than the ring is dropped, not kept', async (t) => {
  const ring = new MediaRing(1000);
  ring.begin(init('A'));
  feed(ring, 'K', 5000);
  t.equal(ring.heldBytes, 0);
});

t.test('each reader hears of a loss once, after what it still has to read', async (t) => {
  const ring = new MediaRing(2 ** 20);
  const [quick, slow] = [new Reader(ring), new Reader(ring)];
  ring.lose(lost('never there'));
  ring.lose(lost('still not there'));
  t.equal(await quick.now(), 'lost never there');
  ring.begin(init('A'));
  feed(ring, 'Kp');
  t.equal(await quick.now(), 'init A K0 p1');
  ring.lose(lost('pulled'));
  ring.lose(lost('refused'));
  t.equal(await quick.now(), 'lost pulled');
  t.equal(await new Reader(ring).now(), 'lost pulled', 'also who comes while the camera is away');
  ring.begin(init('B'));
  feed(ring, 'Kp');
  t.equal(await quick.now(), 'init B K2 p3');
  t.equal(await slow.now(), 'init B K2 p3', 'who began to read only now begins with what is now');
});

t.test('a reader that lags over a loss gets the old rest, the loss, then the new session', async (t) => {
  const ring = new MediaRing(2 ** 20);
  ring.begin(init('A'));
  const reader = new Reader(ring);
  feed(ring, 'K');
  t.equal(await reader.now(), 'init A K0');
  feed(ring, 'p');
  ring.lose(lost('one'));
  ring.begin(init('B'));
  feed(ring, 'pKp');
  ring.lose(lost('two'));
  ring.begin(init('C'));
  t.equal(await reader.now(), 'p1 lost one init B K3 p4 lost two init C');
});

t.test('a new setup in mid-session is a new init and no loss', async (t) => {
  const ring = new MediaRing(2 ** 20);
  ring.begin(init('A'));
  const reader = new Reader(ring);
  t.equal(await reader.now(), 'init A');
  feed(ring, 'Kp');
  ring.begin(init('B'));
  feed(ring, 'pK');
  t.equal(await reader.now(), 'K0 p1 init B K3');
});

t.test('a session without key frames is told as a loss, and goes on when one comes', async (t) => {
  const ring = new MediaRing(2 ** 20);
  ring.begin(init('A'));
  const reader = new Reader(ring);
  feed(ring, 'ppp');
  ring.starve(lost('no key frame'));
  t.equal(await reader.now(), 'init A lost no key frame');
  feed(ring, 'pKp');
  t.equal(await reader.now(), 'K4 p5');
  t.equal(await new Reader(ring).now(), 'init A K4 p5');
  ring.starve(lost('a long GOP'));
  t.equal(await reader.now(), '', 'who has had a key frame is not disturbed');
  ring.lose(lost('over'));
  t.equal(await reader.now(), 'lost over');
});

t.test('closing lets readers finish, aborting ends them at once', async (t) => {
  const ring = new MediaRing(2 ** 20);
  const stop = new AbortController();
  const [patient, hasty] = [new Reader(ring), new Reader(ring, stop.signal)];
  t.equal(await hasty.now(), '');
  stop.abort();
  t.equal(await hasty.now(), 'end');
  ring.begin(init('A'));
  t.equal(await patient.now(), 'init A');
  feed(ring, 'K');
  ring.lose(lost('stopped'));
  ring.close();
  t.equal(await patient.now(), 'K0 lost stopped end');
  t.equal(await new Reader(ring).now(), 'lost stopped end');
  t.equal(await new Reader(ring, AbortSignal.abort()).now(), 'end');
});

t.test('a day of fragments leaves nothing behind', async (t) => {
  const ring = new MediaRing(2 ** 20);
  ring.begin(init('A'));
  const reader = new Reader(ring);
  await reader.now();
  let events = 0;
  for (let round = 0; round < 2000; round++) {
    feed(ring, `K${'p'.repeat(49)}`, 1);
    events += (await reader.now()).split(' ').length;
  }
  t.equal(events, 100_000);
  t.ok(ring.heldBytes <= 100 * 513);
});

t.test('it is told when the first live reader comes and when the last has gone, whoever else reads', async (t) => {
  const told: boolean[] = [];
  const ring = new MediaRing(1000, (watched) => void (told.at(-1) === watched || told.push(watched)));
  const leave = [new AbortController(), new AbortController(), new AbortController()];
  const [recorder, first, second] = leave.map(({ signal }, index) => ring.read(signal, index === 0 ? 'at leisure' : 'live'));
  const reading = [recorder?.next()];
  t.same(told, [false]);
  reading.push(first?.next(), second?.next());
  leave[1]?.abort();
  await reading[1];
  t.same(told, [false, true], 'one of two is still there');
  leave[2]?.abort();
  await reading[2];
  t.same(told, [false, true, false]);
  leave[0]?.abort();
  await reading[0];
});
