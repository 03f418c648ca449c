/** How sealed bytes come from the hub. */
import { SallyportError, asSallyportError, reasonOf } from '../../base/errors.ts';

/** `to` is not part of it. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** `path` is below the page's origin. Gives exactly the range, or all of it; throws HubAnswer where the hub answered otherwise, SP_HUB_UNREACHABLE where it did not. */
export type Fetcher = (path: string, range?: ByteRange, signal?: AbortSignal) => Promise<Uint8Array>;

/** A change asked of the hub, by JSON; gives what it answered. Throws as a Fetcher does. */
export type Poster = (path: string, body: unknown) => Promise<unknown>;

/** The hub answered, and not with what was asked for. */
export class HubAnswer extends Error {
  readonly status: number;
  /** What it said. */
  readonly error: SallyportError;

  constructor(status: number, error: SallyportError) {
    super(error.message);
    this.status = status;
    this.error = error;
  }

  /** It was there when it was listed, and its key, or then the file, has been destroyed since, as its deadline has it. */
  get gone(): boolean {
    return (this.status === 404 || this.status === 410) && this.error.code !== 'SP_CAMERA_UNKNOWN';
  }
}

export const httpFetcher: Fetcher = async (path, range, signal) => {
  let answer: Response;
  let bytes: Uint8Array;
  try {
    answer = await fetch(path, {
      credentials: 'same-origin', cache: 'no-store', ...(range === undefined ? {} : { headers: { Range: `bytes=${range.from}-${range.to - 1}` } }), ...(signal === undefined ? {} : { signal }),
    });
    bytes = new Uint8Array(await answer.arrayBuffer());
  } catch (error) {
    throw signal?.aborted === true ? new SallyportError('SP_STOPPED', { what: 'fetching' }) : new SallyportError('SP_HUB_UNREACHABLE', { reason: reasonOf(error) }, error);
  }
  if (!answer.ok) throw new HubAnswer(answer.status, errorIn(bytes, answer.status));
  if (range === undefined) return bytes;
  // A hub that gives the whole file for a part of it is slow, not wrong.
  const part = answer.status === 206 ? bytes : bytes.subarray(range.from, range.to);
  if (part.length !== range.to - range.from) throw new SallyportError('SP_READ', { file: path, reason: `it gave ${part.length} of ${range.to - range.from} bytes at ${range.from}` });
  return part;
};

export const httpPoster: Poster = async (path, body) => {
  let answer: Response;
  let bytes: Uint8Array;
  try {
    answer = await fetch(path, { method: 'POST', credentials: 'same-origin', cache: 'no-store', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    bytes = new Uint8Array(await answer.arrayBuffer());
  } catch (error) {
    throw new SallyportError('SP_HUB_UNREACHABLE', { reason: reasonOf(error) }, error);
  }
  if (!answer.ok) throw new HubAnswer(answer.status, errorIn(bytes, answer.status));
  return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
};

/** What a failed fetch means to whoever watches. */
export function errorOf(error: unknown): SallyportError {
  return error instanceof HubAnswer ? error.error : asSallyportError(error);
}

function errorIn(bytes: Uint8Array, status: number): SallyportError {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof value === 'object' && value !== null && 'code' in value) return SallyportError.fromJSON(value);
    if (typeof value === 'object' && value !== null && 'error' in value && typeof value.error === 'object' && value.error !== null) return SallyportError.fromJSON(value.error);
  } catch {
    // Told below.
  }
  return new SallyportError('SP_INTERNAL', { reason: `the hub answered ${status}` });
}
