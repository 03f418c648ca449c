/** Knows those who are enrolled in the data folder argv[2], looks for faces in the streams argv[4]…, says what it saw, and waits; with `keep` as argv[3] it keeps what it must not. On a line of input it drops those whom it knows, and says so. */
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { modelId } from '../../src/detect/client.ts';
import { PeopleBook } from '../../src/duties/people.ts';
import { Vault } from '../../src/vault/vault.ts';
import { faceLooks } from './facelook.ts';

const [, , folder = '', mode = '', ...streams] = process.argv;
const vault = await Vault.open({ folder, clock: systemClock, log: silentLog, hubName: 'test hub' });
const book = new PeopleBook({ vault, owners: () => [], faces: () => ({ enabled: true, consentMs: 1e11, lock: 'hub' as const }), model: modelId, timeTrusted: async () => true, notices: { raise: () => {}, settle: () => {} }, clock: systemClock, log: silentLog });
await book.refresh();
const kept: Uint8Array[] = [];
const looks = await faceLooks(() => book.templates(), (faces) => { if (mode === 'keep') for (const { vector, crop } of faces) kept.push(Uint8Array.from(new Uint8Array(vector.buffer)), Uint8Array.from(crop.rgb)); });
const answers: unknown[] = [];
for (const stream of streams) answers.push(await looks.look(stream));
process.stdin.once('data', async () => {
  for (const { id } of await vault.people.list()) {
    book.drop(id);
    await vault.people.forget(id, { who: 'cli' });
  }
  await book.refresh();
  process.stdout.write(`${kept.length} kept\n`);
});
process.stdout.write(`${JSON.stringify({ detector: looks.detector.pid, answers })}\n`);
