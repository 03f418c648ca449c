import t from 'tap';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { isSallyportError } from '../../src/base/errors.ts';
import { boxesIn } from '../../src/base/mp4.ts';
import { run } from '../../src/base/spawn.ts';
import { readRecovery } from '../../src/policy/ownerdocuments.ts';
import { Identity } from '../../src/seal/identity.ts';
import { checkHold } from '../../src/seal/hold.ts';
import { readMetadata, type SegmentMetadata } from '../../src/seal/metadata.ts';
import { Opener, openWhole } from '../../src/seal/opener.ts';
import { openSpace, openSpaceHistory, readOwnerList, readTakenOwnerList, slotRecipients } from '../../src/seal/owner.ts';
import { padmeSize } from '../../src/seal/padme.ts';
import { looksLikeSlot, openSlot, slotBlockBytes, slotTextBytes } from '../../src/seal/slot.ts';
import { verifySignature } from '../../src/seal/sshsig.ts';
import { holdName } from '../../src/vault/footagepaths.ts';
import { decodeHourList } from '../../src/vault/hourlist.ts';
import { findThumbnail, isThumbnail, thumbnailIn } from '../../src/seal/thumbnail.ts';
import { memorySource } from './bytes.ts';
import { ageOpens, noAge, noFfprobe, noSshKeygen, typageOpens } from './referees.ts';

// Sealing is random, so these were made once. A reader that stops opening them has left the format.
const folder = new URL('../vectors/', import.meta.url);

interface SegmentVector {
  readonly file: string;
  readonly size: number;
  readonly header_bytes: number;
  readonly plain_size: number;
  readonly plain_sha256: string;
  readonly metadata: SegmentMetadata;
  readonly key_frames: readonly (readonly [number, number])[];
}

interface Index {
  readonly kit: { readonly file: string; readonly recipient: string; readonly signer: string };
  readonly owner_list: { readonly file: string; readonly space: string; readonly recipient: string };
  readonly owner_lists_after: {
    readonly files: readonly string[]; readonly signed_by: readonly string[]; readonly space: string; readonly recipients: readonly string[];
    readonly device: { readonly file: string; readonly recipient: string; readonly signer: string }; readonly member: { readonly file: string; readonly recipient: string };
    readonly opened_by_device: number; readonly opened_by_member: number;
  };
  readonly recovery: { readonly message: string; readonly file: string; readonly namespace: string };
  readonly slot: {
    readonly files: readonly string[]; readonly slot: number; readonly camera: string; readonly class: string; readonly start_ms: number;
    readonly text_sha256: string; readonly recipient: string; readonly shredded: readonly number[];
  };
  readonly segment: SegmentVector;
  readonly cut_segment: SegmentVector & { readonly chunks: number };
  readonly hour_list: { readonly file: string; readonly plain_sha256: string };
  readonly hold: {
    readonly file: string; readonly size: number; readonly sha256: string; readonly slot: number; readonly class: string; readonly recipient: string; readonly slot_text_sha256: string;
    readonly list: { readonly file: string; readonly plain_sha256: string; readonly order: string; readonly label: string; readonly deadline_ms: number };
  };
  readonly thumbnail: SegmentVector & {
    readonly thumb: readonly [number, number]; readonly jpeg_size: number; readonly jpeg_sha256: string; readonly width: number; readonly height: number;
    readonly hour_list: { readonly file: string; readonly plain_sha256: string };
  };
  readonly alarm: {
    readonly slot: { readonly file: string; readonly slot: number; readonly camera: string; readonly class: string; readonly start_ms: number; readonly text_sha256: string; readonly recipient: string };
    readonly pictures: Readonly<Record<'full' | 'text', { readonly file: string; readonly size: number; readonly plain_size: number; readonly plain_sha256: string }>>;
    readonly hold: { readonly file: string; readonly segment: string; readonly sha256: string };
    readonly list: { readonly file: string; readonly plain_sha256: string; readonly deadline_ms: number };
  };
  readonly signature: { readonly message: string; readonly file: string; readonly public_key: string; readonly namespace: string };
  readonly damaged: readonly { readonly name: string; readonly at?: number; readonly xor?: number; readonly keep?: number; readonly code: string; readonly chunk?: number }[];
}

