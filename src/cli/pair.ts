import type { ReplyOf } from '../api/contract.ts';
import { pairFragment, phoneAddress } from '../policy/pairlink.ts';
import { callHub } from './control.ts';
import { parseOptions, socketOf, socketOption, type Command } from './command.ts';
import { qrLines } from './qr.ts';
import { localTime, print, printJson } from './terminal.ts';

export const pair: Command = {
  name: 'pair',
  summary: 'where the page is, and the code with which it begins',
  help: `
Usage: sallyport pair [--qr | --json] [--config FILE | --socket PATH]

Shows the page's addresses, and the words and fingerprint of its certificate, which the
browser must show too. As long as nobody has an account, also the one-time code with which
the first owner begins; it is good for an hour. On a terminal a QR code shows all three
to a phone: whoever photographs it has the code.

  --qr     the QR code also where this is no terminal, such as into a pager
  --json   everything, for scripts`,
  async run(args) {
    const { values } = parseOptions('pair', args, { ...socketOption, json: { type: 'boolean' }, qr: { type: 'boolean' } }, 0);
    const reply = await callHub(await socketOf(values), 'pair', {});
    if (values.json === true) printJson(reply);
    else {
      for (const line of pairLines(reply)) print(line);
      if (values.qr === true || process.stdout.isTTY === true) for (const line of pairQr(reply)) process.stdout.write(`${line}\n`);
    }
    return reply.page.urls.length > 0 ? 0 : 1;
  },
};

const hubsCertificate = 'The browser warns, because it does not know this hub yet. Before you go on, compare the words:';
const ownCertificate = 'The certificate is your own, of [page]: a browser that knows who signed it does not warn. Where one warns, compare the words:';

export function pairLines({ page, code, untilMs }: ReplyOf<'pair'>): string[] {
  const problem = page.problem === undefined ? [] : [`! ${page.problem.message} (${page.problem.code})`, `  ${page.problem.hint}`];
  if (!page.enabled) return ['There is no page: `enabled = false` in [page].'];
  return [
    ...(page.urls.length === 0 ? ['The page is not open.'] : ['Open one of these in a browser:', ...page.urls.map((url) => `  ${url}`)]),
    ...(page.words === undefined ? [] : ['', page.own === false ? ownCertificate : hubsCertificate, `  ${page.words.join(' ')}`, `  SHA-256 ${(page.fingerprint?.match(/.{8}/g) ?? []).join(' ')}`]),
    ...(code === undefined || untilMs === undefined ? [] : ['', `The code with which the first owner begins, until ${localTime(untilMs)}:`, `  ${code}`]),
    ...problem,
  ];
}

/** The link as a QR code, below a word to it; nothing where the page cannot be reached by HTTPS. */
export function pairQr(reply: ReplyOf<'pair'>): string[] {
  const link = pairLink(reply);
  return link === undefined ? [] : ['', `For a phone in your network${reply.code === undefined ? '' : ', with the code in it'}:`, ...qrLines(link)];
}

export function pairLink({ page, code }: ReplyOf<'pair'>): string | undefined {
  const address = phoneAddress(page.urls, page.own !== false);
  return address === undefined ? undefined : `${address}/first#${pairFragment({ ...(code === undefined ? {} : { code }), ...(page.words === undefined ? {} : { words: page.words }) })}`;
}
