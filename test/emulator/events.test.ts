import fc from 'fast-check';
import t, { type Test } from 'tap';
import { findAll, findDeep, parseXml, textOf, type XmlElement } from '../../src/base/xml.ts';
import { eventKinds, type EmulatedCamera, type EventKind } from '../../src/emulator/emulator.ts';
import { CameraEvents } from '../../src/emulator/events.ts';
import { durationMs } from '../../src/emulator/onvif/durations.ts';
import { standardTopics } from '../../src/emulator/topics.ts';
import { StillClock } from '../cameras/farend.ts';
import { postSoap, securityHeader, startEmulator } from './testkit.ts';

const ns = 'xmlns="http://www.onvif.org/ver10/events/wsdl"';
const wsnt = 'xmlns="http://docs.oasis-open.org/wsn/b-2"';

interface Said { readonly status: number; readonly text: string; readonly xml: XmlElement }

class Subscriber {
  readonly camera: EmulatedCamera;
  readonly url: string;
  readonly created: Said;

  private constructor(camera: EmulatedCamera, created: Said) {
    this.camera = camera;
    this.created = created;
    this.url = textOf(findDeep(created.xml, 'SubscriptionReference'), 'Address') ?? '';
  }

  static async subscribe(camera: EmulatedCamera, inner = ''): Promise<Subscriber> {
    return new Subscriber(camera, await say(camera, `<CreatePullPointSubscription ${ns}>${inner}</CreatePullPointSubscription>`));
  }

  pull(timeout = 'PT0S', limit = 100): Promise<Said> {
    return say(this.camera, `<PullMessages ${ns}><Timeout>${timeout}</Timeout><MessageLimit>${limit}</MessageLimit></PullMessages>`, this.url);
  }

  ask(body: string): Promise<Said> {
    return say(this.camera, body, this.url);
  }
}

async function say(camera: EmulatedCamera, body: string, url?: string): Promise<Said> {
  const answer = await postSoap(camera, body, { service: 'events', ...(url === undefined ? {} : { url }), header: `<MessageID xmlns="http://www.w3.org/2005/08/addressing">urn:uuid:7</MessageID>${securityHeader(camera)}` });
  return { status: answer.status, text: answer.text, xml: parseXml(answer.text) };
}

/** `topic=value operation` of each message. */
function told(said: Said): string[] {
  return findAll(findDeep(said.xml, 'PullMessagesResponse'), 'NotificationMessage').map((notification) => {
    const message = findDeep(notification, 'Message')?.children[0];
    return `${textOf(notification, 'Topic')?.replace(/^.*?\//, '')}=${findDeep(message, 'Data')?.children[0]?.attributes['Value']} ${message?.attributes['PropertyOperation'] ?? 'moment'}`;
  });
}

const unsubscribe = `<Unsubscribe ${wsnt}/>`;
const renew = (time: string): string => `<Renew ${wsnt}><TerminationTime>${time}</TerminationTime></Renew>`;
const gone = { status: 400, text: /wsrf-r:ResourceUnknownFault/ };

async function subscribed(t: Test, inner = ''): Promise<{ camera: EmulatedCamera; subscriber: Subscriber }> {
  const { camera } = await startEmulator(t, { seconds: 1 });
  return { camera, subscriber: await Subscriber.subscribe(camera, inner) };
}

