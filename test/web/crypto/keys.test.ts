import t from 'tap';
import { argon2Sync } from 'node:crypto';
import { Identity as HubIdentity } from '../../../src/seal/identity.ts';
import { fromBase64url, toBase64url } from '../../../src/web/crypto/bytes.ts';
import { DeviceStore, makeDevice } from '../../../src/web/crypto/device.ts';
import { groupsFit, groupsToAsk, makeKit, readKit } from '../../../src/web/crypto/kit.ts';
import { memoryRecords } from '../../../src/web/crypto/records.ts';
import { newStretch, stretch } from '../../../src/web/crypto/stretch.ts';

const nowMs = Date.UTC(2026, 10, 27);

t.test('the passphrase is stretched as an independent Argon2id does it, with progress', async (t) => {
  const by = newStretch();
  const said: number[] = [];
  const { half, secondHalf } = stretch('Straße 7 Ωmega', by, (done) => said.push(done));
  const expected = argon2Sync('argon2id', { message: Buffer.from('Straße 7 Ωmega'.normalize('NFKC')), nonce: fromBase64url(by.salt) as Uint8Array, parallelism: 1, tagLength: 64, memory: 65_536, passes: 3 });
  t.equal(half, toBase64url(expected.subarray(0, 32)));
  t.ok(expected.subarray(32).equals(secondHalf));
  t.equal(said.at(-1), 1);
  t.ok(said.length > 20 && said.every((done, i) => done > 0 && done >= (said[i - 1] ?? 0)));
});

t.test('a hub that asks for a weaker stretch, or one that stops a phone, is refused before the passphrase is used', async (t) => {
  const good = newStretch();
  t.not(newStretch().salt, good.salt);
  for (const bad of [{ memoryKib: 8192 }, { memoryKib: 2 ** 20 }, { passes: 1 }, { passes: 16 }, { passes: 3.5 }, { salt: 'AAAA' }, { salt: '' }, { salt: `${good.salt.slice(0, 42)}=` }]) {
    t.throws(() => stretch('x', { ...good, ...bad }), { code: 'SP_STRETCH' });
  }
});

t.test('a kit is a standard identity file, and reads back however it was typed', async (t) => {
  const kit = makeKit(nowMs);
  t.equal(HubIdentity.parseFile(kit.text, 'kit.txt')[0]?.recipient, kit.identity.recipient);
  t.equal(kit.groups.length, 10);
  t.equal(`AGE-SECRET-KEY-1${kit.groups.join('')}`, kit.code);
  t.match(kit.code, /^[A-Z0-9-]+$/, 'a QR code of it is small');
  for (const typed of [kit.text, kit.code, kit.code.toLowerCase(), kit.groups.join(' '), kit.groups.join('\n').toLowerCase(), `  ${kit.code}\r\n`]) t.equal(readKit(typed).recipient, kit.identity.recipient);
  for (const typed of ['', '# nothing', kit.code.slice(0, -1), kit.groups.slice(1).join(' '), kit.code.replace(/.$/, (last) => (last === 'Q' ? 'P' : 'Q'))]) t.throws(() => readKit(typed), { code: 'SP_BAD_IDENTITY' });
});

t.test('two groups are asked for, and only they fit', async (t) => {
  const { groups } = makeKit(nowMs);
  const asked = new Set<string>();
  for (let i = 0; i < 400; i++) {
    const [a, b] = groupsToAsk(groups);
    t.ok(a < b && b < groups.length && a >= 0);
    asked.add(`${a} ${b}`);
  }
  t.ok(asked.size > 30, `${asked.size} different pairs`);
  const typed = (text: string): { place: number; text: string }[] => [{ place: 2, text }, { place: 7, text: groups[7] as string }];
  t.equal(groupsFit(groups, typed(groups[2] as string)), true);
  t.equal(groupsFit(groups, typed(` ${groups[2]?.toLowerCase()} `)), true);
  t.equal(groupsFit(groups, typed(groups[3] as string)), groups[2] === groups[3]);
  t.equal(groupsFit(groups, typed('')), false);
  t.equal(groupsFit(groups, [{ place: 99, text: '' }]), false);
  t.equal(groupsFit(groups, []), false);
});

t.test('a device opens with its passphrase and in its browser alone', async (t) => {
  const records = memoryRecords();
  const store = new DeviceStore(records);
  const { identity, shape } = makeDevice('Ada\'s phone');
  const [second, wrong] = [new Uint8Array(32).fill(7), new Uint8Array(32).fill(8)];
  await store.save({ account: 'account-1', login: 'Ada', name: shape.name, identity, secondHalf: second });
  t.equal((await store.unlock('account-1', second)).reveal(), identity.reveal());
  await t.rejects(store.unlock('account-1', wrong), { code: 'SP_DEVICE_LOCKED' });
  await t.rejects(store.unlock('account-2', second), { code: 'SP_NO_DEVICE' });
  t.match(await store.find('ada'), { account: 'account-1', recipient: identity.recipient, signer: identity.signer });
  t.equal(await store.find('eve'), undefined);

  const [record] = await records.all();
  t.notOk(Buffer.from(JSON.stringify(record)).includes(identity.reveal()));
  const elsewhere = memoryRecords();
  await elsewhere.put({ ...record!, secret: new Uint8Array(16) });
  await t.rejects(new DeviceStore(elsewhere).unlock('account-1', second), { code: 'SP_DEVICE_LOCKED' }, 'the right passphrase without the device secret');
  await elsewhere.put({ ...record!, account: 'account-2' });
  await t.rejects(new DeviceStore(elsewhere).unlock('account-2', second), { code: 'SP_DEVICE_LOCKED' }, 'a record in another account\'s place');

  await store.note('account-1', { device: 'device-1', ownerList: 'a list' });
  await store.save({ account: 'account-1', login: 'Ada', name: shape.name, identity, secondHalf: wrong });
  t.match(await store.find('ada'), { device: 'device-1', ownerList: 'a list' }, 'another passphrase forgets nothing');
  t.notSame((await records.all())[0]?.secret, record?.secret, 'and has a new device secret');
  t.equal((await store.unlock('account-1', wrong)).recipient, identity.recipient);
  await t.rejects(store.unlock('account-1', second), { code: 'SP_DEVICE_LOCKED' });
  await store.forget('account-1');
  t.strictSame(await store.known(), []);
});
