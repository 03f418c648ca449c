/** What a change of the configuration would destroy of what lies there: the facts are asked for here, what they mean is said by `policy/losses.ts`. */
import type { Clock } from '../base/clock.ts';
import { lossesOf, mayLose } from '../policy/losses.ts';
import type { HubConfig } from '../policy/settings.ts';
import type { Vault } from '../vault/vault.ts';
import { foreseeConsent } from './consent.ts';
import { ratesOf } from './disk.ts';

/** Called before such a change is made, with what it destroys, in words; throws where that may not be. */
export type MayDestroy = (losses: readonly string[]) => Promise<void>;

export interface LossRooms {
  readonly vault: Pick<Vault, 'setting' | 'livePeriods' | 'periodBytes' | 'diskFacts' | 'observations' | 'alarmRules'>;
  readonly clock: Clock;
}

/** @param before In force. @param wanted As configured: what of it would wait for a yes destroys nothing yet. */
export async function foreseeLosses({ vault, clock }: LossRooms, before: HubConfig, wanted: HubConfig): Promise<string[]> {
  const after = await foreseeConsent(vault, wanted);
  if (!mayLose(before, after)) return [];
  const [taken, living] = [await vault.periodBytes(), await vault.livePeriods()];
  const bytes = new Map(taken.map((period) => [period.id, period.bytes]));
  const observedMs = new Map<string, number>();
  for (const camera of new Set([...before.cameras.map(({ id }) => id), ...after.cameras.map(({ id }) => id), ...living.map((period) => period.camera)])) {
    const [first] = await vault.observations({ camera, fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 1 });
    if (first !== undefined) observedMs.set(camera, first.fromMs);
  }
  const rules = Map.groupBy((await Promise.all(after.cameras.map(({ id }) => vault.alarmRules(id)))).flat(), ({ periodId }) => periodId);
  return lossesOf(before, after, {
    nowMs: clock.wallMs(), room: await vault.diskFacts(), observedMs, bytesPerHour: ratesOf(taken),
    periods: living.map((period) => ({ ...period, bytes: bytes.get(period.id) ?? period.bytes, rules: (rules.get(period.id) ?? []).map(({ rule }) => rule) })),
  });
}
