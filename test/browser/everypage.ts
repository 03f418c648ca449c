/**
 * What each page owes whoever visits it, tried on all of them: everything that can be operated is reached by Tab alone, is seen while it has the
 * focus, and lets it go again; and while the hub is slow, fails, or is away, the page says so and what to do.
 */
import type { CDPSession, Page, Route } from 'playwright-core';
import type { Test } from 'tap';
import { SallyportError } from '../../src/base/errors.ts';
import { violations } from './browser.ts';

interface Walk { readonly reached: number; readonly missing: readonly string[]; readonly unseen: readonly string[]; readonly covered: readonly string[]; readonly foreign: readonly string[] }
interface Walked { readonly expected: readonly Element[]; readonly reached: Set<Element>; readonly unseen: Set<string>; readonly covered: Set<string>; readonly scope: Element; again: boolean }

/** More than any page has. */
const stepsMax = 200;

/** By Tab through the page, or through the dialog that is open. */
async function walk(page: Page): Promise<Walk> {
  await page.evaluate(() => {
    const store = window as unknown as { walked?: Walked };
    const nameOf = (element: Element): string => `${element.tagName.toLowerCase()} ${(element.getAttribute('aria-label') ?? element.closest('label')?.textContent ?? element.textContent ?? '').trim().replaceAll(/\s+/g, ' ').slice(0, 60)}`;
    const scope = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body;
    const isFirstOfItsGroup = (radio: HTMLInputElement): boolean => radio.checked || document.querySelector(`input[type=radio][name="${radio.name}"]:checked`) === null;
    const expected = [...scope.querySelectorAll<HTMLElement>('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]')]
      .filter((element) => element.tabIndex >= 0 && !element.matches(':disabled') && element.closest('[inert]') === null && element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0)
      .filter((element) => !(element instanceof HTMLInputElement && element.type === 'radio') || isFirstOfItsGroup(element));
    const walked: Walked = { expected, reached: new Set(), unseen: new Set(), covered: new Set(), scope, again: false };
    store.walked = walked;
    const look = (event: FocusEvent): void => {
      const element = event.target as Element;
      if (store.walked !== walked || !scope.contains(element) || element === scope) return;
      if (walked.reached.has(element)) walked.again = true;
      walked.reached.add(element);
      // Where the page itself has put the focus, to be read from there, is none of the stops of Tab.
      if ((element as HTMLElement).tabIndex < 0) return;
      // A ring, on itself or on what is drawn in its place: the words of a choice, the label around a box, the dot of a corner.
      const around = [element, element.nextElementSibling, element.parentElement, element.firstElementChild].filter((one) => one !== null);
      const ringed = around.some((one) => [null, '::after', '::before'].some((part) => { const style = getComputedStyle(one, part); return style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) >= 2; }));
      if (!ringed) walked.unseen.add(nameOf(element));
      const { left, top, width, height } = element.getBoundingClientRect();
      const over = document.elementFromPoint(left + width / 2, top + height / 2);
      const inside = top + height > 0 && top < innerHeight;
      if (inside && over !== null && !element.contains(over) && !over.contains(element) && over.closest('label, .choices, .strip-place') !== element.closest('label, .choices, .strip-place')) walked.covered.add(`${nameOf(element)} by ${nameOf(over)}`);
    };
    document.addEventListener('focusin', look, true);
    const start = scope as HTMLElement;
    start.tabIndex = -1;
    start.focus();
    start.removeAttribute('tabindex');
  });
  const stops = await page.evaluate(() => (window as unknown as { walked: Walked }).walked.expected.length);
  // Where the page takes the focus meanwhile, the walk begins further down: what stands before comes after the browser's own stops.
  let outside = 0;
  for (let step = 0; step < stepsMax && outside < 2; step++) {
    await page.keyboard.press('Tab');
    if (step < stops) continue;
    const at = await page.evaluate(() => { const { walked } = window as unknown as { walked: Walked }; const element = document.activeElement; return walked.again ? 'again' : element === null || element === document.body || !walked.scope.contains(element) ? 'outside' : 'inside'; });
    if (at === 'again') break;
    if (at === 'outside') outside++;
  }
  const { reached, missing, unseen, covered, foreign } = await page.evaluate(() => {
    const store = window as unknown as { walked?: Walked };
    const { walked } = store;
    delete store.walked;
    if (walked === undefined) throw new Error('nothing was walked');
    // Round the page the focus is on the way past the head again, which covers it while it has the focus.
    if (walked.scope === document.body && document.activeElement instanceof HTMLElement) document.activeElement.blur();
    const nameOf = (element: Element): string => element.outerHTML.slice(0, 160);
    // What the page has taken away or put there meanwhile is the next walk's.
    const there = walked.expected.filter((element) => element.isConnected && element.checkVisibility() && !element.matches(':disabled'));
    const isOfARadioGroupThatWasReached = (element: Element): boolean => element instanceof HTMLInputElement && element.type === 'radio' && [...walked.reached].some((one) => one instanceof HTMLInputElement && one.name === element.name);
    const native = 'a[href], button, input, select, textarea, summary, [role=slider]';
    return {
      reached: walked.reached.size, unseen: [...walked.unseen], covered: [...walked.covered],
      missing: there.filter((element) => !walked.reached.has(element) && !isOfARadioGroupThatWasReached(element)).map(nameOf),
      foreign: walked.expected.filter((element) => !element.matches(native)).map(nameOf),
    };
  });
  return { reached, missing, unseen, covered, foreign: [...foreign, ...await clickedByMouseAlone(page)] };
}

