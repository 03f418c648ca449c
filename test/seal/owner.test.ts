import t from 'tap';
import { canonicalJson, type CanonicalValue } from '../../src/base/canonical.ts';
import { Identity } from '../../src/seal/identity.ts';
import { makeOwnerList, openSpace, readOwnerList, slotRecipients } from '../../src/seal/owner.ts';
import { makePeriodKey, openSlot } from '../../src/seal/slot.ts';
import { ageOpens, noAge } from './referees.ts';

const kit = Identity.generate();
const made = Date.UTC(2026, 10, 24, 12);
const text = makeOwnerList(kit, made);

interface Editable {
  list: { number: number; kit: string; v: number; spaces: { name: string; recipient: string; extra?: number }[]; signer: string; extra?: string };
  signature: string;
}

/** The list changed, and signed anew by `by` when given. */
function edited(change: (value: Editable) => void, by?: Identity): string {
  const value = JSON.parse(text) as Editable;
  change(value);
  if (by !== undefined) {
    value.list.signer = by.signer().publicKey;
    value.signature = by.signer().sign(canonicalJson(value.list as unknown as CanonicalValue), 'sallyport-owner');
  }
  return JSON.stringify(value);
}

t.test('a list reads back verified', async (t) => {
  const list = readOwnerList(text, 'owner.json');
  t.match(list, { v: 1, number: 1, made: '2026-11-24T12:00:00.000Z', kit: kit.recipient, signer: kit.signer().publicKey });
  t.strictSame(list.spaces.map(({ name, members }) => ({ name, members })), [{ name: 'home', members: [kit.recipient] }]);
  t.strictSame(slotRecipients(list, 'home'), [kit.recipient, list.spaces[0]?.recipient]);
});

t.test('the kit and the space each open a slot sealed by the list', async (t) => {
  const list = readOwnerList(text, 'owner.json');
  const space = openSpace(list, 'home', [kit]);
  t.equal(space.recipient, list.spaces[0]?.recipient);
  const { recipient, slotText } = makePeriodKey({ camera: 'front', class: 'footage', startMs: made }, slotRecipients(list, 'home'));
  for (const identity of [kit, space]) t.equal(openSlot(slotText, [identity], 'a slot').identity.recipient, recipient);
  t.throws(() => openSpace(list, 'home', [Identity.generate()]), { code: 'SP_WRONG_IDENTITY' });
});

t.test('stock age opens a space\'s identity with the kit', { skip: noAge }, async (t) => {
  const folder = t.testdir({ 'kit.txt': `${kit.reveal()}\n` });
  const [space] = readOwnerList(text, 'owner.json').spaces;
  const file = await ageOpens(Buffer.from(space?.sealed ?? ''), `${folder}/kit.txt`);
  t.equal(Identity.parseFile(file?.toString() ?? '', 'home')[0]?.recipient, space?.recipient);
});

t.test('an altered list is refused', async (t) => {
  const stranger = Identity.generate();
  const altered: readonly [string, string][] = [
    ['another kit', edited(({ list }) => void (list.kit = stranger.recipient))],
    ['another space recipient', edited(({ list }) => list.spaces.forEach((space) => void (space.recipient = stranger.recipient)))],
    ['a higher number', edited(({ list }) => void list.number++)],
    ['another signer', edited(({ list }) => void (list.signer = stranger.signer().publicKey))],
    ['a key that is not known', edited(({ list }) => void (list.extra = 'x'))],
    ['an inner key that is not known', edited(({ list }) => list.spaces.forEach((space) => void (space.extra = 1)))],
    ['a version that is not known', edited(({ list }) => void (list.v = 2), kit)],
    ['no space', edited(({ list }) => void (list.spaces = []), kit)],
    ['a name twice', edited(({ list }) => void list.spaces.push(...list.spaces), kit)],
    ['a recipient that is none', edited(({ list }) => void (list.kit = 'age1nobody'), kit)],
    ['a number that is none', edited(({ list }) => void (list.number = 0), kit)],
    ['no JSON', text.slice(0, -5)],
    ['other JSON', '[]'],
    ['nothing', ''],
  ];
  for (const [name, file] of altered) t.throws(() => readOwnerList(file, 'owner.json'), { code: 'SP_OWNER_LIST', evidence: { file: 'owner.json' } }, name);
  readOwnerList(edited(({ list }) => void list.number++, kit), 'owner.json');
});

t.test('a space that is not there, or holds another identity, is refused', async (t) => {
  const list = readOwnerList(text, 'owner.json');
  t.throws(() => slotRecipients(list, 'garden'), { code: 'SP_OWNER_LIST' });
  t.throws(() => slotRecipients(list, '__proto__'), { code: 'SP_OWNER_LIST' });
  const swapped = { ...list, spaces: list.spaces.map((space) => ({ ...space, recipient: Identity.generate().recipient })) };
  t.throws(() => openSpace(swapped, 'home', [kit]), { code: 'SP_OWNER_LIST' });
});
