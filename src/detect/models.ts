/**
 * The model files: where they lie, and what each must be, byte for byte. They come with two packages whose code is never run. A file that is
 * another one is refused before anything is made of it: a model decides what is an alarm, and whose face it is.
 */
import { createHash } from 'node:crypto';
import { SallyportError } from '../base/errors.ts';
import { joinPath, readFileBounded } from '../base/files.ts';

/** SHA-256 by the path below `node_modules`. */
const sums = {
  '@vladmandic/human/models/centernet.json': 'bfb942eaacc5becf738d536663bc4580a0ae9e560722306e6d4dd7fe4a09de05',
  '@vladmandic/human/models/centernet.bin': '1b635a15009071f506f9f2b3519b31c072c534888989f30d269ffd44734ef7ef',
  '@vladmandic/human/models/blazeface.json': 'cd7bbfc078270572beb39f9e5ae67aadbd50b5e67cff37e6d4f6b3ea39312e5f',
  '@vladmandic/human/models/blazeface.bin': 'dc9a97fdc50bc43216554bdd69aa3e7b9361a519ee7bdd996a2f69a98a6f9b72',
  '@vladmandic/face-api/model/face_recognition_model-weights_manifest.json': 'cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b',
  '@vladmandic/face-api/model/face_recognition_model.bin': 'b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589',
} as const;
type ModelPath = keyof typeof sums;

const bytesMax = 16 * 2 ** 20;

/** A model's description, parsed, and its weights. */
export interface ModelFiles {
  readonly json: unknown;
  readonly weights: Buffer;
}

export interface AllModelFiles {
  readonly objects: ModelFiles;
  readonly faces: ModelFiles;
  readonly embedding: ModelFiles;
}

/** SHA-256 of the weights that make vectors out of faces: vectors of other weights cannot be compared with them. */
export const embeddingSum: string = sums['@vladmandic/face-api/model/face_recognition_model.bin'];

/** `folder` is `node_modules`, or has the same below it. SP_MODEL_CHANGED; SP_READ. */
export async function readModels(folder: string): Promise<AllModelFiles> {
  return {
    objects: await readModel(folder, '@vladmandic/human/models/centernet.json', '@vladmandic/human/models/centernet.bin'),
    faces: await readModel(folder, '@vladmandic/human/models/blazeface.json', '@vladmandic/human/models/blazeface.bin'),
    embedding: await readModel(folder, '@vladmandic/face-api/model/face_recognition_model-weights_manifest.json', '@vladmandic/face-api/model/face_recognition_model.bin'),
  };
}

async function readModel(folder: string, description: ModelPath, weights: ModelPath): Promise<ModelFiles> {
  const json = await readChecked(folder, description);
  return { json: JSON.parse(json.toString('utf8')) as unknown, weights: await readChecked(folder, weights) };
}

async function readChecked(folder: string, path: ModelPath): Promise<Buffer> {
  const file = joinPath(folder, path);
  const bytes = await readFileBounded(file, bytesMax);
  if (createHash('sha256').update(bytes).digest('hex') !== sums[path]) throw new SallyportError('SP_MODEL_CHANGED', { file });
  return bytes;
}
