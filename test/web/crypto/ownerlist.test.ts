import t from 'tap';
import { readFileSync } from 'node:fs';
import { Identity as HubIdentity } from '../../../src/seal/identity.ts';
import { makeOwnerList, openSpaceHistory, readOwnerList, readTakenOwnerList, slotRecipients } from '../../../src/seal/owner.ts';
import { makePeriodKey, openSlot as hubOpensSlot } from '../../../src/seal/slot.ts';
import { ownerFileText, ownerNamespace, signedOwnerList, type OwnerList } from '../../../src/seal/format/ownerlist.ts';
import { words } from '../../../src/policy/wordlist.ts';
import { makeDevice, type Device } from '../../../src/web/crypto/device.ts';
import { Identity } from '../../../src/web/crypto/identity.ts';
import { makeKit } from '../../../src/web/crypto/kit.ts';
import { deviceWords, firstOwnerList, followOwnerLists, heirOf, nextOwnerList, openSpaces, spacesToRenew, verifyOwnerList, type OwnerChange } from '../../../src/web/crypto/ownerlist.ts';
import { restricting } from '../../../src/web/crypto/restricting.ts';
import { resealSlot } from '../../../src/web/crypto/slot.ts';
import { verifySignature } from '../../../src/web/crypto/sshsig.ts';
import { ageOpens, noAge } from '../../seal/referees.ts';

const nowMs = Date.UTC(2026, 10, 27, 12);
const kit = makeKit(nowMs).identity;
const phone = makeDevice('phone');
const first = firstOwnerList(kit, phone.shape, nowMs);

/** The next list, believed by browser and hub alike. */
function next(text: string, by: Identity, change: OwnerChange): string {
  const made = nextOwnerList(text, by, change, nowMs);
  t.strictSame(verifyOwnerList(made, text), readOwnerList(made, 'owner.json', text));
  return made;
}

function recipientOf(text: string, space = 'home'): string {
  return readTakenOwnerList(text, 'owner.json').spaces.find(({ name }) => name === space)?.recipient ?? '';
}

/** How many identities of the space somebody opens, and whether the one in force is among them; the hub's reader must find the same. */
function opens(text: string, who: Identity, space = 'home'): { count: number; inForce: boolean } {
  const list = readTakenOwnerList(text, 'owner.json');
  const opened = openSpaces(list, who).find((one) => one.space === space)?.identities ?? [];
  const found = { count: opened.length, inForce: opened[0]?.recipient === recipientOf(text, space) };
  const hub = HubIdentity.parse(who.reveal(), 'it');
  if (found.count === 0) t.throws(() => openSpaceHistory(list, space, [hub]), { code: 'SP_WRONG_IDENTITY' });
  else t.strictSame(openSpaceHistory(list, space, [hub]).map(({ recipient }) => recipient), opened.map(({ recipient }) => recipient));
  return found;
}

t.test('the first list is believed by the hub, and opens for kit and device', async (t) => {
  const list = readOwnerList(first, 'owner.json');
  t.match(list, { number: 1, kit: kit.recipient, signer: kit.signer, devices: [phone.shape], spaces: [{ name: 'home', members: [kit.recipient, phone.identity.recipient] }] });
  t.strictSame(verifyOwnerList(first), list);
  for (const who of [kit, phone.identity]) t.strictSame(opens(first, who), { count: 1, inForce: true });
  t.strictSame(opens(first, Identity.generate()), { count: 0, inForce: false });
});

t.test('a list that the command line made is taken, changed with the kit, and changed with the device then', async (t) => {
  const hubKit = HubIdentity.generate();
  const old = makeOwnerList(hubKit, nowMs);
  t.equal(verifyOwnerList(old).devices, undefined);
  const theirs = Identity.parse(hubKit.reveal(), 'kit');
  const second = next(old, theirs, { kind: 'device', device: phone.shape });
  t.equal(recipientOf(second), recipientOf(old), 'the past stays open');
  t.strictSame(opens(second, phone.identity), { count: 1, inForce: true });
  const third = next(second, phone.identity, { kind: 'space', name: 'garden' });
  t.strictSame(opens(third, phone.identity, 'garden'), { count: 1, inForce: true });
  t.strictSame(opens(third, theirs, 'garden'), { count: 1, inForce: true });
  t.throws(() => nextOwnerList(third, phone.identity, { kind: 'space', name: 'garden' }, nowMs), { code: 'SP_OWNER_LIST' });
  t.throws(() => nextOwnerList(third, phone.identity, { kind: 'space', name: 'Her Garden' }, nowMs), { code: 'SP_OWNER_LIST' });
});

