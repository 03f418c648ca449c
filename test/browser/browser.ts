/** A real Chromium on a real hub's page: what is seen, whether it is accessible, and a picture of it in both themes. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import type { Test } from 'tap';

const root = resolve(import.meta.dirname, '../..');
/** Where the pictures of this run lie; nothing in the repository. */
export const pictures = join(root, 'dist/pictures');
const axeSource = readFileSync(join(root, 'node_modules/axe-core/axe.min.js'), 'utf8');
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** `video`: an MJPEG film that its camera shows, in the place of a test pattern. */
export async function openBrowser(t: Test, { video }: { readonly video?: string } = {}): Promise<Browser> {
  mkdirSync(pictures, { recursive: true });
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', ...(video === undefined ? [] : [`--use-file-for-fake-video-capture=${video}`])],
  });
  // Teardowns run in turn, the last first: pages tell what they showed before this.
  t.teardown(() => browser.close());
  return browser;
}

/** A visitor with a browser of their own. What goes wrong in the page fails the test. */
export async function visitor(t: Test, browser: Browser, options: { width?: number; height?: number; agent?: string; clockAheadMs?: number } = {}): Promise<{ context: BrowserContext; page: Page }> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 820 }, colorScheme: 'light', locale: 'en-GB', timezoneId: 'Europe/Berlin', ignoreHTTPSErrors: true,
    acceptDownloads: true, ...(options.agent === undefined ? {} : { userAgent: options.agent }),
  });
  if (options.clockAheadMs !== undefined) await context.addInitScript(setClockAhead, options.clockAheadMs);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on('pageerror', (error) => t.fail(`an error in the page: ${error.message}`));
  page.on('console', (message) => { if (/Content Security Policy|Trusted/i.test(message.text())) t.fail(`refused by the policy: ${message.text()}`); });
  // What the visitor saw last is worth more than a line of the test.
  t.teardown(async () => {
    if (!t.passing()) await page.screenshot({ path: join(pictures, 'failed.png') }).catch(() => {});
  });
  return { context, page };
}

/** In the page: a device whose clock is off. */
function setClockAhead(aheadMs: number): void {
  const RealDate = Date;
  window.Date = class extends RealDate {
    constructor(...given: []) {
      if (given.length === 0) super(RealDate.now() + aheadMs);
      else super(...given);
    }
    static override now(): number { return RealDate.now() + aheadMs; }
  } as DateConstructor;
}

interface Violation { id: string; nodes: { html: string; failureSummary: string }[] }

/** For people to look at, who are not there in CI: hundreds of pictures take a machine of two processors a minute. */
const drawn = process.env['CI'] === undefined;

export async function draw(page: Page, name: string, { whole = false } = {}): Promise<void> {
  if (drawn) await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: whole, animations: 'disabled' });
}

/** A picture of the page in both themes, in each of which axe finds nothing. */
export async function inBothThemes(t: Test, page: Page, name: string, { whole = true } = {}): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    // Without motion colours change at once, as soon as the page is drawn.
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await page.evaluate(untilDrawn);
    await draw(page, `${name}-${theme}`, { whole });
    t.same(await lastingViolations(page), [], `axe finds nothing: ${name}, ${theme}`);
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: null });
  t.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `nothing is wider than the window: ${name}`);
}

/** In the page; a page behind another one may draw nothing. */
function untilDrawn(): Promise<unknown> {
  return Promise.race([new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }), new Promise((resolve) => { setTimeout(resolve, 500); })]);
}

const looksMax = 10;

/** A busy machine draws late: what axe finds while colours still change is looked at again, and what is wrong stays. */
async function lastingViolations(page: Page): Promise<string[]> {
  let found = await violations(page);
  for (let look = 1; look < looksMax && found.length > 0; look++) {
    await page.waitForTimeout(200);
    found = await violations(page);
  }
  return found;
}

/** By the debugger, for the page's own policy lets no foreign script in. */
export async function violations(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
    expression: `${axeSource};axe.run({ runOnly: ${JSON.stringify(rules)} }).then(({ violations }) => JSON.stringify(violations))`, awaitPromise: true, returnByValue: true,
  });
  await session.detach();
  if (exceptionDetails !== undefined) throw new Error(`axe did not run: ${exceptionDetails.text}`);
  return (JSON.parse(result.value as string) as Violation[]).map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary}`).join(' | ').slice(0, 600)}`);
}

/** How far what a video shows is from one flat colour: the spread of its brightness. 0 where nothing is shown. */
export function spreadOf(page: Page, selector: string): Promise<number> {
  return page.evaluate((wanted) => {
    const video = document.querySelector<HTMLVideoElement>(wanted);
    if (video === null || video.videoWidth === 0) return 0;
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [64, 36];
    const context = canvas.getContext('2d');
    context?.drawImage(video, 0, 0, 64, 36);
    const data = context?.getImageData(0, 0, 64, 36).data ?? new Uint8ClampedArray();
    const brightness = Array.from({ length: data.length / 4 }, (_, n) => ((data[n * 4] ?? 0) + (data[(n * 4) + 1] ?? 0) + (data[(n * 4) + 2] ?? 0)) / 3);
    const mean = brightness.reduce((sum, one) => sum + one, 0) / brightness.length;
    return Math.sqrt(brightness.reduce((sum, one) => sum + ((one - mean) ** 2), 0) / brightness.length);
  }, selector);
}

/** Looks until a picture is shown. */
export async function untilShown(page: Page, selector: string): Promise<void> {
  for (let tries = 0; tries < 120; tries++) {
    if (await spreadOf(page, selector) > 8) return;
    await page.waitForTimeout(250);
  }
  throw new Error(`no picture in ${selector}: ${(await page.locator('main').textContent())?.slice(0, 600) ?? ''}`);
}

/** On the timeline: the first footage of the ten minutes around the head, until it is seen. */
export async function playFirst(page: Page): Promise<void> {
  await page.getByRole('radio', { name: '10 min' }).check();
  await page.locator('.strip .recorded').first().waitFor();
  await page.getByRole('slider').first().focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  await untilShown(page, '.replay-screen video');
}

/** Tab by tab through the page: what has the focus each time, as it is called; and whether one sees that it has it. */
export async function keyboardWalk(page: Page): Promise<{ names: string[]; unseen: string[] }> {
  const names: string[] = [];
  const unseen: string[] = [];
  // From the top, as on a page that was just opened.
  await page.evaluate(() => {
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute('tabindex');
  });
  for (let step = 0; step < 120; step++) {
    await page.keyboard.press('Tab');
    const { name, seen, end } = await page.evaluate(() => {
      const element = document.activeElement;
      if (element === null || element === document.body) return { name: '', seen: true, end: true };
      const around = [element, element.nextElementSibling, element.parentElement].filter((one) => one !== null);
      const marked = around.some((one) => [null, '::after', '::before'].some((part) => { const style = getComputedStyle(one, part); return style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) >= 2; }));
      return { name: (element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 60) || element.tagName, seen: marked, end: false };
    });
    if (end) break;
    if (!seen) unseen.push(name);
    if (names.length > 1 && name === names[0] && names.slice(1).includes(names[1] ?? '') && step > 30) break;
    names.push(name);
  }
  return { names, unseen };
}
