/**
 * The detector: the process that looks at pictures. The hub starts it in a jail, without network, and without files once it runs (`detect/client.ts`);
 * pictures come in by standard input, what is in them goes out by standard output, and it keeps nothing. When the input ends, so does it.
 *
 * Exit status: 0 the input ended, 3 a model file is not the one that it must be, 4 the input made no sense.
 */
import { isSallyportError, reasonOf } from './base/errors.ts';
import { joinPath } from './base/files.ts';
import { readInOnePlace } from './base/oneplace.ts';
import { embeddingSum, readModels } from './detect/models.ts';
import { encodeAnswer } from './detect/protocol.ts';
import { openModels } from './detect/runtime.ts';
import { Service } from './detect/service.ts';

const packages = joinPath(import.meta.dirname, '../node_modules');
const models = process.argv[2] ?? packages;

try {
  const files = await readModels(models);
  const service = new Service(await openModels(files, packages), send);
  readInOnePlace(process.stdin, (bytes) => {
    try {
      service.take(bytes);
    } catch (error) {
      leave(4, error);
    }
  });
  process.stdin.on('end', () => process.exit(0));
  send(encodeAnswer({ kind: 'ready', id: 0, embedding: embeddingSum }));
} catch (error) {
  leave(isSallyportError(error, 'SP_MODEL_CHANGED') ? 3 : 1, error);
}

/** Of at most some hundred kilobytes, of which the hub reads each before it orders anew. Wiped when it is written. */
function send(answer: Uint8Array): void {
  process.stdout.write(answer, () => answer.fill(0));
}

function leave(status: number, error: unknown): void {
  process.stderr.write(`${isSallyportError(error, 'SP_MODEL_CHANGED') ? String(error.evidence['file']) : reasonOf(error)}\n`);
  process.exit(status);
}
