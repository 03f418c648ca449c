/** Where a browser keeps its devices' records: IndexedDB (`indexeddb.ts`), or memory where a private window has none. Nothing in a record opens anything by itself. */
import type { Bytes } from './bytes.ts';

export interface DeviceRecord {
  /** The account's id. */
  readonly account: string;
  /** The name that it logs in with, as it was typed. */
  readonly login: string;
  /** What the hub calls this device, once it has noted it. */
  readonly device?: string;
  readonly name: string;
  readonly recipient: string;
  readonly signer: string;
  /** 16 random bytes, which exist in this browser only. */
  readonly secret: Bytes;
  readonly nonce: Bytes;
  /** The identity's scalar, wrapped. */
  readonly wrapped: Bytes;
  /** The owner list that this browser verified last. */
  readonly ownerList?: string;
}

export interface RecordStore {
  all(): Promise<DeviceRecord[]>;
  put(record: DeviceRecord): Promise<void>;
  delete(account: string): Promise<void>;
}

export function memoryRecords(): RecordStore {
  const records = new Map<string, DeviceRecord>();
  return {
    all: async () => [...records.values()],
    put: async (record) => void records.set(record.account, structuredClone(record)),
    delete: async (account) => void records.delete(account),
  };
}
