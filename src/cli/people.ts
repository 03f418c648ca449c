import type { ReplyOf } from '../api/contract.ts';
import { SallyportError } from '../base/errors.ts';
import { plural } from '../base/units.ts';
import type { Identity } from '../seal/identity.ts';
import { openLender, sealLent } from '../seal/lender.ts';
import { callHub } from './control.ts';
import { identitiesOf, parseOptions, requirePositional, socketOf, type Command } from './command.ts';
import { localTime, print, printJson, printTable } from './terminal.ts';

type Person = ReplyOf<'people'>['people'][number];

const idPattern = /^[0-9a-f]{32}$/;

export const people: Command = {
  name: 'people',
  summary: 'persons who agreed to be recognised: whose consent counts, and forgetting one',
  help: `
Usage: sallyport people [list] [--json]
       sallyport people forget ID
       sallyport people lend --identity KIT
       sallyport people lock

list shows each person by an id, with the state of the consent and when it lapses; names
stand on the page alone, for owners and those whom an owner lets see them.
forget destroys the person's key in both keyring files, then all that was sealed to it (name,
consent, templates, the small picture), and every older copy of the database. It cannot be undone.
With \`lock = "owner"\` in [faces] the hub knows no name and recognises nobody after a start. lend opens the
keys of these people with your recovery kit and lends them to the hub, which has them in memory
alone until it ends, or until lock takes them back. The kit is read here and goes nowhere.
Enrolling somebody needs the page: the consent is recorded there.`,
  async run(args) {
    const { values, positionals } = parseOptions('people', args, { config: { type: 'string', short: 'c' }, socket: { type: 'string' }, json: { type: 'boolean' }, identity: { type: 'string', short: 'i' } }, 2);
    const [act = 'list', named] = positionals;
    const socket = await socketOf(values);
    if (act === 'forget') return forget(socket, requirePositional('people', named, 'the person\'s id'));
    if (act === 'lend' && named === undefined) return lend(socket, await identitiesOf('people', values.identity));
    if (act === 'lock' && named === undefined) return takeBack(socket);
    if (act !== 'list' || named !== undefined) throw new SallyportError('SP_USAGE', { command: 'people', reason: `"${named ?? act}" is not known here` });
    const found = await callHub(socket, 'people', {});
    if (values.json === true) printJson(found);
    else show(found);
    return 0;
  },
};

function show({ enabled, lock, locked, people: rows }: ReplyOf<'people'>): void {
  print(`faces are ${enabled ? 'on' : 'off: nobody is compared with anybody'}; ${plural(rows.length, 'person')} enrolled`);
  if (lock === 'owner' || locked > 0) print(locked > 0 ? `faces are locked: ${locked} of them are not recognised until an owner lends the keys (sallyport people lend --identity KIT)` : 'the keys are the owner\'s, lent until the hub ends');
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

async function lend(socket: string, kit: readonly Identity[]): Promise<number> {
  const lenders: Identity[] = [];
  try {
    const { to, sealed } = await callHub(socket, 'people-lock', {});
    if (sealed.length === 0) throw new SallyportError('SP_FACES_LEND', { reason: 'nothing is locked: the hub has the keys itself' });
    for (const one of sealed) lenders.push(openLender(one, kit));
    const keys = sealLent(lenders, to).toString('base64');
    const { locked } = await callHub(socket, 'people-lend', { keys });
    print(locked === 0 ? 'lent until the hub ends; `sallyport people lock` takes the keys back' : `lent; for ${plural(locked, 'person')} the key does not open by it`);
    return locked === 0 ? 0 : 1;
  } finally {
    for (const identity of [...lenders, ...kit]) identity.close();
  }
}

async function takeBack(socket: string): Promise<number> {
  await callHub(socket, 'people-take-back', {});
  print('the hub has wiped what was lent');
  return 0;
}
