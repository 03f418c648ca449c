/** A hub whose catalogue was made anew, and the store that it had sent to. */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { dayMs } from '../../src/base/units.ts';
import { verifyFar, type EgressParts } from '../../src/duties/egress.ts';
import { FarSurveyDuty } from '../../src/duties/farsurvey.ts';
import { UploadDuty } from '../../src/duties/upload.ts';
import { eraseNamespace, wishDocument, type Signed } from '../../src/duties/wishes.ts';
import { makeHold } from '../../src/seal/hold.ts';
import { Identity } from '../../src/seal/identity.ts';
import { makeOwnerList, readOwnerList } from '../../src/seal/owner.ts';
import { Sealed } from '../../src/seal/sealed.ts';
import { rebuildDatabase } from '../../src/vault/rebuild.ts';
import { newOrderId } from '../../src/vault/vault.ts';
import { answered, makeUploads, recordWithKey, reopen, runCourier, settle, type UploadWorld } from '../duties/uploadworld.ts';
import { hourMs, record, start } from '../vault/world.ts';
import type { OpenFarEnd } from './farends.ts';

/** What it has recorded is over, and its database is made anew of what lies on the disk. */
export async function rebuilt(made: UploadWorld, kit: Identity): Promise<FarSurveyDuty> {
  const { world } = made;
  await made.vault.finishPeriods(start + 6 * hourMs);
  await made.upload.close();
  await made.ledger.close();
  await made.vault.close();
  await rm(join(world.folder, 'working.db'));
  await rebuildDatabase({ folder: world.folder, identities: [world.owner], periodMs: hourMs, keepMs: () => hourMs, gapMsMin: 500, clock: world.clock, log: silentLog, hubName: 'test hub' });
  await reopen(made);
  return surveyOf(made, kit);
}

function surveyOf(made: UploadWorld, kit: Identity): FarSurveyDuty {
  const list = readOwnerList(makeOwnerList(kit, 0), 'the list');
  const { vault, ledger, world: { clock } } = made;
  const survey = new FarSurveyDuty({ vault, ledger, destinations: () => made.destinations, owner: () => list, clock, log: silentLog, onChange: () => {} });
  made.upload = new UploadDuty({ vault, ledger, courier: { word: async () => undefined }, holds: (name) => survey.holds(name), destinations: () => made.destinations, clock, log: silentLog });
  return survey;
}

export function signed(made: UploadWorld, kit: Identity, { objects, set }: { objects: number; set: string }, destination: string): Signed {
  const document = wishDocument({ what: 'clear', destination, objects, set }, made.world.clock.wallMs() + Math.floor(Math.random() * 1000));
  const signer = kit.signer();
  const signature = signer.sign(document, eraseNamespace);
  signer.close();
  return { document, signature };
}

/** Two hours; one segment has a second header, too. */
async function recordHeld(made: UploadWorld): Promise<void> {
  const { vault, world } = made;
  const hour = (n: number) => vault.preparePeriod({ camera: 'front', class: 'footage', startMs: start + n * hourMs, endMs: start + (n + 1) * hourMs, deadlineMs: start + 100 * hourMs, recipients: [world.owner.recipient] });
  const [first, second] = [await hour(0), await hour(1)];
  await record(vault, first);
  await record(vault, second, { bytes: 9_000 });
  const { row, key } = await recordWithKey(vault, second, 600);
  const hold = await vault.preparePeriod({ camera: 'front', class: 'hold', startMs: second.startMs, endMs: second.endMs, deadlineMs: start + 200 * hourMs, recipients: [world.owner.recipient], hold: { order: newOrderId(), maker: 'device', label: 'the fence' } });
  await vault.addHolds(hold, [{ stream: 'main', seq: row.seq, header: makeHold(key, hold.recipient) }]);
  key.close();
}

async function states(made: UploadWorld, name: string): Promise<string[]> {
  return (await made.vault.far.after(name, '', 1000)).map(({ class: klass, state }) => `${klass} ${state}`).sort();
}