t.test('somebody joins with the past or without, and leaves', async (t) => {
  const [early, late] = [makeDevice('early'), makeDevice('late')];
  const withPast = next(first, phone.identity, { kind: 'member', space: 'home', recipient: early.identity.recipient, past: true });
  t.equal(recipientOf(withPast), recipientOf(first));
  t.strictSame(opens(withPast, early.identity), { count: 1, inForce: true });

  const without = next(withPast, phone.identity, { kind: 'member', space: 'home', recipient: late.identity.recipient, past: false });
  t.not(recipientOf(without), recipientOf(first));
  t.strictSame(opens(without, late.identity), { count: 1, inForce: true }, 'from now on');
  for (const who of [kit, phone.identity, early.identity]) t.strictSame(opens(without, who), { count: 2, inForce: true });

  const left = next(without, phone.identity, { kind: 'member removed', space: 'home', recipient: early.identity.recipient });
  t.strictSame(opens(left, early.identity), { count: 0, inForce: false });
  t.strictSame(opens(left, late.identity), { count: 2, inForce: true }, 'its own part of the past stays');
  t.strictSame(opens(left, kit), { count: 4, inForce: true }, 'and one more, for what is older than that');
  t.strictSame(opens(left, phone.identity), { count: 4, inForce: true });
  t.notOk(left.includes(early.identity.recipient), 'who left stands nowhere any more');
  const again = nextOwnerList(left, phone.identity, { kind: 'member removed', recipient: early.identity.recipient }, nowMs);
  t.equal(recipientOf(again), recipientOf(left), 'who is no member changes nothing by leaving');
});

t.test('slots are sealed anew for the same people but the one who left, and for nobody more', (t) => {
  const [early, late] = [makeDevice('early'), makeDevice('late')];
  const withPast = next(first, phone.identity, { kind: 'member', space: 'home', recipient: early.identity.recipient, past: true });
  const both = next(withPast, phone.identity, { kind: 'member', space: 'home', recipient: late.identity.recipient, past: false });
  const [oldest, joint] = [recipientOf(withPast), recipientOf(both)];
  t.strictSame(spacesToRenew(verifyOwnerList(both, withPast)), [], 'after somebody joined nothing need be sealed anew');
  t.equal(heirOf(verifyOwnerList(both, withPast), 'home', oldest), oldest);
  const left = next(both, phone.identity, { kind: 'member removed', recipient: early.identity.recipient });
  const list = verifyOwnerList(left, both);
  t.strictSame(spacesToRenew(list), ['home']);
  const membersOf = (recipient: string): readonly string[] => list.spaces.flatMap((space) => [space, ...(space.former ?? [])]).find((one) => one.recipient === recipient)?.members ?? [];
  for (const [was, lateToo] of [[oldest, false], [joint, true]] as const) {
    const heir = heirOf(list, 'home', was);
    t.notOk([oldest, joint].includes(heir), 'an identity that who left never had');
    t.equal(membersOf(heir).includes(late.identity.recipient), lateToo, 'who joined later gets none of what is older by it');
    t.notOk(membersOf(heir).includes(early.identity.recipient));
    t.equal(heirOf(list, 'home', heir), heir);
  }
  t.equal(heirOf(list, 'home', joint), recipientOf(left));
  const gone = next(left, phone.identity, { kind: 'member removed', recipient: late.identity.recipient });
  t.not(heirOf(verifyOwnerList(gone, left), 'home', joint), recipientOf(left));
  t.end();
});

