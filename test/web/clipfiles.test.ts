import t from 'tap';
import { ClipFiles } from '../../src/web/clipfiles.ts';
import type { FileHandle } from '../../src/web/filechoice.ts';

function disk(o: { failAt?: number; error?: Error; before?: number } = {}): { handle: FileHandle; written: number[]; state: { closed: boolean; aborted: boolean; removed: boolean } } {
  const written: number[] = [];
  const state = { closed: false, aborted: false, removed: false };
  const handle: FileHandle = {
    name: 'chosen.mp4',
    getFile: async () => ({ size: state.closed ? written.length : o.before ?? 0 }),
    remove: async () => { state.removed = true; },
    createWritable: async () => ({
      write: async (bytes) => {
        if (written.length === o.failAt) throw o.error ?? new DOMException('there is no room', 'QuotaExceededError');
        written.push(...bytes);
      },
      close: async () => { state.closed = true; },
      abort: async () => { state.aborted = true; },
    }),
  };
  return { handle, written, state };
}

t.test('the first file goes to the disk, what follows to memory', async (t) => {
  const { handle, written, state } = disk();
  const files = new ClipFiles(handle);
  await files.begin('chosen.mp4');
  await files.write(Uint8Array.of(1, 2));
  await files.begin('chosen-2.mp4');
  t.equal(state.closed, true);
  await files.write(Uint8Array.of(3));
  const made = await files.finish();
  t.same(written, [1, 2]);
  t.match(made, [{ name: 'chosen.mp4', size: 2, blob: undefined }, { name: 'chosen-2.mp4', size: 1 }]);
  t.same([...new Uint8Array(await made[1]?.blob?.arrayBuffer() ?? new ArrayBuffer(0))], [3]);
});

t.test('a full disk, another fault of it, and the bound of what is held are told apart; nothing half-made stays', async (t) => {
  for (const [error, reason] of [[new DOMException('x', 'QuotaExceededError'), 'the disk is full'], [new DOMException('there is not enough space', 'UnknownError'), 'the disk is full'], [new DOMException('the stick was pulled', 'NotFoundError'), 'the stick was pulled']] as const) {
    const { handle, state } = disk({ failAt: 0, error });
    const files = new ClipFiles(handle);
    await files.begin('chosen.mp4');
    await t.rejects(files.write(Uint8Array.of(1)), { code: 'SP_WRITE', evidence: { file: 'chosen.mp4', reason } });
    await files.discard();
    t.match(state, { aborted: true, removed: true }, 'also what choosing it made');
    t.same(await files.finish(), []);
  }
  const held = new ClipFiles(undefined, 3);
  await held.begin('a.mp4');
  await held.write(Uint8Array.of(1, 2));
  await t.rejects(held.write(Uint8Array.of(3, 4)), { code: 'SP_WRITE', evidence: { reason: 'it is more than this browser can hold' } });
});

t.test('what was taken back: a file that was there before stays, one that was written over goes', async (t) => {
  const kept = disk({ before: 900 });
  const files = new ClipFiles(kept.handle);
  await files.begin('chosen.mp4');
  await files.write(Uint8Array.of(1));
  await files.discard();
  t.match(kept.state, { aborted: true, removed: false });
  const over = disk({ before: 900 });
  const others = new ClipFiles(over.handle, 1);
  await others.begin('chosen.mp4');
  await others.write(Uint8Array.of(1));
  await others.begin('chosen-2.mp4');
  await t.rejects(others.write(Uint8Array.of(1, 2)), { code: 'SP_WRITE' });
  await others.discard();
  t.match(over.state, { closed: true, removed: true });
  const unused = disk();
  await new ClipFiles(unused.handle).discard();
  t.equal(unused.state.removed, true);
});
