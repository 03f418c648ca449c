/**
 * How much of what a camera sent is on the disk, to the picture: the last picture of a segment is looked up in the scene that the
 * camera plays in a loop, and compared with the one that it was about to send.
 */
import { readFile } from 'node:fs/promises';
import { boxAt } from '../../../src/base/mp4.ts';
import type { ArchiveSegment } from '../../../src/vault/archive.ts';
import { readVideo, type VideoSamples } from '../../../src/emulator/samples.ts';
import type { EmulatedCamera } from '../../../src/emulator/emulator.ts';
import type { TestSite } from '../../e2e/site.ts';
import { withKit } from './audit.ts';

export interface Loss {
  readonly pictures: number;
  readonly bytes: number;
}

/** What `camera` had sent before picture `next` and the newest segment that overlaps [fromMs, toMs] does not hold; undefined when nothing was recorded then. */
export async function lossSince(site: TestSite, camera: EmulatedCamera, next: number, fromMs: number, toMs: number): Promise<Loss | undefined> {
  const scene = readVideo(await readFile(camera.scenes.main));
  const last = await withKit(site, async (archive) => {
    const { segments } = await archive.segments(camera.name, fromMs, toMs);
    const newest = segments.filter(({ stream }) => stream === 'main').at(-1);
    return newest === undefined ? undefined : await lastPicture(await archive.openSegment(newest), newest);
  });
  if (last === undefined) return undefined;
  const index = scene.pictures.findIndex((picture) => endsWith(last, picture));
  if (index === -1) throw new Error('the last picture that was recorded is none that was sent');
  const length = scene.pictures.length;
  const pictures = (((next - 1 - index) % length) + length) % length;
  let bytes = 0;
  for (let n = 1; n <= pictures; n++) bytes += sizeOf(scene.pictures[(index + n) % length]);
  return { pictures, bytes };
}

/** The payload of the last whole `mdat`. */
async function lastPicture(opener: { chunks(): AsyncIterable<Buffer>; close(): void }, segment: ArchiveSegment): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  try {
    for await (const chunk of opener.chunks()) parts.push(chunk);
  } catch (error) {
    if (segment.cutChunks === undefined) throw error;
  } finally {
    opener.close();
  }
  const plain = Buffer.concat(parts);
  let last: Buffer | undefined;
  for (let box = boxAt(plain, 0); box !== undefined && box.start + box.size <= plain.length; box = boxAt(plain, box.start + box.size)) {
    if (box.type === 'mdat') last = plain.subarray(box.start + box.headerSize, box.start + box.size);
  }
  return last;
}

function endsWith(payload: Buffer, picture: VideoSamples['pictures'][number]): boolean {
  const nal = picture.nals.at(-1);
  return nal !== undefined && payload.length >= nal.length && payload.subarray(payload.length - nal.length).equals(nal);
}

function sizeOf(picture: VideoSamples['pictures'][number] | undefined): number {
  return (picture?.nals ?? []).reduce((sum, nal) => sum + 4 + nal.length, 0);
}