t.test('after somebody left, a kept old space key opens neither a remaining slot nor a new one, with stock age', { skip: noAge }, async (t) => {
  const leaver = makeDevice('leaver');
  const joined = next(first, phone.identity, { kind: 'member', space: 'home', recipient: leaver.identity.recipient, past: true });
  const [kept] = openSpaces(verifyOwnerList(joined, first), leaver.identity)[0]?.identities ?? [];
  const oldSlot = makePeriodKey({ camera: 'front', class: 'footage', startMs: nowMs }, slotRecipients(readOwnerList(joined, 'it', first), 'home'));
  const left = next(joined, phone.identity, { kind: 'member removed', recipient: leaver.identity.recipient });
  const recipients = slotRecipients(readOwnerList(left, 'it', joined), 'home');
  const ours = openSpaces(verifyOwnerList(left, joined), phone.identity)[0]?.identities ?? [];
  const anew = Buffer.from(resealSlot(oldSlot.slotText, ours, recipients));
  const later = makePeriodKey({ camera: 'front', class: 'footage', startMs: nowMs + 3_600_000 }, recipients).slotText;
  const work = t.testdir({ 'kept.txt': `${kept?.reveal()}\n`, 'leaver.txt': `${leaver.identity.reveal()}\n`, 'space.txt': `${ours[0]?.reveal()}\n`, 'kit.txt': `${kit.reveal()}\n` });
  t.ok(await ageOpens(oldSlot.slotText, `${work}/kept.txt`), 'before it was sealed anew it would have');
  for (const slot of [anew, later]) {
    for (const file of ['kept.txt', 'leaver.txt']) t.equal(await ageOpens(slot, `${work}/${file}`), undefined, file);
    for (const file of ['space.txt', 'kit.txt']) t.match((await ageOpens(slot, `${work}/${file}`))?.toString(), /AGE-SECRET-KEY-1/, file);
  }
  t.equal(hubOpensSlot(anew, [HubIdentity.parse(kit.reveal(), 'kit')], 'it').identity.recipient, oldSlot.recipient);
  const space = readOwnerList(left, 'it', joined).spaces[0];
  for (const sealed of [space?.sealed, ...(space?.former ?? []).map((one) => one.sealed)]) t.equal(await ageOpens(Buffer.from(sealed ?? ''), `${work}/leaver.txt`), undefined, 'nothing in the list opens for who left');
});

t.test('a member of one space opens nothing of another, with stock age', { skip: noAge }, async (t) => {
  const member = makeDevice('member');
  const garden = next(first, phone.identity, { kind: 'space', name: 'garden' });
  const joined = next(garden, phone.identity, { kind: 'member', space: 'garden', recipient: member.identity.recipient, past: false });
  const list = readOwnerList(joined, 'it', garden);
  const [theirs] = openSpaces(verifyOwnerList(joined, garden), member.identity);
  t.equal(theirs?.space, 'garden');
  const { slotText } = makePeriodKey({ camera: 'front', class: 'footage', startMs: nowMs }, slotRecipients(list, 'home'));
  const work = t.testdir({ 'member.txt': `${member.identity.reveal()}\n${theirs?.identities[0]?.reveal()}\n` });
  t.equal(await ageOpens(slotText, `${work}/member.txt`), undefined);
});

t.test('who may less opens nothing new of what was taken away, and signs nothing, whatever the hub says of the devices', async (t) => {
  const tablet = makeDevice('tablet');
  const member = makeDevice('member');
  const two = next(next(first, phone.identity, { kind: 'space', name: 'garden' }), phone.identity, { kind: 'device', device: tablet.shape });
  const full = ['home', 'garden'].reduce((text, space) => next(text, phone.identity, { kind: 'member', space, recipient: member.identity.recipient, past: false }), two);
  const restricted = (recipients: string[], spaces: string[]): string => restricting(verifyOwnerList(full, full), recipients, spaces).reduce((text, change) => next(text, phone.identity, change), full);
  const garden = restricted([member.identity.recipient], ['garden']);
  t.strictSame([opens(garden, member.identity, 'home').inForce, opens(garden, member.identity, 'garden').inForce], [false, true]);
  t.equal(recipientOf(garden, 'garden'), recipientOf(full, 'garden'), 'what stays is not touched');
  const demoted = restricted([tablet.identity.recipient], ['home']);
  t.strictSame([opens(demoted, tablet.identity, 'home').inForce, opens(demoted, tablet.identity, 'garden').count], [true, 0]);
  t.throws(() => nextOwnerList(demoted, tablet.identity, { kind: 'renewed', space: 'home' }, nowMs), { code: 'SP_OWNER_LIST' }, 'it signs no more');
  t.notOk(JSON.parse(restricted([tablet.identity.recipient], [])).list.spaces.some(({ members }: { members: string[] }) => members.includes(tablet.identity.recipient)));
  t.strictSame(restricting(verifyOwnerList(full, full), [kit.recipient, makeDevice('unknown').identity.recipient], []), [], 'the kit is nobody\'s device');
});

