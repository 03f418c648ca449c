/** Devices' records in IndexedDB. */
import type { DeviceRecord, RecordStore } from './records.ts';

const databaseName = 'sallyport';
const storeName = 'devices';

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
