import t from 'tap';
import { streamInWords, type StreamFacts } from '../../src/policy/words.ts';

const nowMs = Date.UTC(2026, 10, 24, 22, 30);
const minute = 60_000;
const recorder = { recording: true, problem: undefined, cutByLimit: false };
const live = { state: 'live', sinceMs: nowMs - minute, lastKeyFrameMs: nowMs - 1000 } as const;
const lost = { state: 'waiting', sinceMs: nowMs - 5000, lostSinceMs: nowMs - 16 * minute, nextTryMs: nowMs + 4000 } as const;

const cases: [words: string, capture: StreamFacts['capture'], more?: Partial<StreamFacts>][] = [
  ['being asked what it is', undefined],
  ['connecting', { state: 'starting', sinceMs: nowMs, lostSinceMs: nowMs }],
  ['offline since 2026-11-24T22:14:00Z: Connection refused', { ...lost, reason: 'camera offline', detail: 'Connection refused' }],
  ['offline since 2026-11-22T22:30:00Z', { ...lost, lostSinceMs: nowMs - 2 * 24 * 60 * minute, reason: 'camera offline', detail: '' }],
  ['credentials refused by front-door, tried again in 1 min 5 s; `sallyport secret set front-door` gives another password', { ...lost, reason: 'credentials refused', detail: '401', nextTryMs: nowMs + 65_000 }],
  ['stalled: no bytes for 10 s, tried again in 4 s', { ...lost, reason: 'stalled', detail: 'no bytes for 10 s' }],
  ['stalled: no bytes for 10 s, being tried again', { ...lost, state: 'starting', reason: 'stalled', detail: 'no bytes for 10 s' }],
  ['codec changed: its picture is H.264 1280x720 instead of H.264 640x360, being tried again', { ...lost, state: 'starting', reason: 'codec changed', detail: 'its picture is H.264 1280x720 instead of H.264 640x360' }],
  ['recording', live],
  ['no key frame for 40 s: look at front-door\'s key frame interval', { ...live, reason: 'no key frame', lastKeyFrameMs: nowMs - 40_000 }, { recorder: { ...recorder, recording: false } }],
  ['recording, but no key frame for 40 s: look at front-door\'s key frame interval', { ...live, reason: 'no key frame', lastKeyFrameMs: nowMs - 40_000 }],
  ['recording (its key frames come too rarely, segments are cut by limit)', live, { recorder: { ...recorder, cutByLimit: true } }],
  ['online, recording begins at the next key frame', live, { recorder: { ...recorder, recording: false } }],
  ['not recorded: the disk is full (SP_NO_ROOM)', live, { recorder: { ...recorder, recording: false, problem: { message: 'the disk is full', code: 'SP_NO_ROOM' } } }],
  ['online, not recorded as configured', live, { recorder: undefined, unrecorded: 'not recorded' }],
  ['online, not recorded: there is no owner (SP_NO_OWNER)', live, { recorder: undefined, unrecorded: 'no owner' }],
  ['stopped', { state: 'stopped', sinceMs: nowMs }],
];

for (const [words, capture, more] of cases) t.test(words, async (t) => void t.equal(streamInWords({ camera: 'front-door', nowMs, capture, recorder, unrecorded: undefined, ...more }), words));