t.test('a lost device is taken out, and a new kit takes the place of the old', async (t) => {
  const tablet = makeDevice('tablet');
  const two = next(first, phone.identity, { kind: 'device', device: tablet.shape });
  const lost = next(two, tablet.identity, { kind: 'device removed', recipient: phone.identity.recipient });
  t.strictSame(opens(lost, phone.identity), { count: 0, inForce: false });
  t.throws(() => nextOwnerList(lost, phone.identity, { kind: 'renewed', space: 'home' }, nowMs), { code: 'SP_OWNER_LIST' });

  const newKit = makeKit(nowMs).identity;
  const changed = next(lost, tablet.identity, { kind: 'kit', recipient: newKit.recipient, signer: newKit.signer });
  t.match(readOwnerList(changed, 'it', lost), { kit: newKit.recipient, signer: newKit.signer });
  t.strictSame(opens(changed, newKit), { count: 3, inForce: true }, 'the new kit opens the past');
  t.strictSame(opens(changed, kit), { count: 0, inForce: false }, 'the old one opens nothing of it');
  next(changed, newKit, { kind: 'space', name: 'garden' });
  t.throws(() => readOwnerList(nextOwnerList(lost, kit, { kind: 'space', name: 'garden' }, nowMs), 'it', changed), { code: 'SP_OWNER_LIST' }, 'the old kit signs no list any more');
});

t.test('after the kit was replaced the old one opens neither a remaining slot nor a new one, and the new one opens all, with stock age', { skip: noAge }, async (t) => {
  const member = makeDevice('member');
  const garden = next(first, phone.identity, { kind: 'space', name: 'garden' });
  const joined = next(garden, phone.identity, { kind: 'member', space: 'home', recipient: member.identity.recipient, past: false });
  // One of each group of people: before the member, since, and of a space that the member is not in.
  const lists = [[garden, first, 'home'], [joined, garden, 'home'], [joined, garden, 'garden']] as const;
  const slots = lists.map(([text, known, space]) => makePeriodKey({ camera: 'front', class: 'footage', startMs: nowMs }, slotRecipients(readOwnerList(text, 'it', known), space)));
  const newKit = makeKit(nowMs).identity;
  const replaced = next(joined, phone.identity, { kind: 'kit', recipient: newKit.recipient, signer: newKit.signer });
  const text = next(replaced, newKit, { kind: 'kit confirmed' });
  const list = verifyOwnerList(text, replaced);
  t.strictSame(verifyOwnerList(text), list, 'signed by the new kit itself: who has it in hand needs nothing else');
  t.equal(followOwnerLists(text, [first, garden, joined, replaced], { known: joined }).kit, newKit.recipient, 'other devices follow');
  t.strictSame(list.spaces, verifyOwnerList(replaced, joined).spaces);
  t.strictSame(spacesToRenew(list), ['home', 'garden']);
  t.notOk(text.includes(kit.recipient), 'the old kit stands nowhere any more');
  t.strictSame(opens(text, member.identity), { count: 2, inForce: true }, 'the member goes on');

  const ours = openSpaces(list, phone.identity);
  // What the thief of a kit keeps: it, and each key of a space that it opened in an old copy of the list.
  const stolen = [kit, ...openSpaces(verifyOwnerList(joined, garden), kit).flatMap(({ identities }) => identities)];
  const theirs = openSpaces(list, member.identity).flatMap(({ identities }) => identities);
  const work = t.testdir({ 'stolen.txt': stolen.map((one) => `${one.reveal()}\n`).join(''), 'old.txt': `${kit.reveal()}\n`, 'new.txt': `${newKit.reveal()}\n`, 'member.txt': theirs.map((one) => `${one.reveal()}\n`).join('') });
  for (const [n, [before, known, space]] of lists.entries()) {
    const { slotText } = slots[n] ?? t.fail('there is a slot for each') as never;
    t.ok(await ageOpens(slotText, `${work}/old.txt`), 'before it was sealed anew the old kit opens it');
    const holder = readOwnerList(before, 'it', known).spaces.find(({ name }) => name === space)?.recipient ?? '';
    const heir = heirOf(list, space, holder);
    t.not(heir, holder);
    const anew = Buffer.from(resealSlot(slotText, ours.flatMap(({ identities }) => identities), [list.kit, heir]));
    t.equal(await ageOpens(anew, `${work}/stolen.txt`), undefined, `${space} ${n}: nothing that came with the old kit opens it`);
    t.match((await ageOpens(anew, `${work}/new.txt`))?.toString(), /AGE-SECRET-KEY-1/);
    t.equal((await ageOpens(anew, `${work}/member.txt`)) !== undefined, n === 1, 'the member opens what was theirs, and no more');
  }
  for (const { name, sealed, former = [] } of list.spaces) {
    for (const one of [sealed, ...former.map((older) => older.sealed)]) {
      t.equal(await ageOpens(Buffer.from(one), `${work}/old.txt`), undefined, `${name}: no key of it is sealed to the old kit`);
      t.ok(await ageOpens(Buffer.from(one), `${work}/new.txt`));
    }
    const { slotText } = makePeriodKey({ camera: 'front', class: 'footage', startMs: nowMs + 3_600_000 }, slotRecipients(list as never, name));
    t.equal(await ageOpens(slotText, `${work}/stolen.txt`), undefined, 'nor what is recorded from now on');
    t.ok(await ageOpens(slotText, `${work}/new.txt`));
  }
});