t.test('a subscription begins with the state of everything, then tells what changes', async (t) => {
  const { camera, subscriber } = await subscribed(t);
  t.match(subscriber.created.text, '<wsa:Action>http://www.onvif.org/ver10/events/wsdl/EventPortType/CreatePullPointSubscriptionResponse</wsa:Action><wsa:RelatesTo>urn:uuid:7</wsa:RelatesTo>');
  const first = told(await subscriber.pull());
  t.equal(first.length, Object.values(standardTopics).flat().filter(({ property }) => property).length);
  t.ok(first.every((one) => one.endsWith(' Initialized')));
  t.strictSame(told(await subscriber.pull()), [], 'once');
  const expected: readonly (readonly [EventKind, readonly string[], readonly string[]])[] = [
    ['motion', ['CellMotionDetector/Motion=true Changed', 'MotionAlarm=true Changed'], ['CellMotionDetector/Motion=false Changed', 'MotionAlarm=false Changed']],
    ['person', ['MyRuleDetector/PeopleDetect=true Changed'], ['MyRuleDetector/PeopleDetect=false Changed']],
    ['vehicle', ['MyRuleDetector/VehicleDetect=true Changed'], ['MyRuleDetector/VehicleDetect=false Changed']],
    ['pet', ['MyRuleDetector/DogCatDetect=true Changed'], ['MyRuleDetector/DogCatDetect=false Changed']],
    ['tamper', ['GlobalSceneChange/ImagingService=true Changed', 'TamperDetector/Tamper=true Changed'], ['GlobalSceneChange/ImagingService=false Changed', 'TamperDetector/Tamper=false Changed']],
    ['line', ['LineDetector/Crossed=1 moment'], []],
    ['sound', ['Audio/DetectedSound=true Changed'], ['Audio/DetectedSound=false Changed']],
    ['doorbell', ['MyRuleDetector/Visitor=true Changed'], ['MyRuleDetector/Visitor=false Changed']],
    ['input', ['Trigger/DigitalInput=true Changed'], ['Trigger/DigitalInput=false Changed']],
    ['relay', ['Trigger/Relay=active Changed'], ['Trigger/Relay=inactive Changed']],
  ];
  t.strictSame(expected.map(([kind]) => kind), [...eventKinds]);
  for (const [kind, begins, ends] of expected) {
    camera.raise(kind, true);
    t.strictSame(told(await subscriber.pull()), begins, kind);
    camera.raise(kind, false);
    t.strictSame(told(await subscriber.pull()), ends, `${kind} ends`);
  }
  camera.raise('motion', true);
  camera.raise('motion', true);
  t.equal(told(await subscriber.pull()).length, 2, 'what is so already is not told again');
  t.match(await subscriber.ask(`<SetSynchronizationPoint ${ns}/>`), { status: 200 });
  t.ok(told(await subscriber.pull()).includes('CellMotionDetector/Motion=true Initialized'));
});

t.test('a pull waits until there is something, and hears at once of what happens', async (t) => {
  const { camera, subscriber } = await subscribed(t, '<InitialTerminationTime>PT3600S</InitialTerminationTime>');
  await subscriber.pull();
  const waiting = subscriber.pull('PT60S');
  await pulled(camera);
  camera.raise('doorbell', true);
  t.strictSame(told(await waiting), ['MyRuleDetector/Visitor=true Changed']);
  camera.raise('person', true);
  camera.raise('vehicle', true);
  t.strictSame(told(await subscriber.pull('PT60S', 1)), ['MyRuleDetector/PeopleDetect=true Changed'], 'no more than asked for');
  t.strictSame(told(await subscriber.pull('PT60S', 1)), ['MyRuleDetector/VehicleDetect=true Changed']);
  const cut = subscriber.pull('PT60S');
  await pulled(camera);
  t.match(await subscriber.ask(unsubscribe), { status: 200, text: /wsnt:UnsubscribeResponse/ });
  t.match(await cut, gone, 'who waits hears of the end');
  t.match(await subscriber.pull(), gone);
});

/** A call after the one that waits: the camera has taken up what was sent before it. */
async function pulled(camera: EmulatedCamera): Promise<void> {
  for (let n = 0; n < 3; n++) await postSoap(camera, '<GetSystemDateAndTime/>');
}

