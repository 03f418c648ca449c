/** What the database's thread can be asked to do about the audit and its checkpoints, and what these say of the database itself. */
import type { UnixMs } from '../base/clock.ts';
import { faultsOf, firstHead, type ChainHead } from './audit.ts';
import type { Catalogue } from './catalogue.ts';
import { parseCheckpoint, type CheckpointFacts, type CheckpointTable } from './checkpoints.ts';
import { databaseRoot, doubtOf } from './databaseroot.ts';
import type { ReceiptTable, SignedText } from './receipts.ts';
import type { Transactions } from './transactions.ts';

const auditDropAtOnce = 5_000;
const checkpointsCompared = 3;

export interface AuditParts extends Transactions {
  readonly catalogue: Catalogue;
  readonly checkpoints: CheckpointTable;
  readonly receipts: Pick<ReceiptTable, 'dropBefore'>;
}

export function makeAuditOperations({ db, catalogue, checkpoints, receipts, known, auditTable, read, write, audit }: AuditParts) {
  const { periods, gaps, lists } = catalogue;
  return {
    auditBefore: (a: { before: number | undefined; limit: number }): { lines: { n: number; entry: string | null }[]; total: number } => read(() => {
      const table = auditTable();
      return {
        lines: table.linesBefore(a.before ?? Number.MAX_SAFE_INTEGER, a.limit).map(({ n, entry }) => ({ n, entry })),
        total: db.prepare<[], { count: number }>('SELECT count(*) AS count FROM audit').get()?.count ?? 0,
      };
    }),

    /**
     * One page of the audit, from `after` on, or from its beginning: whether each line follows from the one before, and at its end whether the newest
     * checkpoints say the same. The thread is free between pages.
     */
    checkAudit: (a: { after: { n: number; chain: string } | undefined; limit: number }): { n: number; chain: string; fault: string | undefined; done: boolean } => read(() => {
      const table = auditTable();
      const oldest = checkpoints.oldest();
      const begun = (table.linesAfter(0, 1)[0]?.n ?? 1) > 1 && oldest !== undefined ? parseCheckpoint(oldest.json, `checkpoint ${oldest.number}`) : undefined;
      let head: ChainHead = a.after !== undefined ? { n: a.after.n, chain: Buffer.from(a.after.chain, 'hex') } : begun === undefined ? firstHead(known().id) : { n: begun.seq, chain: Buffer.from(begun.chain, 'hex') };
      const lines = table.linesAfter(head.n, a.limit);
      let fault: string | undefined;
      for (const line of lines) {
        const [first] = faultsOf(head, line);
        fault ??= first === undefined ? undefined : `line ${line.n}: ${first}`;
        head = { n: line.n, chain: line.chain };
      }
      const done = lines.length < a.limit;
      if (done) {
        for (const { number, json } of checkpoints.newest(checkpointsCompared)) {
          const { seq, chain } = parseCheckpoint(json, `checkpoint ${number}`);
          const said = table.chainAt(seq);
          if (said?.toString('hex') !== chain) fault ??= `checkpoint ${number}: the audit is not what it signed${said === undefined ? '; it has fewer lines' : ''}`;
        }
      }
      return { n: head.n, chain: head.chain.toString('hex'), fault, done };
    }),

    checkpointFacts: (a: { atMs: UnixMs }): CheckpointFacts => read(() => {
      const { id, generation } = known();
      const head = auditTable().head();
      return {
        number: checkpoints.lastNumber() + 1, vault: id, seq: head.n, chain: head.chain.toString('hex'), generation,
        catalogueRoot: lists.catalogueRoot().toString('hex'), databaseRoot: databaseRoot(db), atMs: a.atMs,
      };
    }),
    addCheckpoint: (a: { facts: CheckpointFacts; signed: SignedText }): void => write(() => checkpoints.add(a.facts, a.signed)),
    newestCheckpoints: (a: { limit: number }): SignedText[] => checkpoints.newest(a.limit),
    /** Names what goes in the chain itself, then drops old checkpoints, receipts and gaps; the lines follow by `dropAudit`. */
    expireAudit: (a: { beforeMs: UnixMs; atMs: UnixMs }): { through: number; receipts: number[] } | undefined => write(() => {
      const last = checkpoints.lastBefore(a.beforeMs);
      const first = auditTable().linesAfter(0, 1)[0];
      if (last === undefined || first === undefined || first.n > last.seq) return undefined;
      const numbers = receipts.dropBefore(a.beforeMs);
      checkpoints.dropBefore(last.number);
      gaps.dropOld(a.beforeMs);
      periods.forgetShredded(a.beforeMs);
      audit(a.atMs, { what: 'audit.expired', who: 'hub', detail: { from: first.n, through: last.seq, checkpoint: last.number, before_ms: Math.round(a.beforeMs), receipts: numbers.length } });
      return { through: last.seq, receipts: numbers };
    }),
    dropAudit: (a: { through: number }): number => write(() => auditTable().dropThrough(a.through, auditDropAtOnce)),
    /** What is wrong with it by its newest checkpoint, in words. Ask before anything is written. */
    doubt: (): string | undefined => read(() => doubtOf(db, catalogue)?.detail),
    newestCheckpointNumber: (): number => checkpoints.lastNumber(),
  };
}
