/** Several LANs, with hardware addresses that the kernel sees: what loopback cannot show. */
import t, { type Test } from 'tap';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReplyOf, StatusReport } from '../../src/api/contract.ts';
import { launch, run } from '../../src/base/spawn.ts';
import { callHub } from '../../src/cli/control.ts';
import { quickConfig, sallyport, shortFolder } from '../e2e/site.ts';
import { Lan, noLan, type LanCamera } from './lan.ts';

// Each has namespaces of its own, and mostly waits.
t.jobs = 3;

t.test('cameras of two LANs are all found, and by a range those of one', { skip: noLan, buffered: true }, async (t) => {
  const lan = await Lan.build(t);
  const folder = await shortFolder(t);
  const cameras = [await lan.camera(0, 2, { folder }), await lan.camera(0, 3, { folder }), await lan.camera(1, 4, { folder }), await lan.camera(1, 5, { folder })];
  const search = async (...args: string[]): Promise<ReplyOf<'discover'>> => {
    const { status, stdout, stderr } = await lan.inHub(sallyport, 'discover', '--json', ...args);
    t.equal(status, 0, stderr);
    return JSON.parse(stdout.toString()) as ReplyOf<'discover'>;
  };
  const all = await search('--socket', join(folder, 'none.sock'));
  t.same(all.found.map(({ address, urn, interface: on, sources }) => ({ address, urn, on, sources })), cameras.map((camera, index) => ({
    address: camera.address, urn: camera.facts.urn, on: index < 2 ? 'br0' : 'br1', sources: ['ws-discovery', 'mdns'],
  })));
  const some = await search('--socket', join(folder, 'none.sock'), '--range', '10.78.0.0/24');
  t.same(some.found.map(({ address, interface: on }) => `${address} ${on}`), ['10.78.0.40 br1', '10.78.0.50 br1']);
});

/** A hub in its namespace that records these cameras. */
async function startHub(t: Test, lan: Lan, folder: string, cameras: readonly (readonly [id: string, camera: LanCamera])[]): Promise<(look: (report: StatusReport) => boolean) => Promise<StatusReport>> {
  const config = join(folder, 'sallyport.toml');
  await run(sallyport, ['keys', 'new', '--out', join(folder, 'owner')]);
  await writeFile(config, quickConfig());
  const hub = await launch('ip', ['netns', 'exec', lan.hub, sallyport, 'run', '--config', config], { environment: { TMPDIR: folder } });
  hub.stdout.resume();
  t.teardown(async () => {
    hub.kill('SIGTERM');
    await hub.exited;
  });
  const until = async (look: (report: StatusReport) => boolean): Promise<StatusReport> => {
    for (;;) {
      const report = await callHub(join(folder, 'data/control.sock'), 'status', {}).catch(() => undefined);
      if (report !== undefined && look(report)) return report;
      await delay(200);
    }
  };
  await until(() => true);
  for (const [id, { address, facts }] of cameras) {
    const { status, stderr } = await run(sallyport, ['adopt', '--address', `${address}:${facts.onvifPort}`, '--user', facts.user, '--as', id, '--config', config], { input: `${facts.password}\n` });
    t.equal(status, 0, stderr);
  }
  await until((report) => report.cameras.length === cameras.length && report.cameras.every(({ segmentsSealed }) => segmentsSealed >= 1));
  return until;
}

t.test('on a LAN a camera is followed by the hardware address that the kernel sees, and an impostor gets not one byte', { skip: noLan, buffered: true }, async (t) => {
  const lan = await Lan.build(t);
  const folder = await shortFolder(t);
  const camera = await lan.camera(0, 2, { folder: join(folder, 'scenes') });
  const until = await startHub(t, lan, folder, [['front', camera]]);

  // The impostor has the camera's uuid, and claims its hardware address by a scope; its frames come from another one.
  const impostor = await lan.camera(0, 3, { impersonate: camera.facts.urn, hardware: '02:00:66:66:66:66' });
  await camera.vanish();
  const told = await until((report) => report.notices.some(({ kind }) => kind === 'camera found elsewhere'));
  t.match(told.notices.find(({ kind }) => kind === 'camera found elsewhere')?.text, /10\.77\.0\.30: its hardware address is 02:00:66:66:66:66, and not 02:00:7f:00:00:02/);

  const movedMs = Date.now();
  await camera.moveTo('10.77.0.99');
  await until((report) => report.cameras[0]?.recording === true);
  const seconds = (Date.now() - movedMs) / 1000;
  t.comment(`recording again ${seconds.toFixed(1)} s after the move, with an impostor beside it`);
  t.ok(seconds < 60, `${seconds.toFixed(1)} s`);
  t.same(impostor.heard, [], 'not one byte');
});

t.test('two cameras whose addresses were exchanged are each found where they are now', { skip: noLan, buffered: true }, async (t) => {
  const lan = await Lan.build(t);
  const folder = await shortFolder(t);
  const [front, garden] = [await lan.camera(0, 2, { folder: join(folder, 'scenes') }), await lan.camera(0, 3, { folder: join(folder, 'scenes') })];
  const until = await startHub(t, lan, folder, [['front', front], ['garden', garden]]);
  const [here, there] = [front.address, garden.address];
  await front.vanish();
  await garden.vanish();
  await front.take('10.77.0.98');
  await garden.take(here);
  await front.take(there);
  await garden.appear();
  await front.appear();
  const report = await until(({ notices, cameras }) => notices.filter(({ kind }) => kind === 'camera moved').length === 2 && cameras.every(({ recording }) => recording));
  t.same(report.notices.map(({ kind, camera, text }) => `${kind} ${camera} ${/now ([0-9.]+)/.exec(text)?.[1]}`).toSorted(), [`camera moved front ${there}`, `camera moved garden ${here}`]);
});
