/** A page with the worker that opens footage and the player, built as the real one is; the benchmark clicks on it. */
import { startCryptoWorker } from '../../src/web/crypto/client.ts';
import workerUrl from '../../src/web/crypto/worker.ts?worker&url';
import type { FootageTimeline } from '../../src/web/crypto/footage.ts';
import type { Timeline } from '../../src/api/pagecontract.ts';
import { wholeTimeline } from '../../src/web/daytimeline.ts';
import { dayView, filmOf } from '../../src/web/timelineview.ts';
import { ReplayPlayer, type ReplayPiece, type ReplaySource } from '../../src/web/player/replay.ts';

export interface PlainIndex {
  readonly init: number;
  /** Of each picture: ms from the segment's beginning, offset, whether it is a key frame. */
  readonly fragments: readonly (readonly [ms: number, at: number, key: boolean])[];
  readonly size: number;
}

const keys = startCryptoWorker(workerUrl);
const video = document.createElement('video');
video.muted = true;
const strip = document.createElement('button');
strip.style.cssText = 'position:fixed;left:0;bottom:0;width:1200px;height:60px';
document.body.append(video, strip);

let targetMs = 0;
let clickedAt = 0;
let shown: ((tookMs: number) => void) | undefined;
let player: ReplayPlayer | undefined;
const problems: string[] = [];
const states: string[] = [];

function listen(source: ReplaySource): void {
  player?.close();
  player = new ReplayPlayer(video, source, {
    onTime: (ms) => {
      if (shown === undefined || ms < targetMs - 200 || ms > targetMs + 10_000) return;
      shown(performance.now() - clickedAt);
      shown = undefined;
    },
    onState: (state) => void states.push(state), onGap: () => {}, onProblem: (words) => problems.push(words),
  });
}

strip.addEventListener('pointerdown', ({ timeStamp }) => {
  clickedAt = timeStamp;
  player?.seek(targetMs);
});

const firstBytes = 128 * 1024;
const moreBytes = 2 ** 20;

/** The same pictures unsealed, by range, from the key frame before the moment on. */
async function* plain(fromMs: number, signal: AbortSignal): AsyncGenerator<ReplayPiece> {
  const { init, fragments, size } = window.plainIndex;
  const startMs = Math.floor(fromMs / 60_000) * 60_000;
  const part = async (from: number, to: number): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await (await fetch('/plain', { headers: { range: `bytes=${from}-${to - 1}` }, signal })).arrayBuffer());
  const first = Math.max(0, fragments.findLastIndex(([ms, , key]) => key && startMs + ms <= fromMs));
  const [head, body] = await Promise.all([part(0, init), part(fragments[first]?.[1] ?? init, Math.min(size, (fragments[first]?.[1] ?? init) + firstBytes))]);
  yield { kind: 'init', bytes: head, wallMs: startMs };
  let [rest, at] = [body, fragments[first]?.[1] ?? init];
  for (const [n, [ms, offset]] of [...fragments.entries()].slice(first)) {
    const end = fragments[n + 1]?.[1] ?? size;
    while (end > at + rest.length && !signal.aborted) {
      const more = await part(at + rest.length, Math.min(size, at + rest.length + moreBytes));
      const joined = new Uint8Array(rest.length + more.length);
      joined.set(rest);
      joined.set(more, rest.length);
      rest = joined;
    }
    yield { kind: 'fragment', bytes: rest.slice(offset - at, end - at), wallMs: startMs + ms };
    rest = rest.subarray(end - at);
    at = end;
  }
}

let picture: Promise<number> | undefined;

/** Where the next click is to lead; `seen` then waits for its picture. */
function aim(ms: number): void {
  targetMs = ms;
  picture = new Promise((resolve, reject) => {
    shown = resolve;
    setTimeout(() => reject(new Error(`no picture of ${new Date(ms).toISOString()}: ${states.join()} ${problems.join('; ')}`)), 20_000);
  });
  // Told to whoever waits for it.
  picture.catch(() => {});
}

/** The ms from the pointer's going down to its picture. */
function seen(): Promise<number> | undefined {
  return picture;
}

export interface Overview {
  readonly rowsMs: number;
  readonly picturesMs: number;
}

/** A day as the timeline page first needs it: all rows of a camera as runs, then the pictures of its film. `turn` lets nothing come from a cache. */
async function overview(fromMs: number, toMs: number, { pictures, sealed, turn }: { pictures: number; sealed: boolean; turn: number }): Promise<Overview> {
  const begun = performance.now();
  const rows = sealed ? await wholeTimeline('front', fromMs, toMs) : await (await fetch(`/plain-day?${turn}`)).json() as Timeline;
  if (dayView(rows, toMs).recorded.length === 0) throw new Error('nothing is in the day');
  const film = filmOf(rows, { fromMs, toMs }, pictures).filter((segment) => segment !== undefined);
  const drawn = performance.now();
  // Each round looks at other segments: a picture that was opened once is kept.
  const chosen = film.map(({ seq }) => rows.segments[(rows.segments.findIndex((one) => one.seq === seq) + Math.floor(turn * 50)) % rows.segments.length] as Timeline['segments'][number]);
  await Promise.all(chosen.map(async (segment) => {
    const jpeg = sealed ? await keys.thumbnail({ camera: 'front', stream: 'main', segment, periods: rows.periods }) : await (await fetch(`/plain-picture/${segment.seq}?${turn}`)).arrayBuffer();
    if (jpeg === undefined) throw new Error(`segment ${segment.seq} has no picture`);
  }));
  return { rowsMs: drawn - begun, picturesMs: performance.now() - drawn };
}

Object.assign(window, {
  keys, aim, seen, problems, overview,
  sealed: (timeline: FootageTimeline) => listen((fromMs, { keyFramesOnly, signal }) => stopping(keys.play({ camera: 'front', stream: 'main', fromMs, timeline, keyFramesOnly }), signal)),
  unsealed: () => listen((fromMs, { signal }) => plain(fromMs, signal)),
});

async function* stopping<T>(pieces: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  for await (const piece of pieces) {
    if (signal.aborted) return;
    yield piece;
  }
}

declare global {
  interface Window { plainIndex: PlainIndex; overview: typeof overview }
}
