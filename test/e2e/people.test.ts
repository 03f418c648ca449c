/** `sallyport people`: what the real command line says of a running hub's people, and that it names nobody. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { modelId } from '../../src/detect/client.ts';
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
