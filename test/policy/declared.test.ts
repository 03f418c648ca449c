import t from 'tap';
import { canonicalJson, type CanonicalValue } from '../../src/base/canonical.ts';
import { applyAcceptance, effectiveConfig, type ConsentState } from '../../src/policy/consent.ts';
import { destinationInWords, destinationsFile, withKeysOf, withoutYes, type DestinationConfig, type StoreRules } from '../../src/policy/declared.ts';
import { readDestinations } from '../../src/policy/destinations.ts';
import { planChanges } from '../../src/policy/plan.ts';
import { hub } from './configs.ts';

const rules: StoreRules = { send: 'alarms', pictures: true, slots: 'home', slotsSamePlace: false };
const nas: DestinationConfig = { name: 'nas', purpose: 'a copy in another house', kind: 'webdav', to: { url: 'https://nas.example/dav', lanes: 2 }, store: rules };
const phone: DestinationConfig = { name: 'phone', purpose: 'to hear of it', kind: 'ntfy', to: { url: 'https://ntfy.example' }, messenger: { kinds: ['person', 'motion'] } };

function stored(state: ConsentState): ConsentState {
  return JSON.parse(canonicalJson(state as unknown as CanonicalValue)) as ConsentState;
}

function store(more: Partial<StoreRules>): DestinationConfig {
  return { ...nas, store: { ...rules, ...more } };
}

t.test('what an owner says yes to is one line that says place, what, keys and purpose', async (t) => {
  t.equal(destinationInWords(nas), 'nas (WebDAV https://nas.example/dav) gets the footage and the pictures of alarms of all cameras, sealed; its keys stay at home; its purpose: a copy in another house');
  t.equal(destinationInWords(store({ send: 'all', cameras: ['gate'], slots: 'far', slotsAt: 'safe' })),
    'nas (WebDAV https://nas.example/dav) gets all footage, and the pictures of alarms, of gate, sealed; its sealed keys lie at safe: whoever copied both before a deadline, and has the recovery kit, can open it; its purpose: a copy in another house');
  const [, safe] = withKeysOf([store({ slots: 'far', slotsAt: 'safe' }), { ...nas, name: 'safe', store: { ...rules, cameras: [] } }]);
  t.equal(destinationInWords(safe!), 'safe (WebDAV https://nas.example/dav) gets no footage; and the sealed keys of what lies at nas; its purpose: a copy in another house');
  t.equal(destinationInWords({ ...phone, messenger: { ...phone.messenger, picture: true } }), 'phone (ntfy https://ntfy.example) gets notices of person, motion, without names, and with each alarm its small picture, sealed to the key of its day; its purpose: to hear of it');
  t.equal(destinationInWords(phone), 'phone (ntfy https://ntfy.example) gets notices of person, motion, without names or pictures; its purpose: to hear of it');
  t.equal(destinationInWords({ ...nas, kind: 's3', to: { url: 'https://s3.example', bucket: 'b', prefix: 'home/', region: 'eu', pin: 'ab'.repeat(32) } }),
    `nas (S3 bucket b at https://s3.example under home/, certificate ${'ab'.repeat(32)}, eu) gets the footage and the pictures of alarms of all cameras, sealed; its keys stay at home; its purpose: a copy in another house`);
});