const read = (name: string): Buffer => readFileSync(new URL(name, folder));
const index = JSON.parse(read('index.json').toString()) as Index;
const [kit] = Identity.parseFile(read(index.kit.file).toString(), index.kit.file) as [Identity];
const slotText = (slot: number, file = 0): Buffer => read(index.slot.files[file] as string).subarray(slot * slotBlockBytes).subarray(0, slotTextBytes);
const period = openSlot(slotText(index.slot.slot), [kit], 'the vector slot').identity;
const work = t.testdir({ 'hour.txt': `${period.reveal()}\n` });
const kitFile = new URL(index.kit.file, folder).pathname;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

t.test('the kit is who it says, and signed its owner list', async (t) => {
  t.equal(kit.recipient, index.kit.recipient);
  t.equal(kit.signer().publicKey, index.kit.signer);
  const list = readOwnerList(read(index.owner_list.file).toString(), index.owner_list.file);
  t.equal(list.signer, index.kit.signer);
  t.strictSame(slotRecipients(list, index.owner_list.space), [index.kit.recipient, index.owner_list.recipient]);
  const space = openSpace(list, index.owner_list.space, [kit]);
  t.equal(openSlot(slotText(index.slot.slot), [space], 'the vector slot').identity.recipient, index.slot.recipient, 'the space opens the slot as well');
});

t.test('the lists after it are signed by kit and device in turn, and open for device and member', async (t) => {
  const { files, signed_by: signedBy, device, member, space, recipients, opened_by_device: byDevice, opened_by_member: byMember } = index.owner_lists_after;
  let known = read(index.owner_list.file).toString();
  for (const [at, file] of files.entries()) {
    const text = read(file).toString();
    t.equal(readOwnerList(text, file, known).number, at + 2);
    t.equal((JSON.parse(text) as { by?: string }).by ?? index.kit.signer, signedBy[at]);
    known = text;
  }
  t.throws(() => readOwnerList(known, 'owner-3.json', read(index.owner_list.file).toString()), { code: 'SP_OWNER_LIST' }, 'without the list between nobody knows the device');
  const list = readTakenOwnerList(known, 'owner-3.json');
  t.match(list.devices, [{ recipient: device.recipient, signer: device.signer }]);
  for (const [file, count] of [[device.file, byDevice], [member.file, byMember], [index.kit.file, byDevice]] as const) {
    const opened = openSpaceHistory(list, space, Identity.parseFile(read(file).toString(), file));
    t.strictSame(opened.map(({ recipient }) => recipient), recipients.slice(0, count), file);
    for (const identity of opened) identity.close();
  }
});

t.test('a return with the kit is signed by it, for us and for ssh-keygen', { skip: noSshKeygen }, async (t) => {
  const { message, file, namespace } = index.recovery;
  const document = read(message).toString();
  t.match(readRecovery(document), { hub: read(index.signature.public_key).toString().trim(), name: 'Ada', device: { recipient: index.owner_lists_after.device.recipient } });
  t.equal(readRecovery(document.replace('"v":1', '"v": 1')), undefined, 'it has one form only');
  t.equal(readRecovery(document.replace('"recover"', '"reset"')), undefined);
  verifySignature({ message: document, signature: read(file).toString(), namespace, publicKey: index.kit.signer, what: message });
  writeFileSync(`${work}/allowed-kit`, `kit ${index.kit.signer}\n`);
  const { status } = await run('ssh-keygen', ['-Y', 'verify', '-f', `${work}/allowed-kit`, '-I', 'kit', '-n', namespace, '-s', new URL(file, folder).pathname], { input: document });
  t.equal(status, 0);
});

t.test('the slot gives the period key, from both keyring files', async (t) => {
  for (const file of index.slot.files.keys()) {
    const text = slotText(index.slot.slot, file);
    t.equal(sha256(text), index.slot.text_sha256);
    const { identity, ...rest } = openSlot(text, [kit], 'the vector slot');
    t.equal(identity.recipient, index.slot.recipient);
    t.strictSame(rest, { camera: index.slot.camera, class: index.slot.class, startMs: index.slot.start_ms });
    t.match((await typageOpens(text, kit.reveal()))?.toString(), identity.reveal());
    for (const slot of index.slot.shredded) t.equal(looksLikeSlot(slotText(slot, file)), false, `slot ${slot} was shredded`);
  }
});

