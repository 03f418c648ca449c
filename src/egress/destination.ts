/**
 * egress/ speaks to the wide world, in the courier and nowhere else. It moves sealed bytes and content-free notices between the two folders of
 * outbox/ and the destinations that are declared, and it cannot see: no key, no footage, no camera, no table. Everything a far end says is a
 * stranger's word: bounded, never followed elsewhere, never believed without a proof. docs/THREAT_MODEL.md says what a taken-over courier could do.
 *
 * This file: what a store must do. A folder, WebDAV and S3 do it; `test/egress/contract.test.ts` tries them all by one set of tests.
 */
import type { Proof } from '../outbox/orders.ts';

/** The bytes of one object, read as they are needed. */
export interface Source {
  readonly bytes: number;
  /** Of all of it, in hexadecimal digits. */
  readonly sha256: string;
  /** Into `into` where that is given, which is as long at least: whoever is done with one piece need not have another one made for the next. */
  read(from: number, length: number, into?: Buffer): Promise<Buffer>;
}

export interface Put {
  /** 32 hexadecimal digits; of an object in pieces (`policy/pieces.ts`) with their length behind it. */
  readonly object: string;
  readonly source: Source;
  /** Another object of that name may be there, and is replaced. */
  readonly replace: boolean;
  /** An earlier try of this order was begun, and may have come to its end: what is there is looked at before anything is sent. */
  readonly again: boolean;
  /** What an earlier try of this order noted, of whatever form the store gave it; undefined at the first. */
  readonly resume: string | undefined;
  /** Resolves when it is durable: the next try is handed this note. At most 16 KiB. */
  note(resume: string): Promise<void>;
  /** Bytes that went out. */
  sent(bytes: number): void;
  /** The far end has said that it keeps older versions: what is replaced or deleted there lives on. */
  versioned(): void;
}

export type Feature = 'put' | 'get' | 'delete';

export interface Listed {
  /** Names of ours, sorted, with their sizes. */
  readonly objects: readonly (readonly [object: string, bytes: number])[];
  readonly more: boolean;
  /** Names that are none of ours; they are counted, and go nowhere. */
  readonly foreign: number;
}

export interface Probe {
  readonly keepsVersions: 'yes' | 'no' | 'unknown';
  readonly overwrites: 'yes' | 'no' | 'unknown';
}

/** What a probe writes where nobody may delete: under one name, so that it is one small object and not one for each day. */
export const probeName = 'probe.part';
/** Random ones, so that what an earlier probe has left is not taken for an answer. */
export const probeBytes = 16;

export interface Store {
  readonly name: string;
  /** Why a feature is off; absent where it is on. */
  readonly off: Readonly<Partial<Record<Feature, string>>>;
  /** How it is known to be there as it was sent. What another try has brought is not sent again. SP_FAR_…; anything when `signal` is aborted. */
  put(put: Put, signal: AbortSignal): Promise<Proof>;
  /** Exactly these bytes; with `orLess`, those up to the object's end where that comes before. SP_FAR_MISSING; SP_FAR_ANSWER when there are fewer. */
  get(object: string, from: number, length: number, signal: AbortSignal, orLess?: boolean): Promise<Buffer>;
  /** It is gone; whether it was there is no matter. `known`: how long it is, and of what may have been replaced its hash, as far as the hub knows. */
  delete(object: string, signal: AbortSignal, known?: { readonly bytes: number; readonly sha256: string | undefined }): Promise<void>;
  /** Names after `after`, at most `listedMax`. */
  list(after: string | undefined, signal: AbortSignal): Promise<Listed>;
  /** Writes a small random object twice, and deletes it where it may, to learn what the store does. */
  probe(signal: AbortSignal): Promise<Probe>;
  close(): Promise<void>;
}
