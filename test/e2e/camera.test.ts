/** `sallyport camera`: what a camera lets be set is set by the real command line, and really so in the camera. */
import t from 'tap';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { TestSite } from './site.ts';

t.test('clock, motors, picture, relay and key frames are set, and what is asked for is said back', async (t) => {
  const site = await TestSite.start(t, { emulator: { ptz: true } });
  const [camera] = site.cameras as [EmulatedCamera];
  const tell = (...args: string[]) => site.call(['camera', ...args, '--config', site.config]);

  const info = await tell('info', camera.name);
  for (const part of [/Emulated Optics/, /main stream: H\.264 1280x720/, /its clock is right/, /encoder .*a key frame each/, /it can be moved, has a picture that can be set, has relays\n/, /it can be moved; no place is saved/, /picture: brightness/, /relays: /]) t.match(info, part);

  camera.quirks.clockOffsetMs = 3_600_000;
  t.match(await tell('clock', camera.name), /its clock is ahead by (?:1 h|59 min)/);
  t.match(await tell('clock', camera.name, '--set'), /its clock is right, kept by hand/);
  t.match(await tell('clock', camera.name, '--ntp', '192.168.1.1'), /kept by NTP from 192\.168\.1\.1/);

  t.match(await tell('save', camera.name, 'gate & <door>'), /where front-door looks now is called gate & <door>/);
  const before = camera.looksAt;
  t.match(await tell('move', camera.name, '--pan', '0.5', '--for', '0.5'), /moved for 0\.5 s and stands still/);
  const moved = camera.looksAt;
  t.not(moved?.pan, before?.pan, 'it really turned');
  await new Promise((resolve) => setImmediate(resolve));
  t.same(camera.looksAt, moved, 'and stands');
  t.match(await tell('goto', camera.name, 'gate & <door>'), /goes to gate & <door>/);
  t.match(await tell('info', camera.name), /places: gate & <door>/);
  t.match(await tell('forget', camera.name, 'gate & <door>'), /has forgotten gate & <door>/);
  t.match(await tell('home', camera.name), /home position/);

  t.match(await tell('imaging', camera.name, '--brightness', '0', '--infrared', 'off'), /brightness 0 of .*\ninfrared filter: OFF/);
  t.match(await tell('relay', camera.name, 'on'), /is on/);
  t.match((await site.attempt(['camera', 'relay', camera.name, 'nowhere', 'on', '--config', site.config])).stderr, /SP_CAMERA_FAULT: .*its relays are /);

  t.match(await tell('gop', camera.name, '2'), /is asked for a key frame each \d+ pictures, which is 2 s/);
  t.match(await tell('codec', camera.name, 'h265'), /is asked for H\.265\n[^]*main stream: H\.265/);
  await site.until(({ cameras }) => cameras[0]?.recording === true);
  t.match(await tell('codec', camera.name, 'h264'), /main stream: H\.264/);
  t.match(await tell('refresh', camera.name), /serial/);
  await site.until(({ cameras }) => cameras[0]?.recording === true);
});

t.test('a restart is an observation, and recording goes on', async (t) => {
  const site = await TestSite.start(t, { emulator: { rebootMs: 3000, discovery: true } });
  const [camera] = site.cameras as [EmulatedCamera];
  await site.until(({ cameras }) => cameras[0]?.recording === true);
  const boots = camera.boots;
  t.match(await site.call(['camera', 'reboot', camera.name, '--config', site.config]), /front-door restarts/);
  await site.until(({ cameras }) => cameras[0]?.recording === false);
  await site.until(({ cameras }) => cameras[0]?.recording === true);
  t.equal(camera.boots, boots + 1);
  let seen = '';
  for (let look = 0; look < 100 && !seen.includes('restart'); look++) seen = await site.call(['list', '--observations', '--config', site.config]);
  t.match(seen, /restart/);
});

t.test('bad usage is refused in words', async (t) => {
  const site = await TestSite.start(t, { adopt: false });
  for (const [args, words] of [
    [['dance', 'x'], /there is no action "dance"/], [['move', 'x', '--pan', '2'], /--pan is from -1 to 1/], [['relay', 'x', 'perhaps'], /say "on" or "off"/],
    [['gop', 'x'], /SECONDS is missing/], [['codec', 'x', 'av1'], /the codec is h264 or h265/], [['info'], /the camera is missing/], [['info', 'pond'], /SP_CAMERA_UNKNOWN/], [['imaging', 'x', '--infrared', 'blue'], /on, off or auto/],
    [['info', 'x', 'y'], /"y" is too much/], [['clock', 'x', '--ntp', 'a b'], /SP_CONTROL|SP_USAGE/],
  ] as const) t.match((await site.attempt(['camera', ...args, '--config', site.config])).stderr, words, args.join(' '));
});
