/** `sallyport people`: what the real command line says of a running hub's people, and that it names nobody. */
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { modelId } from '../../src/detect/client.ts';
import { Identity } from '../../src/seal/identity.ts';
import { makeOwnerList } from '../../src/seal/owner.ts';
import { Vault } from '../../src/vault/vault.ts';
import { AheadClock, configText, startPage } from '../api/pagekit.ts';
import { consentOf, dayMs, somebody } from '../vault/somebody.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');

t.test('people are listed by their ids, with the state of their consent, and forgotten; no name is said', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sp-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const clock = new AheadClock();
  const nowMs = Math.round(clock.wallMs());
  const vault = await Vault.open({ folder: join(folder, 'data'), clock, log: silentLog, hubName: 'Test' });
  const id = await vault.people.enrol(somebody('Wilhelmina Featherstone', { model: modelId, consent: consentOf({ atMs: nowMs }), lapsesMs: nowMs + 100 * dayMs, forgottenMs: nowMs + 130 * dayMs }));
  await vault.close();
  await startPage(t, { folder, clock, config: configText() });
  const said = async (...args: string[]): Promise<{ status: number | null; text: string }> => {
    const { status, stdout, stderr } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'people', ...args, '--socket', join(folder, 'data/control.sock')]);
    return { status, text: `${stdout}${stderr}` };
  };
  const list = await said();
  t.match(list, { status: 0, text: /faces are off[^]*1 person/ });
  t.match(list.text, new RegExp(`${id} +given`));
  const json = JSON.parse((await said('--json')).text) as object;
  t.match(json, { enabled: false, people: [{ id, state: 'given', templates: 3, usable: true, lapsesMs: nowMs + 100 * dayMs, forgottenMs: nowMs + 130 * dayMs }] });
  t.notMatch(`${list.text}${JSON.stringify(json)}`, /Wilhelmina|Featherstone|Grace|mark/);
  t.match(await said('forget', id), { status: 0, text: new RegExp(`${id} is forgotten; receipt 1`) });
  t.match(await said('forget', id), { status: 1, text: /no person/ });
  t.match(await said('forget', 'Wilhelmina'), { status: 1, text: /no person of that id/ });
  t.match(await said('list'), { status: 0, text: /0 persons enrolled/ });
});

t.test('with lock = "owner" the hub that was started knows nobody until the kit lends the keys, and again after they are taken back', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sp-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const clock = new AheadClock();
  const nowMs = Math.round(clock.wallMs());
  const kit = Identity.generate();
  await writeFile(join(folder, 'kit.txt'), `${kit.reveal()}\n`);
  await writeFile(join(folder, 'stranger.txt'), `${Identity.generate().reveal()}\n`);
  await writeFile(join(folder, 'owner.json'), makeOwnerList(kit, nowMs));
  const vault = await Vault.open({ folder: join(folder, 'data'), clock, log: silentLog, hubName: 'Test' });
  const person = somebody('Wilhelmina Featherstone', { model: modelId, consent: consentOf({ atMs: nowMs }), lapsesMs: nowMs + 100 * dayMs, forgottenMs: nowMs + 130 * dayMs });
  const id = await vault.people.enrol(person);
  await vault.people.keepLock({ lock: 'owner', owners: [kit.recipient] });
  await vault.close();
  const site = await startPage(t, { folder, clock, config: `owner = "${join(folder, 'owner.json')}"\n${configText()}\n[faces]\nlock = "owner"\n` });
  const said = async (...args: string[]): Promise<{ status: number | null; text: string }> => {
    const { status, stdout, stderr } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'people', ...args, '--socket', join(folder, 'data/control.sock')]);
    return { status, text: `${stdout}${stderr}` };
  };
  t.match(await said(), { status: 0, text: /faces are locked: 1 of them/ });
  t.match(await said('lend', '--identity', join(folder, 'stranger.txt')), { status: 1, text: /keys of who is enrolled/ });
  t.match(await said('lend', '--identity', join(folder, 'kit.txt')), { status: 0, text: /lent until the hub ends/ });
  t.match(await said(), { status: 0, text: /the keys are the owner's, lent until the hub ends/ });
  t.match(await said('lock'), { status: 0, text: /wiped/ });
  t.match(await said(), { status: 0, text: /faces are locked/ });
  t.match(await said('forget', id), { status: 0, text: /is forgotten; receipt 1/ }, 'without the keys');
  await site.hub.close();
  const log = (await Promise.all((await readdir(join(folder, 'data/log'))).map((name) => readFile(join(folder, 'data/log', name), 'utf8')))).join('');
  t.notMatch(log, /AGE-SECRET|Wilhelmina/i);
});
