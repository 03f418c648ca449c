import type { ReplyOf } from '../api/contract.ts';
import { callHub } from './control.ts';
import { parseOptions, socketOf, socketOption, type Command } from './command.ts';
import { localTime, print, printJson } from './terminal.ts';

export const pair: Command = {
  name: 'pair',
  summary: 'where the page is, and the code with which it begins',
  help: `
Usage: sallyport pair [--json] [--config FILE | --socket PATH]

Shows the page's addresses, and the words and fingerprint of its certificate, which the
browser must show too. As long as nobody has an account, also the one-time code with which
the first owner begins; it is good for an hour.

  --json   everything, for scripts`,
  async run(args) {
    const { values } = parseOptions('pair', args, { ...socketOption, json: { type: 'boolean' } }, 0);
    const reply = await callHub(await socketOf(values), 'pair', {});
    if (values.json === true) printJson(reply);
    else for (const line of pairLines(reply)) print(line);
    return reply.page.urls.length > 0 ? 0 : 1;
  },
};

export function pairLines({ page, code, untilMs }: ReplyOf<'pair'>): string[] {
  const problem = page.problem === undefined ? [] : [`! ${page.problem.message} (${page.problem.code})`, `  ${page.problem.hint}`];
  if (!page.enabled) return ['There is no page: `enabled = false` in [page].'];
  return [
    ...(page.urls.length === 0 ? ['The page is not open.'] : ['Open one of these in a browser:', ...page.urls.map((url) => `  ${url}`)]),
    ...(page.words === undefined ? [] : ['', 'The browser warns, because it does not know this hub yet. Before you go on, compare the words:', `  ${page.words.join(' ')}`, `  SHA-256 ${(page.fingerprint?.match(/.{8}/g) ?? []).join(' ')}`]),
    ...(code === undefined || untilMs === undefined ? [] : ['', `The code with which the first owner begins, until ${localTime(untilMs)}:`, `  ${code}`]),
    ...problem,
  ];
}
