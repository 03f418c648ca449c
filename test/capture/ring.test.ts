import t from 'tap';
import { MediaRing } from '../../src/capture/ring.ts';
import type { Fragment, Init, Lost, MediaEvent } from '../../src/capture/media.ts';

const init = (name: string): Init => ({ ftyp: Buffer.from(name), moov: Buffer.alloc(0), videoCodec: 'avc1.42c01e', audioCodec: undefined });
const lost = (detail: string): Lost => ({ kind: 'lost', reason: 'stream ended', detail, wallMs: 0, monotonicMs: 0 });

/** `K` key frame, `p` picture, `a` sound; each of `sizeBytes`, numbered by its first byte. */
function feed(ring: MediaRing, kinds: string, sizeBytes = 10): void {
  for (const kind of kinds) {
    const fragment: Fragment = { bytes: Buffer.alloc(sizeBytes, count), track: kind === 'a' ? 'audio' : 'video', keyFrame: kind === 'K', timeMs: count, durationMs: 1, wallMs: 0, monotonicMs: count * 1000 };
    ring.push(fragment);
    count++;
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

  constructor(ring: MediaRing, signal?: AbortSignal, sinceMs?: number) {
    this.#events = ring.read(signal, 'at leisure', sinceMs);
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

/** Reads on to the next fragment. */
async function fragmentFrom(events: AsyncGenerator<MediaEvent>): Promise<Fragment> {
  for (;;) {
    const { value } = await events.next();
    if ((value as MediaEvent | undefined)?.kind === 'fragment') return (value as Extract<MediaEvent, { kind: 'fragment' }>).fragment;
  }
}

/** As `feed` made it. */
const intact = ({ bytes, timeMs }: Fragment): boolean => bytes.every((byte) => byte === timeMs % 256);
const wiped = ({ bytes }: Fragment): boolean => bytes.every((byte) => byte === 0);

t.test('the ring copies what it is given', async (t) => {
  const ring = new MediaRing(2 ** 20);
  const events = ring.read();
  ring.begin(init('A'));
  const bytes = Buffer.alloc(100, 5);
  ring.push({ bytes, track: 'video', keyFrame: true, timeMs: 0, durationMs: 1, wallMs: 0, monotonicMs: 0 });
  bytes.fill(0);
  t.ok((await fragmentFrom(events)).bytes.every((byte) => byte === 5));
});

t.test('memory is used again, but never what a reader has in its hands, however slow it is', async (t) => {
  const ring = new MediaRing(3 * 2 ** 20);
  ring.begin(init('A'));
  const [slow, quick] = [ring.read(), ring.read()];
  count = 1;
  feed(ring, 'K', 100_000);
  const inHand = await fragmentFrom(slow);
  await fragmentFrom(quick);
  const memories = new Set<ArrayBufferLike>();
  for (let round = 0; round < 50; round++) {
    feed(ring, 'Kpp', 100_000);
    for (let pictures = 0; pictures < 3; pictures++) {
      const fragment = await fragmentFrom(quick);
      if (!intact(fragment)) return t.fail(`fragment ${fragment.timeMs} is not what was pushed`);
      memories.add(fragment.bytes.buffer);
    }
  }
  t.ok(memories.size < 15, `${memories.size} slabs for 15 MB`);
  t.equal(inHand.timeMs, 1);
  t.ok(intact(inHand), 'its bytes are what they were');
  t.match((await slow.next()).value, { kind: 'behind' });
  t.ok(wiped(inHand), 'and are gone when it comes back');
  t.ok(intact(await fragmentFrom(slow)));
});

t.test('what nobody needs any more is wiped: behind the current GOP, behind the last reader, when the camera is lost, when the ring is closed', async (t) => {
  const ring = new MediaRing(2 ** 20);
  ring.begin(init('A'));
  const [one, other] = [ring.read(), ring.read()];
  await Promise.all([one.next(), other.next()]);
  count = 1;
  feed(ring, 'Kp');
  const [first, second] = [await fragmentFrom(one), await fragmentFrom(one)];
  t.ok(intact(first), 'the current GOP stays for who comes later');
  feed(ring, 'Kp');
  const third = await fragmentFrom(one);
  t.ok(intact(first), 'the other reader has not had it');
  t.equal(await fragmentFrom(other).then(({ timeMs }) => timeMs), 1);
  t.equal(await fragmentFrom(other).then(({ timeMs }) => timeMs), 2);
  feed(ring, 'K');
  t.same([first, second, third].map(wiped), [true, false, false], 'one is behind both, one in a hand, one still wanted');
  ring.lose(lost('pulled'));
  for (const rest of [one, other]) while ((await rest.next()).value.kind !== 'lost');
  const waiting = [one.next(), other.next()];
  await new Promise((resolve) => { setImmediate(resolve); });
  t.ok([second, third].every(wiped));
  t.equal(ring.heldBytes, 0, 'a camera that is away leaves no pictures');
  ring.begin(init('B'));
  feed(ring, 'K');
  await Promise.all(waiting);
  const last = await fragmentFrom(one);
  t.ok(intact(last));
  ring.lose(lost('stopped'));
  ring.close();
  await Promise.all([one.return(undefined), other.return(undefined)]);
  t.ok(wiped(last), 'nor does a reader that has left');
  t.equal(ring.heldBytes, 0);
});

t.test('what falls out of the ring while a reader has it stays its, and only that', async (t) => {
  const ring = new MediaRing(10 * 612);
  ring.begin(init('A'));
  const events = ring.read();
  count = 1;
  feed(ring, 'Kp', 100);
  const inHand = await fragmentFrom(events);
  feed(ring, 'p'.repeat(40), 100);
  t.ok(intact(inHand));
  t.ok(ring.heldBytes <= 10 * 612);
  t.match((await events.next()).value, { kind: 'behind' });
  t.ok(wiped(inHand));
});

t.test('the last seconds stay for who wants them later, exact to the key frame, over sessions, and within the bound', async (t) => {
  const ring = new MediaRing(2 ** 20);
  ring.retain(5000);
  ring.begin(init('A'));
  feed(ring, 'KppKppKppKp');
  t.equal(await new Reader(ring, undefined, 5000).now(), 'init A K3 p4 p5 K6 p7 p8 K9 p10', 'the key frame before what is wanted');
  t.equal(await new Reader(ring, undefined, 6000).now(), 'init A K6 p7 p8 K9 p10');
  t.equal(await new Reader(ring, undefined, 0).now(), 'init A K3 p4 p5 K6 p7 p8 K9 p10', 'what is older is gone: nine seconds and no more');
  t.equal(await new Reader(ring).now(), 'init A K9 p10', 'who wants nothing of it begins as ever');
  ring.lose(lost('away'));
  ring.begin(init('B'));
  feed(ring, 'Kp');
  t.equal(await new Reader(ring, undefined, 7000).now(), 'init A K6 p7 p8 K9 p10 lost away init B K11 p12');

  const less = new MediaRing(2 ** 20);
  less.retain(60_000);
  less.begin(init('A'));
  feed(less, 'KpKp');
  less.retain(0);
  feed(less, 'K');
  t.equal(await new Reader(less, undefined, 0).now(), 'init A K17', 'wanted no more, and gone with the next key frame');

  const small = new MediaRing(4 * 1024);
  small.retain(60_000);
  small.begin(init('A'));
  feed(small, 'KpKpKpKpKpKpKpKp', 512);
  t.ok(small.heldBytes <= 4 * 1024, `${small.heldBytes} bytes`);
  t.match(await new Reader(small, undefined, 0).now(), /^init A K30 p31 K32 p33$/, 'then the oldest go first');
});

t.test('an excerpt shows a moment: from its key frame up to it, a copy, without sound', async (t) => {
  const ring = new MediaRing(2 ** 20);
  ring.retain(60_000);
  ring.begin(init('A'));
  feed(ring, 'KpapKp', 2);
  t.match(ring.excerpt(3500), { init: { ftyp: Buffer.from('A') }, bytes: Buffer.from([0, 0, 1, 1, 3, 3]), pictures: 3, monotonicMs: 3000 });
  t.match(ring.excerpt(4000)?.bytes, Buffer.from([4, 4]));
  t.match(ring.excerpt(99_000)?.bytes, Buffer.from([4, 4, 5, 5]));
  t.equal(ring.excerpt(-1), undefined);
  ring.lose(lost('away'));
  ring.begin(init('B'));
  feed(ring, 'K', 2);
  t.match(ring.excerpt(5500)?.bytes, Buffer.from([4, 4, 5, 5]), 'of one session');
});

t.test('the last seconds of a stream that is away go when they are no longer the last ones; of one that is closed, at once, all of it wiped', async (t) => {
  const ring = new MediaRing(2 ** 20);
  ring.retain(5000);
  ring.begin(init('A'));
  const before = count;
  feed(ring, 'KpKp');
  const lastMs = (count - 1) * 1000;
  ring.pass(lastMs + 60_000);
  t.ok(ring.heldBytes > 0, 'one that goes on, however slowly, keeps what it has');
  ring.lose(lost('away'));
  ring.pass(lastMs + 4000);
  t.equal(await new Reader(ring, undefined, 0).now(), `init A K${before + 2} p${before + 3} lost away`, 'as far as they are');
  ring.pass(lastMs + 5001);
  t.equal(ring.heldBytes, 0);

  const closed = new MediaRing(2 ** 20);
  closed.retain(60_000);
  closed.begin(init('A'));
  feed(closed, 'Kp');
  const reader = closed.read();
  await reader.next();
  const key = (await reader.next()).value as Extract<MediaEvent, { kind: 'fragment' }>;
  closed.lose(lost('away'));
  closed.close();
  closed.retain(60_000);
  t.notOk(wiped(key.fragment), 'a reader has it still');
  await reader.next();
  t.ok(wiped(key.fragment));
  await reader.return(undefined);
  t.equal(closed.heldBytes, 0);
});
