import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { canonicalJson, type CanonicalValue } from '../../src/base/canonical.ts';
import { headBytes, writeBoxFile, type BoxStep } from '../../src/outbox/boxfile.ts';
import { run } from '../../src/base/spawn.ts';
import { OutReader, Outbox, randomName } from '../../src/outbox/out.ts';
import type { OrderOf } from '../../src/outbox/orders.ts';
import { Sealed } from '../../src/seal/sealed.ts';
import { sealWhole } from '../../src/seal/sealer.ts';
import { owner, sealedText, start, TestClock } from './world.ts';

const clock = new TestClock();
const notice = { kind: 'motion', camera: 'camera-2', atMs: start, id: randomName() } as const;

t.test('what the hub puts in is what the courier finds, in its order, byte for byte', async (t) => {
  const folder = t.testdir();
  const outbox = await Outbox.open({ folder, clock });
  const sealed = sealedText('footage');
  const first = await outbox.put(sealed, { to: 'nas', class: 'segment' });
  const object = randomName();
  await outbox.delete('nas', object);
  await outbox.get('nas', object, 65_536, 1000);
  await outbox.list('nas');
  await outbox.probe('nas');
  await outbox.notice('phone', notice);

  const reader = new OutReader(folder);
  const found = await reader.scan();
  t.same(found.map(({ order }) => order?.order), ['put', 'delete', 'get', 'list', 'probe', 'notice']);
  t.same(found.map(({ refused }) => refused), Array.from({ length: 6 }, () => undefined));
  const put = found[0]?.order as OrderOf<'put'>;
  t.match(put, { object: first.object, class: 'segment', size: sealed.bytes.length, replace: false, made_ms: start, to: 'nas' });
  t.match(first.object, /^[0-9a-f]{32}$/);
  const box = await reader.open(first.name);
  const bytes = await box.read(0, box.bodyBytes);
  await box.close();
  t.same(bytes, Buffer.from(sealed.bytes));
  t.equal(createHash('sha256').update(bytes).digest('hex'), put.sha256);
  t.equal(statSync(join(folder, first.name)).mode & 0o777, 0o640);
  t.equal(readFileSync(join(folder, first.name)).subarray(headBytes).length, sealed.bytes.length);
});

t.test('heads are of one size and hold no more than the schema', async (t) => {
  const folder = t.testdir();
  const outbox = await Outbox.open({ folder, clock });
  const { name } = await outbox.notice('phone', notice);
  const text = readFileSync(join(folder, name), 'utf8');
  t.equal(text.length, headBytes);
  t.same(JSON.parse(text), { v: 1, order: 'notice', to: 'phone', made_ms: start, kind: 'motion', camera: 'camera-2', at_ms: start, id: notice.id });
});

t.test('what is not sealed, or shows its size, or is no notice of the list, does not go in', async (t) => {
  const folder = t.testdir();
  const outbox = await Outbox.open({ folder, clock });
  const bare = Sealed.recognise(sealWhole(Buffer.alloc(1_000_001), [owner.recipient]), 'it');
  t.throws(() => outbox.put(bare, { to: 'nas', class: 'segment' }), { code: 'SP_OUTBOX_ORDER', message: /its size would say/ });
  for (const [why, deed] of [
    // @ts-expect-error -- plain bytes are not Sealed
    ['bytes', () => outbox.put(Buffer.from('plain'), { to: 'nas', class: 'segment' })],
    ['a destination that is a path', () => outbox.put(sealedText('x'), { to: '../nas', class: 'segment' })],
    ['an object that is a path', () => outbox.put(sealedText('x'), { to: 'nas', class: 'segment', object: '../../x' })],
    // @ts-expect-error -- no kind of the list
    ['a kind of its own', () => outbox.notice('phone', { ...notice, kind: 'Anna is home' })],
    ['an alias with blanks', () => outbox.notice('phone', { ...notice, camera: 'Front door' })],
    ['a class of its own', () => outbox.put(sealedText('x'), { to: 'nas', class: 'database' as 'segment' })],
    ['a range that is too long', () => outbox.get('nas', randomName(), 0, 2 ** 30)],
  ] as const) await t.rejects(async () => deed(), { code: 'SP_OUTBOX_ORDER' }, why);
  t.same(readdirSync(folder), []);
});

t.test('the hub that is killed at any step leaves an order whole or not at all', async (t) => {
  const steps: readonly BoxStep[] = ['begun', 'written', 'synced', 'renamed', 'filed'];
  for (const step of steps) {
    const folder = t.testdir();
    const { signal, stderr } = await run(process.execPath, [join(import.meta.dirname, 'put-child.ts'), folder, step]);
    t.equal(signal, 'SIGKILL', stderr);
    const found = await new OutReader(folder).scan();
    t.same(found.map(({ refused }) => refused), step === 'renamed' || step === 'filed' ? [undefined] : [], step);
    const again = await Outbox.open({ folder, clock });
    t.equal(readdirSync(folder).length, found.length, `${step}: no part is left`);
    t.equal(again.orders.size, found.length);
  }
});

