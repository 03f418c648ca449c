/**
 * The database's thread: a commit with fsync may take seconds on a card, and only this thread waits for it. Opens the working database,
 * and the pictures of alarms beside it, with the key that it is handed, answers one request after the other, and closes when asked.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { databaseError, openConnection, type Connection } from './connection.ts';
import { makeOperations } from './operations.ts';
import { PicturesFile } from './picturesfile.ts';

export interface WorkerSetup {
  readonly file: string;
  /** Of the alarms' pictures: opened beside it with the same key. */
  readonly pictures: string;
  /** Wiped after use. */
  readonly key: Uint8Array;
}

export interface Request {
  readonly id: number;
  /** `close` ends the thread. */
  readonly op: string;
  readonly args: unknown;
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly evidence: unknown };
}

/** The answer to opening has this id. */
const openingId = 0;

if (parentPort !== null) serve(parentPort, workerData as WorkerSetup);

function serve(port: NonNullable<typeof parentPort>, setup: WorkerSetup): void {
  let db: Connection;
  let pictures: PicturesFile;
  const key = Uint8Array.from(setup.key);
  try {
    db = openConnection(setup.file, setup.key, { readonly: false });
    // After the database, which proves the key. What is wrong with it keeps nothing else from being opened.
    pictures = new PicturesFile(setup.pictures, key);
  } catch (error) {
    port.postMessage({ id: openingId, error: databaseError(error, setup.file).toJSON() } satisfies Answer);
    return;
  } finally {
    key.fill(0);
  }
  const operations = new Map<string, (args: never) => unknown>(Object.entries(makeOperations(db, pictures)));
  port.postMessage({ id: openingId } satisfies Answer);
  port.on('message', ({ id, op, args }: Request) => {
    try {
      if (op === 'close') {
        pictures.close();
        db.close();
        port.postMessage({ id } satisfies Answer);
        port.close();
        return;
      }
      const operation = operations.get(op);
      if (operation === undefined) throw new Error(`no operation ${op}`);
      port.postMessage({ id, value: operation(args as never) } satisfies Answer);
    } catch (error) {
      port.postMessage({ id, error: databaseError(error, setup.file).toJSON() } satisfies Answer);
    }
  });
}