t.test('another kit is an owner\'s device\'s to sign: not the old kit\'s, a member\'s or a stranger\'s', (t) => {
  const [member, thief] = [makeDevice('member'), makeKit(nowMs).identity];
  const joined = next(first, phone.identity, { kind: 'member', space: 'home', recipient: member.identity.recipient, past: true });
  const change = { kind: 'kit', recipient: thief.recipient, signer: thief.signer } as const;
  for (const by of [kit, member.identity, makeDevice('stranger').identity]) t.throws(() => nextOwnerList(joined, by, change, nowMs), { code: 'SP_OWNER_LIST' }, 'it is not made');
  // As somebody makes it who keeps to no rules of ours.
  const { list } = JSON.parse(nextOwnerList(joined, phone.identity, change, nowMs)) as { list: OwnerList };
  const refused = (forged: object, by: Identity, reason: RegExp): void => {
    const text = ownerFileText(forged as OwnerList, by.sign(signedOwnerList(forged as OwnerList), ownerNamespace), by.signer);
    t.throws(() => verifyOwnerList(text, joined), { code: 'SP_OWNER_LIST', message: reason });
    t.throws(() => readOwnerList(text, 'owner.json', joined), { code: 'SP_OWNER_LIST', message: reason }, 'the hub');
  };
  refused(list, kit, /not the old kit's/);
  for (const by of [thief, member.identity, makeDevice('stranger').identity]) refused(list, by, /another owner/);
  refused({ ...list, signer: kit.signer }, phone.identity, /not of one identity/);
  refused({ ...list, kit: kit.recipient }, phone.identity, /not of one identity/);
  refused({ ...list, spaces: list.spaces.map((space) => ({ ...space, members: [...space.members, kit.recipient] })) }, phone.identity, /names the old kit/);
  t.end();
});

t.test('who may sign: the kit and the devices of the list in force, upwards, and nobody else', async (t) => {
  const second = next(first, phone.identity, { kind: 'space', name: 'garden' });
  const third = next(second, phone.identity, { kind: 'space', name: 'cellar' });
  const stranger = makeDevice('stranger');
  const strangers = firstOwnerList(makeKit(nowMs).identity, stranger.shape, nowMs);
  const refused = (text: string, known: string | undefined, reason: RegExp, name: string): void => {
    t.throws(() => verifyOwnerList(text, known), { code: 'SP_OWNER_LIST', message: reason }, name);
    t.throws(() => readOwnerList(text, 'owner.json', known), { code: 'SP_OWNER_LIST', message: reason }, `${name}: the hub`);
  };
  refused(second, undefined, /no list that knows the device/, 'a device that nobody knows');
  refused(strangers, first, /another owner/, 'another owner');
  refused(first, second, /older/, 'an older one');
  refused(nextOwnerList(first, kit, { kind: 'space', name: 'attic' }, nowMs), second, /says something else/, 'another one of the same number');
  refused(third.replace('"cellar"', '"cellaR"'), second, /altered/, 'an altered one');
  refused(third.replace(`"by": "${phone.identity.signer}"`, `"by": "${stranger.identity.signer}"`), second, /another owner/, 'another signer\'s name');
  const slippedIn = JSON.parse(second) as { list: { devices: unknown[] } };
  slippedIn.list.devices.push(stranger.shape);
  refused(JSON.stringify(slippedIn), first, /altered/, 'a device that the hub slipped in');
  verifyOwnerList(second, second);
  t.throws(() => nextOwnerList(second, stranger.identity, { kind: 'space', name: 'attic' }, nowMs), { code: 'SP_OWNER_LIST' });
  t.throws(() => nextOwnerList(second, phone.identity, { kind: 'member', space: 'attic', recipient: stranger.identity.recipient, past: true }, nowMs), { code: 'SP_OWNER_LIST' });
  t.throws(() => nextOwnerList(second, phone.identity, { kind: 'member', space: 'home', recipient: 'age1nobody', past: true }, nowMs), { code: 'SP_BAD_RECIPIENT' });
});

t.test('who was away follows the lists one by one', async (t) => {
  const tablet = makeDevice('tablet');
  const two = next(first, phone.identity, { kind: 'device', device: tablet.shape });
  const three = next(two, tablet.identity, { kind: 'device removed', recipient: phone.identity.recipient });
  const four = next(three, tablet.identity, { kind: 'space', name: 'garden' });
  t.equal(followOwnerLists(four, [first, two, three], { known: first }).number, 4);
  t.equal(followOwnerLists(four, [first, two, three], { known: three }).number, 4);
  t.equal(followOwnerLists(four, [first, two, three], { keys: [kit.signer] }).number, 4, 'with the kit in hand');
  t.equal(followOwnerLists(four, [], { keys: [tablet.identity.signer] }).number, 4);
  t.equal(followOwnerLists(first, [], {}).number, 1);
  t.throws(() => followOwnerLists(four, [], { known: first }), { code: 'SP_OWNER_LIST' }, 'a step is missing');
  t.throws(() => followOwnerLists(four, [three], { keys: [kit.signer] }), { code: 'SP_OWNER_LIST' });
  t.throws(() => followOwnerLists(three, [first, two], { known: four }), { code: 'SP_OWNER_LIST', message: /older/ }, 'a hub that turns time back');
  const evil: Device = makeDevice('evil');
  const forged = nextOwnerList(firstOwnerList(Identity.generate(), evil.shape, nowMs), evil.identity, { kind: 'renewed', space: 'home' }, nowMs);
  for (const from of [{ known: first }, { keys: [kit.signer] }]) t.throws(() => followOwnerLists(forged, [first], from), { code: 'SP_OWNER_LIST' });
});

t.test('two people compare six words for both keys of a device: who slips in either says other words', async (t) => {
  const said = deviceWords(phone.shape);
  t.equal(said.length, 6);
  t.ok(said.every((word) => words.includes(word)));
  t.notSame(deviceWords({ ...phone.shape, recipient: kit.recipient }), said);
  t.notSame(deviceWords({ ...phone.shape, signer: kit.signer }), said, 'the key that would sign the next list');
});

t.test('the project\'s own vectors open here as they open in the hub', async (t) => {
  const read = (name: string): string => readFileSync(new URL(`../../vectors/${name}`, import.meta.url), 'utf8');
  const index = JSON.parse(read('index.json'));
  const { files, device, member, recipients, opened_by_device: byDevice, opened_by_member: byMember } = index.owner_lists_after;
  const [one, two, three] = [index.owner_list.file, ...files].map((file: string) => read(file)) as [string, string, string];
  const list = followOwnerLists(three, [one, two], { known: one });
  t.strictSame(followOwnerLists(three, [one, two], { keys: [index.kit.signer] }), list);
  for (const [file, count] of [[device.file, byDevice], [member.file, byMember], [index.kit.file, byDevice]]) {
    const [who] = Identity.parseFile(read(file), file) as [Identity];
    t.strictSame(openSpaces(list, who)[0]?.identities.map(({ recipient }) => recipient), recipients.slice(0, count), file);
  }
  verifySignature({ message: read(index.recovery.message), signature: read(index.recovery.file), namespace: index.recovery.namespace, publicKey: index.kit.signer, what: 'it' });
});
