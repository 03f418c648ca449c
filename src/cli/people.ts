import type { ReplyOf } from '../api/contract.ts';
import { SallyportError } from '../base/errors.ts';
import { plural } from '../base/units.ts';
import { callHub } from './control.ts';
import { parseOptions, requirePositional, socketOf, type Command } from './command.ts';
import { localTime, print, printJson, printTable } from './terminal.ts';

type Person = ReplyOf<'people'>['people'][number];

const idPattern = /^[0-9a-f]{32}$/;

export const people: Command = {
  name: 'people',
  summary: 'persons who agreed to be recognised: whose consent counts, and forgetting one',
  help: `
Usage: sallyport people [list] [--json]
       sallyport people forget ID

list shows each person by an id, with the state of the consent and when it lapses; names
stand on the page alone, for owners and those whom an owner lets see them.
forget destroys the person's key in both keyring files, then all that was sealed to it (name,
consent, templates, the small picture), and every older copy of the database. It cannot be undone.
Enrolling somebody needs the page: the consent is recorded there.`,
  async run(args) {
    const { values, positionals } = parseOptions('people', args, { config: { type: 'string', short: 'c' }, socket: { type: 'string' }, json: { type: 'boolean' } }, 2);
    const [act = 'list', named] = positionals;
    const socket = await socketOf(values);
    if (act === 'forget') return forget(socket, requirePositional('people', named, 'the person\'s id'));
    if (act !== 'list' || named !== undefined) throw new SallyportError('SP_USAGE', { command: 'people', reason: `"${named ?? act}" is not known here` });
    const found = await callHub(socket, 'people', {});
    if (values.json === true) printJson(found);
    else show(found);
    return 0;
  },
};

function show({ enabled, people: rows }: ReplyOf<'people'>): void {
  print(`faces are ${enabled ? 'on' : 'off: nobody is compared with anybody'}; ${plural(rows.length, 'person')} enrolled`);
  if (rows.length > 0) printTable(['ID', 'CONSENT', 'GIVEN', 'LAPSES', 'FORGOTTEN', 'TEMPLATES'], rows.map(rowOf));
}

function rowOf({ id, state, consentMs, lapsesMs, forgottenMs, templates, usable }: Person): string[] {
  return [id, state, localTime(consentMs), localTime(lapsesMs), localTime(forgottenMs), usable ? String(templates) : `${templates}, of another model: enrol anew`];
}

async function forget(socket: string, person: string): Promise<number> {
  if (!idPattern.test(person)) throw new SallyportError('SP_PERSON_UNKNOWN', { person: 'of that id' });
  const { sentences } = await callHub(socket, 'person-forget', { person });
  for (const sentence of sentences) print(sentence);
  return 0;
}
