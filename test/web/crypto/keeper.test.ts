import t from 'tap';
import { readOwnerList, slotRecipients } from '../../../src/seal/owner.ts';
import { verifySignature } from '../../../src/seal/sshsig.ts';
import { readRecovery } from '../../../src/policy/ownerdocuments.ts';
import type { ClipPiece } from '../../../src/web/crypto/clip.ts';
import type { FootagePiece, FootageTimeline } from '../../../src/web/crypto/footage.ts';
import { makeDevice } from '../../../src/web/crypto/device.ts';
import type { Identity } from '../../../src/web/crypto/identity.ts';
import { openSpaces, verifyOwnerList } from '../../../src/web/crypto/ownerlist.ts';
import { openSlot } from '../../../src/web/crypto/slot.ts';
import { memoryRecords } from '../../../src/web/crypto/records.ts';
import { hourMs, makeWorld, openVault, start } from '../../vault/world.ts';
import { fakeJpeg } from '../../seal/thumbnail.ts';
import { browser } from './page.ts';
import { folderFetcher, recordFilm, timelineOf, withTimeline } from './world.ts';

const account = 'A'.repeat(22);
const hub = `ssh-ed25519 ${'A'.repeat(68)}`;

t.test('the first hour, the next day, a second device, and the return with the kit', async (t) => {
  const records = memoryRecords();
  const page = browser({ records });
  const by = await page.ask.newStretch();
  const said: number[] = [];
  const { half, secondHalf } = await page.stretch('correct horse', by, (done) => said.push(done));
  t.equal(said.at(-1), 1);
  const kit = await page.ask.makeKit(start);
  const device = await page.ask.makeDevice('phone');
  const first = await page.ask.firstOwnerList(start);
  t.match(readOwnerList(first, 'owner.json'), { kit: kit.recipient, devices: [device] });
  await page.ask.saveDevice({ account, login: 'Ada', secondHalf });
  t.match(await page.ask.openOwnerList({ text: first, account }), { spaces: [{ space: 'home', identities: 1 }] });
  await page.ask.forgetKit();
  await t.rejects(page.ask.showKit(start), { code: 'SP_BAD_IDENTITY' });
  page.close();

  const nextDay = browser({ records });
  t.match(await nextDay.ask.findDevice('ada'), { account, recipient: device.recipient });
  const again = await nextDay.stretch('correct horse', by);
  t.equal(again.half, half);
  await t.rejects(nextDay.ask.unlock(account, new Uint8Array(32)), { code: 'SP_DEVICE_LOCKED', message: /Ada/ });
  t.strictSame(await nextDay.ask.unlock(account, again.secondHalf), device);
  const tablet = browser();
  const theirs = await tablet.ask.makeDevice('tablet');
  const second = await nextDay.ask.nextOwnerList({ text: first, account, by: 'device', change: { kind: 'device', device: theirs }, nowMs: start });
  t.equal(readOwnerList(second, 'owner.json', first).number, 2);
  await nextDay.ask.openOwnerList({ text: second, account });
  await t.rejects(nextDay.ask.openOwnerList({ text: first, account }), { code: 'SP_OWNER_LIST', message: /older/ }, 'a hub that turns time back');
  t.match(await tablet.ask.openOwnerList({ text: second, earlier: [first], trust: [device.signer] }), { spaces: [{ space: 'home', identities: 1 }] });
  await t.rejects(tablet.ask.openOwnerList({ text: second, earlier: [first], trust: [theirs.signer] }), { code: 'SP_OWNER_LIST' });

  const yes = await nextDay.ask.signApproval({ id: '12345678', text: 'keep longer', key: 'keep.footage', from: '3 days', to: '7 days' }, start, 'device');
  verifySignature({ message: yes.document, signature: yes.signature, namespace: 'sallyport-accept', publicKey: device.signer, what: 'it' });

  const back = browser();
  t.match(await back.ask.takeKit(kit.groups.join(' ').toLowerCase()), { recipient: kit.recipient, signer: kit.signer });
  t.strictSame(await back.ask.deviceWords(device), await nextDay.ask.deviceWords(device), 'both ends say the same words');
  const third = await back.ask.makeDevice('new phone');
  const { document, signature } = await back.ask.signRecovery({ hub, name: 'Ada', login: { stretch: by, half }, device: third, madeMs: start });
  verifySignature({ message: document, signature, namespace: 'sallyport-recover', publicKey: kit.signer, what: 'it' });
  t.match(readRecovery(document), { hub, name: 'Ada', device: third });
  const recovered = await back.ask.nextOwnerList({ text: second, earlier: [first], by: 'kit', change: { kind: 'device', device: third }, nowMs: start });
  t.equal(readOwnerList(recovered, 'owner.json', second).number, 3);
  await t.rejects(back.ask.nextOwnerList({ text: second, by: 'kit', change: { kind: 'device', device: third }, nowMs: start }), { code: 'SP_OWNER_LIST' }, 'a list that only a device vouches for, without the way to it');
  for (const one of [nextDay, tablet, back]) one.close();
});

