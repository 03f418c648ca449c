/** A household of six makes: each found, adopted with one command, recorded and observed, and what happens to cameras in a year happens to all of them. */
import t from 'tap';
import type { ReplyOf, StatusReport } from '../../src/api/contract.ts';
import { TestSite } from './site.ts';

const makes = ['hikvision', 'dahua', 'axis', 'reolink', 'tapo', 'camhi'] as const;

function stateOf({ cameras }: StatusReport, id: string) {
  return cameras.find(({ camera }) => camera === id);
}

t.setTimeout(0);
t.test('six makes at once, through restarts, new addresses, wrong clocks and a new password', { timeout: 0 }, async (t) => {
  const site = await TestSite.start(t, { emulator: { cameras: makes.length, makes, discovery: true, rebootMs: 3000 }, adopt: false });
  const all = site.cameras;
  const names = (cameras: readonly { camera: string }[]): string[] => cameras.map(({ camera }) => camera).toSorted();
  const everyRecords = ({ cameras }: StatusReport): boolean => cameras.length === all.length && cameras.every(({ recording }) => recording);

  await t.test('found, and adopted with one command each', async (t) => {
    const { found } = await site.json<{ found: { id: string; address: string; adoptable: boolean }[] }>(['discover', '--seconds', '3', '--config', site.config]);
    for (const [index, camera] of all.entries()) {
      const one = found.find(({ address }) => address === camera.address);
      t.equal(one?.adoptable, true, `${makes[index]} is found`);
      t.match(await site.call(['adopt', one?.id ?? 'none', '--user', camera.user, '--as', camera.name, '--config', site.config], `${camera.password}\n`), camera.serial, `${makes[index]} says who it is`);
    }
    const status = await site.until(everyRecords);
    t.same(status.cameras.map(({ device }) => device?.serial).toSorted(), all.map(({ serial }) => serial).toSorted(), 'two of one identity stay two');
  });

  const observedBy = async (): Promise<Map<string, number>> => {
    const { observations } = await site.json<ReplyOf<'observations'>>(['list', '--observations', '--config', site.config]);
    return new Map(all.map(({ name }) => [name, observations.filter(({ camera, kind }) => camera === name && kind === 'motion').length]));
  };
  /** Raised until it is seen: a camera that has just come back has no subscription yet. */
  const motionIsSeen = async (): Promise<string[]> => {
    const before = await observedBy();
    let blind: string[] = [];
    for (let raised = 0; raised < 10; raised++) {
      for (const camera of all) camera.raise('motion', true);
      for (let look = 0; look < 20; look++) {
        await new Promise((resolve) => { setTimeout(resolve, 250); });
        const now = await observedBy();
        blind = all.map(({ name }) => name).filter((name) => (now.get(name) ?? 0) <= (before.get(name) ?? 0));
        if (blind.length === 0) break;
      }
      for (const camera of all) camera.raise('motion', false);
      if (blind.length === 0) break;
    }
    return blind;
  };

  await t.test('each sends its events', async (t) => {
    await site.until(({ cameras }) => cameras.every(({ events }) => events?.state === 'working'));
    t.same(await motionIsSeen(), []);
  });

  await t.test('a clock that steps costs nothing', async (t) => {
    for (const [index, camera] of all.entries()) camera.quirks.clockOffsetMs = index % 2 === 0 ? 40 * 86_400_000 : -7_200_000;
    t.same(await motionIsSeen(), []);
    t.ok(everyRecords(await site.status()), 'all record');
    for (const camera of all) t.match(await site.call(['camera', 'clock', camera.name, '--config', site.config]), /its clock is (?:ahead|behind)/, `${camera.name}: and it is known`);
  });

  await t.test('all restart at once and are recorded again', async (t) => {
    await Promise.all(all.map((camera) => camera.reboot()));
    await site.until((status) => status.cameras.some(({ recording }) => !recording));
    await site.until(everyRecords);
    t.same(await motionIsSeen(), []);
  });

  await t.test('each moves to another address and is followed', async (t) => {
    const movedMs = Date.now();
    for (const camera of all) await camera.moveTo(camera.address.replace(/\d+$/, (last) => String(Number(last) + 100)));
    await site.until((status) => status.cameras.some(({ online }) => !online));
    const status = await site.until(everyRecords);
    t.comment(`all record ${((Date.now() - movedMs) / 1000).toFixed(1)} s after they moved`);
    t.same(names(status.notices.flatMap(({ kind, camera }) => (kind === 'camera moved' && camera !== undefined ? [{ camera }] : []))), all.map(({ name }) => name).toSorted(), 'the owner is told of each');
  });

  await t.test('a new password is asked for in words, tried rarely, and taken at once when it is given', async (t) => {
    for (const camera of all) camera.setPassword('another one');
    // Whoever plays is cut off, as by a restart.
    await Promise.all(all.map((camera) => camera.stop()));
    await Promise.all(all.map((camera) => camera.start()));
    const refused = await site.until(({ cameras }) => cameras.every(({ state }) => state.includes('credentials refused')));
    for (const camera of all) t.match(stateOf(refused, camera.name)?.state, /^credentials refused by \S+, tried again in /);
    for (const camera of all) await site.call(['secret', 'set', camera.name, '--config', site.config], 'another one\n');
    await site.until(everyRecords);
    t.same(await motionIsSeen(), []);
  });

  t.equal(await site.stop(), 0);
  t.match(await site.call(['verify', '--config', site.config]), /all whole/);
});
