/** `back/status.json`: what the courier says of itself. It is written by the part that speaks, so the hub reads it as a stranger's word. */
import { canonicalJson } from '../base/canonical.ts';
import { list, maybe, oneOf, table, text, whole, yesNo, type Checked } from '../base/closed.ts';
import { SallyportError } from '../base/errors.ts';
import { fileExists, joinPath, readFileBounded, writeFileAtomic } from '../base/files.ts';
import { destinationPattern } from './orders.ts';

const file = 'status.json';
const bytesMax = 2 ** 16;

const timeMs = whole(0, 2 ** 48);
const count = whole(0, 2 ** 32);
const plain = text(/^[ -~]{0,300}$/, 300);
const fault = table({ code: text(/^SP_[A-Z_]{1,40}$/), text: plain, at_ms: timeMs });

const schema = table({
  v: oneOf([1]), at_ms: timeMs, started_ms: timeMs, confined: oneOf(['no', 'off', 'files', 'full']), config_sha256: text(/^[0-9a-f]{64}$/),
  /** The file has changed, and is wrong: the one before is in force. */
  config_error: maybe(plain),
  /** Names in `out/` that are no orders. */
  odd: count,
  destinations: list(table({
    name: text(destinationPattern), waiting: count, active: count, retry_ms: maybe(timeMs), last_ok_ms: maybe(timeMs), last_error: maybe(fault), off: list(oneOf(['put', 'get', 'delete']), 3),
    notices: yesNo,
    /** Of a broker: orders that came from there and were dropped here, since the start. */
    dropped: maybe(table({ odd: count, flood: count, waiting: count })),
  }), 16),
});
export type CourierStatus = Checked<typeof schema>;
export type DestinationState = CourierStatus['destinations'][number];

/** Letters that a terminal shows as they are: the text is a stranger's word in part. */
export function plainly(words: string): string {
  return words.replaceAll(/[^ -~]/g, '?').slice(0, 300);
}

/** Readable by the hub, whose group the folder has. SP_WRITE. */
export async function writeCourierStatus(back: string, status: CourierStatus): Promise<void> {
  await writeFileAtomic(joinPath(back, file), canonicalJson(status), 0o640);
}

/** undefined where there is none yet. SP_OUTBOX_FILE for what is none. */
export async function readCourierStatus(back: string): Promise<CourierStatus | undefined> {
  const path = joinPath(back, file);
  if (!(await fileExists(path))) return undefined;
  try {
    return schema(JSON.parse((await readFileBounded(path, bytesMax, { noFollow: true })).toString('utf8')), '');
  } catch (error) {
    throw new SallyportError('SP_OUTBOX_FILE', { file, reason: error instanceof TypeError ? error.message : 'it cannot be read' }, error);
  }
}
