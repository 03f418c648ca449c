/**
 * dlib's face recognition net (a ResNet of 29 convolutions, by its author in the public domain), put together from its weights: each layer
 * is a convolution, a scale, and a relu. Most weights lie in one byte each.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelFiles } from './models.ts';

interface WeightRow {
  readonly name: string;
  readonly shape: readonly number[];
  /** Absent for numbers of four bytes. */
  readonly quantization?: { readonly dtype: string; readonly scale: number; readonly min: number };
}

/** Of each stage: its convolutions with a halving of the picture first, and those after it. */
const stages = [
  [undefined, 'conv32_1', 'conv32_2', 'conv32_3'],
  ['conv64_down', 'conv64_1', 'conv64_2', 'conv64_3'],
  ['conv128_down', 'conv128_1', 'conv128_2'],
  ['conv256_down', 'conv256_1', 'conv256_2'],
  ['conv256_down_out'],
] as const;
/** Of the pictures that it was trained with. */
const meanColour = [122.782, 117.001, 104.298];

export class Embedding {
  /** By name. Scale and bias are put into the convolution: w * (conv(x) + b) + c is one convolution and one sum. */
  readonly #filters = new Map<string, tf.Tensor4D>();
  readonly #biases = new Map<string, tf.Tensor1D>();
  readonly #last: tf.Tensor2D;
  readonly #mean = tf.tensor1d(meanColour);

  constructor({ json, weights }: ModelFiles) {
    const values = dequantised(json as readonly { weights: readonly WeightRow[] }[], weights);
    const valueOf = (name: string): { shape: readonly number[]; numbers: Float32Array } => {
      const value = values.get(name);
      if (value === undefined) throw new Error(`the model has no ${name}`);
      return value;
    };
    for (const name of ['conv32_down', ...stages.flat().filter((stage) => stage !== undefined).flatMap((stage) => [`${stage}/conv1`, `${stage}/conv2`])]) {
      const filters = valueOf(`${name}/conv/filters`), bias = valueOf(`${name}/conv/bias`).numbers;
      const scale = valueOf(`${name}/scale/weights`).numbers, shift = valueOf(`${name}/scale/biases`).numbers;
      const count = scale.length;
      this.#filters.set(name, tf.tensor4d(filters.numbers.map((value, at) => value * (scale[at % count] as number)), filters.shape as [number, number, number, number]));
      this.#biases.set(name, tf.tensor1d(bias.map((value, at) => value * (scale[at] as number) + (shift[at] as number))));
    }
    const last = valueOf('fc');
    this.#last = tf.tensor2d(last.numbers, last.shape as [number, number]);
  }

  /** Of pictures of 150x150, values of 0 to 255. To be called within `tf.tidy`. */
  run(pictures: tf.Tensor4D): tf.Tensor2D {
    let x = tf.relu(this.#convolve(tf.div(tf.sub(pictures, this.#mean), 255), 'conv32_down', 2));
    x = tf.maxPool(x, 3, 2, 'valid');
    for (const [first, ...rest] of stages) {
      if (first !== undefined) x = this.#halve(x, first);
      for (const name of rest) x = tf.relu(tf.add(this.#twice(x, name, 1), x));
    }
    return tf.matMul(tf.mean(x, [1, 2]), this.#last);
  }

  #halve(x: tf.Tensor4D, name: string): tf.Tensor4D {
    const deep = this.#twice(x, name, 2), pooled = tf.avgPool(x, 2, 2, 'valid');
    const [, height, width, depth] = pooled.shape;
    // What is smaller than the other is filled up with zeros: the picture at its right and lower edge, the pooled one in its depth.
    const grown = tf.pad(deep, [[0, 0], [0, height - deep.shape[1]], [0, width - deep.shape[2]], [0, 0]]);
    return tf.relu(tf.add(tf.pad(pooled, [[0, 0], [0, 0], [0, 0], [0, deep.shape[3] - depth]]), grown));
  }

  #twice(x: tf.Tensor4D, name: string, stride: 1 | 2): tf.Tensor4D {
    return this.#convolve(tf.relu(this.#convolve(x, `${name}/conv1`, stride)), `${name}/conv2`, 1);
  }

  #convolve(x: tf.Tensor4D, name: string, stride: 1 | 2): tf.Tensor4D {
    return tf.add(tf.conv2d(x, this.#filters.get(name) as tf.Tensor4D, stride, stride === 2 ? 'valid' : 'same'), this.#biases.get(name) as tf.Tensor1D);
  }
}

function dequantised(manifest: readonly { weights: readonly WeightRow[] }[], bytes: Uint8Array): Map<string, { shape: readonly number[]; numbers: Float32Array }> {
  const values = new Map<string, { shape: readonly number[]; numbers: Float32Array }>();
  let at = 0;
  for (const { name, shape, quantization } of manifest.flatMap(({ weights }) => weights)) {
    const size = shape.reduce((product, side) => product * side, 1) * (quantization === undefined ? 4 : 1);
    const raw = bytes.subarray(at, at += size);
    if (quantization !== undefined && quantization.dtype !== 'uint8') throw new Error(`${name} has weights of another kind`);
    const numbers = quantization === undefined ? new Float32Array(Uint8Array.from(raw).buffer) : Float32Array.from(raw, (value) => value * quantization.scale + quantization.min);
    values.set(name, { shape, numbers });
  }
  if (at !== bytes.length) throw new Error('the weights are of another length');
  return values;
}
