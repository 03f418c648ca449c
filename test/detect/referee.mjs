/**
 * Compares our net with the one of the package that carries its weights, whose own code runs here and nowhere else. Prints the largest distance of two
 * vectors of the same picture. Its code asks for the whole of tfjs by a name; what it needs of it is in the part that we have.
 */
import { readFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { join } from 'node:path';

const packages = join(import.meta.dirname, '../../node_modules/');
registerHooks({ resolve: (name, context, next) => next(name === '@tensorflow/tfjs' ? '@tensorflow/tfjs-core' : name, context) });
const require = createRequire(packages);
const tf = require('@tensorflow/tfjs-core');
require('@tensorflow/tfjs-backend-wasm');
tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
for (const name of ['div', 'mean', 'sub', 'mul', 'add', 'cast']) tf.Tensor.prototype[name] ??= function (...more) { return tf[name](this, ...more); };
tf.Tensor.prototype.as3D ??= function (...shape) { return tf.reshape(this, shape); };
tf.Tensor.prototype.as4D ??= tf.Tensor.prototype.as3D;
const { FaceRecognitionNet } = require('@vladmandic/face-api/dist/face-api.node-wasm.js');
await tf.setBackend('wasm');
await tf.ready();

const json = JSON.parse(readFileSync(join(packages, '@vladmandic/face-api/model/face_recognition_model-weights_manifest.json'), 'utf8'));
const weights = readFileSync(join(packages, '@vladmandic/face-api/model/face_recognition_model.bin'));
const theirs = new FaceRecognitionNet();
theirs.loadFromWeightMap(tf.io.decodeWeights(Uint8Array.from(weights).buffer, json.flatMap((group) => group.weights)));
const { Embedding } = await import('../../src/detect/embedding.ts');
const ours = new Embedding({ json, weights });

let largest = 0, apart = 0;
let last;
for (let picture = 1; picture <= 4; picture++) {
  const pixels = tf.tensor4d(Float32Array.from({ length: 150 * 150 * 3 }, (_, at) => Math.abs(Math.sin(at * picture * 0.001 + picture)) * 255), [1, 150, 150, 3]);
  const a = await (await theirs.forward(pixels)).data(), b = await ours.run(pixels).data();
  largest = Math.max(largest, Math.hypot(...a.map((value, at) => value - b[at])));
  if (last !== undefined) apart = Math.max(apart, Math.hypot(...b.map((value, at) => value - last[at])));
  last = b;
}
process.stdout.write(JSON.stringify({ largest, apart }));
