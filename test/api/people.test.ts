/** Persons by the page: who sees names, who may change what, with what proof; what of it stands in the audit. Enrolling by real pictures is in test/slow/faces.test.ts. */
import t, { type Test } from 'tap';
import type { Enrolled, Me, PageReplyOf } from '../../src/api/pagecontract.ts';
import { silentLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/clock.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { Detector, modelId } from '../../src/detect/client.ts';
import { EnrolDuty } from '../../src/duties/enrol.ts';
import { Notices } from '../../src/duties/notices.ts';
import { PeopleBook } from '../../src/duties/people.ts';
import { consentText, facesNotice } from '../../src/policy/facesnotice.ts';
import type { FacesLock } from '../../src/policy/people.ts';
import { dayMs, somebody } from '../vault/somebody.ts';
import { openDoor, type Door } from './pagekit.ts';

const jail = new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' });

interface House { readonly door: Door; readonly faces: { enabled: boolean; consentMs: number; lock: FacesLock }; add(name: string): Promise<string> }

async function house(t: Test): Promise<House> {
  const faces: House['faces'] = { enabled: true, consentMs: 365 * dayMs, lock: 'hub' };
  const door = await openDoor(t, ({ vault, clock }) => {
    const book = new PeopleBook({ vault, owners: () => [], faces: () => faces, model: modelId, timeTrusted: async () => true, notices: new Notices({ vault, clock, log: silentLog }), clock, log: silentLog });
    // Started by the first picture that can be looked at; here is none.
    const detector = new Detector({ clock: systemClock, log: silentLog, jail, random: () => 0 });
    t.teardown(() => detector.close());
    return { people: new EnrolDuty({ vault, book, faces: () => faces, model: modelId, examine: (picture) => detector.examine(picture), tools: () => ({ ffmpeg: 'ffmpeg', jail, clock: systemClock }), nameOf: () => 'Olga Owner', clock }) };
  });
  return {
    door, faces,
    add: (name) => {
      const nowMs = Math.round(door.clock.wallMs());
      const ada = somebody(name, { lapsesMs: nowMs + 365 * dayMs, forgottenMs: nowMs + 395 * dayMs, model: modelId });
      return door.vault.people.enrol({ ...ada, consent: { ...ada.consent, atMs: nowMs, sha256: consentText.sha256 } });
    },
  };
}

const people = (browser: { must<T>(method: string, path: string): Promise<T> }): Promise<PageReplyOf<'people'>> => browser.must('GET', 'people');

t.test('names are for owners, and for members whom an owner lets; who looked is in the audit, the names are not', async (t) => {
  const { door, add } = await house(t);
  const owner = await door.owner();
  const id = await add('Wilhelmina Featherstone');
  const member = await door.member(owner.browser, 'member', ['home']);
  const guest = await door.member(owner.browser, 'guest', ['home']);
  const seen = await people(owner.browser);
  t.match(seen, { enabled: true, consentLastsMs: 365 * dayMs, notice: facesNotice, consent: consentText, people: [{ id, name: 'Wilhelmina Featherstone', state: 'given', templates: 3, usable: true, how: 'in person', givenBy: 'Grace Murray', recordedBy: 'Olga Owner', consentVersion: 1 }] });
  t.match(seen.people[0]?.mark, /^[A-Za-z0-9_-]{43}$/);
  const picture = await owner.browser.get(`people/${id}/picture`);
  t.match([picture.status, picture.headers['content-type'], picture.headers['cache-control'], picture.bytes.subarray(0, 2).toString('hex')], [200, 'image/jpeg', 'no-store', 'ffd8']);
  for (const one of [member, guest]) for (const path of ['people', `people/${id}/picture`]) t.equal((await one.browser.get(path)).code, 'SP_PAGE_RIGHT', path);

  const letIn = (who: Me, more: object): Promise<{ code: string | undefined }> => owner.browser.ask('PATCH', `accounts/${who.account.id}`, { body: { names: true, ...more } });
  t.equal((await letIn(member.me, {})).code, 'SP_PAGE_PROOF', 'a session alone lets nobody see names');
  for (const { me } of [member, guest]) t.equal((await letIn(me, { half: owner.half })).code, undefined);
  t.equal((await people(member.browser)).people[0]?.name, 'Wilhelmina Featherstone');
  t.match((await member.browser.must<Me>('GET', 'me')), { account: { names: true }, rights: ['live', 'listen', 'talk', 'replay', 'export', 'hold', 'audit', 'privacy', 'names'] });
  t.equal((await guest.browser.get('people')).code, 'SP_PAGE_RIGHT', 'a guest, who sees no alarms, sees no names');
  t.equal((await owner.browser.post('tokens', { name: 'x', rights: ['names'], days: 1 })).code, 'SP_PAGE_RIGHT', 'and no script');
  await owner.browser.must('PATCH', `accounts/${member.me.account.id}`, { names: false });
  t.equal((await member.browser.get('people')).code, 'SP_PAGE_RIGHT', 'taken back, with no proof');

  const { lines } = await door.vault.auditBefore(undefined, 200);
  const entries = lines.flatMap(({ entry }) => (entry === null ? [] : [JSON.parse(entry) as { what: string; account?: string }]));
  t.same(entries.filter(({ what }) => what === 'people.looked').map(({ account }) => account).sort(), [owner.me.account.id, member.me.account.id].sort(), 'one line for each who looked, within the hour');
  t.notMatch(JSON.stringify(entries), /Wilhelmina|Featherstone|Grace/);
});

t.test('a consent is renewed, and a person forgotten, by an owner who gives the passphrase once more', async (t) => {
  const { door, add, faces } = await house(t);
  const owner = await door.owner();
  const id = await add('Wilhelmina Featherstone');
  const consent = { how: 'by message', givenBy: 'Wilhelmina', consent: consentText.sha256 };
  const half = owner.half;
  t.equal((await owner.browser.post(`people/${id}/renew`, consent)).code, 'SP_PAGE_PROOF');
  t.equal((await owner.browser.post(`people/${id}/renew`, { ...consent, half, consent: facesNotice.sha256 })).code, 'SP_CONSENT', 'of another text');
  t.equal((await owner.browser.post(`people/${id}/renew`, { ...consent, half, how: 'somehow' })).status, 400);
  faces.enabled = false;
  t.match(await owner.browser.must<Enrolled>('POST', `people/${id}/renew`, { ...consent, half }), { id, how: 'by message', givenBy: 'Wilhelmina', state: 'given' }, 'also while faces are off');
  t.equal((await people(owner.browser)).enabled, false);
  t.equal((await owner.browser.post(`people/${id}/forget`, {})).code, 'SP_PAGE_PROOF');
  t.match(await owner.browser.must('POST', `people/${id}/forget`, { half }), { receipt: 1, readBack: true });
  t.same((await people(owner.browser)).people, []);
  for (const path of [`people/${id}/forget`, `people/${id}/renew`]) t.match(await owner.browser.post(path, path.endsWith('renew') ? { ...consent, half } : { half }), { status: 404, code: 'SP_PERSON_UNKNOWN' });
  t.equal((await owner.browser.get(`people/${id}/picture`)).code, 'SP_PERSON_UNKNOWN');
  t.equal((await owner.browser.get('people/nobody/picture')).status, 400);
});

t.test('an erased account is no person: who was enrolled stays until forgotten', async (t) => {
  const { door, add } = await house(t);
  const owner = await door.owner();
  const member = await door.member(owner.browser, 'member', ['home']);
  const id = await add('Wilhelmina Featherstone');
  await owner.browser.must('DELETE', `accounts/${member.me.account.id}`);
  t.match((await people(owner.browser)).people, [{ id }]);
});

t.test('what cannot be enrolled is refused: faces off, another text, no proof, bytes that are no picture', async (t) => {
  const { door, faces } = await house(t);
  const owner = await door.owner();
  const wish = { name: 'Wilhelmina Featherstone', how: 'in person', givenBy: 'Wilhelmina', consent: consentText.sha256, pictures: [Buffer.from('no picture at all').toString('base64url')], half: owner.half };
  const { half: _, ...unproved } = wish;
  t.equal((await owner.browser.post('people', unproved)).code, 'SP_PAGE_PROOF');
  t.match(await owner.browser.post('people', { ...wish, consent: 'a'.repeat(64) }), { status: 409, code: 'SP_CONSENT' });
  t.match(await owner.browser.post('people', wish), { status: 409, code: 'SP_ENROL', body: { error: { evidence: { picture: 1, reason: 'no picture' } } } });
  t.equal((await owner.browser.post('people', { ...wish, pictures: [] })).status, 400);
  t.equal((await owner.browser.post('people', { ...wish, pictures: Array.from({ length: 9 }, () => 'AAAA') })).status, 400);
  t.equal((await owner.browser.post('people', { ...wish, consent: undefined })).status, 400);
  t.match(await owner.browser.must('POST', 'people/check', { picture: 'AAAA' }), { ok: false, reason: 'no picture', faces: 0 });
  faces.enabled = false;
  t.match(await owner.browser.post('people', wish), { status: 409, code: 'SP_FACES_OFF' });
  t.match(await owner.browser.post('people/check', { picture: 'AAAA' }), { status: 409, code: 'SP_FACES_OFF' });
  t.same(await door.vault.people.list(), []);
});