t.test('the slot, the segment and the hour list open with dd and age alone', { skip: noAge }, async (t) => {
  const { stdout } = await run('dd', [`if=${new URL(index.slot.files[0] as string, folder).pathname}`, 'bs=1024', `skip=${4 * index.slot.slot}`, 'count=1']);
  const hour = await ageOpens(stdout, kitFile);
  t.match(hour?.toString(), period.reveal());
  writeFileSync(`${work}/from-dd.txt`, hour ?? '');
  t.equal(sha256((await ageOpens(read(index.segment.file), `${work}/from-dd.txt`)) ?? Buffer.alloc(0)), index.segment.plain_sha256);
  t.equal(sha256((await ageOpens(read(index.hour_list.file), `${work}/from-dd.txt`)) ?? Buffer.alloc(0)), index.hour_list.plain_sha256);
  t.equal(await ageOpens(read(index.segment.file), kitFile), undefined, 'the kit alone does not open a segment: once the slot is shredded nothing does');
});

t.test('a day of alarms: its slot gives the key of its pictures, of its list, and of the footage that it keeps', async (t) => {
  const { slot, pictures, hold, list } = index.alarm;
  const text = read(slot.file);
  t.equal(text.length, slotTextBytes);
  t.equal(sha256(text), slot.text_sha256);
  const { identity, ...rest } = openSlot(text, [kit], slot.file);
  t.equal(identity.recipient, slot.recipient);
  t.strictSame(rest, { camera: slot.camera, class: slot.class, startMs: slot.start_ms });
  for (const { file, size, plain_size: plainSize, plain_sha256: expected } of Object.values(pictures)) {
    const sealed = read(file);
    t.equal(sealed.length, size);
    const plain = openWhole(sealed, [identity], file);
    t.strictSame([plain.length, sha256(plain)], [plainSize, expected]);
    t.strictSame(await typageOpens(sealed, identity.reveal()), plain);
    t.throws(() => openWhole(sealed, [kit], file), { code: 'SP_WRONG_IDENTITY' }, 'the kit alone does not');
  }
  t.strictSame(JSON.parse(openWhole(read(pictures.text.file), [identity], 'text').toString()), { name: 'Ada' });
  const plainList = openWhole(read(list.file), [identity], list.file);
  t.equal(sha256(plainList), list.plain_sha256);
  const { class: klass, slot: number, deadline_ms: deadlineMs, segments } = decodeHourList(plainList, list.file);
  t.strictSame([klass, number, deadlineMs], [slot.class, slot.slot, list.deadline_ms]);
  t.match(segments, [{ seq: 1, hold_sha256: hold.sha256 }]);
  const header = read(hold.file);
  t.equal(sha256(header), hold.sha256);
  t.equal(hold.file.endsWith(holdName(hold.segment.split('/').at(-1) ?? '', slot.slot)), true);
  t.equal(sha256(openWhole(Buffer.concat([header, read(hold.segment).subarray(header.length)]), [identity], hold.file)), index.segment.plain_sha256);
  identity.close();
});

