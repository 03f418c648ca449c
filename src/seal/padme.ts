/** Padding that hides a segment's exact size; the rule is in format/padme.ts. */
import { makeBox } from '../base/mp4.ts';
import { paddingBoxSize } from './format/padme.ts';

export { padmeSize } from './format/padme.ts';

/** A `free` box of zeros that brings `plainBytes` + box to a Padmé size; players skip it. */
export function paddingBox(plainBytes: number): Buffer {
  return Buffer.from(makeBox('free', new Uint8Array(paddingBoxSize(plainBytes) - 8)).buffer);
}
