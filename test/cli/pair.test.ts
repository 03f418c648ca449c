/** What `sallyport pair` says, and its QR code: read from the terminal's own characters by zbar, which knows nothing of how it was made. */
import { existsSync } from 'node:fs';
import t from 'tap';
import type { ReplyOf } from '../../src/api/contract.ts';
import { pairLines, pairLink, pairQr } from '../../src/cli/pair.ts';
import { readPairFragment } from '../../src/policy/pairlink.ts';
import { cellsOf, readQr, zbarimg } from './terminalqr.ts';

const words = ['apple', 'bread', 'cable', 'dance', 'eagle', 'fence'];
const reply: ReplyOf<'pair'> = {
  page: { enabled: true, state: 'new', urls: ['https://hub:7443', 'https://192.168.1.20:7443', 'https://127.0.0.1:7443', 'http://127.0.0.1:7480'], fingerprint: 'ab'.repeat(32), words, own: true },
  code: 'ABCD-2345-WXYZ', untilMs: 1_795_000_000_000,
};
const skip = existsSync(zbarimg) ? false : `${zbarimg} (zbar-tools) is not here`;

t.test('whose certificate it is decides what is said of the warning', async (t) => {
  const own = pairLines(reply).join('\n');
  t.match(own, /The browser warns, because it does not know this hub yet/);
  const households = pairLines({ ...reply, page: { ...reply.page, own: false } }).join('\n');
  t.notMatch(households, /does not know this hub yet/);
  t.match(households, /The certificate is your own, of \[page\]: a browser that knows who signed it does not warn/);
  for (const text of [own, households]) t.match(text, words.join(' '));
});

t.test('the link has the code and the words behind the #, and an address that a phone knows', async (t) => {
  const link = new URL(pairLink(reply) ?? '');
  t.equal(link.origin, 'https://192.168.1.20:7443', 'no name, which a phone might not find');
  t.equal(link.pathname + link.search, '/first', 'no secret in what is sent to a hub, and so in no log');
  t.strictSame(readPairFragment(link.hash), { code: reply.code, words });
  t.strictSame(readPairFragment(new URL(pairLink({ page: reply.page }) ?? '').hash), { words }, 'no code once there is an owner');
  t.match(pairLink({ page: { ...reply.page, urls: ['https://hub:7443', 'https://127.0.0.1:7443'] } }), /^https:\/\/hub:7443\//);
  t.match(pairLink({ page: { ...reply.page, urls: ['https://hub:7443', 'https://192.0.2.2:7443'] } }), /^https:\/\/hub:7443\//, 'no address that the authority does not sign for');
  t.match(pairLink({ page: { ...reply.page, own: false } }), /^https:\/\/hub:7443\//, 'a household\'s own certificate is of a name');
  t.equal(pairLink({ page: { ...reply.page, urls: ['http://127.0.0.1:7480'] } }), undefined, 'never by plain HTTP');
  t.strictSame(pairQr({ page: { ...reply.page, urls: [] } }), []);
});

t.test('the QR code on the terminal is that link', { skip }, async (t) => {
  const lines = pairQr(reply);
  t.ok(lines.every((line) => cellsOf(line).length <= 80), 'no wider than a terminal');
  t.equal(await readQr(lines), pairLink(reply));
  t.not(await readQr(lines.toSpliced(8, 14)), pairLink(reply), 'a code with its middle cut out is not read');
});
