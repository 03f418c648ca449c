import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { openConnection } from '../../src/vault/connection.ts';
import { loadWorkingKey } from '../../src/vault/workingkey.ts';
import type { Me } from '../../src/api/pagecontract.ts';
import { filesBelow } from '../vault/world.ts';
import { deviceOf, newLogin, openDoor, type Door } from './pagekit.ts';
import { Identity } from '../../src/seal/identity.ts';

const markers = ['Zebulon Quixworthy', 'zebulon quixworthy', 'Zebbie-nick', 'Zebs-telephone', 'Europe/Zebgrad', 'zeb-agent', 'emVidWxvbnBpY3R1cmU', 'Zebulon Second'];

/** The database as it is now, without its cipher: each page of it, free ones too. */
async function deciphered(site: Door, folder: string): Promise<Buffer> {
  const copy = join(folder, `copy-${Math.random()}`);
  for (const end of ['', '-wal']) await cp(join(site.folder, 'data', `working.db${end}`), `${copy}.db${end}`).catch(() => {});
  const key = await loadWorkingKey({ folder: join(site.folder, 'data'), mayCreate: false });
  const db = openConnection(`${copy}.db`, key.databaseKey(), { readonly: false });
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.pragma('journal_mode = DELETE');
  db.pragma("rekey = ''");
  db.close();
  const bytes = await readFile(`${copy}.db`);
  if (!bytes.subarray(0, 15).equals(Buffer.from('SQLite format 3'))) throw new Error('the database is still ciphered');
  return bytes;
}

const found = (bytes: Buffer): string[] => markers.filter((marker) => bytes.includes(marker));

t.test('create, edit and erase a person: nothing of them is left in any file of the data folder', async (t) => {
  const site = await openDoor(t, {});
  const folder = t.testdir();
  const owner = await site.owner();
  const { code } = await owner.browser.must<{ code: string }>('POST', 'invitations', { role: 'member', spaces: ['home'] });
  const browser = site.browser();
  const device = deviceOf(Identity.generate(), 'Zebs-telephone');
  const joined = await browser.ask('POST', 'invitations/join', {
    body: { code, person: { name: 'Zebulon Second', nickname: 'Zebbie-nick', timeZone: 'Europe/Zebgrad', picture: 'data:image/png;base64,emVidWxvbnBpY3R1cmU=' }, login: newLogin(), device }, headers: { 'user-agent': 'zeb-agent' },
  });
  const { account } = joined.body as unknown as Me;
  await site.vault.makeCopy();
  await browser.must('PATCH', 'me', { name: 'Zebulon Quixworthy' });
  await browser.post('login', { name: 'Zebulon Quixworthy', half: 'A'.repeat(43) });
  await owner.browser.must('PATCH', `accounts/${account.id}`, { spaces: ['garden'] });
  await site.vault.makeCopy();
  t.same((await site.vault.copies()).length, 2);
  t.ok(found(await deciphered(site, folder)).length >= 6, 'the test itself finds what is there');
  const before = await filesBelow(join(site.folder, 'data', 'copies'));

  await owner.browser.must('DELETE', `accounts/${account.id}`);

  t.same(found(await deciphered(site, folder)), [], 'not in the database, not in its free pages');
  for (const file of await filesBelow(join(site.folder, 'data'))) t.same(found(await readFile(join(site.folder, 'data', file))), [], file);
  const after = await filesBelow(join(site.folder, 'data', 'copies'));
  t.equal(after.length, 1);
  t.notOk(before.includes(after[0] ?? ''), 'both copies that held them are destroyed, and their keys with them');
  const book = await site.vault.accountsBook();
  t.same([book.accounts.length, book.devices.length, book.tokens.length], [1, 1, 0]);
  t.notOk(book.sessions.some((session) => session.account === account.id));
  t.equal((await browser.get('me')).code, 'SP_PAGE_SESSION');
});

t.test('an erasure that a failing disk interrupts is finished later', async (t) => {
  const site = await openDoor(t, {});
  const owner = await site.owner();
  const member = await site.member(owner.browser, 'member', ['home']);
  await site.vault.makeCopy();
  const renew = site.vault.renewCopies.bind(site.vault);
  site.vault.renewCopies = () => Promise.reject(new Error('the disk is full'));
  t.equal((await owner.browser.ask('DELETE', `accounts/${member.me.account.id}`)).status, 500, 'it does not say that it is done');
  t.equal((await member.browser.get('me')).code, 'SP_PAGE_SESSION', 'though nobody comes in by it any more');
  t.equal(await site.vault.setting('page erasing'), true);
  site.vault.renewCopies = renew;
  await site.accounts.finishErasing();
  t.equal(await site.vault.setting('page erasing'), false);
  t.equal((await site.vault.copies()).length, 1);
});