t.test('an order stays until it is settled, over restarts; names go on behind the last one', async (t) => {
  const folder = t.testdir();
  const outbox = await Outbox.open({ folder, clock });
  const first = await outbox.put(sealedText('one'), { to: 'nas', class: 'segment' });
  const again = await Outbox.open({ folder, clock: Object.assign(new TestClock(), { nowMs: start - 3_600_000 }) });
  t.same([...again.orders.keys()], [first.name]);
  const second = await again.put(sealedText('two'), { to: 'nas', class: 'segment' });
  t.ok(second.name > first.name, 'though the clock went back');
  await again.settle(first.name);
  await again.settle(first.name);
  t.same([...again.orders.keys()], [second.name]);
  t.same((await new OutReader(folder).scan()).map(({ name }) => name), [second.name]);
});

t.test('the outbox is bounded: footage is refused first, notices and erasures have room of their own', async (t) => {
  const folder = t.testdir();
  const one = sealedText(Buffer.alloc(10_000));
  const outbox = await Outbox.open({ folder, clock, bounds: { bytesMax: 2 * (one.bytes.length + headBytes), ordersMax: 8 } });
  for (let i = 0; i < 2; i++) await outbox.put(one, { to: 'nas', class: 'segment' });
  await t.rejects(outbox.put(one, { to: 'nas', class: 'segment' }), { code: 'SP_OUTBOX_FULL', kind: 'retry' });
  for (let i = 0; i < 6; i++) await outbox.notice('phone', notice);
  await t.rejects(outbox.notice('phone', notice), { code: 'SP_OUTBOX_FULL', message: /8 orders wait/ });
  t.equal(outbox.held.orders, 8);
  t.equal(outbox.held.bytes, [...readdirSync(folder)].reduce((sum, name) => sum + statSync(join(folder, name)).size, 0));
});

t.test('what waited too long is withdrawn under its own name, and its bytes are gone', async (t) => {
  const folder = t.testdir();
  const own = new TestClock();
  const outbox = await Outbox.open({ folder, clock: own });
  const put = await outbox.put(sealedText(Buffer.alloc(100_000)), { to: 'nas', class: 'segment' });
  const told = await outbox.notice('phone', notice);
  t.same(await outbox.expire(start + 12 * 3_600_000), []);
  t.same(await outbox.expire(start + 12 * 3_600_000 + 1), [told.name]);
  t.same(await outbox.expire(start + 8 * 86_400_000), [put.name]);
  t.same((await new OutReader(folder).scan()).map(({ order }) => order), [
    { v: 1, order: 'withdraw', was: 'put', to: 'nas', made_ms: start }, { v: 1, order: 'withdraw', was: 'notice', to: 'phone', made_ms: start },
  ]);
  t.equal(statSync(join(folder, put.name)).size, headBytes);
  t.same(await outbox.expire(start + 900 * 86_400_000), [], 'once');
});

t.test('a head is read once, and again when another file took its name', async (t) => {
  const folder = t.testdir();
  const outbox = await Outbox.open({ folder, clock });
  const { name } = await outbox.put(sealedText('x'), { to: 'nas', class: 'segment' });
  const reader = new OutReader(folder);
  const [before] = await reader.scan();
  t.equal((await reader.scan())[0], before, 'the very same');
  await outbox.withdraw(name);
  t.equal((await reader.scan())[0]?.order?.order, 'withdraw');
});

t.test('heads that are not ours are refused', async (t) => {
  const folder = t.testdir();
  const good = { v: 1, order: 'probe', to: 'nas', made_ms: start };
  const heads: readonly (readonly [why: string, head: Buffer])[] = [
    ['an unknown key', padded(canonicalJson({ ...good, run: 'rm -rf /' }))],
    ['an unknown order', padded(canonicalJson({ ...good, order: 'exec' }))],
    ['another version', padded(canonicalJson({ ...good, v: 2 }))],
    ['a missing key', padded(canonicalJson({ v: 1, order: 'probe', to: 'nas' }))],
    ['__proto__', padded('{"__proto__":{"v":1},"made_ms":1,"order":"probe","to":"nas","v":1}')],
    ['a key twice', padded('{"made_ms":1,"order":"probe","to":"nas","to":"other","v":1}')],
    ['blanks inside', padded('{"made_ms": 1,"order":"probe","to":"nas","v":1}')],
    ['no JSON', padded('hello')],
    ['nothing', padded('')],
    ['a number', padded('7')],
    ['no line feed at its end', Buffer.alloc(headBytes, canonicalJson(good).padEnd(headBytes))],
    ['odd bytes', Buffer.alloc(headBytes, 0xff)],
    ['deep nesting', Buffer.concat([Buffer.alloc(headBytes - 1, '['), Buffer.from('\n')])],
    ['a body that nobody spoke of', Buffer.concat([padded(canonicalJson(good)), Buffer.from('secret')])],
    ['a body that is too short', padded(canonicalJson({ ...good, order: 'put', object: randomName(), class: 'segment', size: 5, sha256: '0'.repeat(64), replace: false }))],
  ];
  for (const [why, bytes] of heads) {
    const name = `${String(start).padStart(15, '0')}-${randomName()}`;
    writeFileSync(join(folder, name), bytes);
    const found = (await new OutReader(folder).scan()).find((one) => one.name === name);
    t.equal(found?.refused?.code, 'SP_OUTBOX_FILE', why);
  }
  await writeBoxFile(folder, `${String(start).padStart(15, '0')}-${randomName()}`, good as CanonicalValue, undefined);
  t.equal((await new OutReader(folder).scan()).filter(({ refused }) => refused === undefined).length, 1, 'and a good one is not');
});

function padded(text: string): Buffer {
  return Buffer.from(`${text.padEnd(headBytes - 1)}\n`);
}