t.test('a subscription ends at its time, unless renewed or kept alive', async (t) => {
  const clock = new StillClock();
  const events = new CameraEvents({ topics: standardTopics, clock, nowMs: () => clock.nowMs });
  const all = { max: 2, wants: () => true };
  const pull = { timeoutMs: 60_000, limit: 100, signal: new AbortController().signal };
  const fixed = events.subscribe({ lifeMs: 10_000, keptAliveMs: undefined, ...all });
  const alive = events.subscribe({ lifeMs: 10_000, keptAliveMs: 10_000, ...all });
  t.equal(events.subscribe({ lifeMs: 10_000, keptAliveMs: undefined, ...all }), undefined, 'a third one is too many');
  await Promise.all([fixed?.pull(pull), alive?.pull(pull)]);
  clock.nowMs += 9000;
  await alive?.pull({ ...pull, timeoutMs: 0 });
  const waiting = fixed?.pull(pull);
  clock.nowMs += 2000;
  clock.pass();
  t.equal(await waiting, undefined, 'a wait ends with the subscription');
  t.equal(events.point('1'), undefined);
  t.equal(events.subscriptions, 1, 'pulls keep the other one alive');
  t.ok(events.subscribe({ lifeMs: 10_000, keptAliveMs: undefined, ...all }), 'its place is free');
  const renewed = alive?.pull(pull);
  alive?.renew(100_000);
  clock.nowMs += 60_000;
  clock.pass();
  t.strictSame(await renewed, [], 'nothing happened in its minute');
  const leaving = new AbortController();
  const left = alive?.pull({ ...pull, signal: leaving.signal });
  leaving.abort();
  t.strictSame(await left, []);
  events.raise('pet', true);
  t.equal((await alive?.pull(pull))?.length, 1, 'who hung up took nothing along');
  for (let n = 0; n < 500; n++) events.raise('pet', n % 2 === 1);
  t.equal((await alive?.pull({ ...pull, limit: 1000 }))?.length, 100, 'what nobody fetches is bounded');
});

t.test('times are read as the standard writes them', (t) => {
  const cases = [['PT60S', 60_000], ['PT10M', 600_000], ['PT1H', 3_600_000], ['P1D', 86_400_000], ['P1DT1H1M1.5S', 90_061_500], ['PT0S', 0], ['P', undefined], ['PT', undefined], ['P1DT', undefined], ['-PT5S', undefined], ['60', undefined], ['', undefined]] as const;
  for (const [text, ms] of cases) t.equal(durationMs(text), ms, text);
  t.equal(durationMs('PT10M', 'minutes as seconds'), 10_000);
  t.equal(durationMs('PT10S', 'seconds as minutes'), 600_000);
  fc.assert(fc.property(fc.nat(10_000), fc.nat(59), (minutes, seconds) => durationMs(`PT${minutes}M${seconds}S`) === (minutes * 60 + seconds) * 1000));
  t.end();
});

t.test('filters let through what they name', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  const concreteSet = 'http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet';
  const topic = (expression: string, dialect = concreteSet): string => `<Filter><TopicExpression Dialect="${dialect}" ${wsnt}>${expression}</TopicExpression></Filter>`;
  const content = (expression: string): string => `<Filter><MessageContent Dialect="http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter" ${wsnt}>${expression}</MessageContent></Filter>`;
  for (const [filter, names] of [
    [topic('tns1:VideoSource/MotionAlarm'), ['MotionAlarm']],
    [topic('tns1:RuleEngine/MyRuleDetector//.'), ['MyRuleDetector/PeopleDetect', 'MyRuleDetector/VehicleDetect', 'MyRuleDetector/DogCatDetect', 'MyRuleDetector/Visitor']],
    [topic('tns1:Device//. | tns1:VideoSource//.'), ['MotionAlarm', 'GlobalSceneChange/ImagingService', 'Trigger/DigitalInput', 'Trigger/Relay']],
    [content('boolean(//tt:SimpleItem[@Name="LogicalState" and @Value="false"])'), ['Trigger/DigitalInput']],
  ] as const) {
    const subscriber = await Subscriber.subscribe(camera, filter);
    t.strictSame(told(await subscriber.pull()).map((one) => one.replace(/=.*/, '')), names, filter);
  }
  for (const [filter, fault] of [
    [topic('tns1:Nothing/Here'), 'TopicNotSupportedFault'], [topic('a b c'), 'InvalidTopicExpressionFault'], [topic('tns1:Device//.', 'http://example.org/other'), 'TopicExpressionDialectUnknownFault'],
    [content('count(//x) > 3'), 'InvalidMessageContentExpressionFault'], ['<InitialTerminationTime>PT0S</InitialTerminationTime>', 'UnacceptableInitialTerminationTimeFault'], ['<InitialTerminationTime>soon</InitialTerminationTime>', 'UnacceptableInitialTerminationTimeFault'],
  ] as const) t.match((await Subscriber.subscribe(camera, filter)).created, { status: 400, text: `wsnt:${fault}` }, fault);
});