t.test('footage comes over the channel whole, its problems too, and can be left', async (t) => {
  const records = memoryRecords();
  const maker = browser({ records });
  await maker.ask.makeKit(start);
  await maker.ask.makeDevice('phone');
  const list = await maker.ask.firstOwnerList(start);
  await maker.ask.saveDevice({ account, login: 'Ada', secondHalf: new Uint8Array(32).fill(1) });
  maker.close();

  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const recipients = slotRecipients(readOwnerList(list, 'it'), 'home');
  const paths = new Map<string, string>();
  const fragments: Buffer[] = [];
  for (const wallMs of [start, start + 60_000]) {
    const period = await vault.preparePeriod({ camera: 'front', class: 'footage', startMs: start, endMs: start + hourMs, deadlineMs: start + 2 * hourMs, recipients });
    const made = await recordFilm(vault, period, { wallMs, rounds: 20, thumbnail: new Uint8Array(fakeJpeg()) });
    fragments.push(...made.fragments);
    paths.set(`front/main/${made.row.seq}`, made.row.path);
  }
  const timeline = await timelineOf(vault, 'front');
  await vault.close();

  const page = browser({ records, fetch: withTimeline(folderFetcher(world.folder, paths), timeline) });
  await page.ask.unlock(account, new Uint8Array(32).fill(1));
  await page.ask.openOwnerList({ text: list, account });
  const pieces: FootagePiece[] = [];
  for await (const piece of page.play({ camera: 'front', stream: 'main', fromMs: start, timeline })) pieces.push(piece);
  t.ok(Buffer.concat(pieces.flatMap((piece) => (piece.kind === 'fragment' ? [piece.bytes] : []))).equals(Buffer.concat(fragments)));
  t.ok((await page.ask.rate()).openedBytes > 0);
  const picture = await page.ask.keyFrame({ camera: 'front', stream: 'main', atMs: start + 12_345, timeline });
  t.equal(picture?.wallMs, start + 12_000);
  for await (const piece of page.play({ camera: 'front', stream: 'main', fromMs: start, timeline })) if (piece.kind === 'fragment') break;
  const [segment] = timeline.segments as [FootageTimeline['segments'][number]];
  const look = { camera: 'front', stream: 'main', segment, periods: timeline.periods } as const;
  t.ok(fakeJpeg().equals(await page.thumbnail(look) ?? Buffer.alloc(0)));
  const stop = new AbortController();
  const unwanted = page.thumbnail({ ...look, segment: timeline.segments[1] ?? segment }, stop.signal);
  stop.abort();
  await t.rejects(unwanted, { code: 'SP_STOPPED' });
  await t.rejects(page.thumbnail(look, stop.signal), { code: 'SP_STOPPED' });
  const clip: ClipPiece[] = [];
  for await (const piece of page.clip({ camera: 'front', fromMs: start, toMs: start + 120_000, name: 'clip.mp4' })) clip.push(piece);
  t.match([clip[0], clip.at(-1)], [{ kind: 'file', name: 'clip.mp4' }, { kind: 'made', made: { problems: [], files: [{ size: clip.reduce((sum, piece) => sum + (piece.kind === 'bytes' ? piece.bytes.length : 0), 0) }] } }]);
  for await (const piece of page.clip({ camera: 'front', fromMs: start, toMs: start + 120_000, name: 'clip.mp4' })) if (piece.kind === 'bytes') break;
  const foreign = { ...timeline, segments: timeline.segments.map((segment) => ({ ...segment, seq: segment.seq + 50 })) };
  const missing: FootagePiece[] = [];
  for await (const piece of page.play({ camera: 'front', stream: 'main', fromMs: start, timeline: foreign })) missing.push(piece);
  t.match(missing, [{ kind: 'gap', reason: 'purged meanwhile' }, { kind: 'gap', reason: 'purged meanwhile' }]);
  await page.ask.lock();
  await t.rejects(page.ask.openOwnerList({ text: list, account }), { code: 'SP_NO_DEVICE' });
  const locked: FootagePiece[] = [];
  for await (const piece of page.play({ camera: 'front', stream: 'main', fromMs: start, timeline })) locked.push(piece);
  t.match(locked, [{ kind: 'problem', error: { code: 'SP_WRONG_IDENTITY' } }, { kind: 'problem' }]);
  page.close();
  await t.rejects(page.ask.newStretch(), { code: 'SP_STOPPED' });
});

