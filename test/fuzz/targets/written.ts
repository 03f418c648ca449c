/** What the hub wrote itself and reads again from a disk that may lie: metadata box, hour list, file names, the owner's list. */
import { readFileSync } from 'node:fs';
import { isCameraId, slugOf } from '../../../src/policy/names.ts';
import { Identity } from '../../../src/seal/identity.ts';
import { makeOwnerList, readOwnerList } from '../../../src/seal/owner.ts';
import { metadataBox, readMetadata } from '../../../src/seal/metadata.ts';
import { openWhole } from '../../../src/seal/opener.ts';
import { findThumbnail, isThumbnail, thumbnailBox, thumbnailIn } from '../../../src/seal/thumbnail.ts';
import { openSlot, slotBlockBytes, slotTextBytes } from '../../../src/seal/slot.ts';
import { decodeHourList, encodeHourList } from '../../../src/vault/hourlist.ts';
import { holdName, parseHoldName, parseSegmentPath, segmentPath } from '../../../src/vault/footagepaths.ts';
import { boxMutators } from '../boxes.ts';
import { byteMutators, textMutators } from '../mutate.ts';
import { expect, refusal, type Target } from '../target.ts';

const vectors = new URL('../../vectors/', import.meta.url);
const vector = (name: string): Buffer => readFileSync(new URL(name, vectors));
const [kit] = Identity.parseFile(vector('kit.txt').toString(), 'kit.txt') as [Identity];
const folder = 'data/footage/front/20261124/05';

const jsonWords = ['{', '}', '[', ']', '"', ',', ':', 'null', 'true', '{}', '[]', '""', '"v":1', '"__proto__":{"x":1}', '"constructor":1', '\\u0000', '\\ud800', '1e999', '-0', '[[', '"camera":', '"segments":', '../', '\u0000'];

function periodIdentity(): Identity {
  return openSlot(vector('data/keyring/keyring.1').subarray(2 * slotBlockBytes).subarray(0, slotTextBytes), [kit], 'the vector slot').identity;
}

export const metadata: Target = {
  name: 'metadata',
  what: 'the metadata box behind a segment\'s ftyp (src/seal/format/metadata.ts)',
  bytesMax: 8192,
  longRun: 1_000_000,
  mutators: [...textMutators([...jsonWords, '"clock":"synchronised"', '"stream":"sub"']), ...boxMutators, ...byteMutators],
  corpus: () => {
    const plain = openWhole(vector(`${folder}/20261124T050000Z-1.mp4.age`), [periodIdentity()], 'the vector');
    return [plain.subarray(0, 946), plain.subarray(0, 400), plain.subarray(0, plain.readUInt32BE(0) + 300)].map((bytes) => Buffer.from(bytes));
  },
  read(bytes) {
    try {
      const read = readMetadata(bytes, 'it');
      const at = bytes.readUInt32BE(0) === 1 ? Number(bytes.readBigUInt64BE(8)) : bytes.readUInt32BE(0);
      const body = bytes.readUInt32BE(at) === 1 ? at + 16 : at + 8;
      expect(metadataBox(read).subarray(8).equals(bytes.subarray(body, body + metadataBox(read).length - 8)), 'equal values have one form only');
      return 'read';
    } catch (error) {
      return refusal(error, ['SP_SEGMENT_METADATA']);
    }
  },
};

export const thumbnail: Target = {
  name: 'thumbnail',
  what: 'the end of an opened segment, with its thumbnail (src/seal/format/thumbnail.ts)',
  bytesMax: 32_768,
  longRun: 1_000_000,
  mutators: [...boxMutators, ...byteMutators],
  corpus: () => {
    const plain = openWhole(vector('thumbnail/20261124T050020Z-3.mp4.age'), [periodIdentity()], 'the vector');
    return [plain.subarray(64_698), plain.subarray(64_698, 64_698 + 4_965), plain.subarray(60_000, 70_000)].map((bytes) => Buffer.from(bytes));
  },
  async read(bytes) {
    const alone = thumbnailIn(bytes);
    expect(alone === undefined || (isThumbnail(alone) && thumbnailBox(alone).equals(bytes)), 'a box that gives a JPEG is the box of that JPEG');
    const place = await findThumbnail(bytes.length, async (offset, length) => bytes.subarray(offset, offset + length));
    if (place === undefined) return alone === undefined ? 'none' : 'alone';
    const [offset, size] = place;
    const found = thumbnailIn(bytes.subarray(offset, offset + size));
    expect(offset >= 0 && offset + size <= bytes.length && found !== undefined && isThumbnail(found), 'what is found is one, and is there');
    return 'found';
  },
};

