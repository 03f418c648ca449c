/** The metadata box of a segment; its content is defined in format/metadata.ts. */
import { makeBox } from '../base/mp4.ts';
import { encodeMetadata, type SegmentMetadata } from './format/metadata.ts';

export { readMetadata, segmentUuid, type SegmentMetadata } from './format/metadata.ts';

/** The whole `uuid` box. */
export function metadataBox(m: SegmentMetadata): Buffer {
  return Buffer.from(makeBox('uuid', encodeMetadata(m)).buffer);
}
