/** Second headers on their way in: the hub's own, while it has a segment's file key, and those that a device of the owner's made. */
import type { Clock, UnixMs } from '../base/clock.ts';
import type { FileKey } from '../seal/filekey.ts';
import { makeHold } from '../seal/hold.ts';
import { randomBytes } from '../seal/secure.ts';
import type { DiskKeeper } from './diskkeeper.ts';
import type { Filing } from './filing.ts';
import { hourOf, parseSegmentId } from './footagepaths.ts';
import { writeHolds, type SecondHeader } from './holds.ts';
import type { HoldOrder } from './holdtable.ts';
import type { NewPeriod } from './periodkeys.ts';
import type { Period } from './periodtable.ts';
import { Turns } from '../base/turns.ts';

/** Of a hold, in the owner's words. */
export const labelMax = 100;

/** 8 hex characters: short enough to type. */
export function newOrderId(): string {
  return randomBytes(4).toString('hex');
}

export interface HoldingOptions {
  readonly clock: Clock;
  readonly disk: DiskKeeper;
  readonly filing: Filing;
  readonly preparePeriod: (p: NewPeriod) => Promise<Period>;
}

export class Holding {
  readonly #o: HoldingOptions;
  /** The hub's own holds: no two may begin the same wish. */
  readonly #turns = new Turns();

  constructor(options: HoldingOptions) {
    this.#o = options;
  }

  hold(segment: string, fileKey: FileKey, o: { deadlineMs: UnixMs; recipients: readonly string[]; label?: string }): Promise<boolean> {
    return this.#turns.take(async () => {
      const { disk } = this.#o;
      const key = parseSegmentId(segment);
      const row = key === undefined ? undefined : await disk.call('segment', key);
      const own = row === undefined || row.state === 'garbage' ? undefined : await disk.call('period', { id: row.periodId });
      if (row === undefined || own === undefined) return false;
      const { camera } = own;
      const { startMs, endMs } = own.class === 'alarm' ? hourOf(row.path) : own;
      const deadlineMs = Math.round(o.deadlineMs);
      const order = await disk.call('hubOrder', { camera, startMs, deadlineMs }) ?? newOrderId();
      const hold: HoldOrder = { order, maker: 'hub', label: (o.label ?? '').slice(0, labelMax) };
      const period = await this.#o.preparePeriod({ camera, class: 'hold', startMs, endMs, deadlineMs, recipients: o.recipients, hold });
      await this.add(period, [{ stream: row.stream, seq: row.seq, header: makeHold(fileKey, period.recipient) }]);
      return true;
    });
  }

  add(period: Pick<Period, 'id' | 'slot'>, headers: readonly SecondHeader[]): Promise<number> {
    return this.#o.filing.take(({ footage, database }) => writeHolds({ footage, database, clock: this.#o.clock }, period, headers));
  }
}
