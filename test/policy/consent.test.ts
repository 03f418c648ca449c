import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { canonicalJson, type CanonicalValue } from '../../src/base/canonical.ts';
import { applyAcceptance, effectiveConfig, lowersPrivacy, type ConsentState } from '../../src/policy/consent.ts';
import { consentText, facesNotice } from '../../src/policy/facesnotice.ts';
import type { HubConfig } from '../../src/policy/settings.ts';
import { camera, day, hub } from './configs.ts';

function stored(state: ConsentState): ConsentState {
  return JSON.parse(canonicalJson(state as unknown as CanonicalValue)) as ConsentState;
}

function inForce(config: HubConfig): ConsentState {
  return stored(effectiveConfig(config, undefined).state);
}

function texts(wanted: HubConfig, state: ConsentState): string[] {
  return effectiveConfig(wanted, state).pending.map((change) => change.text);
}

t.test('the first configuration of a hub is in force, but for its microphones', async (t) => {
  const { effective, pending } = effectiveConfig(hub(30, [camera('a', { keepDays: 60, audio: true }), camera('b')]), undefined);
  t.same(effective.cameras.map(({ keepMs, audio }) => [keepMs / day, audio]), [[60, false], [30, false]]);
  t.same(pending.map(({ camera, key, from, to, text }) => [camera, key, from, to, text]), [['a', 'audio', 'off', 'on', 'a: sound would be recorded']]);
});

t.test('a private time applies at once, and ends only with the owner\'s yes', async (t) => {
  const night = { space: 'home', days: ['friday'], from: '22:00', to: '06:00' } as const;
  const longer = { ...night, to: '07:00' } as const;
  const state = inForce(hub(3, [], { privacy: [night] }));
  t.same(texts(hub(3, [], { privacy: [night, longer] }), state), []);
  const shorter = effectiveConfig(hub(3, [], { privacy: [longer] }), state);
  t.same(shorter.effective.privacy, [longer, night], 'until then both hold');
  t.match(shorter.pending, [{ key: 'privacy', text: 'no longer: home is private friday from 22:00 to 06:00' }]);
  const accepted = effectiveConfig(hub(3, [], { privacy: [longer] }), stored(applyAcceptance(stored(shorter.state), shorter.pending[0]?.id ?? '')));
  t.same([accepted.effective.privacy, accepted.pending], [[longer], []]);
  const older = inForce(hub(3));
  t.same(texts(hub(3, [], { privacy: [night] }), { v: older.v, keep: older.keep, cameras: older.cameras, pending: older.pending }), [], 'a state of before there were any');
});

t.test('what a camera is called outside waits for a yes to that word; its number again is at once', (t) => {
  const called = (alias?: string): HubConfig => hub(3, [{ ...camera('a'), ...(alias === undefined ? {} : { alias }) }]);
  const aliasIn = ({ effective }: ReturnType<typeof effectiveConfig>): string | undefined => effective.cameras[0]?.alias;
  const fresh = effectiveConfig(called('door'), undefined);
  t.match([aliasIn(fresh), fresh.pending], [undefined, [{ camera: 'a', key: 'alias', from: 'its number', to: 'door', text: 'a: outside it would be called door instead of its number' }]]);
  t.equal(aliasIn(effectiveConfig(called('door'), stored(fresh.state))), undefined, 'it goes on waiting');
  const accepted = effectiveConfig(called('door'), stored(applyAcceptance(stored(fresh.state), fresh.pending[0]?.id ?? '')));
  t.match([aliasIn(accepted), accepted.pending], ['door', []]);
  const other = effectiveConfig(called('anna'), stored(accepted.state));
  t.match([aliasIn(other), other.pending], ['door', [{ from: 'door', to: 'anna' }]], 'a yes to one word is none to another');
  const number = effectiveConfig(called(), stored(accepted.state));
  t.same([aliasIn(number), number.pending], [undefined, []]);
  t.match(effectiveConfig(called('door'), stored(number.state)).pending, [{ key: 'alias' }], 'and what was given up is asked for anew');
  t.end();
});

t.test('the keys of persons go to the owner at once, and back to the hub by a yes', (t) => {
  const with_ = (lock: 'hub' | 'owner') => hub(3, [], { faces: { enabled: false, consentMs: 365 * day, lock } });
  const first = effectiveConfig(with_('owner'), stored(effectiveConfig(with_('hub'), undefined).state));
  t.match([first.effective.faces.lock, first.pending], ['owner', []]);
  const back = effectiveConfig(with_('hub'), stored(first.state));
  t.match([back.effective.faces.lock, back.pending], ['owner', [{ key: 'faces.lock', from: 'owner', to: 'hub' }]]);
  const again = effectiveConfig(with_('hub'), stored(back.state));
  t.match([again.effective.faces.lock, again.pending.length], ['owner', 1], 'it goes on waiting');
  const accepted = effectiveConfig(with_('hub'), applyAcceptance(again.state, again.pending[0]?.id ?? ''));
  t.match([accepted.effective.faces.lock, accepted.pending], ['hub', []]);
  t.match(effectiveConfig(with_('hub'), stored(accepted.state)).pending, []);
  t.end();
});

