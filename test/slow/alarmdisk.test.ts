/** An alarm comes while its database is locked by another program, or the disk is full: on real files, with a real lock and a real disk that has no room. */
import { mkdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import { fixture, jpeg, opened } from '../duties/alarmworld.ts';
import { makeWorld, openRaw } from '../vault/world.ts';

t.setTimeout(120_000);

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
const isWiped = (bytes: Buffer): boolean => bytes.every((value) => value === 0);

/** What the duty gets of pictures, to be looked at afterwards. */
function pictured(): { readonly made: Buffer[]; readonly pictures: () => Promise<{ full: Buffer; crop: undefined; thumb: Buffer }> } {
  const made: Buffer[] = [];
  return {
    made,
    pictures: async () => {
      const pictures = { full: Buffer.from(jpeg), crop: undefined, thumb: Buffer.from(jpeg) };
      made.push(pictures.full, pictures.thumb);
      return pictures;
    },
  };
}

t.test('an alarm that comes while another program has the working database locked is lost and counted, its pictures are wiped, and the next one is kept', async (t) => {
  const { made, pictures } = pictured();
  const f = await fixture(t, { pictures });
  const other = await openRaw(f.world);
  other.exec('BEGIN EXCLUSIVE');
  f.seen(10, { lasts: false });
  // The vault waits ten seconds for whoever holds it.
  while (f.duty.state.failed === 0 || !made.every(isWiped)) await turn();
  t.equal(made.length, 2);
  t.match(f.refused, ['SP_NO_SLOT'], 'by the real lock');
  other.exec('ROLLBACK');
  other.close();
  t.strictSame(await f.rows(), []);
  f.world.clock.set(f.at(60));
  await turn();
  f.seen(200, { name: 'after it' });
  const [row] = await f.until(([first]) => first?.pictures.length === 3);
  await f.segment(180);
  await f.until(([first]) => first?.segments === 1);
  t.strictSame(await opened(f, row!.id, 'full'), jpeg);
  t.equal(f.duty.state.failed, 1);
  await f.duty.close();
  await f.vault.close();
  t.same((await verifyFolder({ folder: f.world.folder })).problems, []);
});

t.test('an alarm that comes while the disk is full, at any moment of its writing, is lost or stands without pictures, is counted, and harms nothing', { skip: process.getuid?.() === 0 ? false : 'skipped: file systems are mounted by root only' }, async (t) => {
  const world = makeWorld(t.testdir());
  await mkdir(world.folder, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', 'size=12M', 'tmpfs', world.folder]);
  try {
    const { made, pictures } = pictured();
    const f = await fixture(t, { world, pictures });
    const ballast = join(world.folder, 'ballast');
    let lost = 0, bare = 0, whole = 0;
    // With a few pages more each time: first its key cannot be written, then its row, then its pictures.
    for (let step = 0; step <= 20; step++) {
      await writeFile(ballast, Buffer.alloc(3 * 2 ** 22, 1)).catch(() => {});
      await truncate(ballast, Math.max(0, (await stat(ballast)).size - step * 8192));
      const before = { failed: f.duty.state.failed, without: f.duty.state.withoutPictures, rows: (await f.rows()).length };
      const count = made.length;
      f.seen(10 + step * 60, { name: `visit ${step}`, lasts: false });
      const kept = async (): Promise<boolean> => (await f.rows()).length > before.rows && ((await f.rows())[0]?.pictures.length === 3 || f.duty.state.withoutPictures > before.without);
      while (f.duty.state.failed === before.failed && !await kept()) await turn();
      while (!made.slice(count).every(isWiped) || made.length < count + 2) await turn();
      await rm(ballast);
      await f.vault.mend();
      if (f.duty.state.failed > before.failed) lost++;
      else if (f.duty.state.withoutPictures > before.without) bare++;
      else whole++;
      f.world.clock.set(f.at(50 + step * 60));
      await turn();
    }
    t.comment(`${lost} lost, ${bare} without pictures, ${whole} kept whole`);
    t.ok(lost > 0 && whole > 0, `${lost} lost, ${bare} without pictures, ${whole} kept whole`);
    t.equal((await f.rows()).length, bare + whole);
    t.strictSame(await opened(f, (await f.rows())[0]!.id, 'full'), jpeg, 'the last one is whole');
    await f.duty.close();
    await f.vault.close();
    t.same((await verifyFolder({ folder: world.folder })).problems, []);
  } finally {
    await run('umount', ['-l', world.folder]);
  }
});
