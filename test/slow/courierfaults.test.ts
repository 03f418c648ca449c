import { createHash, randomBytes, randomInt } from 'node:crypto';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { makeHome, HubSide, startCourier } from '../courier/kit.ts';
import { S3Stub, type Fault } from '../egress/s3stub.ts';
import { sealedText } from '../outbox/world.ts';

const objects = 120;
const kinds: readonly Omit<Fault, 'times'>[] = [
  { does: 'status', status: 500 }, { does: 'status', status: 503, headers: { 'Retry-After': '1' } }, { does: 'status', status: 507 }, { does: 'reset', afterBytes: 0 }, { does: 'half answer' },
  { does: 'endless answer' }, { does: 'spoil' }, { does: 'no http' }, { does: 'status', status: 403 }, { does: 'redirect' }, { does: 'early refusal', status: 401 },
];

t.test(`${objects} objects through faults and kills: each arrives once and verified, or is named as failed`, { timeout: 300_000 }, async (t) => {
  const stub = await S3Stub.start();
  t.teardown(() => stub.close());
  const key = stub.grant(['put', 'get', 'delete']);
  const home = makeHome(t.testdir(), [{ name: 's3', kind: 's3', url: stub.url.replace('/bucket', ''), bucket: 'bucket' }], { 's3.all': `${key.id}\n${key.secret}\n` });
  const hub = await HubSide.open(home);
  const sent = new Map<string, { object: string; sha256: string }>();
  for (let i = 0; i < objects; i++) {
    const sealed = sealedText(randomBytes(2000 + randomInt(40_000)));
    const { name, object } = await hub.outbox.put(sealed, { to: 's3', class: 'segment' });
    sent.set(name, { object, sha256: createHash('sha256').update(sealed.bytes).digest('hex') });
  }
  // One request in eight fails, each kind in its turn; three times the courier is killed.
  let [seen, next] = [0, 0];
  stub.hook = (moment) => {
    if (moment !== 'before' || ++seen % 8 !== 0) return;
    stub.faults.push({ ...(kinds[next++ % kinds.length] as Omit<Fault, 'times'>), times: 1 });
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
      t.ok(['SP_FAR_REFUSED', 'SP_FAR_REDIRECT', 'SP_FAR_ANSWER', 'SP_FAR_CHECKSUM'].includes(answer.code ?? ''), `named: ${answer.code}`);
    }
    if ((stub.stored.get(object) ?? 0) > 1) t.ok(answer.attempts > 1, 'what was stored again is told as tried again');
  }
  t.ok(failed < objects / 4, `${failed} are named as failed`);
  t.comment(`${objects - failed} arrived, ${failed} named as failed, ${next} faults, 3 kills`);
});