t.test('faces wait for a yes to the notice as it is; off is at once; a longer time of consents waits too', async (t) => {
  const on = { faces: { enabled: true, consentMs: 365 * day, lock: 'hub' as const } };
  const fresh = effectiveConfig(hub(3, [], on), undefined);
  t.equal(fresh.effective.faces.enabled, false, 'also where the first configuration of a hub has them on');
  const [change] = fresh.pending;
  t.match(change, { key: 'faces', from: 'off', to: `on, notice ${facesNotice.version}, SHA-256 ${facesNotice.sha256}` });
  t.ok(change?.text.includes(facesNotice.text), 'the whole notice is in what is signed');
  t.match(facesNotice.text, /numbers[^]*stay[^]*forgotten/);
  for (const { text, sha256 } of [facesNotice, consentText]) t.equal(sha256, createHash('sha256').update(text).digest('hex'));
  const state = stored(applyAcceptance(stored(fresh.state), change?.id ?? ''));
  const accepted = effectiveConfig(hub(3, [], on), state);
  t.match([accepted.effective.faces.enabled, accepted.pending], [true, []]);
  const older = { ...stored(accepted.state), faces: { notice: '0'.repeat(64), consentMs: 365 * day } };
  t.match(effectiveConfig(hub(3, [], on), older), { effective: { faces: { enabled: false } }, pending: [{ key: 'faces' }] }, 'a yes to another text is none to this one');

  const off = effectiveConfig(hub(3), stored(accepted.state));
  t.same([off.effective.faces.enabled, off.pending], [false, []], 'off at once');
  t.match(effectiveConfig(hub(3, [], on), stored(off.state)).pending, [{ key: 'faces' }], 'and on again only with another yes');

  const longer = { faces: { enabled: true, consentMs: 730 * day, lock: 'hub' as const } };
  const waiting = effectiveConfig(hub(3, [], longer), stored(accepted.state));
  t.match([waiting.effective.faces, waiting.pending], [{ enabled: true, consentMs: 365 * day, lock: 'hub' as const }, [{ key: 'faces.consent_lasts', text: 'a person\'s consent would last 730 days instead of 365 days' }]]);
  t.equal(effectiveConfig(hub(3, [], longer), stored(applyAcceptance(stored(waiting.state), waiting.pending[0]?.id ?? ''))).effective.faces.consentMs, 730 * day);
  t.same(effectiveConfig(hub(3, [], { faces: { enabled: true, consentMs: 30 * day, lock: 'hub' as const } }), stored(accepted.state)).effective.faces, { enabled: true, consentMs: 30 * day, lock: 'hub' as const }, 'a shorter one counts at once');
  t.match(effectiveConfig(hub(3, [], longer), undefined).pending.map(({ key }) => key), ['faces', 'faces.consent_lasts'], 'on a new hub it is a year');
});

t.test('an alarm keeps longer only with the owner\'s yes, a new one than footage is kept', async (t) => {
  const alarm = (name: string, keepDays: number) => ({ name, kinds: ['person'] as const, days: ['friday'] as const, from: '00:00', to: '00:00', keepMs: keepDays * day, beforeMs: 0, afterMs: 0, enabled: true });
  const kept = (wanted: HubConfig, state: ConsentState): number[] => effectiveConfig(wanted, state).effective.alarms.map(({ keepMs }) => keepMs / day);
  const first = inForce(hub(3, [], { alarms: [alarm('Night', 10)] }));
  t.same(kept(hub(3, [], { alarms: [alarm('Night', 10)] }), first), [10], 'what a hub begins with is in force');
  const both = hub(3, [], { alarms: [alarm('Night', 30), alarm('New', 30), alarm('Short', 2)] });
  const asked = effectiveConfig(both, first);
  t.same(asked.effective.alarms.map(({ keepMs }) => keepMs / day), [10, 3, 2]);
  t.same(asked.pending.map(({ key, text }) => [key, text]), [
    ['alarm', 'alarm Night: its pictures and footage would be kept 30 days instead of 10 days'], ['alarm', 'alarm New: its pictures and footage would be kept 30 days instead of 3 days'],
  ]);
  const accepted = stored(applyAcceptance(stored(asked.state), asked.pending[1]?.id ?? ''));
  t.same(kept(both, accepted), [10, 30, 2], 'a yes to one is none to the other');
  t.same(texts(both, accepted), ['alarm Night: its pictures and footage would be kept 30 days instead of 10 days']);
  const without = stored(effectiveConfig(hub(3), accepted).state);
  t.same(kept(both, without), [3, 3, 2], 'taken out and put back, it is new');
  const older = inForce(hub(3));
  t.same(kept(both, { v: older.v, keep: older.keep, cameras: older.cameras, pending: older.pending }), [3, 3, 2], 'a state of before there were any');
});