/** What listens for clicks and is nothing that a keyboard operates. A click beside a dialog closes it, as Escape does; what is hidden from assistive technology is decoration of something that says and does the same. */
async function clickedByMouseAlone(page: Page): Promise<string[]> {
  const session: CDPSession = await page.context().newCDPSession(page);
  const { result } = await session.send('Runtime.evaluate', {
    expression: `[...document.querySelectorAll('body *')].filter((element) => !element.matches('a[href], button, summary, label, input, select, textarea, dialog, video') && element.closest('a[href], button, summary, label, [aria-hidden=true]') === null && (getEventListeners(element).click ?? []).length > 0).map((element) => element.outerHTML.slice(0, 160))`,
    includeCommandLineAPI: true, returnByValue: true,
  });
  await session.detach();
  return result.value as string[];
}

export async function byKeyboard(t: Test, page: Page, name: string): Promise<void> {
  const { reached, missing, unseen, covered, foreign } = await walk(page);
  t.ok(reached > 0, `${name}: Tab goes somewhere`);
  t.same(missing, [], `${name}: Tab reaches all of it`);
  t.same(unseen, [], `${name}: one sees where the focus is`);
  t.same(covered, [], `${name}: nothing lies over what has the focus`);
  t.same(foreign, [], `${name}: each is operated by keys, as a browser has them`);
}

/** A dialog by keyboard: opened, walked, left by Escape; the focus is then where it was. */
export async function dialogByKeyboard(t: Test, page: Page, opener: string | RegExp): Promise<void> {
  const button = page.locator('main').getByRole('button', { name: opener }).first();
  await button.focus();
  const name = await button.evaluate((element) => element.getAttribute('aria-label') ?? element.textContent);
  await page.keyboard.press('Enter');
  const dialog = page.locator('dialog[open]').last();
  await dialog.waitFor();
  await dialog.locator('.loading').waitFor({ state: 'detached' });
  t.ok(await dialog.evaluate((element) => element.contains(document.activeElement)), `${name}: the focus goes in`);
  await byKeyboard(t, page, `dialog ${name}`);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await page.waitForFunction((before) => (document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent) === before, name);
  t.pass(`${name}: and comes back`);
}

/** Within the page, as a link does: what is loaded stays, and who is in stays in. */
export async function goTo(page: Page, path: string): Promise<void> {
  await page.evaluate((to) => { history.pushState(null, '', to); dispatchEvent(new PopStateEvent('popstate')); }, path);
  await page.getByRole('heading', { level: 1 }).first().waitFor();
}

/** What every page asks for when it opens is answered; the rest is as the state wants it. */
const always = /\/api\/v1\/(?:hello|me)$/;
const asked = '**/api/v1/**';

/** A page while the hub is slow, when it fails, and when it is away: it says so, says what to do, and is whole again afterwards. */
export async function inEachState(t: Test, page: Page, path: string, elsewhere = '/promises'): Promise<void> {
  await goTo(page, elsewhere);
  const held: Route[] = [];
  let slow = true;
  await page.route(asked, async (route) => {
    if (always.test(route.request().url()) || !slow) await route.continue();
    else held.push(route);
  });
  await goTo(page, path);
  await page.locator('.loading, .spinner').first().waitFor();
  t.same(await violations(page), [], `${path}: axe finds nothing while it waits`);
  slow = false;
  for (const route of held) await route.continue().catch(() => {});
  await page.locator('main .loading').first().waitFor({ state: 'detached' });
  await page.unroute(asked);

  await goTo(page, elsewhere);
  const { code, message, hint } = new SallyportError('SP_DATABASE_DAMAGED', { file: 'sallyport.db', reason: 'a page of it cannot be read' });
  await page.route(asked, (route) => (always.test(route.request().url()) ? route.continue() : route.fulfill({ status: 503, contentType: 'application/json', body: JSON.stringify({ error: { code, message, hint, evidence: {} } }) })));
  await goTo(page, path);
  const alert = page.locator('main').getByRole('alert').first();
  await alert.waitFor();
  t.match(await alert.textContent(), /That did not work.*The working database sallyport.db is damaged.*Code SP_DATABASE_DAMAGED/, `${path}: what, what to do, and the code`);
  t.equal(await page.locator('main .loading').count(), 0, `${path}: nothing turns for ever beside it`);
  t.same(await violations(page), [], `${path}: axe finds nothing when it fails`);
  await page.unroute(asked);
  await tryAgain(page);
  t.pass(`${path}: tried again, it is whole`);

  await goTo(page, elsewhere);
  await page.context().setOffline(true);
  await goTo(page, path);
  const away = page.locator('main').getByText('The hub does not answer', { exact: true }).first();
  await away.waitFor();
  t.ok(await page.locator('main').getByText('Is this device in your home network?').first().isVisible(), `${path}: away, it says what to look at`);
  t.same(await violations(page), [], `${path}: axe finds nothing while the hub is away`);
  await page.context().setOffline(false);
  await tryAgain(page);
  t.pass(`${path}: the hub is there again, and so is the page`);
}

/** As often as there is something to try. */
async function tryAgain(page: Page): Promise<void> {
  const again = page.locator('main [role=alert]').getByRole('button', { name: 'Try again' });
  for (let left = await again.count(); left > 0; left = await again.count()) {
    await again.first().click();
    await page.waitForFunction((before) => document.querySelectorAll('main [role=alert] button').length < before, left);
  }
}
