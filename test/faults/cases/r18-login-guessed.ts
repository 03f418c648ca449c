import { recoverNamespace, recoveryDocument } from '../../../src/policy/ownerdocuments.ts';
import { deviceOf, newHalf, newLogin, type Browser } from '../../api/pagekit.ts';
import type { FaultCase } from '../fault.ts';
import { gapCount, missedSince, withPage } from '../kit/page.ts';

/** As long as the waits need to double a few times; so many guesses in any case. */
const lasts = { quick: { ms: 25_000, guesses: 600 }, all: { ms: 150_000, guesses: 10_000 } };
const atOnce = 12;
const attackers = 40;
const name = 'Olga Owner';

const guessed: FaultCase = {
  id: 'R18',
  fault: `passphrases are guessed at the login from ${attackers} addresses, ${atOnce} at a time: of the owner, of names that are not there, with invented device ids`,
  expected: 'after five of a name, or twenty of an address, each waits, longer and longer; hardly any is compared; the owner\'s known device comes in meanwhile, and so does the recovery kit; recording loses nothing',
  limitMs: { quick: 100_000, all: 480_000 },
  run: (o) => withPage(o, { cameras: 1 }, async (site, page) => {
    const problems: string[] = [];
    const gaps = await gapCount(site);
    const wanted = o.quick ? lasts.quick : lasts.all;
    const untilMs = performance.now() + wanted.ms;
    const browsers = Array.from({ length: attackers }, (_, n) => page.browser(`127.88.0.${n + 1}`));
    const count = { compared: 0, refused: 0, busy: 0, other: 0 };
    const waits: number[] = [];
    let [sent, longestMs] = [0, 0];
    const device = page.owner.me.account.devices[0]?.id ?? '';
    const guess = async (n: number): Promise<void> => {
      const body = [{ name }, { name: `Guest ${n}` }, { name, device: `${n}`.padStart(22, 'x') }][n % 3] as object;
      const began = performance.now();
      const answer = await (browsers[n % attackers] as Browser).post('login', { ...body, half: newHalf() });
      longestMs = Math.max(longestMs, performance.now() - began);
      if (answer.code === 'SP_PAGE_LOGIN') count.compared++;
      else if (answer.code === 'SP_PAGE_TRIES') {
        count.refused++;
        if (n % 3 !== 1) waits.push(Number(answer.headers['retry-after']));
      } else if (answer.code === 'SP_PAGE_BUSY') count.busy++;
      else {
        count.other++;
        problems.push(`a guess was answered with ${answer.status} ${answer.code ?? ''}`);
      }
    };
    const entered: number[] = [];
    const enter = async (): Promise<void> => {
      const began = performance.now();
      const { status, code } = await page.browser().post('login', { name, half: page.owner.half, device });
      entered.push(performance.now() - began);
      if (status !== 200) problems.push(`the owner with a known device was answered with ${status} ${code ?? ''}`);
    };
    let running = true;
    const owner = (async () => {
      while (running) {
        await enter();
        await new Promise((resolve) => { setTimeout(resolve, 2000); });
      }
    })();
    await Promise.all(Array.from({ length: atOnce }, async () => {
      while ((sent < wanted.guesses || performance.now() < untilMs) && !o.signal.aborted && !o.almostOver()) await guess(sent++);
    }));
    running = false;
    await owner;

    const stranger = await page.browser('127.88.9.1').post('login', { name, half: page.owner.half });
    if (stranger.status !== 429) problems.push(`a new browser at the guessed name was answered with ${stranger.status}, not asked to wait`);
    const grows = waits.length > 0 && Math.max(...waits) > 4 * Math.min(...waits);
    if (!grows) problems.push(`the waits do not grow: ${Math.min(...waits)} to ${Math.max(...waits)} s`);
    // Twenty of each address, and then one at each doubling of its wait.
    const allowed = attackers * (20 + Math.ceil(Math.log2(wanted.ms / 1000)));
    if (count.compared > allowed) problems.push(`${count.compared} guesses were compared; ${allowed} might be`);
    const recovered = await page.browser('127.88.9.2').post('recover', await signedRecovery(page.browser(), page.owner.kit));
    if (recovered.status !== 200) problems.push(`the recovery kit was answered with ${recovered.status} ${recovered.code ?? ''}`);
    const { notices } = recovered.status === 200 ? await site.status() : { notices: [] };
    if (!notices.some(({ kind }) => kind === 'failed logins')) problems.push('the owner was not told of failed logins');
    problems.push(...await missedSince(site, gaps));
    return {
      injected: sent, lost: '0 segments', recoveryMs: [], problems: [...new Set(problems)].slice(0, 10),
      figures: {
        'guesses compared': count.compared, 'told to wait': count.refused, 'turned away as too many at once': count.busy, 'longest wait asked, s': Math.max(...waits),
        'longest answer, ms': Math.round(longestMs), 'owner let in meanwhile': `${entered.length} times, ${Math.round(Math.max(...entered))} ms at most`, 'with the kit': recovered.status,
      },
    };
  }),
};

async function signedRecovery(browser: Browser, kit: Parameters<typeof deviceOf>[0]): Promise<{ document: string; signature: string }> {
  const { key } = (await browser.get('hello')).body as { key: string };
  const document = recoveryDocument({ v: 1, what: 'recover', hub: key, name, login: newLogin(), device: deviceOf(kit, 'new phone'), madeMs: Date.now() });
  const signer = kit.signer();
  try {
    return { document, signature: signer.sign(document, recoverNamespace) };
  } finally {
    signer.close();
  }
}

export default guessed;