const before = hub(3, [camera('a'), camera('own', { keepDays: 1 })]);
const cases: [name: string, wanted: HubConfig, waits: string[], keepDays: number[]][] = [
  ['the same', before, [], [3, 1]],
  ['longer retention of the hub', hub(7, [camera('a'), camera('own', { keepDays: 1 })]), ['footage would be kept 7 days instead of 3 days'], [3, 1]],
  ['longer retention of a camera', hub(3, [camera('a', { keepDays: 7 }), camera('own', { keepDays: 1 })]), ['a: footage would be kept 7 days instead of 3 days'], [3, 1]],
  ['longer than its own', hub(3, [camera('a'), camera('own', { keepDays: 2 })]), ['own: footage would be kept 2 days instead of 1 day'], [3, 1]],
  ['an own time taken out', hub(3, [camera('a'), camera('own')]), ['own: footage would be kept 3 days instead of 1 day'], [3, 1]],
  ['shorter retention', hub(1, [camera('a'), camera('own', { keepDays: 1 })]), [], [1, 1]],
  ['shorter for the hub, an own time instead', hub(1, [camera('a', { keepDays: 2 }), camera('own', { keepDays: 1 })]), ['a: footage would be kept 2 days instead of 1 day'], [1, 1]],
  ['a new camera', hub(3, [camera('a'), camera('own', { keepDays: 1 }), camera('new')]), [], [3, 1, 3]],
  ['a new camera that keeps longer', hub(3, [camera('a'), camera('own', { keepDays: 1 }), camera('new', { keepDays: 4 })]), ['new: footage would be kept 4 days instead of 3 days'], [3, 1, 3]],
  ['a new camera that keeps shorter', hub(3, [camera('a'), camera('own', { keepDays: 1 }), camera('new', { keepDays: 2 })]), [], [3, 1, 2]],
  ['another address', hub(3, [camera('a', { address: '10.0.0.9' }), camera('own', { keepDays: 1 })]), [], [3, 1]],
  ['the log kept longer', { ...before, keep: { ...before.keep, logsMs: 15 * day } }, ['the log would be kept 15 days instead of 14 days'], [3, 1]],
  ['the audit kept longer', { ...before, keep: { ...before.keep, auditMs: 800 * day } }, ['the audit would be kept 800 days instead of 730 days'], [3, 1]],
];

for (const [name, wanted, waits, keepDays] of cases) {
  t.test(`${waits.length === 0 ? 'applies at once' : 'waits for the owner'}: ${name}`, async (t) => {
    const { effective, pending } = effectiveConfig(wanted, inForce(before));
    t.same(pending.map((change) => change.text), waits);
    t.same(effective.cameras.map((one) => one.keepMs / day), keepDays);
    t.equal(effective.keep.logsMs, 14 * day);
    t.equal(effective.keep.auditMs, 730 * day);
    t.same(lowersPrivacy(inForce(before), wanted), pending);
    for (const change of pending) t.match(change.id, /^[0-9a-f]{8}$/);
  });
}

t.test('everything else of a change applies while the rest waits', async (t) => {
  const wanted = hub(7, [camera('a', { audio: true, address: '10.0.0.9' })], { name: 'New' });
  const { effective } = effectiveConfig(wanted, inForce(before));
  t.equal(effective.name, 'New');
  t.equal(effective.cameras[0]?.address, '10.0.0.9');
  t.equal(effective.cameras[0]?.audio, false);
});

t.test('after the owner\'s yes it is in force, and only it', async (t) => {
  const wanted = hub(7, [camera('a', { audio: true }), camera('own', { keepDays: 1 })]);
  const first = effectiveConfig(wanted, inForce(before));
  const [retention, sound] = first.pending;
  const second = effectiveConfig(wanted, stored(applyAcceptance(stored(first.state), sound?.id ?? '')));
  t.equal(second.effective.cameras[0]?.audio, true);
  t.equal(second.effective.cameras[0]?.keepMs, 3 * day);
  t.same(second.pending, [retention]);
  const third = effectiveConfig(wanted, stored(applyAcceptance(stored(second.state), retention?.id ?? '')));
  t.same(third.pending, []);
  t.same(third.effective.cameras.map((one) => one.keepMs / day), [7, 1]);
  t.same(effectiveConfig(wanted, stored(third.state)).pending, [], 'and stays');
});

