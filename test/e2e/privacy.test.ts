/** Privacy now and by schedule: a private camera is not spoken to at all, and only an owner's yes, or somebody on the page, lowers that. */
import { writeFile } from 'node:fs/promises';
import t from 'tap';
import type { StatusReport } from '../../src/api/contract.ts';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { quickConfig, TestSite } from './site.ts';

const isPrivate = ({ cameras }: StatusReport): boolean => cameras[0]?.privacy === true;
const records = ({ cameras }: StatusReport): boolean => cameras[0]?.recording === true;

/** A rule whose time is now and not near its end. */
function ruleForNow(): string {
  const clock = (ms: number): string => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(11, 16);
  return `[[privacy]]\nfrom = "${clock(Date.now() - 3_600_000)}"\nto = "${clock(Date.now() + 3_600_000)}"\n`;
}

t.test('switched on: cut off at once, over a restart too, and the time is accounted for', async (t) => {
  const site = await TestSite.start(t);
  const [camera] = site.cameras as [EmulatedCamera];
  await site.until(records);
  t.match(await site.call(['privacy', 'on', '--config', site.config]), /home is private/);
  t.equal(camera.connections, 0, 'when the command returns, nobody is connected to it');
  const status = await site.status();
  t.match(status.cameras[0], { privacy: true, online: false, recording: false, wanted: false, streams: [] });
  t.match(status.cameras[0]?.state, /^private: neither watched nor recorded/);
  t.same(status.notices, [], 'nothing rings for it');
  for (const [args, input] of [[['camera', 'refresh', camera.name]], [['talk', camera.name], 'x'.repeat(1600)]] as const) {
    t.match((await site.attempt([...args, '--config', site.config], input)).stderr, /SP_PRIVATE/, `${args[0]} is refused`);
  }
  t.match((await site.attempt(['privacy', 'off', '--config', site.config])).stderr, /use the page/);
  t.match((await site.attempt(['privacy', 'on', 'cellar', '--config', site.config])).stderr, /SP_SPACE_UNKNOWN.*cellar/s);

  const elsewhere = (space: string): ReturnType<TestSite['attempt']> => site.attempt(['adopt', '--address', '127.9.9.9:9', '--user', 'u', '--space', space, '--config', site.config], 'p\n');
  t.match((await elsewhere('cellar')).stderr, /SP_SPACE_UNKNOWN.*cellar/s, 'nor is a camera adopted into a space that is not there');
  t.match((await elsewhere('home')).stderr, /SP_CAMERA_UNREACHABLE/);

  t.equal(await site.stop(), 0);
  await site.startHub();
  const again = await site.until(isPrivate);
  t.equal(again.cameras[0]?.recording, false);
  t.equal(camera.connections, 0, 'a restart does not speak to it either');
  await site.stop();
  await site.startHub();
  const { gaps } = await site.list();
  t.ok(gaps.some(({ reason }) => reason === 'privacy'), JSON.stringify(gaps));
  t.same(gaps.filter(({ reason }) => !['privacy', 'not recorded', 'hub stopped', 'settings changed'].includes(reason)), []);
});

t.test('by a rule of the configuration, whose end waits for the owner\'s yes', async (t) => {
  const site = await TestSite.start(t);
  await site.until(records);
  await writeFile(site.config, quickConfig({ more: ruleForNow() }));
  process.kill(site.hub!.pid, 'SIGHUP');
  const status = await site.until(isPrivate);
  t.match(status.cameras[0]?.state, /^private until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ by schedule/);
  t.same(status.pending, [], 'what raises privacy waits for nobody');
  await writeFile(site.config, quickConfig());
  process.kill(site.hub!.pid, 'SIGHUP');
  const waiting = await site.until(({ pending }) => pending.length === 1);
  t.match(waiting.pending[0]?.text, /^no longer: home is private each day from/);
  t.ok(isPrivate(await site.status()), 'until then the rule holds');
  t.match(await site.call(['accept', waiting.pending[0]?.id ?? '', '--identity', site.kit, '--config', site.config]), /accepted/);
  await site.until(records);
});
