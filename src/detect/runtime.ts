/**
 * The model runtime, and the only file that knows which it is: numbers in, numbers out, one thread, WebAssembly. Another runtime takes its place
 * behind `Models`. Runs in the detector's process alone; what it reads, it reads at the start.
 */
import { loadGraphModelSync, type GraphModel } from '@tensorflow/tfjs-converter';
import { setThreadsCount, setWasmPaths, type BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { joinPath } from '../base/files.ts';
import type { AllModelFiles, ModelFiles } from './models.ts';
import { Embedding } from './embedding.ts';

export const objectsSize = 512;
export const facesSize = 256;
export const embedSize = 150;

/** Each takes `size * size` times red, green and blue. What is given and what comes back is the caller's to wipe. */
export interface Models {
  /** Of a picture with values of 0 to 255: at most 100 rows of left, top, right, bottom (pixels), score, class (from 0, as COCO counts its 80). */
  objects(input: Float32Array): Float32Array;
  /** Of one with values of -1 to 1: for each anchor a row of 17: logit, then middle, size and six points, relative to the anchor, in pixels. */
  faces(input: Float32Array): Float32Array;
  /** Of a face in its place with values of 0 to 255: what it looks like, in 128 numbers. */
  embed(input: Float32Array): Float32Array;
}

/** `folder` is `node_modules`. */
export async function openModels(files: AllModelFiles, folder: string): Promise<Models> {
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  setThreadsCount(1);
  setWasmPaths(`${joinPath(folder, '@tensorflow/tfjs-backend-wasm/dist')}/`);
  if (!await tf.setBackend('wasm')) throw new Error('WebAssembly does not start');
  await tf.ready();
  wipeWhatIsFreed(tf.backend() as BackendWasm);
  const objects = graphOf(files.objects), faces = graphOf(files.faces);
  let embedding: Embedding | undefined;
  return {
    objects: (input) => numbersOf(() => objects.execute(tf.tensor4d(input, [1, objectsSize, objectsSize, 3]), 'tower_0/detections') as tf.Tensor),
    faces: (input) => numbersOf(() => inOneTable(faces.execute(tf.tensor4d(input, [1, facesSize, facesSize, 3])) as tf.Tensor[])),
    embed: (input) => {
      // Most homes never need it.
      embedding ??= new Embedding(files.embedding);
      const net = embedding;
      return numbersOf(() => net.run(tf.tensor4d(input, [1, embedSize, embedSize, 3])));
    },
  };
}

function numbersOf(run: () => tf.Tensor): Float32Array {
  const result = tf.tidy(run);
  try {
    // A copy already, and the only one outside of the runtime's memory.
    return result.dataSync() as Float32Array;
  } finally {
    result.dispose();
  }
}

/**
 * What is freed in the runtime's memory stays there until something else needs the place: a face and its numbers until somebody else comes. So all that any step
 * made of a picture is overwritten as soon as no step needs it.
 */
function wipeWhatIsFreed(backend: BackendWasm): void {
  const dispose = backend.disposeData.bind(backend);
  backend.disposeData = (dataId, force = false) => {
    if (backend.dataIdMap.has(dataId)) {
      const { shape, dtype, refCount } = backend.dataIdMap.get(dataId);
      if (force || refCount <= 1) backend.typedArrayFromHeap({ dataId, shape, dtype }).fill(0);
    }
    return dispose(dataId, force);
  };
}

function graphOf({ json, weights }: ModelFiles): GraphModel<tf.io.IOHandlerSync> {
  const { modelTopology, weightsManifest, signature, format, generatedBy, convertedBy } = json as tf.io.ModelJSON & { signature?: object };
  return loadGraphModelSync(tf.io.fromMemorySync({
    modelTopology, ...(signature === undefined ? {} : { signature }), format: format ?? '', generatedBy: generatedBy ?? '', convertedBy: convertedBy ?? '',
    weightSpecs: weightsManifest.flatMap((group) => group.weights),
    weightData: Uint8Array.from(weights).buffer,
  }));
}

/** The model has two grids of anchors, 512 and 384, and for each a table of scores and one of the rest. */
function inOneTable(tables: readonly tf.Tensor[]): tf.Tensor {
  const [scores384, scores512, rest384, rest512] = tables.toSorted((a, b) => a.size - b.size) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
  return tf.concat([tf.concat([scores512, rest512], 2), tf.concat([scores384, rest384], 2)], 1);
}