t.test('after a member left, each slot is fetched, sealed anew, and put back; the kept old key opens it no more', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const page = browser({ fetch: folderFetcher(world.folder, new Map()) });
  await page.ask.makeKit(start);
  await page.ask.makeDevice('phone');
  const first = await page.ask.firstOwnerList(start);
  const member = makeDevice('member');
  const joined = await page.ask.nextOwnerList({ text: first, by: 'kit', change: { kind: 'member', space: 'home', recipient: member.identity.recipient, past: true }, nowMs: start });
  const [kept] = openSpaces(verifyOwnerList(joined, first), member.identity)[0]?.identities ?? [];
  const recipients = slotRecipients(readOwnerList(joined, 'it', first), 'home');
  for (const hour of [0, 1]) {
    const startMs = start + hour * hourMs;
    await recordFilm(vault, await vault.preparePeriod({ camera: 'front', class: 'footage', startMs, endMs: startMs + hourMs, deadlineMs: startMs + 9 * hourMs, recipients }), { wallMs: startMs, rounds: 1 });
  }
  const left = await page.ask.nextOwnerList({ text: joined, by: 'kit', change: { kind: 'member removed', recipient: member.identity.recipient }, nowMs: start });
  await page.ask.openOwnerList({ text: left });
  await page.ask.forgetKit();
  const anew = slotRecipients(readOwnerList(left, 'it', joined), 'home');
  for (const { slot, generation } of (await timelineOf(vault, 'front')).periods) {
    const opensWith = async (identity: Identity | undefined): Promise<boolean> => {
      const text = await folderFetcher(world.folder, new Map())(`/api/v1/slots/front/${slot}/${generation}`);
      try {
        openSlot(text, identity === undefined ? [] : [identity], 'it').identity.close();
        return true;
      } catch {
        return false;
      }
    };
    t.equal(await opensWith(kept), true, 'before');
    const sealed = await page.ask.resealSlot({ camera: 'front', slot, generation, recipients: anew });
    await vault.replaceSlot({ slot, generation, from: sealed.from, text: Buffer.from(sealed.text, 'base64url') });
    t.equal(await opensWith(kept), false, 'the old space key that was kept');
    await t.rejects(vault.replaceSlot({ slot, generation, from: sealed.from, text: Buffer.from(sealed.text, 'base64url') }), { code: 'SP_SLOT_CHANGED' });
  }
  t.equal(await vault.checkKeyring(), undefined);
  await vault.close();
  page.close();
});
