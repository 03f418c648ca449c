/** An owner made on the page in the quickest way, and somebody who joins with a key that a test may look at. */
import { randomBytes } from 'node:crypto';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { ReplyOf } from '../../src/api/contract.ts';
import type { Account, PageReplyOf } from '../../src/api/pagecontract.ts';
import { makeDevice } from '../../src/web/crypto/device.ts';
import type { Identity } from '../../src/web/crypto/identity.ts';
import type { TestSite } from '../e2e/site.ts';

export interface Where {
  readonly https: string;
  /** Of this machine alone. */
  readonly http: string;
  readonly code: string;
}

export async function whereIs(site: TestSite): Promise<Where> {
  const { page, code } = await site.json<ReplyOf<'pair'>>(['pair', '--config', site.config]);
  const of = (scheme: string): string => page.urls.find((url) => url.startsWith(scheme)) ?? '';
  return { https: of('https://'), http: of('http://'), code: code ?? '' };
}

/** Through the first hour, with whatever cameras there are already; `at` is called at each step as it is shown. Resolves to the kit's file, which stays in the site's folder. */
export async function makeOwner(page: Page, site: TestSite, where: Where, who: Who, at: (step: string) => Promise<void> = async () => {}): Promise<string> {
  await sayWho(page, where, who, at);
  await page.locator('.kit-groups li').first().waitFor();
  await at('kit');
  const groups = await page.locator('.kit-groups .group').allTextContents();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save as a file' }).click()]);
  const kit = join(site.folder, 'kit.txt');
  await copyFile(await download.path(), kit);
  await page.getByLabel('I have printed or saved it').check();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('heading', { name: 'Prove it to yourself' }).waitFor();
  await at('proof of the kit');
  for (const label of await page.locator('.two label').allTextContents()) await page.getByLabel(label, { exact: true }).fill(groups[Number(/\d+/.exec(label)?.[0] ?? 0) - 1] ?? '');
  await page.getByRole('button', { name: 'The kit is safe' }).click();
  await page.getByRole('heading', { name: 'Your cameras' }).waitFor();
  await at('cameras');
  await fromCamerasOn(page, at);
  return kit;
}

export interface Who { readonly name: string; readonly passphrase: string }

/** From the page's address to the kit. */
export async function sayWho(page: Page, where: Where, { name, passphrase }: Who, at: (step: string) => Promise<void> = async () => {}): Promise<void> {
  await page.goto(where.https);
  await page.getByLabel('One-time code').waitFor();
  await at('code');
  await page.getByLabel('One-time code').fill(where.code);
  await page.getByRole('button', { name: 'Begin' }).click();
  await page.getByLabel('Your name').waitFor();
  await at('you');
  await page.getByLabel('Your name').fill(name);
  await page.getByLabel('Passphrase', { exact: true }).fill(passphrase);
  await page.getByLabel('Passphrase, once more').fill(passphrase);
  await page.getByRole('button', { name: 'Next' }).click();
}

/** The rest of the first hour as it is offered. */
export async function fromCamerasOn(page: Page, at: (step: string) => Promise<void> = async () => {}): Promise<void> {
  await page.getByRole('button', { name: /^Go on/ }).click();
  await page.getByRole('button', { name: 'Keep it so long' }).waitFor();
  await at('how long');
  await page.getByRole('button', { name: 'Keep it so long' }).click();
  await page.getByRole('button', { name: 'To the live pictures' }).waitFor();
  await at('done');
  await page.getByRole('button', { name: 'To the live pictures' }).click();
  await page.getByRole('heading', { name: 'Live', level: 1 }).waitFor();
}

export async function openSettings(page: Page, section: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: section, exact: true }).click();
  await page.getByRole('heading', { name: `Settings: ${section}` }).waitFor();
}

/** The link, for a member of the spaces that are chosen when it opens, or of these alone. */
export async function inviteBy(page: Page, spaces?: readonly string[]): Promise<string> {
  await openSettings(page, 'People');
  await page.getByRole('button', { name: 'Invite somebody' }).click();
  const boxes = page.getByRole('dialog').getByRole('checkbox');
  await boxes.first().waitFor();
  if (spaces !== undefined) for (const box of await boxes.all()) await box.setChecked(spaces.includes((await box.locator('xpath=..').textContent())?.trim() ?? ''));
  await page.getByRole('button', { name: 'Make the invitation' }).click();
  const link = await page.getByLabel('Link').inputValue();
  await page.keyboard.press('Escape');
  return link;
}

/** A member without a browser: a key that the test keeps, and what the hub says to it. */
export class Joined {
  readonly identity: Identity;
  readonly account: Account;
  readonly #root: string;
  readonly #cookie: string;

  private constructor(o: { identity: Identity; account: Account; root: string; cookie: string }) {
    this.identity = o.identity;
    this.account = o.account;
    this.#root = o.root;
    this.#cookie = o.cookie;
  }

  static async by(link: string, http: string, name: string): Promise<Joined> {
    const { identity, shape } = makeDevice(`${name}'s key`);
    const key = (): string => randomBytes(32).toString('base64url');
    const body = { code: link.split('#')[1], person: { name }, login: { stretch: { salt: key(), memoryKib: 65_536, passes: 3 }, half: key() }, device: shape };
    const root = `${new URL(http).origin}/api/v1`;
    const reply = await fetch(`${root}/invitations/join`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', origin: new URL(http).origin } });
    if (!reply.ok) throw new Error(`${name} could not join: ${await reply.text()}`);
    const { account } = await reply.json() as PageReplyOf<'join'>;
    return new Joined({ identity, account, root, cookie: (reply.headers.getSetCookie()[0] ?? '').split(';')[0] ?? '' });
  }

  get(path: string): Promise<Response> {
    return fetch(`${this.#root}${path}`, { headers: { cookie: this.#cookie } });
  }
}