const waits: readonly [what: string, before: DestinationConfig, after: DestinationConfig][] = [
  ['all instead of alarms', nas, store({ send: 'all' })],
  ['another camera', store({ cameras: ['gate'] }), store({ cameras: ['gate', 'door'] })],
  ['all cameras', store({ cameras: ['gate'] }), nas],
  ['keys leave', nas, store({ slots: 'far', slotsAt: 'safe' })],
  ['keys go elsewhere', store({ slots: 'far', slotsAt: 'safe' }), store({ slots: 'far', slotsAt: 'other' })],
  ['keys of another', nas, store({ keysOf: ['disk'] })],
  ['keys may lie beside it', store({ slots: 'far', slotsAt: 'safe' }), store({ slots: 'far', slotsAt: 'safe', slotsSamePlace: true })],
  ['another address', nas, { ...nas, to: { url: 'https://other.example' } }],
  ['another kind', nas, { ...nas, kind: 's3', to: { url: 'https://nas.example/dav', bucket: 'b' } }],
  ['sizes that show again', store({ pieceBytes: 65_535 }), nas],
  ['less left to chance', store({ jitterMs: 600_000 }), store({ jitterMs: 60_000 })],
  ['another purpose', nas, { ...nas, purpose: 'who knows' }],
  ['no pin any more', { ...nas, to: { ...nas.to, pin: 'ab'.repeat(32) } }, nas],
  ['another kind of notice', phone, { ...phone, messenger: { kinds: ['person', 'motion', 'vehicle'] } }],
  ['pictures with notices', phone, { ...phone, messenger: { ...phone.messenger, picture: true } }],
  ['all kinds of notices', phone, { ...phone, messenger: {} }],
  ['a proxy', phone, { ...phone, to: { ...phone.to, proxy: 'http://proxy.example:3128' } }],
];

for (const [what, before, after] of waits) {
  t.test(`waits for a yes, and the other way applies at once: ${what}`, async (t) => {
    const applies = withoutYes(before, after) as DestinationConfig;
    t.not(destinationInWords(applies), destinationInWords(after));
    t.equal(destinationInWords(withoutYes(before, applies) as DestinationConfig), destinationInWords(applies), 'what applies needs no yes');
    t.equal(planChanges(hub(3, [], { destinations: [before] }), hub(3, [], { destinations: [after] }))[0]?.lowersPrivacy, true);
    if (/address|kind$|purpose|pin|proxy|elsewhere/.test(what)) return;
    t.equal(destinationInWords(withoutYes(after, before) as DestinationConfig), destinationInWords(before), 'back needs none');
  });
}

t.test('a new destination gets nothing before the yes, exactly what was said yes to after it, and nothing after it was taken out', async (t) => {
  const first = effectiveConfig(hub(3, [], { destinations: [nas] }), undefined);
  t.same(first.effective.destinations, [], 'also on a fresh hub');
  t.match(first.pending, [{ key: 'destination', from: 'nothing', text: `new destination ${destinationInWords(nas)}` }]);
  const accepted = effectiveConfig(hub(3, [], { destinations: [nas] }), stored(applyAcceptance(stored(first.state), first.pending[0]?.id ?? '')));
  t.same([accepted.effective.destinations, accepted.pending], [[nas], []]);
  const wider = effectiveConfig(hub(3, [], { destinations: [{ ...store({ send: 'all' }), to: { ...nas.to, lanes: 4 } }] }), stored(accepted.state));
  t.same(wider.effective.destinations, [{ ...nas, to: { url: 'https://nas.example/dav', lanes: 4 } }], 'how it is sent applies, what is sent waits');
  t.equal(wider.pending.length, 1);
  const other = hub(3, [], { destinations: [{ ...nas, to: { url: 'https://evil.example' } }] });
  t.throws(() => applyAcceptance(stored(effectiveConfig(other, stored(wider.state)).state), wider.pending[0]?.id ?? ''), { code: 'SP_CHANGE_UNKNOWN' });
  const holder = hub(3, [], { destinations: withKeysOf([store({ slots: 'far', slotsAt: 'safe' }), { ...nas, name: 'safe' }]) });
  let both = effectiveConfig(holder, undefined);
  for (const { id } of both.pending) both = effectiveConfig(holder, stored(applyAcceptance(stored(both.state), id)));
  t.same([both.pending, both.effective.destinations], [[], holder.destinations], 'a yes to keys lasts');
  const out = effectiveConfig(hub(3), stored(accepted.state));
  t.same(out.effective.destinations, []);
  t.equal(effectiveConfig(hub(3, [], { destinations: [nas] }), stored(out.state)).pending.length, 1, 'putting it back needs another yes');
});