export const hourlist: Target = {
  name: 'hourlist',
  what: 'the hour list, opened (src/vault/hourlist.ts)',
  bytesMax: 32_768,
  longRun: 1_000_000,
  mutators: [...textMutators([...jsonWords, '"state":"cut"', '"chunks":1', '"key_frames":[[0,0]]', '"path":"../../etc/passwd"', '"size":']), ...byteMutators],
  corpus: () => {
    const plain = openWhole(vector(`${folder}/hour-2.json.age`), [periodIdentity()], 'the vector');
    const list = decodeHourList(plain, 'the vector');
    const gap = { stream: 'main' as const, from_ms: list.start_ms, to_ms: list.start_ms + 5, reason: 'camera offline', detail: 'it is away' };
    const held = list.segments.slice(0, 1).map((record) => ({ ...record, hold_sha256: record.header_sha256 }));
    const hold = Buffer.from(encodeHourList({ ...list, class: 'hold', segments: held, order: '5a11e0a7', maker: 'device', label: 'the visitor' }));
    const withThumbnail = openWhole(vector('thumbnail/hour-2.json.age'), [periodIdentity()], 'the vector');
    return [plain, hold, withThumbnail, Buffer.from(encodeHourList({ ...list, segments: [], gaps: [gap] })), Buffer.from(encodeHourList({ ...list, segments: list.segments.slice(0, 1) }))];
  },
  read(bytes) {
    try {
      const list = decodeHourList(bytes, 'it');
      expect(list.segments.every(({ path }) => parseSegmentPath(path)?.camera === list.camera), 'paths stay within the camera\'s folder');
      expect(decodeHourList(Buffer.from(encodeHourList(list)), 'it').segments.length === list.segments.length, 'what was read can be written and read again');
      return `read ${list.segments.length} ${list.gaps.length}`;
    } catch (error) {
      return refusal(error, ['SP_HOUR_LIST']);
    }
  },
};

export const ownerlist: Target = {
  name: 'ownerlist',
  what: 'the owner\'s list with its signature (src/seal/owner.ts, sshsig.ts)',
  bytesMax: 8192,
  longRun: 1_000_000,
  mutators: [...textMutators([...jsonWords, '"number":2', '-----BEGIN SSH SIGNATURE-----', '-----END SSH SIGNATURE-----', 'U1NIU0lH', 'ssh-ed25519 ', 'age1']), ...byteMutators],
  corpus: () => [vector('owner.json'), Buffer.from(makeOwnerList(kit, Date.UTC(2026, 0, 1)))],
  read(bytes) {
    try {
      const list = readOwnerList(bytes.toString(), 'it');
      expect(list.kit === kit.recipient && list.number === 1, 'what verifies is what was signed');
      return 'read';
    } catch (error) {
      return refusal(error, ['SP_OWNER_LIST']);
    }
  },
};

export const names: Target = {
  name: 'names',
  what: 'names that become folders: camera ids, slugs, segment paths (src/policy/names.ts, src/vault/footagepaths.ts)',
  bytesMax: 2048,
  longRun: 1_000_000,
  mutators: [...textMutators(['../', '/', '..', '\u0000', '\u202e', 'COM1', '.sub', '.part', '.mp4.age', '20261124T050000Z-1', '-', 'ß', 'İ', '\u{1f600}', '\ufdfa']), ...byteMutators],
  corpus: () => ['front', 'Front door', 'Garten (Süd)', 'front/20261124/05/20261124T050000Z-1.mp4.age', 'front/20261124/05/20261124T050010Z-2.sub.mp4.age.part', 'front/20261124/05/20261124T050000Z-1.mp4.age.4.hold'].map((text) => Buffer.from(text)),
  read(bytes) {
    const text = bytes.toString();
    const slug = slugOf(text, ['front', 'camera']);
    expect(isCameraId(slug) && slug !== 'front' && slug !== 'camera', 'a slug is a free camera id');
    const hold = parseHoldName(text);
    if (hold !== undefined) {
      expect(holdName(hold.segment, hold.slot) === text, 'only what building would have written is a hold');
      return 'hold';
    }
    const path = parseSegmentPath(text);
    if (path === undefined) return isCameraId(text) ? 'id' : 'no path';
    const built = `${segmentPath(path.camera, path.folderMs, path)}${path.part ? '.part' : ''}`;
    expect(built === text, 'only what building would have written is a path');
    return `path ${path.stream}`;
  },
};
