/** Sealed footage, given out as it lies there: which live period a slot is of, a slot's text, a segment's file, a second header. */
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { SallyportError, isSallyportError } from '../base/errors.ts';
import type { DiskKeeper } from './diskkeeper.ts';
import { FetchedFiles, type FetchRange } from './fetched.ts';
import { holdName } from './footagepaths.ts';
import { readHold, sha256 } from './holds.ts';
import type { OpenSegments } from './opensegments.ts';
import type { PeriodFacts } from './periodtable.ts';
import { segmentId } from './segmenttable.ts';
import { SealedFile, type SegmentName } from './served.ts';

export class Serving {
  readonly #disk: DiskKeeper;
  readonly #open: OpenSegments;
  readonly #fetched: FetchedFiles;
  readonly #clock: Clock;

  constructor(disk: DiskKeeper, open: OpenSegments, fetched: FetchedFiles, clock: Clock) {
    this.#disk = disk;
    this.#clock = clock;
    this.#fetched = fetched;
    this.#open = open;
  }

  async periodOfSlot(q: { camera: string; slot: number; generation: number }): Promise<PeriodFacts> {
    const period = await this.#disk.call('livePeriodOf', q);
    if (period === undefined || this.#open.isLeaving(period.id)) throw slotGone(q.slot);
    return period;
  }

  async slotText({ id, slot, slotSha256 }: Pick<PeriodFacts, 'id' | 'slot' | 'slotSha256'>): Promise<Buffer> {
    const text = await this.#disk.with(({ keyring }) => keyring.read(slot, slotSha256));
    if (this.#open.isLeaving(id)) throw slotGone(slot);
    return text;
  }

  async sealedFile(name: SegmentName): Promise<SealedFile> {
    const served = await this.#disk.call('servedRow', name);
    if (served === undefined) throw new SallyportError('SP_SEGMENT_MISSING', { file: segmentId(name) });
    return SealedFile.open({ ...served, footage: () => this.#disk.ready.footage, isLeaving: (id) => this.#open.isLeaving(id) });
  }

  async fetchedFile(name: SegmentName, fetch: (destination: string, object: string, ...range: Parameters<FetchRange>) => ReturnType<FetchRange>): Promise<SealedFile | undefined> {
    const served = await this.#disk.call('servedRow', name);
    const far = await this.#disk.call('archivedOf', name);
    if (served === undefined || far === undefined) return undefined;
    const { destination, object, known } = far;
    const fetched = await this.#fetched.have(object, served.row, destination, (from, length) => fetch(destination, object, from, length));
    if (fetched && !known) await this.#disk.call('farFound', { destination, object, atMs: this.#clock.wallMs() });
    return SealedFile.open({ ...served, row: { ...served.row, path: object }, footage: () => this.#fetched.folder, isLeaving: (id) => this.#open.isLeaving(id) });
  }

  async secondHeader(name: SegmentName & { slot: number }): Promise<{ header: Buffer; period: PeriodFacts }> {
    const served = await this.#disk.call('servedRow', name);
    const hold = served?.holds.find(({ period }) => period.slot === name.slot && !this.#open.isLeaving(period.id));
    if (served === undefined || hold === undefined) throw new SallyportError('SP_SEGMENT_MISSING', { file: holdName(segmentId(name), name.slot) });
    const path = holdName(served.row.path, name.slot);
    const header = await readHold(join(this.#disk.ready.footage, path), path).catch((error: unknown) => {
      throw isSallyportError(error, 'SP_AGE_HEADER') || isSallyportError(error, 'SP_READ') ? new SallyportError('SP_HOLD_DAMAGED', { file: path }, error) : error;
    });
    if (sha256(header) !== hold.sha256) throw new SallyportError('SP_HOLD_DAMAGED', { file: path });
    if (this.#open.isLeaving(hold.period.id)) throw new SallyportError('SP_SEGMENT_MISSING', { file: path });
    return { header, period: hold.period };
  }
}

function slotGone(slot: number): SallyportError {
  return new SallyportError('SP_SLOT_MISSING', { what: `slot ${slot}` });
}
