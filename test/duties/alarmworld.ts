/** The alarms' duty on a real vault, under a clock that the test moves. */
import type { Test } from 'tap';
import { asSallyportError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { AlarmsDuty, type AlarmsOptions, type Observed } from '../../src/duties/alarms.ts';
import { CameraPlan } from '../../src/duties/recordplan.ts';
import type { AlarmRule, Zone } from '../../src/policy/alarmrules.ts';
import { readAlarmText, type AlarmText } from '../../src/policy/alarmtext.ts';
import { always as everyDay } from '../../src/policy/schedule.ts';
import { FileKeys } from '../../src/seal/filekey.ts';
import { openSlot } from '../../src/seal/slot.ts';
import { openWhole } from '../../src/seal/opener.ts';
import type { AlarmRow, PictureName, Vault } from '../../src/vault/vault.ts';
import { camera, hub } from '../policy/configs.ts';
import { always, begin, hourMs, makeWorld, openVault, prepare, start, type World } from '../vault/world.ts';

export const rule: AlarmRule = { name: 'night', kinds: ['person', 'doorbell'], ...everyDay, keepMs: 30 * 24 * hourMs, beforeMs: 5000, afterMs: 20_000, enabled: true };
export const jpeg = Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(500, 7), Buffer.from([0xff, 0xd9])]);

export interface Fixture {
  readonly world: World;
  readonly vault: Vault;
  readonly fileKeys: FileKeys;
  readonly duty: AlarmsDuty;
  readonly plan: CameraPlan;
  /** Seconds since the beginning. */
  at(seconds: number): number;
  seen(seconds: number, more?: Partial<Observed>): void;
  /** A segment of a minute that is closed then, and told. */
  segment(fromSeconds: number): Promise<void>;
  /** Codes of what the vault refused to the duty. */
  readonly refused: readonly string[];
  rows(): Promise<AlarmRow[]>;
  until(so: (rows: readonly AlarmRow[]) => boolean): Promise<AlarmRow[]>;
}

export async function fixture(t: Test, o: { rules?: readonly AlarmRule[]; zones?: readonly Zone[]; markOf?: AlarmsOptions['markOf']; pictures?: AlarmsOptions['pictures']; vault?: (vault: Vault) => Partial<AlarmsOptions['vault']>; recipients?: readonly string[]; folder?: string; world?: World } = {}): Promise<Fixture> {
  const world = o.world ?? makeWorld(t.testdir());
  const vault = await openVault(world);
  const fileKeys = new FileKeys(world.clock);
  const config = hub(3, [camera('front'), camera('garden')], { alarms: o.rules ?? [rule], zones: o.zones ?? [] });
  const plan = new CameraPlan({ camera: 'front', rules: () => config, clock: world.clock });
  const refused: string[] = [];
  const wrapped = new Proxy(vault, { get: (target, name) => (o.vault?.(vault) as Record<string | symbol, unknown> | undefined)?.[name] ?? bound(target, name, refused) });
  const duty = new AlarmsDuty({
    vault: wrapped, fileKeys, config: () => config, plan: (name) => (name === 'front' ? plan : undefined), recipients: () => o.recipients ?? [world.owner.recipient],
    pictures: o.pictures ?? (async (_, __, about) => ({ full: Buffer.from(jpeg), crop: about === undefined ? undefined : Buffer.from(jpeg), thumb: Buffer.from(jpeg) })), markOf: o.markOf ?? (() => ''), clock: world.clock, log: silentLog,
  });
  duty.start();
  const period = await prepare(vault, world);
  const at = (seconds: number): number => start + seconds * 1000;
  const rows = (): Promise<AlarmRow[]> => vault.alarms(always);
  return {
    world, vault, fileKeys, duty, plan, at, rows, refused,
    seen: (seconds, more = {}) => {
      world.clock.set(at(seconds));
      duty.observe({ camera: 'front', kind: 'person', by: 'hub', atMs: at(seconds), name: 'one', lasts: true, score: 0.75, ...more });
    },
    segment: async (fromSeconds) => {
      const writer = await begin(vault, period, { wallMs: at(fromSeconds) });
      fileKeys.keep(writer.id, writer.takeFileKey());
      writer.append(Buffer.concat([Buffer.from([0, 0, 0, 16]), Buffer.from('moof'), Buffer.alloc(8), Buffer.from([0, 0, 0, 16]), Buffer.from('mdat'), Buffer.alloc(8)]), 0);
      const row = await writer.close({ durationMs: 60_000, reason: 'continuous' });
      world.clock.set(Math.max(world.clock.wallMs(), at(fromSeconds + 60)));
      fileKeys.closed(writer.id);
      duty.sealed('front', { id: writer.id, stream: 'main', startMs: row.startMs, endMs: row.startMs + 60_000 });
    },
    until: async (so) => {
      for (;;) {
        const found = await rows();
        if (so(found)) return found;
        await new Promise((resolve) => { setImmediate(resolve); });
      }
    },
  };
}

/** The vault's own method, as it is; what it refuses is noted. */
function bound(target: object, name: string | symbol, refused: string[]): unknown {
  const value: unknown = Reflect.get(target, name);
  if (typeof value !== 'function') return value;
  return (...args: unknown[]): unknown => {
    const answer: unknown = value.apply(target, args);
    if (answer instanceof Promise) answer.catch((error: unknown) => refused.push(asSallyportError(error).code));
    return answer;
  };
}

/** What is sealed to the alarm's day under that name, opened by the kit; empty where there is nothing. */
export async function opened({ vault, world }: Fixture, id: string, which: PictureName): Promise<Buffer> {
  const { sealed, period } = await vault.alarmPicture(id, which);
  return Buffer.from(openWhole(sealed, [openSlot(await vault.slotText(period), [world.owner], 'slot').identity], 'picture'));
}

export const textOf = async (f: Fixture, id: string): Promise<AlarmText> => readAlarmText(await opened(f, id, 'text'));

/** Until the day's key opens words that are so. */
export async function untilText(f: Fixture, id: string, so: (text: AlarmText) => boolean): Promise<AlarmText> {
  for (;;) {
    const text = await textOf(f, id);
    if (so(text)) return text;
    await new Promise((resolve) => { setImmediate(resolve); });
  }
}