t.test('what it has no state of, or cannot do, is a fault with its name', async (t) => {
  const { camera, subscriber } = await subscribed(t);
  const current = (topic: string): Promise<Said> => say(camera, `<GetCurrentMessage ${wsnt}><Topic>${topic}</Topic></GetCurrentMessage>`);
  t.match(await current('tns1:VideoSource/MotionAlarm'), { status: 200, text: /tt:Message .*Value="false"/ });
  t.match(await current('tns1:RuleEngine/LineDetector/Crossed'), { status: 400, text: /NoCurrentMessageOnTopicFault/ });
  t.match(await current('tns1:Device//.'), { status: 400, text: /MultipleTopicsSpecifiedFault/ });
  t.match(await current('tns1:None'), { status: 400, text: /TopicNotSupportedFault/ });
  t.match(await say(camera, `<Subscribe ${wsnt}/>`), { status: 500, text: /SubscribeCreationFailedFault/ });
  t.match(await subscriber.pull('PT61S'), { status: 400, text: /<tev:MaxTimeout>PT60S</ });
  t.match(await subscriber.pull('PT1S', 0), { status: 400, text: /InvalidArgVal/ });
  t.match(await subscriber.ask(renew('PT0S')), { status: 400, text: /UnacceptableTerminationTimeFault.*MinimumTime/ });
  t.match(await subscriber.ask(renew('PT600S')), { status: 200, text: /<wsnt:TerminationTime>/ });
  t.match(await postSoap(camera, `<PullMessages ${ns}/>`, { url: subscriber.url }), { status: 401 }, 'nothing for strangers');
  t.match(await postSoap(camera, '<GetServices><IncludeCapability>true</IncludeCapability></GetServices>'), { text: /events\/wsdl<.*event_service<.*MaxPullPoints="10"/ });
  t.match(await postSoap(camera, '<GetCapabilities><Category>Events</Category></GetCapabilities>'), { text: /<tt:Events>.*<tt:WSPullPointSupport>true</ });
});

t.test('each quirk plays the camera that it is named after', async (t) => {
  const { camera, subscriber } = await subscribed(t);
  camera.quirks.upperCaseStates = true;
  t.match(told(await subscriber.pull())[0], /=FALSE Initialized/);
  camera.quirks.eventTimes = '1970';
  camera.raise('pet', true);
  t.match(await subscriber.pull(), { text: /UtcTime="1970-01-01T00:00:00Z"/ });
  camera.quirks.eventTimes = 'no zone';
  camera.raise('pet', false);
  t.match(await subscriber.pull(), { text: /UtcTime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"/ });
  camera.quirks.pullsAtOnce = true;
  t.strictSame(told(await subscriber.pull('PT60S')), [], 'no waiting');
  camera.quirks.renewFails = true;
  t.match(await subscriber.ask(renew('PT60S')), { status: 500, text: /ter:Action/ });
  camera.quirks.unsubscribeEndsAll = true;
  const other = await Subscriber.subscribe(camera);
  await other.ask(unsubscribe);
  t.match(await subscriber.pull(), gone, 'this one did not unsubscribe');
  camera.quirks.durations = 'minutes as seconds';
  const { created } = await Subscriber.subscribe(camera, '<InitialTerminationTime>PT10M</InitialTerminationTime>');
  const at = (name: string): number => Date.parse(findDeep(created.xml, name)?.text ?? '');
  t.ok(Math.abs(at('TerminationTime') - at('CurrentTime') - 10_000) <= 1000);
  camera.quirks.pullPointsMax = 1;
  t.match((await Subscriber.subscribe(camera)).created, { status: 500, text: /SubscribeCreationFailedFault.*1 subscriptions already/ });
  camera.quirks.noPullPoint = true;
  t.match((await Subscriber.subscribe(camera)).created, { status: 500, text: /ActionNotSupported/ });
  t.match(await postSoap(camera, '<GetCapabilities><Category>Events</Category></GetCapabilities>'), { text: /<tt:WSPullPointSupport>true</ });
});

t.test('a camera that was away has forgotten its subscriptions', async (t) => {
  const { camera, subscriber } = await subscribed(t);
  await subscriber.pull();
  const waiting = subscriber.pull('PT60S');
  await pulled(camera);
  await camera.stop();
  await t.rejects(waiting);
  t.equal(camera.subscriptions, 0);
  await camera.start();
  t.match(await subscriber.pull(), gone);
});