t.test('the slot, a picture and held footage of a day of alarms open with age alone', { skip: noAge }, async (t) => {
  const { slot, pictures, hold } = index.alarm;
  const day = await ageOpens(read(slot.file), kitFile);
  t.match(day?.toString(), /^# front alarm 2026-11-24T00:00:00Z\nAGE-SECRET-KEY-1/);
  writeFileSync(`${work}/day-from-age.txt`, day ?? '');
  t.equal(sha256((await ageOpens(read(pictures.full.file), `${work}/day-from-age.txt`)) ?? Buffer.alloc(0)), pictures.full.plain_sha256);
  const header = read(hold.file);
  t.equal(sha256((await ageOpens(Buffer.concat([header, read(hold.segment).subarray(header.length)]), `${work}/day-from-age.txt`)) ?? Buffer.alloc(0)), index.segment.plain_sha256);
});

t.test('age gives what a cut segment still holds, and says that its end is missing', { skip: noAge }, async (t) => {
  const { status, stdout } = await run('age', ['-d', '-i', `${work}/hour.txt`, new URL(index.cut_segment.file, folder).pathname]);
  t.not(status, 0);
  t.equal(sha256(stdout), index.cut_segment.plain_sha256);
});

t.test('age-encryption opens the segment and the hour list, and refuses the cut segment', async (t) => {
  for (const { file, plain_sha256 } of [index.segment, index.hour_list]) {
    t.equal(sha256((await typageOpens(read(file), period.reveal())) ?? Buffer.alloc(0)), plain_sha256, file);
  }
  t.equal(await typageOpens(read(index.cut_segment.file), period.reveal()), undefined);
});

t.test('the segment opens to its boxes, metadata, key frames and padding', async (t) => {
  const sealed = read(index.segment.file);
  const plain = openWhole(sealed, [period], index.segment.file);
  t.equal(sealed.length, index.segment.size);
  t.equal(sha256(plain), index.segment.plain_sha256);
  t.strictSame(readMetadata(plain, index.segment.file), index.segment.metadata);
  const boxes = boxesIn(plain);
  t.strictSame(boxes.slice(0, 3).map(({ type }) => type), ['ftyp', 'uuid', 'moov']);
  t.equal(boxes.at(-1)?.type, 'free');
  t.equal(padmeSize(plain.length), plain.length);
  for (const [, offset] of index.segment.key_frames) t.equal(boxes.find(({ start }) => start === offset)?.type, 'moof');
});

t.test('the cut segment gives its whole chunks when its row says so', async (t) => {
  const { file, chunks, plain_size: plainSize, plain_sha256: plainSha256, metadata } = index.cut_segment;
  const opener = await Opener.open(memorySource(read(file)), [period], file, { cutChunks: chunks });
  const parts: Buffer[] = [];
  for await (const chunk of opener.chunks()) parts.push(chunk);
  const plain = Buffer.concat(parts);
  t.equal(opener.cut, true);
  t.equal(plain.length, plainSize);
  t.equal(sha256(plain), plainSha256);
  t.strictSame(readMetadata(plain, file), metadata);
  t.throws(() => openWhole(read(file), [period], file), { code: 'SP_SEGMENT_CUT', evidence: { chunks } });
});

t.test('the hour list names both segments', async (t) => {
  const plain = openWhole(read(index.hour_list.file), [period], index.hour_list.file);
  t.equal(sha256(plain), index.hour_list.plain_sha256);
  const list = JSON.parse(plain.toString()) as { segments: { path: string; size: number; state: string; key_frames: unknown }[] };
  for (const [row, vector] of [[list.segments[0], index.segment], [list.segments[1], index.cut_segment]] as const) {
    t.match(row, { size: vector.size, key_frames: vector.key_frames, state: vector === index.segment ? 'complete' : 'cut' });
    t.equal(`data/footage/${row?.path}`, vector.file);
  }
});

t.test('the hold opens the segment in place of its own header, for the slot that its name says', { skip: noAge }, async (t) => {
  const { hold } = index;
  const text = slotText(hold.slot);
  t.equal(sha256(text), hold.slot_text_sha256);
  const { identity, ...rest } = openSlot(text, [kit], 'the hold\'s slot');
  t.strictSame(rest, { camera: index.slot.camera, class: hold.class, startMs: index.slot.start_ms });
  t.equal(identity.recipient, hold.recipient);
  t.equal(hold.file, holdName(index.segment.file, hold.slot));
  const header = read(hold.file);
  t.strictSame([header.length, sha256(header)], [hold.size, hold.sha256]);
  checkHold(header, hold.file);
  const held = Buffer.concat([header, read(index.segment.file).subarray(hold.size)]);
  t.equal(sha256(openWhole(held, [identity], hold.file)), index.segment.plain_sha256);
  writeFileSync(`${work}/hold.txt`, identity.reveal());
  t.equal(sha256((await ageOpens(held, `${work}/hold.txt`)) ?? Buffer.alloc(0)), index.segment.plain_sha256, 'age');
  t.equal(sha256((await typageOpens(held, identity.reveal())) ?? Buffer.alloc(0)), index.segment.plain_sha256, 'age-encryption');
  t.equal(await ageOpens(held, `${work}/hour.txt`), undefined, 'the hour\'s key does not open it');
  t.equal(await ageOpens(read(index.segment.file), `${work}/hold.txt`), undefined, 'nor does the hold\'s key open the segment\'s own header');
  t.equal(await ageOpens(Buffer.concat([header, read(index.cut_segment.file).subarray(hold.size)]), `${work}/hold.txt`), undefined, 'nor the hold another segment');
  const plain = openWhole(read(hold.list.file), [identity], hold.list.file);
  t.equal(sha256(plain), hold.list.plain_sha256);
  t.match(decodeHourList(plain, hold.list.file), {
    class: 'hold', slot: hold.slot, order: hold.list.order, label: hold.list.label, maker: 'device', deadline_ms: hold.list.deadline_ms, segments: [{ size: index.segment.size, hold_sha256: hold.sha256 }],
  });
});

t.test('the segment with a thumbnail gives it, by its list and without, and from the chunks alone in which it lies', async (t) => {
  const vector = index.thumbnail;
  const [offset, size] = vector.thumb;
  const plain = openWhole(read(vector.file), [period], vector.file);
  t.equal(read(vector.file).length, vector.size);
  t.equal(sha256(plain), vector.plain_sha256);
  t.strictSame(readMetadata(plain, vector.file), vector.metadata);
  t.match(boxesIn(plain).slice(-2), [{ type: 'uuid', start: offset, size }, { type: 'free' }]);
  t.equal(padmeSize(plain.length), plain.length);
  t.strictSame(await findThumbnail(plain.length, async (from, length) => plain.subarray(from, from + length)), vector.thumb);
  const opener = await Opener.open(memorySource(read(vector.file)), [period], vector.file);
  const jpeg = thumbnailIn(await opener.read(offset, size)) ?? Buffer.alloc(0);
  t.ok(isThumbnail(jpeg));
  t.strictSame([jpeg.length, sha256(jpeg)], [vector.jpeg_size, vector.jpeg_sha256]);
  t.not(Math.floor(offset / 65_536), Math.floor((offset + size - 1) / 65_536), 'it lies across the edge of a chunk');
  t.equal(sha256((await typageOpens(read(vector.file), period.reveal())) ?? Buffer.alloc(0)), vector.plain_sha256);
  const list = openWhole(read(vector.hour_list.file), [period], vector.hour_list.file);
  t.equal(sha256(list), vector.hour_list.plain_sha256);
  t.match(JSON.parse(list.toString()), { segments: [{ thumb: vector.thumb, size: vector.size, key_frames: vector.key_frames }] });
});

t.test('age, tail and head give the thumbnail, and ffprobe says that it is one', { skip: noAge || noFfprobe }, async (t) => {
  const { file, thumb: [offset, size], jpeg_sha256: jpegSha256, width, height } = index.thumbnail;
  const { stdout } = await run('bash', ['-c', 'age -d -i "$1" "$2" | tail -c +$(($3 + 25)) | head -c $(($4 - 24))', 'bash', `${work}/hour.txt`, new URL(file, folder).pathname, String(offset), String(size)]);
  t.equal(sha256(stdout), jpegSha256);
  const shown = await run('ffprobe', ['-v', 'error', '-f', 'mjpeg', '-show_entries', 'stream=width,height', '-of', 'csv=p=0', '-'], { input: stdout });
  t.equal(shown.stdout.toString().trim(), `${width},${height}`);
  const played = await run('ffprobe', ['-v', 'error', '-count_frames', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', '-'], { input: (await ageOpens(read(file), `${work}/hour.txt`)) ?? '' });
  t.strictSame([played.stdout.toString().trim(), played.stderr], ['20', ''], 'and the segment is plain MP4');
});

t.test('ffprobe reads the opened segment as plain MP4', { skip: noAge || noFfprobe }, async (t) => {
  const plain = await ageOpens(read(index.segment.file), `${work}/hour.txt`);
  const { stdout } = await run('ffprobe', ['-v', 'error', '-count_frames', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', '-'], { input: plain ?? '' });
  t.equal(stdout.toString().trim(), '30');
});

t.test('the checkpoint\'s signature holds, for us and for ssh-keygen', { skip: noSshKeygen }, async (t) => {
  const { message, file, public_key: publicKey, namespace } = index.signature;
  const key = read(publicKey).toString().trim();
  verifySignature({ message: read(message), signature: read(file).toString(), namespace, publicKey: key, what: message });
  writeFileSync(`${work}/allowed`, `hub ${key}\n`);
  const { status } = await run('ssh-keygen', ['-Y', 'verify', '-f', `${work}/allowed`, '-I', 'hub', '-n', namespace, '-s', new URL(file, folder).pathname], { input: read(message) });
  t.equal(status, 0);
});

t.test('each damaged form of the segment ends as the index says, and with the referees as refused', { skip: noAge }, async (t) => {
  const sealed = read(index.segment.file);
  for (const { name, at, xor, keep, code, chunk } of index.damaged) {
    const file = Buffer.from(sealed.subarray(0, keep ?? sealed.length));
    if (at !== undefined) file[at] = (file[at] as number) ^ (xor ?? 0);
    try {
      openWhole(file, [period], name);
      t.fail(`${name}: it opened`);
    } catch (error) {
      t.ok(isSallyportError(error));
      t.match(error, { code, evidence: chunk === undefined ? {} : { chunk } }, name);
    }
    t.equal(await ageOpens(file, `${work}/hour.txt`), undefined, `${name}: age`);
    t.equal(await typageOpens(file, period.reveal()), undefined, `${name}: age-encryption`);
  }
});
