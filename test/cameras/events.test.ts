import t, { type Test } from 'tap';
import { createLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { textOf } from '../../src/base/xml.ts';
import { CameraEvents } from '../../src/cameras/events.ts';
import type { Signal } from '../../src/policy/observations.ts';
import type { EventsState } from '../../src/policy/subscriptions.ts';
import { eventCamera, hold, motion, PausedClock, sendPulled, service, waitThenSend } from './eventcamera.ts';
import { password, send, sendFault, startMs, type FarEnd } from './farend.ts';

interface Heard {
  readonly events: CameraEvents;
  readonly signals: Signal[];
  readonly arrivals: number[];
  readonly lost: number[];
  readonly states: string[];
  readonly log: string[];
}

function listen(t: Test, far: FarEnd, clock: PausedClock, o: { mayTryPassword?: () => boolean } = {}): Heard {
  const [signals, arrivals, lost, states, log]: [Signal[], number[], number[], string[], string[]] = [[], [], [], [], []];
  const events = new CameraEvents({
    camera: 'garden', address: { host: far.host, port: far.port, path: '/onvif/device_service' }, user: 'ad<min', password: new Secret(password), clock,
    log: createLog({ level: 'debug', write: (line) => log.push(line) }), random: () => 0.999, mayTryPassword: () => o.mayTryPassword?.() ?? true,
    onSignals: async (list, atMs) => { signals.push(...list); if (list.length > 0) arrivals.push(atMs); },
    onLost: async (heardMs) => void lost.push(heardMs),
    onState: ({ kind, because }: EventsState) => void states.push(because === undefined ? kind : `${kind}: ${because}`),
  });
  events.start();
  t.teardown(() => events.close());
  return { events, signals, arrivals, lost, states, log };
}

t.test('events arrive by the hub\'s time, one subscription is pulled from, renewed at 80 % and given back at the end', async (t) => {
  const clock = new PausedClock();
  const end = hold();
  const far = await eventCamera(t, clock, { grantedSeconds: 60, pull: (asked, count) => {
    if (count === 5) end.here();
    else if (count === 2) sendPulled(asked, motion('true') + motion('false'));
    else waitThenSend(asked, clock);
  } });
  const heard = listen(t, far, clock);
  t.equal(await clock.pause(), 200, 'a pull with messages is followed by another, not at once');
  await end.reached;
  await heard.events.close();
  t.same(far.operations().filter((name) => name !== 'GetSystemDateAndTime'), ['GetServices', 'CreatePullPointSubscription', 'PullMessages', 'PullMessages', 'PullMessages', 'PullMessages', 'Renew', 'PullMessages', 'Unsubscribe']);
  t.same(far.asked.filter(({ operation }) => operation === 'PullMessages').map(({ soap }) => textOf(soap, 'Body', 'PullMessages', 'Timeout')), ['PT20S', 'PT20S', 'PT20S', 'PT8S', 'PT20S'], 'none waits beyond the time to renew');
  t.same(heard.signals.map(({ kind, says }) => `${kind} ${says}`), ['motion on', 'motion off']);
  t.same(heard.arrivals, [startMs + 20_000]);
  t.same(heard.states, ['working']);
  t.match(heard.events.status, { state: { kind: 'working' }, subscriptions: 1, pulls: 4, messages: 2, dropped: 0 });
  t.match(heard.lost, [Number]);
});

t.test('what is sent: durations in seconds, WS-Addressing, credentials, and all of it to the adopted host', async (t) => {
  const clock = new PausedClock();
  const end = hold();
  const far = await eventCamera(t, clock, { pull: () => end.here() });
  listen(t, far, clock);
  await end.reached;
  const create = far.asked.find(({ operation }) => operation === 'CreatePullPointSubscription');
  const pull = far.asked.find(({ operation }) => operation === 'PullMessages');
  t.equal(create?.path, '/onvif/events', 'the host that the camera names is not asked');
  t.equal(textOf(create?.soap, 'Body', 'CreatePullPointSubscription', 'InitialTerminationTime'), 'PT600S');
  t.equal(pull?.path, '/event/1');
  t.equal(textOf(pull?.soap, 'Header', 'To'), `http://10.0.0.9:${far.port}/event/1`);
  t.equal(textOf(pull?.soap, 'Header', 'Action'), 'http://www.onvif.org/ver10/events/wsdl/PullPointSubscription/PullMessagesRequest');
  t.equal(textOf(pull?.soap, 'Header', 'Security', 'UsernameToken', 'Username'), 'ad<min');
  t.match(pull?.headers['content-type'], 'action="http://www.onvif.org/ver10/events/wsdl/PullPointSubscription/PullMessagesRequest"');
});

t.test('a camera behind a forwarded port, or that names no address of the subscription that can be asked', async (t) => {
  const clock = new PausedClock();
  const end = hold();
  const far = await eventCamera(t, clock, { pull: () => end.here(), create: (asked, count) => send(asked, '<CreatePullPointSubscriptionResponse><SubscriptionReference>'
    + `<Address>${count === 1 ? 'file:///etc/passwd' : 'http://10.0.0.9/event?Idx=1&amp;k=2'}</Address></SubscriptionReference></CreatePullPointSubscriptionResponse>`) });
  const heard = listen(t, far, clock);
  await clock.pause();
  t.same(heard.states, ['starting: what it says to CreatePullPointSubscription cannot be used: it names no address of the subscription']);
  await end.reached;
  t.equal(far.asked.at(-1)?.path, '/event?Idx=1&k=2', 'port 80 is the one that the camera believes in, and we reach it by another');
});

t.test('a camera that answers at once is asked at a pace of ours, and that is said', async (t) => {
  const clock = new PausedClock();
  const far = await eventCamera(t, clock, { pull: (asked) => sendPulled(asked) });
  const heard = listen(t, far, clock);
  const pauses: number[] = [];
  while (pauses.length < 8) pauses.push(await clock.pause());
  t.same(pauses, [1000, 1000, 1000, 1000, 2000, 2000, 2000, 2000]);
  t.same(heard.states, ['working', 'polling: it answers at once instead of waiting for an event']);
});

t.test('a camera that floods is asked five times a second at most', async (t) => {
  const clock = new PausedClock();
  const far = await eventCamera(t, clock, { pull: (asked) => sendPulled(asked, motion('true').repeat(100)) });
  const heard = listen(t, far, clock);
  const begunMs = clock.nowMs;
  for (let pauses = 0; pauses < 40; pauses++) await clock.pause();
  const pulls = far.operations().filter((name) => name === 'PullMessages').length;
  t.ok(pulls <= 5 * (clock.nowMs - begunMs) / 1000 + 5, `${pulls} pulls in ${clock.nowMs - begunMs} ms`);
  t.equal(heard.states.at(-1), 'polling: it never stops sending events');
});

t.test('a subscription that is gone is made anew, and each time it is said what was heard last', async (t) => {
  const clock = new PausedClock();
  const far = await eventCamera(t, clock, { pull: (asked, count) => (count % 2 === 0 ? sendFault(asked, 'ResourceUnknown', 'gone', 400) : waitThenSend(asked, clock)) });
  const heard = listen(t, far, clock);
  t.same([await clock.pause(), await clock.pause(), await clock.pause()], [1000, 1999, 3998], 'jittered, and later each time');
  await clock.pause();
  t.equal(far.operations().filter((name) => name === 'Unsubscribe').length, 0, 'nothing is given back: some cameras cancel all');
  t.same(heard.lost[0], startMs + 20_000);
  t.ok(heard.states.includes('polling: it ends each subscription early'), heard.states.join('; '));
  t.match(heard.states[1], 'starting: it answers PullMessages with "gone"');
});

t.test('a camera that refuses to renew is subscribed to anew when the time is over, without a pause, and that is said', async (t) => {
  const clock = new PausedClock();
  const end = hold();
  const far = await eventCamera(t, clock, {
    grantedSeconds: 60, renew: (asked) => sendFault(asked, 'ActionFailed', 'error -8', 500),
    // It says nothing of how long the subscription lasts now.
    pull: (asked, count) => {
      if (count > 6) return end.here();
      clock.nowMs += Number(/PT(\d+)S/.exec(asked.body)?.[1]) * 1000;
      send(asked, '<PullMessagesResponse/>');
    },
  });
  const heard = listen(t, far, clock);
  await end.reached;
  t.same(far.operations().filter((name) => /^(?:Create|Renew)/.test(name)), ['CreatePullPointSubscription', 'Renew', 'CreatePullPointSubscription']);
  t.same(heard.states.slice(0, 2), ['working', 'working: it does not renew, so it is subscribed to anew each time']);
  t.same(heard.lost, [], 'nothing was lost');
});

t.test('a camera without events is believed', async (t) => {
  const clock = new PausedClock();
  const far = await eventCamera(t, clock, { pull: () => {}, create: (asked) => sendFault(asked, 'ActionNotSupported', 'Optional Action Not Implemented', 500) });
  const heard = listen(t, far, clock);
  t.ok(await clock.pause() > 800_000, 'and asked again after a quarter of an hour');
  t.same(heard.states, ['none: it answers CreatePullPointSubscription with "Optional Action Not Implemented"']);
});

t.test('a camera that lists its services, and events are not among them', async (t) => {
  const clock = new PausedClock();
  const far = await eventCamera(t, clock, { pull: () => {}, services: (asked) => send(asked, service.replace('ver10/events', 'ver10/display')) });
  const heard = listen(t, far, clock);
  await clock.pause();
  t.same(heard.states, ['none: it has no event service']);
});

t.test('a camera that claims events and has none is given up after some tries, with few requests', async (t) => {
  const clock = new PausedClock();
  const far = await eventCamera(t, clock, { pull: (asked) => { asked.reply.writeHead(404); asked.reply.end('<html>not found</html>'); } });
  const heard = listen(t, far, clock);
  for (let tries = 0; tries < 5; tries++) await clock.pause();
  t.equal(heard.states.at(-1), 'none: what it says to PullMessages cannot be used: HTTP 404');
  t.ok(far.asked.length < 30, `${far.asked.length} requests`);
});

t.test('a silent or dripping pull has an end, and a camera that goes on so is stuck', async (t) => {
  const clock = new PausedClock();
  let pulled = hold();
  const far = await eventCamera(t, clock, { pull: (asked) => { asked.reply.writeHead(200); asked.reply.write('<s:Envelope '); pulled.here(); } });
  const heard = listen(t, far, clock);
  for (let tries = 0; tries < 3; tries++) {
    await pulled.reached;
    pulled = hold();
    clock.expire();
    await clock.pause();
  }
  t.equal(heard.states.at(-1), 'stuck: it does not answer (no whole answer to PullMessages within 30 s)');
});

t.test('a refused password is tried once a minute at most, and is not said', async (t) => {
  const clock = new PausedClock();
  const far = await eventCamera(t, clock, { pull: () => {}, create: (asked) => sendFault(asked, 'NotAuthorized') });
  const heard = listen(t, far, clock);
  t.ok(await clock.pause() >= 60_000);
  const attempts = far.asked.filter(({ created }) => created !== undefined).length;
  t.ok(attempts <= 2, `${attempts} attempts`);
  t.ok(await clock.pause() >= 300_000);
  t.same(heard.states, ['stuck: its user or password is refused']);
  t.notMatch(heard.log.join(''), password);
});

t.test('a refused password is not tried again before somebody else has seen that it is right', async (t) => {
  const clock = new PausedClock();
  const far = await eventCamera(t, clock, { pull: () => {}, create: (asked) => sendFault(asked, 'NotAuthorized') });
  let right = false;
  const heard = listen(t, far, clock, { mayTryPassword: () => right });
  await clock.pause();
  const asked = far.asked.length;
  for (let pauses = 0; pauses < 20; pauses++) t.equal(await clock.pause(), 5000);
  t.equal(far.asked.length, asked);
  right = true;
  await clock.pause();
  t.ok(await clock.pause() >= 300_000, 'the next refusal');
  t.equal(heard.states.length, 1);
});

t.test('a clock that steps costs one more question', async (t) => {
  const clock = new PausedClock();
  const end = hold();
  let aheadMs = 0;
  const far = await eventCamera(t, clock, { aheadMs: () => aheadMs, pull: (asked, count) => {
    if (count === 1) waitThenSend(asked, clock);
    else if (count === 2) {
      aheadMs = 3_600_000;
      sendFault(asked, 'NotAuthorized');
    } else end.here();
  } });
  listen(t, far, clock);
  await end.reached;
  t.same(far.operations().slice(-4), ['PullMessages', 'PullMessages', 'GetSystemDateAndTime', 'PullMessages']);
  t.equal(Date.parse(far.asked.at(-1)?.created ?? '') - clock.nowMs, aheadMs, 'by the camera\'s new time');
});

t.test('topics that are no observation are counted by name, within a bound', async (t) => {
  const clock = new PausedClock();
  const end = hold();
  const other = (name: string): string => `<NotificationMessage><Topic>tns1:Monitoring/${name}</Topic><Message><Message/></Message></NotificationMessage>`;
  const far = await eventCamera(t, clock, { pull: (asked, count) => (count === 1 ? sendPulled(asked, other('A') + other('A') + Array.from({ length: 60 }, (_, index) => other(`N${index}`)).join('')) : end.here()) });
  const heard = listen(t, far, clock);
  await clock.pause();
  await end.reached;
  const { unknownTopics } = heard.events.status;
  t.equal(unknownTopics['Monitoring/A'], 2);
  t.equal(Object.keys(unknownTopics).length, 33);
  t.equal(unknownTopics['other'], 60 - 31);
});

t.test('it can be closed at any time: while nobody answers, while it waits, and before it has begun', async (t) => {
  const clock = new PausedClock();
  const end = hold();
  const silent = await eventCamera(t, clock, { pull: () => {}, services: () => end.here() });
  const heard = listen(t, silent, clock);
  await end.reached;
  await heard.events.close();
  const gone = listen(t, { ...silent, port: 1 }, clock);
  await clock.pause();
  await gone.events.close();
  t.pass('closed');
});
