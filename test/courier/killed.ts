/** One order of two parts for an S3 store, a courier that is killed somewhere on its way, and what must hold after the next one. */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import type { Answer } from '../../src/outbox/orders.ts';
import type { Placed } from '../../src/outbox/out.ts';
import type { Sealed } from '../../src/seal/sealed.ts';
import { S3Stub } from '../egress/s3stub.ts';
import { sealedText } from '../outbox/world.ts';
import { HubSide, makeHome, startCourier, type Home } from './kit.ts';

export interface Scene {
  readonly stub: S3Stub;
  readonly home: Home;
  readonly hub: HubSide;
  readonly placed: Placed;
  readonly sealed: Sealed;
}

export async function makeScene(folder: string): Promise<Scene> {
  const stub = await S3Stub.start();
  const key = stub.grant(['put', 'get', 'delete']);
  const home = makeHome(folder, [{ name: 's3', kind: 's3', url: stub.url.replace('/bucket', ''), bucket: 'bucket' }], { 's3.all': `${key.id}\n${key.secret}\n` });
  const hub = await HubSide.open(home);
  const sealed = sealedText(randomBytes(9 * 2 ** 20));
  return { stub, home, hub, sealed, placed: await hub.outbox.put(sealed, { to: 's3', class: 'segment' }) };
}

/** The next courier brings it to its end. Answers with what is wrong; nothing when all is well. */
export async function finish({ stub, home, hub, placed, sealed }: Scene): Promise<{ problems: string[]; answer: Answer }> {
  const courier = await startCourier(home, ['--confined', 'test']);
  try {
    const answer = await hub.answerTo(placed.name);
    const problems: string[] = [];
    const held = stub.objects.get(placed.object)?.bytes;
    if (answer.outcome !== 'done' || answer.proof === 'size') problems.push(`the answer: ${JSON.stringify(answer)}`);
    if (held === undefined || createHash('sha256').update(held).digest('hex') !== createHash('sha256').update(sealed.bytes).digest('hex')) problems.push('the far end does not hold what was sent');
    if (stub.stored.get(placed.object) !== 1) problems.push(`it was stored ${stub.stored.get(placed.object)} times`);
    if (stub.objects.size !== 1) problems.push(`${stub.objects.size} objects`);
    // What went out again is told: bytes that came in beyond the object's own need a second attempt.
    const cameIn = stub.requests.filter(({ method, path }) => method === 'PUT' && path.includes('partNumber')).reduce((sum, { bytes }) => sum + bytes, 0);
    if (cameIn > sealed.bytes.length && answer.attempts < 2) problems.push(`${cameIn} bytes came in, and one attempt was told`);
    await hub.settle(placed.name);
    while (readdirSync(join(home.state, 'journal')).length > 0) await systemClock.sleep(20);
    const left = ['out', 'back'].flatMap((folder) => readdirSync(join(home.outbox, folder))).filter((name) => !name.startsWith('status.json'));
    if (left.length > 0) problems.push(`left over: ${left.join()}`);
    return { problems, answer };
  } finally {
    await courier.stop();
    await stub.close();
  }
}
