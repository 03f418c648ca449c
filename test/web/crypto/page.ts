/** A page and its keys' worker, as two ends of a channel in this process. */
import { MessageChannel } from 'node:worker_threads';
import { CryptoClient, type CryptoWorker } from '../../../src/web/crypto/client.ts';
import type { Fetcher, Poster } from '../../../src/web/crypto/fetcher.ts';
import { Keeper } from '../../../src/web/crypto/keeper.ts';
import { memoryRecords, type RecordStore } from '../../../src/web/crypto/records.ts';
import { CryptoServer, type Call } from '../../../src/web/crypto/worker.ts';

/** A browser's page and worker, with a real channel between them. */
export function browser(o: { records?: RecordStore; fetch?: Fetcher; post?: Poster } = {}): CryptoClient {
  const { port1, port2 } = new MessageChannel();
  const server = new CryptoServer({ postMessage: (message, transfer) => port2.postMessage(message, transfer as ArrayBuffer[]) }, new Keeper({ records: o.records ?? memoryRecords(), fetch: o.fetch ?? (async () => new Uint8Array(0)), post: o.post ?? (async () => ({})) }));
  port2.on('message', (call: Call) => void server.answer(call));
  const worker: CryptoWorker = {
    postMessage: (message) => port1.postMessage(message),
    addEventListener: (type: string, take: (event: never) => void) => void (type === 'message' && port1.on('message', (data) => take({ data } as never))),
    terminate: () => {
      port1.close();
      port2.close();
    },
  };
  return new CryptoClient(worker);
}
