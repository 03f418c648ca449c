/** What `test/slow/courierfaults.test.ts` and its long form ask: so many objects through all that a far end can do wrong, and what became of each. */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import type { Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { makeHome, HubSide, startCourier } from '../courier/kit.ts';
import type { Fault } from '../egress/s3stub.ts';
import { stubByTls } from '../egress/stores.ts';
import { sealedText } from '../outbox/world.ts';

const bytesMax = 40_000;
/** Each made anew, for where a connection is reset is another place each time. */
const kinds: readonly (() => Omit<Fault, 'times'>)[] = [
  () => ({ does: 'status', status: 500 }), () => ({ does: 'status', status: 503, headers: { 'Retry-After': '1' } }), () => ({ does: 'status', status: 507 }), () => ({ does: 'reset', afterBytes: 0 }),
  () => ({ does: 'reset', afterBytes: randomInt(1, bytesMax) }), () => ({ does: 'half answer' }), () => ({ does: 'endless answer' }), () => ({ does: 'spoil' }), () => ({ does: 'no http' }),
  () => ({ does: 'status', status: 403 }), () => ({ does: 'redirect' }), () => ({ does: 'early refusal', status: 401 }),
];
/** How often the far end is slow, how slow, and for how many requests the credential has expired. */
const [slowEvery, slowMs, expiredFor] = [50, 300, 10];
const named = ['SP_FAR_REFUSED', 'SP_FAR_REDIRECT', 'SP_FAR_ANSWER', 'SP_FAR_CHECKSUM'];

export async function proveFaults(t: Test, objects: number): Promise<void> {
  const folder = t.testdir();
  const { stub, pin } = await stubByTls(t, folder);
  const key = stub.grant(['put', 'get', 'delete']);
  const store = { kind: 's3', url: stub.url.replace('/bucket', ''), bucket: 'bucket' };
  const login = `${key.id}\n${key.secret}\n`;
  const home = makeHome(folder, [{ ...store, name: 's3', pin }, { ...store, name: 'impostor', pin: '0'.repeat(64) }], { 's3.all': login, 'impostor.all': login });
  const hub = await HubSide.open(home);
  const sent = new Map<string, { object: string; sha256: string }>();
  const put = async (to: string): Promise<[name: string, facts: { object: string; sha256: string }]> => {
    const sealed = sealedText(randomBytes(2000 + randomInt(bytesMax)));
    const { name, object } = await hub.outbox.put(sealed, { to, class: 'segment' });
    return [name, { object, sha256: createHash('sha256').update(sealed.bytes).digest('hex') }];
  };
  for (let i = 0; i < objects; i++) sent.set(...await put('s3'));
  const astray = await Promise.all(Array.from({ length: 5 }, () => put('impostor')));

  // One request in eight fails, each kind in its turn; some are slow; in the middle the credential expires; three times the courier is killed.
  let [seen, next, expiredFrom] = [0, 0, Infinity];
  stub.hook = async (moment) => {
    if (moment !== 'before') return;
    seen++;
    if (seen % 8 === 0) stub.faults.push({ ...kinds[next++ % kinds.length]!(), times: 1 });
    if (expiredFrom === Infinity && stub.objects.size > objects * 0.6) {
      expiredFrom = seen;
      stub.keys.delete(key.id);
    }
    if (seen === expiredFrom + expiredFor) stub.keys.set(key.id, { secret: key.secret, rights: ['put', 'get', 'delete'] });
    if (seen % slowEvery === 0) await systemClock.sleep(slowMs);
  };
  let courier = await startCourier(home);
  for (const share of [0.2, 0.5, 0.8]) {
    while (stub.objects.size < objects * share) await systemClock.sleep(20);
    courier.child.kill('SIGKILL');
    await courier.child.exited;
    courier = await startCourier(home);
  }
  t.teardown(() => courier.stop());
  let failed = 0;
  for (const [name, { object, sha256 }] of sent) {
    const answer = await hub.answerTo(name);
    const held = stub.objects.get(object);
    if (answer.outcome === 'done') {
      if (held === undefined || createHash('sha256').update(held.bytes).digest('hex') !== sha256 || answer.proof === 'size') t.fail(`${name} is told as done and is not there as it was sent`);
    } else {
      failed++;
      t.ok(named.includes(answer.code ?? ''), `named: ${answer.code}`);
    }
    if ((stub.stored.get(object) ?? 0) > 1) t.ok(answer.attempts > 1, 'what was stored again is told as tried again');
  }
  for (const [name, { object }] of astray) {
    t.match(await hub.answerTo(name), { outcome: 'failed', code: 'SP_FAR_CERTIFICATE' }, 'who shows another certificate');
    t.notOk(stub.objects.has(object), 'gets nothing');
  }
  t.ok(expiredFrom < Infinity && seen > expiredFrom + expiredFor, 'the credential had expired, and was renewed');
  t.ok(next >= kinds.length, 'every fault came');
  t.ok(failed < objects / 4, `${failed} are named as failed`);
  t.comment(`${objects - failed} arrived, ${failed} named as failed, ${next} faults in ${seen} requests, 3 kills`);
}
