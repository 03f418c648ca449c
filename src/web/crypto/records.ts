/** Where a browser keeps its devices' records: IndexedDB, or memory where a private window has none. Nothing in a record opens anything by itself. */
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

const databaseName = 'sallyport';
const storeName = 'devices';

export function memoryRecords(): RecordStore {
  const records = new Map<string, DeviceRecord>();
  return {
    all: async () => [...records.values()],
    put: async (record) => void records.set(record.account, structuredClone(record)),
    delete: async (account) => void records.delete(account),
  };
}

export function indexedDbRecords(factory: IDBFactory): RecordStore {
  const use = async <T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
    const database = await opened(factory);
    try {
      const transaction = database.transaction(storeName, mode, { durability: 'strict' });
      const done = new Promise<void>((resolve, reject) => {
        transaction.addEventListener('complete', () => resolve());
        transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('IndexedDB gave up')));
      });
      const result = answered(work(transaction.objectStore(storeName)));
      await Promise.all([result, done]);
      return await result;
    } finally {
      database.close();
    }
  };
  return {
    all: () => use('readonly', (store) => store.getAll() as IDBRequest<DeviceRecord[]>),
    put: async (record) => void (await use('readwrite', (store) => store.put(record))),
    delete: async (account) => void (await use('readwrite', (store) => store.delete(account))),
  };
}

function opened(factory: IDBFactory): Promise<IDBDatabase> {
  const request = factory.open(databaseName, 1);
  request.addEventListener('upgradeneeded', () => void request.result.createObjectStore(storeName, { keyPath: 'account' }));
  return answered(request);
}

function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('IndexedDB gave no answer')));
  });
}
