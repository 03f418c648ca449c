import t, { type Test } from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { Notices, noticeSentence } from '../../src/duties/notices.ts';
import type { AuditEntry } from '../../src/vault/audit.ts';
import { start, TestClock } from '../vault/world.ts';

interface Heard { readonly what: string; readonly camera: string | undefined }

function audit(t: Test): { entries: Heard[]; failing: { now: boolean }; notices: Notices; clock: TestClock } {
  const entries: Heard[] = [];
  const failing = { now: false };
  const clock = new TestClock();
  const vault = {
    audit: async ({ what, camera }: AuditEntry): Promise<void> => {
      if (failing.now) throw new Error('the disk is gone');
      entries.push({ what, camera });
    },
  };
  const notices = new Notices({ vault, clock, log: silentLog });
  t.teardown(() => notices.close());
  return { entries, failing, notices, clock };
}

t.test('a notice rings once while it lasts, and once when it is over', async (t) => {
  const { entries, notices, clock } = audit(t);
  notices.raise('recording stopped', 'no key frame', 'front');
  clock.set(start + 5_000);
  notices.raise('recording stopped', 'no key frame for 40 s', 'front');
  notices.raise('recording stopped', 'offline', 'garden');
  t.strictSame(notices.open.map(({ camera, detail, sinceMs }) => [camera, detail, sinceMs]), [['front', 'no key frame for 40 s', start], ['garden', 'offline', start + 5_000]]);
  t.equal(noticeSentence(notices.open[0]!), 'front: nothing is being sealed (no key frame for 40 s).');
  notices.settle('recording stopped', 'front');
  notices.settle('recording stopped', 'front');
  await notices.flush();
  t.strictSame(entries, [
    { what: 'notice.raised', camera: 'front' }, { what: 'notice.raised', camera: 'garden' }, { what: 'notice.settled', camera: 'front' },
  ]);
});

t.test('what a failing disk does not take is written when it can be written again, in order', async (t) => {
  const { entries, failing, notices } = audit(t);
  failing.now = true;
  notices.raise('disk gone', '/media/usb');
  notices.settle('disk gone');
  await notices.flush();
  t.strictSame(entries, []);
  failing.now = false;
  await notices.flush();
  t.strictSame(entries.map(({ what }) => what), ['notice.raised', 'notice.settled']);
});
