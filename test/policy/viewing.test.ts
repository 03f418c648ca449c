import fc from 'fast-check';
import t from 'tap';
import { behindBytes, behindMs, behindMsMax, nextForViewer, viewingBegins, waitingBytesMax, waitingMsMax, type NextPicture, type Viewing, type ViewingStep } from '../../src/policy/viewing.ts';

const late: Viewing = { mode: 'key frames', behindSinceMs: 1000 };
const picture: NextPicture = { bytes: 0, ms: 0, track: 'video', keyFrame: false, nowMs: 2000 };

const cases: [name: string, viewing: Viewing, picture: Partial<NextPicture>, step: Partial<ViewingStep>][] = [
  ['who keeps up gets all', viewingBegins, {}, { decision: 'send', news: undefined, next: viewingBegins }],
  ['sound too', viewingBegins, { track: 'audio' }, { decision: 'send' }],
  ['the current group of pictures at the beginning is no reason', viewingBegins, { bytes: behindBytes - 1 }, { decision: 'send', next: viewingBegins }],
  ['with too much waiting it gets key frames from then on', viewingBegins, { bytes: behindBytes }, { decision: 'leave out', news: 'key frames', next: { mode: 'key frames', behindSinceMs: 2000 } }],
  ['with something waiting for too long too', viewingBegins, { ms: behindMs }, { decision: 'leave out', news: 'key frames' }],
  ['and no other picture', late, {}, { decision: 'leave out', news: undefined, next: late }],
  ['and no sound', late, { track: 'audio', keyFrame: true }, { decision: 'leave out' }],
  ['no key frame either while much waits', late, { keyFrame: true, bytes: behindBytes }, { decision: 'leave out', news: undefined, next: late }],
  ['a key frame when less waits', late, { keyFrame: true, bytes: behindBytes / 2 }, { decision: 'send', news: undefined, next: late }],
  ['all again from a key frame on when it has caught up', late, { keyFrame: true, bytes: 1000, ms: 20 }, { decision: 'send', news: 'all', next: viewingBegins }],
  ['not from another picture', late, { bytes: 1000, ms: 20 }, { decision: 'leave out', news: undefined }],
  ['who takes nothing is cut', viewingBegins, { ms: waitingMsMax }, { decision: 'cut', why: 'nothing has arrived for 15 s' }],
  ['whoever has too much waiting is cut', late, { bytes: waitingBytesMax, keyFrame: true }, { decision: 'cut' }],
  ['who never catches up is cut', late, { nowMs: 1000 + behindMsMax, keyFrame: true }, { decision: 'cut', why: 'it has been behind for 60 s' }],
];

for (const [name, viewing, facts, step] of cases) {
  t.test(name, async (t) => {
    const got = nextForViewer(viewing, { ...picture, ...facts });
    t.match(got, step);
    if (step.next !== undefined) t.same(got.next, step.next);
  });
}

t.test('whatever a viewer takes, what waits for it is bounded, and after what was left out it goes on at a key frame', async () => {
  const gop = 15;
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 2000 }), fc.integer({ min: 100, max: 400_000 }), (taken, pictureBytes) => {
    let [viewing, waiting, shownAll, worst] = [viewingBegins, 0, true, 0];
    for (const [index, bytes] of taken.entries()) {
      const keyFrame = index % gop === 0;
      const { next, decision } = nextForViewer(viewing, { ...picture, bytes: waiting, keyFrame, nowMs: index * 66 });
      if (decision === 'cut') return worst < behindBytes + pictureBytes;
      if (decision === 'send' && !keyFrame && !shownAll) return false;
      if (decision === 'send') waiting += pictureBytes;
      shownAll = decision === 'send' && (keyFrame || shownAll);
      worst = Math.max(worst, waiting);
      waiting = Math.max(0, waiting - bytes);
      viewing = next;
    }
    return worst < behindBytes + pictureBytes;
  }));
});
