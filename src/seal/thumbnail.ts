/** The thumbnail box of a segment; its content is defined in format/thumbnail.ts. */
import { makeBox } from '../base/mp4.ts';
import { encodeThumbnail } from './format/thumbnail.ts';

export { findThumbnail, isThumbnail, paddedThumbnail, thumbnailBoxBytes, thumbnailBytesMax, thumbnailHeightMax, thumbnailIn, thumbnailUuid, thumbnailWidth, type ThumbnailPlace } from './format/thumbnail.ts';

/** The whole `uuid` box; the caller wipes it. */
export function thumbnailBox(jpeg: Uint8Array): Buffer {
  const payload = encodeThumbnail(jpeg);
  const box = Buffer.from(makeBox('uuid', payload).buffer);
  payload.fill(0);
  return box;
}