t.test('a yes to something that does not wait is refused', async (t) => {
  const wanted = hub(7, [camera('a')]);
  const { state, pending } = effectiveConfig(wanted, inForce(before));
  t.throws(() => applyAcceptance(state, '00000000'), { code: 'SP_CHANGE_UNKNOWN' });
  const other = effectiveConfig(hub(8, [camera('a')]), stored(state));
  t.throws(() => applyAcceptance(other.state, pending[0]?.id ?? ''), { code: 'SP_CHANGE_UNKNOWN' }, 'a yes to 7 days is no yes to 8');
  t.throws(() => applyAcceptance(applyAcceptance(state, pending[0]?.id ?? ''), pending[0]?.id ?? ''), { code: 'SP_CHANGE_UNKNOWN' }, 'nor twice');
});

t.test('what was given up needs a new yes', async (t) => {
  const shorter = effectiveConfig(hub(1, [camera('a')]), inForce(before));
  t.same(texts(hub(3, [camera('a')]), stored(shorter.state)), ['footage would be kept 3 days instead of 1 day']);
  const sound = hub(3, [camera('a', { audio: true })]);
  const asked = effectiveConfig(sound, inForce(before));
  const on = effectiveConfig(sound, applyAcceptance(asked.state, asked.pending[0]?.id ?? ''));
  const off = effectiveConfig(hub(3, [camera('a')]), on.state);
  t.same(texts(sound, stored(off.state)), ['a: sound would be recorded']);
});

t.test('taking a camera out and putting it back lengthens nothing', async (t) => {
  const without = effectiveConfig(hub(3, [camera('a')]), inForce(before));
  const back = effectiveConfig(hub(3, [camera('a'), camera('own')]), stored(without.state));
  t.equal(back.effective.cameras[1]?.keepMs, day);
  t.same(back.pending.map((change) => change.text), ['own: footage would be kept 3 days instead of 1 day']);
  const long = inForce(hub(3, [camera('a', { keepDays: 30 })]));
  const again = effectiveConfig(hub(3, [camera('a', { keepDays: 30 })]), stored(effectiveConfig(hub(3), long).state));
  t.equal(again.effective.cameras[0]?.keepMs, 3 * day, 'nor does an old yes come back');
});

const camerasOf = fc.uniqueArray(fc.record({ id: fc.constantFrom('a', 'b', 'c'), keepDays: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }), audio: fc.boolean() }), { selector: (one) => one.id })
  .map((all) => all.map(({ id, keepDays, audio }) => camera(id, { audio, ...(keepDays === undefined ? {} : { keepDays }) })));
const configs = fc.tuple(fc.integer({ min: 1, max: 9 }), camerasOf).map(([keepDays, cameras]) => hub(keepDays, cameras));

t.test('without a yes, no camera that stays is ever kept longer or heard, whatever is written', async () => {
  fc.assert(fc.property(fc.array(configs, { minLength: 2, maxLength: 6 }), (all) => {
    let state: ConsentState | undefined;
    let last: HubConfig | undefined;
    for (const wanted of all) {
      const result = effectiveConfig(wanted, state);
      for (const one of result.effective.cameras) {
        const was = last?.cameras.find((known) => known.id === one.id);
        const known = state === undefined ? Infinity : Math.min(was?.keepMs ?? Infinity, was === undefined ? state.keep.footageMs : Infinity);
        if (one.keepMs > known || one.audio) return false;
      }
      if (last !== undefined && result.effective.keep.footageMs > last.keep.footageMs) return false;
      state = stored(result.state);
      last = result.effective;
    }
    return true;
  }), { numRuns: 500 });
});

t.test('when the owner accepts all, what is wanted is in force', async () => {
  fc.assert(fc.property(configs, configs, (first, wanted) => {
    let result = effectiveConfig(wanted, inForce(first));
    for (let turn = 0; result.pending.length > 0; turn++) {
      if (turn > 20) return false;
      result = effectiveConfig(wanted, stored(applyAcceptance(stored(result.state), result.pending[0]?.id ?? '')));
    }
    return JSON.stringify(result.effective) === JSON.stringify(wanted);
  }), { numRuns: 500 });
});

t.test('asking twice changes nothing', async () => {
  fc.assert(fc.property(configs, configs, (first, wanted) => {
    const once = effectiveConfig(wanted, inForce(first));
    const twice = effectiveConfig(wanted, stored(once.state));
    return JSON.stringify(once) === JSON.stringify(twice);
  }));
});