/** From the sending to the last object's end. */
export async function proveForgotten(t: Test, open: OpenFarEnd): Promise<void> {
  const folder = t.testdir();
  await using made = await makeUploads(folder);
  const end = await open(folder);
  t.teardown(() => end.close());
  made.destinations = [end.destination];
  const { name } = end.destination;
  await using _courier = await runCourier(made, made.destinations, { credentials: end.credentials });
  await recordHeld(made);
  await settle(made);
  const sent = await states(made, name);
  t.same(sent, ['hold there', 'hours there', 'hours there', 'hours there', 'segment there', 'segment there', 'segment there']);
  const before = await end.copy();

  const kit = Identity.generate();
  const survey = await rebuilt(made, kit);
  t.same(await states(made, name), [], 'it is forgotten');
  await settle(made);
  t.same(await states(made, name), [], 'nothing is sent before it is looked at');
  const look = await answered(made, survey.look(name));
  t.match(look, { known: 4, objects: 3 });
  t.same(await states(made, name), ['hold there', 'segment there', 'segment there', 'segment there']);
  await settle(made);
  t.same(await states(made, name), sent);
  const puts = (await made.vault.far.lines({ limit: 1000 })).filter(({ kind }) => kind === 'put').map(({ class: klass }) => klass);
  t.same(puts, ['hours', 'hours', 'hours'], 'lists alone are sent anew');
  const kept = await end.copy();
  t.ok([...before].every(([object, bytes]) => kept.get(object)?.equals(bytes)), 'nothing of before is gone');

  await t.rejects(answered(made, survey.erase(signed(made, kit, look, name))), { code: 'SP_ERASE', message: /for a day/ });
  const stranger = Identity.generate();
  await t.rejects(answered(made, survey.erase(signed(made, stranger, look, name))), { code: 'SP_OWNER_NEEDED' });
  made.world.clock.set(made.world.clock.wallMs() + dayMs);
  // Another hub sends there, too.
  const foreign = randomBytes(16).toString('hex');
  const orders = await made.ledger.put(Sealed.text(Buffer.from('another hub'), [kit.recipient]), { to: name, class: 'segment', object: foreign, camera: '', recipients: [] });
  while (made.ledger.orders.has(orders.name)) await made.ledger.look();
  await t.rejects(answered(made, survey.erase(signed(made, kit, look, name))), { code: 'SP_ERASE', message: /somebody else/ });
  const wider = await answered(made, survey.look(name));
  t.equal(wider.objects, 4);
  await t.rejects(answered(made, survey.erase(signed(made, kit, wider, name))), { code: 'SP_ERASE', message: /for a day/ }, 'it begins anew');
  t.ok((await end.copy()).has(foreign), 'nothing is erased');

  made.world.clock.set(made.world.clock.wallMs() + dayMs);
  const yes = signed(made, kit, wider, name);
  t.equal(await answered(made, survey.erase(yes)), 4);
  await t.rejects(answered(made, survey.erase(yes)), { code: 'SP_BAD_SIGNATURE', message: /before/ });
  await settle(made);
  const rows = await made.vault.far.after(name, '', 1000);
  t.same([...(await end.copy()).keys()].sort(), rows.map(({ object }) => object).sort(), 'what lies there is what is known');
  t.equal(rows.length, 7);
  t.match((await made.vault.far.lines({ limit: 1000 })).filter(({ kind }) => kind === 'delete'), Array.from({ length: 4 }, () => ({ outcome: 'done', destination: name })));
  t.match(await answered(made, survey.look(name)), { objects: 0, known: 0 });
  t.same(survey.unknown, []);
  t.match(await answered(made, verifyFar({ vault: made.vault, ledger: made.ledger, destinations: () => made.destinations } as unknown as EgressParts, name, false)), { missing: [], unknown: 0 });
  await made.vault.purge((await made.vault.livePeriods()).map(({ id }) => ({ id })), {});
  await settle(made);
  t.same([...(await end.copy()).keys()], [], 'and all of it goes in time');
}
