/** When something may go to a destination: a moment of chance, or the next try after a no; and what becomes of both when the clock goes back. */
import { randomInt } from 'node:crypto';
import type { UnixMs } from '../base/clock.ts';
import { dayMs } from '../base/units.ts';
import { againAfterMs } from '../policy/uploading.ts';
import type { Connection } from './connection.ts';

interface Rule {
  readonly destination: string;
  readonly jitterMs?: number | undefined;
}

/** When something new may go. It is durable: a restart draws no other moment. */
export function drawn(jitterMs: number | undefined, nowMs: UnixMs): UnixMs {
  return jitterMs === undefined || jitterMs < 1 ? 0 : Math.round(nowMs) + randomInt(Math.round(jitterMs) + 1);
}

interface Ahead {
  readonly id: number;
  readonly tries: number;
}

/** What is set for later than any rule allows from now on: by a clock that was ahead then. Few rows are looked at: an index has the state and the time. */
export function tooFarAhead(db: Connection, { destination, jitterMs }: Rule, nowMs: UnixMs): Ahead[] {
  const latest = { destination, new: Math.round(nowMs + (jitterMs ?? 0)), again: Math.round(nowMs + Math.max(dayMs, jitterMs ?? 0)) };
  return db.prepare<typeof latest, Ahead>(`
    SELECT id, tries FROM far_objects WHERE destination = @destination AND state = 'wanted' AND next_ms > @new AND (tries = 0 OR next_ms > @again)
    UNION ALL SELECT id, tries FROM far_objects WHERE destination = @destination AND state IN ('leaving', 'kept') AND next_ms > @again`).all(latest);
}

/** As if it had come to it now: not all at one moment, which would tell of the clock. */
export function drawAgain(db: Connection, { jitterMs }: Rule, ahead: readonly Ahead[], nowMs: UnixMs): void {
  const set = db.prepare('UPDATE far_objects SET next_ms = ? WHERE id = ?');
  for (const { id, tries } of ahead) set.run(tries === 0 ? drawn(jitterMs, nowMs) : Math.round(nowMs + againAfterMs(tries)), id);
}
