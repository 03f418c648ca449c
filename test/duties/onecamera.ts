/** One emulated camera, watched and recorded in this process, for tests of what is done with its streams. */
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { Lifetime } from '../../src/base/lifetime.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { passwordName } from '../../src/duties/adopt.ts';
import { CameraWatch } from '../../src/duties/watch.ts';
import { Emulator, type EmulatedCamera, type EmulatorOptions } from '../../src/emulator/emulator.ts';
import { FileKeys } from '../../src/seal/filekey.ts';
import { Identity } from '../../src/seal/identity.ts';
import { Vault } from '../../src/vault/vault.ts';

/** A test, or whatever else ends what was begun in it. */
export type Ending = Pick<Test, 'teardown'>;

export interface OneCamera {
  readonly camera: EmulatedCamera;
  readonly emulator: Emulator;
  readonly vault: Vault;
  readonly kit: Identity;
  readonly data: string;
  readonly watch: CameraWatch;
}

export async function oneCamera(t: Ending, o: { sub?: boolean; audio?: boolean; cutAfterMs?: number; periodMs?: number; recipients?: () => readonly string[]; emulator?: Partial<EmulatorOptions> } = {}): Promise<OneCamera> {
  const folder = await mkdtemp(join(tmpdir(), 'sp-one-'));
  const life = new Lifetime();
  life.defer('folder', () => rm(folder, { recursive: true, force: true }));
  t.teardown(() => life.close());
  const emulator = await Emulator.start({
    cameras: 1, firstAddress: `127.${randomInt(10, 250)}.${randomInt(10, 250)}.2`, log: silentLog, discovery: false, seconds: 10, ...(o.audio === true ? { audio: 'aac' } : {}), ...o.emulator,
  });
  life.defer('emulator', () => emulator.close());
  const camera = emulator.cameras[0]!;
  const data = join(folder, 'data');
  const kit = Identity.generate();
  const vault = await Vault.open({ folder: data, clock: systemClock, log: silentLog, hubName: 'test' });
  life.defer('vault', () => vault.close());
  await vault.putSecret(passwordName('front'), new Secret(camera.password));
  const watch = new CameraWatch({
    camera: {
      id: 'front', name: 'Front', address: camera.address, port: camera.onvifPort, path: '/onvif/device_service', secure: false, user: camera.user,
      keepMs: 3_600_000, ownKeep: false, audio: o.audio === true, record: true, sub: o.sub === true, events: false, detect: 'both', space: 'home',
    },
    vault, fileKeys: new FileKeys(systemClock), clock: systemClock, log: silentLog, random: Math.random, bootId: 'boot', ffmpeg: 'ffmpeg', ffprobe: 'ffprobe',
    jail: new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' }), periodMs: o.periodMs ?? 3_600_000, cutAfterMs: o.cutAfterMs ?? 2000,
    clockState: () => 'synchronised', recipients: o.recipients ?? (() => [kit.recipient]), room: { halted: () => undefined, nudge: () => {} }, notices: { raise: () => {}, settle: () => {} }, helloMs: () => undefined, placeTaken: undefined, still: () => undefined,
  });
  life.defer('watch', () => watch.close());
  watch.start();
  return { camera, emulator, vault, kit, data, watch };
}

export async function until(so: () => boolean): Promise<void> {
  while (!so()) await systemClock.sleep(20);
}
