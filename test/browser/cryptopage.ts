/** A page with nothing but the worker, built as the real one is; the test drives it. */
import { startCryptoWorker } from '../../src/web/crypto/client.ts';
import workerUrl from '../../src/web/crypto/worker.ts?worker&url';

Object.assign(window, { keys: startCryptoWorker(workerUrl) });