t.test('a hub that learned to send pictures sends none by a yes to a line that did not name them, and asks anew; footage goes on meanwhile', async (t) => {
  const { pictures: _, ...rulesThen } = rules;
  const then: DestinationConfig = { ...nas, store: rulesThen };
  const lineThen = destinationInWords(then);
  t.notMatch(lineThen, /pictures/);
  const wanted = hub(3, [], { destinations: [nas] });
  const before = effectiveConfig(wanted, undefined);
  // As a hub of then stored it, after the yes.
  const old = stored({ ...before.state, pending: [], destinations: [{ ...then, line: lineThen }] });
  const now = effectiveConfig(wanted, old);
  t.same(now.effective.destinations, [then], 'what was agreed to goes on, without pictures');
  t.match(now.pending, [{ key: 'destination', from: lineThen, to: destinationInWords(nas), text: /the pictures of alarms.*; before: / }]);
  t.same(effectiveConfig(wanted, stored(now.state)).pending, now.pending, 'also after the next start');
  const yes = effectiveConfig(wanted, stored(applyAcceptance(stored(now.state), now.pending[0]?.id ?? '')));
  t.same([yes.effective.destinations, yes.pending], [[nas], []]);
  t.same(effectiveConfig(wanted, stored(yes.state)).pending, [], 'that yes lasts');
});

t.test('a yes is to the line as it was read: where the same rules read otherwise today, or the line is not known, it is asked anew, once', async (t) => {
  const wanted = hub(3, [], { destinations: [nas] });
  const fresh = effectiveConfig(wanted, undefined).state;
  const { line: _, ...unknown } = { ...nas, line: '' };
  for (const [what, known, from] of [['other words', { ...nas, line: 'nas gets a little of everything' }, 'nas gets a little of everything'], ['no line', unknown, /not known/]] as const) {
    const now = effectiveConfig(wanted, stored({ ...fresh, pending: [], destinations: [known] }));
    t.same(now.effective.destinations, [nas], `${what}: what was agreed to goes on`);
    t.match(now.pending, [{ key: 'destination', from, to: destinationInWords(nas) }], what);
    // Less of it needs no yes, and makes none of the question.
    const less = effectiveConfig(hub(3, [], { destinations: [store({ cameras: ['gate'] })] }), stored(now.state));
    t.same(less.effective.destinations, [store({ cameras: ['gate'] })]);
    t.equal(less.pending.length, 1, `${what}: still asked`);
    const yes = effectiveConfig(wanted, stored(applyAcceptance(stored(now.state), now.pending[0]?.id ?? '')));
    t.same(yes.pending, [], what);
  }
  const agreed = effectiveConfig(wanted, stored(applyAcceptance(stored(effectiveConfig(wanted, undefined).state), effectiveConfig(wanted, undefined).pending[0]?.id ?? '')));
  const less = effectiveConfig(hub(3, [], { destinations: [store({ cameras: ['gate'] })] }), stored(agreed.state));
  t.same([less.pending, effectiveConfig(hub(3, [], { destinations: [store({ cameras: ['gate'] })] }), stored(less.state)).pending], [[], []], 'what only lets less out reads otherwise by the owner\'s own doing');
  t.equal(effectiveConfig(wanted, stored(less.state)).pending.length, 1, 'and back to more needs another yes');
});

t.test('what the courier is told is what it takes, and holds no rule of the hub\'s', async (t) => {
  const text = destinationsFile([store({ send: 'all' }), phone]);
  t.match(readDestinations(text), [{ name: 'nas', kind: 'webdav', lanes: 2 }, { name: 'phone', kind: 'ntfy' }]);
  t.notMatch(text, /send|slots|kinds/);
});
