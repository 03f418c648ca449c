import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Browser, joinAs } from '../../api/pagekit.ts';
import type { FaultCase } from '../fault.ts';
import { gapCount, missedSince, watchLive, withPage } from '../kit/page.ts';
import { waitFor } from '../kit/faultsite.ts';

const endedMs = 2000;
const guesses = { quick: 300, all: 5000 };

const stolen: FaultCase = {
  id: 'R19',
  fault: 'a session is stolen and watched with, then ended, logged out of, or its account erased; cookies are guessed, replayed after their end, set beforehand, and sent from foreign sites',
  expected: 'the owner sees the thief and ends it: live pictures close with 4001 within 2 s and nothing more is answered; no guessed, replayed or planted cookie opens anything; the cookie is Secure, HttpOnly and SameSite=Strict, and stands in no file; recording loses nothing',
  limitMs: { quick: 100_000, all: 240_000 },
  run: (o) => withPage(o, { cameras: 1 }, async (site, page) => {
    const problems: string[] = [];
    const gaps = await gapCount(site);
    const camera = site.cameras[0]?.name ?? '';
    const { browser, half } = page.owner;
    const endsMs: number[] = [];
    let injected = 0;
    /** Somebody has the cookie of `victim` and watches with it; `end` is what the victim does about it. */
    const steal = async (what: string, victim: Browser, end: () => Promise<unknown>): Promise<void> => {
      injected++;
      const cookie = victim.cookie ?? '';
      const thief = new Browser(page.base, cookie, '127.66.6.6');
      const watching = watchLive(thief, camera, { from: '127.66.6.6' });
      await watching.opened;
      await waitFor(o, 'the thief sees pictures', 15_000, async () => watching.received().messages > 2);
      const began = performance.now();
      await end();
      const code = await Promise.race([watching.closed, new Promise<number>((resolve) => { setTimeout(() => resolve(0), 10_000); })]);
      const tookMs = performance.now() - began;
      endsMs.push(tookMs);
      watching.socket.terminate();
      const { messages } = watching.received();
      if (code !== 4001) problems.push(`${what}: the thief's pictures ended with ${code}`);
      if (tookMs > endedMs) problems.push(`${what}: the thief watched ${Math.round(tookMs)} ms longer`);
      const [asked, again] = [await new Browser(page.base, cookie).get('me'), watchLive(new Browser(page.base, cookie), camera)];
      if (asked.status !== 401) problems.push(`${what}: its cookie was answered with ${asked.status} afterwards`);
      if (await again.opened) problems.push(`${what}: its cookie opened live pictures afterwards`);
      o.say(`${what}: pictures ended ${Math.round(tookMs)} ms later, after ${messages} of them`);
    };
    const login = async (): Promise<Browser> => {
      const fresh = page.browser();
      await fresh.must('POST', 'login', { name: 'Olga Owner', half });
      return fresh;
    };
    const tablet = await login();
    await steal('ended in the list of sessions', tablet, async () => {
      const { sessions } = await browser.must<{ sessions: { id: string; current: boolean }[] }>('GET', 'sessions');
      for (const { id } of sessions.filter(({ current }) => !current)) await browser.must('DELETE', `sessions/${id}`);
    });
    const laptop = await login();
    await steal('logged out', laptop, () => laptop.must('POST', 'logout'));
    const guest = await joinAs(page, browser, 'guest', ['home'], 'Gus');
    await steal('account erased', guest.browser, () => browser.must('DELETE', `accounts/${guest.me.account.id}`));
    const member = await joinAs(page, browser, 'member', ['home'], 'Mia');
    await steal('taken out of the space', member.browser, async () => {
      await browser.must('PATCH', `accounts/${member.me.account.id}`, { spaces: ['garden'] });
      // That session goes on, for other spaces.
      await browser.must('DELETE', `accounts/${member.me.account.id}`);
    });

    const wanted = o.quick ? guesses.quick : guesses.all;
    const visitors = Array.from({ length: 10 }, (_, n) => page.browser(`127.66.7.${n + 1}`));
    const [cookieName = ''] = (browser.cookie ?? '').split('=');
    let next = 0;
    await Promise.all(visitors.map(async (visitor) => {
      while (next++ < wanted && !o.signal.aborted) {
        injected++;
        visitor.cookie = `${cookieName}=${randomBytes(32).toString('base64url')}`;
        const { status } = await visitor.get('me');
        if (status !== 401 && status !== 503) problems.push(`a guessed cookie was answered with ${status}`);
      }
    }));

    // A cookie that was set beforehand, and is not the one after the login.
    const planted = `${cookieName}=${randomBytes(32).toString('base64url')}`;
    const victim = page.browser();
    victim.cookie = planted;
    const answer = await victim.ask('POST', 'login', { body: { name: 'Olga Owner', half } });
    if (victim.cookie === planted || answer.status !== 200) problems.push('a planted cookie was taken over');
    if ((await new Browser(page.base, planted).get('me')).status !== 401) problems.push('a planted cookie opens the session');
    const set = String(answer.headers['set-cookie']);
    for (const part of ['__Host-', 'Secure', 'HttpOnly', 'SameSite=Strict', 'Path=/']) if (!set.includes(part)) problems.push(`the cookie is not ${part}`);
    for (const headers of [{ origin: 'https://evil.example' }, { origin: undefined }, { 'content-type': 'text/plain' }, { host: 'evil.example' }]) {
      injected++;
      const { status } = await browser.ask('POST', 'logout', { headers });
      if (status < 400) problems.push(`logout from elsewhere (${JSON.stringify(headers)}) was answered with ${status}`);
    }
    if ((await browser.get('me')).status !== 200) problems.push('the owner was logged out from elsewhere');
    const held = await filesWith(site.data, (browser.cookie ?? '').split('=')[1] ?? '');
    if (held.length > 0) problems.push(`the cookie stands in ${held.join()}`);
    problems.push(...await missedSince(site, gaps));
    return { injected, lost: '0 segments', recoveryMs: endsMs, problems: [...new Set(problems)].slice(0, 10), figures: { 'stolen session ended, ms': endsMs.map((ms) => Math.round(ms)).join(' '), 'guessed cookies': wanted } };
  }),
};

async function filesWith(folder: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const bytes = await readFile(file).catch(() => Buffer.alloc(0));
    if (bytes.includes(text) || bytes.includes(Buffer.from(text, 'base64url'))) found.push(file);
  }
  return found;
}

export default stolen;
