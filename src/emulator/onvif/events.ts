/** Event service (ONVIF Core, chapter 9): pull points over WS-BaseNotification; no push, no persistence. */
import { find, textOf, type XmlElement } from '../../base/xml.ts';
import { cameraTimeMs, xaddrOf, type CameraFace } from '../face.ts';
import type { Notice, PullPoint } from '../pullpoint.ts';
import { eventKinds, type Topic } from '../topics.ts';
import { durationMs, lifeMs } from './durations.ts';
import { contentDialect, readFilter, topicDialects, topicExpression } from './filter.ts';
import { notificationFault } from './notificationfault.ts';
import { notificationMessage, plainMessage, topicSet } from './notification.ts';
import type { Call, Operation, ServiceFacts } from './operation.ts';
import { isoTime, leaf, namespaces, SoapFault } from './soap.ts';

const lifeDefaultMs = 60_000;
const lifeMaxMs = 24 * 3600_000;
/** Longer than a request may take; ONVIF wants a minute at least. */
const pullMaxMs = 60_000;
const messagesMax = 64;

const portType = `${namespaces.events}/EventPortType`;
const pullPortType = `${namespaces.events}/PullPointSubscription`;
const manager = 'http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager';

export const eventsService: ServiceFacts = {
  name: 'events',
  namespace: namespaces.events,
  alsoNamespaces: [namespaces.notification],
  capabilities,
  category: { name: 'Events', content: () => '<tt:WSSubscriptionPolicySupport>false</tt:WSSubscriptionPolicySupport><tt:WSPullPointSupport>true</tt:WSPullPointSupport><tt:WSPausableSubscriptionManagerInterfaceSupport>false</tt:WSPausableSubscriptionManagerInterfaceSupport>' },
  operations: new Map<string, Operation>([
    ['GetServiceCapabilities', { access: 'PRE_AUTH', action: `${portType}/GetServiceCapabilitiesResponse`, answer: (face) => wrap('GetServiceCapabilities', capabilities(face)) }],
    ['GetEventProperties', { access: 'READ_MEDIA', action: `${portType}/GetEventPropertiesResponse`, answer: getEventProperties }],
    ['CreatePullPointSubscription', { access: 'READ_MEDIA', action: `${portType}/CreatePullPointSubscriptionResponse`, answer: createPullPoint }],
    ['PullMessages', { access: 'READ_MEDIA', action: `${pullPortType}/PullMessagesResponse`, answer: pullMessages }],
    ['SetSynchronizationPoint', { access: 'READ_MEDIA', action: `${pullPortType}/SetSynchronizationPointResponse`, answer: setSynchronizationPoint }],
    ['Renew', { access: 'READ_MEDIA', action: `${manager}/RenewResponse`, answer: renew }],
    ['Unsubscribe', { access: 'READ_MEDIA', action: `${manager}/UnsubscribeResponse`, answer: unsubscribe }],
    ['GetCurrentMessage', { access: 'READ_MEDIA', action: 'http://docs.oasis-open.org/wsn/bw-2/NotificationProducer/GetCurrentMessageResponse', answer: getCurrentMessage }],
    ['Subscribe', { access: 'READ_MEDIA', answer: (face) => { throw notificationFault('SubscribeCreationFailedFault', 'only pull points are offered', cameraTimeMs(face)); } }],
  ]),
};

function capabilities(face: CameraFace): string {
  return `<tev:Capabilities WSSubscriptionPolicySupport="false" WSPullPointSupport="true" WSPausableSubscriptionManagerInterfaceSupport="false" MaxNotificationProducers="0" MaxPullPoints="${pullPointsMax(face)}" PersistentNotificationStorage="false"/>`;
}

function getEventProperties(face: CameraFace): string {
  return wrap('GetEventProperties', leaf('tev:TopicNamespaceLocation', 'http://www.onvif.org/onvif/ver10/topics/topicns.xml')
    + `<wsnt:FixedTopicSet>true</wsnt:FixedTopicSet><wstop:TopicSet>${topicSet(topicsOf(face))}</wstop:TopicSet>`
    + topicDialects.map((dialect) => leaf('wsnt:TopicExpressionDialect', dialect)).join('')
    + leaf('tev:MessageContentFilterDialect', contentDialect)
    + leaf('tev:MessageContentSchemaLocation', 'http://www.onvif.org/onvif/ver10/schema/onvif.xsd'));
}

function createPullPoint(face: CameraFace, request: XmlElement): string {
  const nowMs = cameraTimeMs(face);
  if (face.quirks.noPullPoint === true) throw new SoapFault({ code: 'Receiver', subcodes: ['ActionNotSupported'], reason: 'pull points are not supported' });
  const wants = readFilter(find(request, 'Filter'), topicsOf(face), nowMs);
  const asked = textOf(request, 'InitialTerminationTime') ?? '';
  const life = asked === '' ? lifeDefaultMs : acceptedLife(face, asked, 'UnacceptableInitialTerminationTimeFault');
  // Without a time of its own, a subscription lives as long as it is pulled from.
  const point = face.events.subscribe({ lifeMs: life, keptAliveMs: asked === '' || face.habits.pullsRenew ? life : undefined, max: pullPointsMax(face), wants });
  if (point === undefined) throw notificationFault('SubscribeCreationFailedFault', `there are ${pullPointsMax(face)} subscriptions already`, nowMs);
  return wrap('CreatePullPointSubscription', `<tev:SubscriptionReference>${reference(face, point)}</tev:SubscriptionReference>`
    + leaf('wsnt:CurrentTime', isoTime(nowMs)) + leaf('wsnt:TerminationTime', terminationTime(face, point)));
}

async function pullMessages(face: CameraFace, request: XmlElement, call: Call): Promise<string> {
  const point = pointOf(face, call);
  const timeoutMs = durationMs(textOf(request, 'Timeout') ?? '', face.quirks.durations);
  const limit = Number(textOf(request, 'MessageLimit') ?? messagesMax);
  if (timeoutMs === undefined || !Number.isInteger(limit) || limit < 1) throw new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal'], reason: 'PullMessages wants a Timeout and a MessageLimit of at least 1' });
  if (timeoutMs > pullMaxMs) {
    throw new SoapFault({
      code: 'Sender', subcodes: ['InvalidArgVal'], reason: 'the time-out is longer than this camera waits',
      detail: `<tev:PullMessagesFaultResponse>${leaf('tev:MaxTimeout', `PT${pullMaxMs / 1000}S`)}${leaf('tev:MaxMessageLimit', messagesMax)}</tev:PullMessagesFaultResponse>`,
    });
  }
  const notices = await point.pull({ timeoutMs: face.quirks.pullsAtOnce === true ? 0 : timeoutMs, limit: Math.min(limit, messagesMax), signal: call.signal });
  if (notices === undefined) throw unknownSubscription(face);
  return wrap('PullMessages', leaf('tev:CurrentTime', isoTime(cameraTimeMs(face))) + leaf('tev:TerminationTime', terminationTime(face, point))
    + notices.map((notice) => notificationMessage(face, notice, reference(face, point))).join(''));
}

function setSynchronizationPoint(face: CameraFace, _request: XmlElement, call: Call): string {
  pointOf(face, call).offer(face.events.states());
  return wrap('SetSynchronizationPoint', '');
}

function renew(face: CameraFace, request: XmlElement, call: Call): string {
  const point = pointOf(face, call);
  if (face.quirks.renewFails === true) throw new SoapFault({ code: 'Receiver', subcodes: ['Action'], reason: 'the operation failed' });
  const asked = textOf(request, 'TerminationTime') ?? '';
  point.renew(asked === '' ? lifeDefaultMs : acceptedLife(face, asked, 'UnacceptableTerminationTimeFault'));
  return `<wsnt:RenewResponse>${leaf('wsnt:TerminationTime', terminationTime(face, point))}${leaf('wsnt:CurrentTime', isoTime(cameraTimeMs(face)))}</wsnt:RenewResponse>`;
}

function unsubscribe(face: CameraFace, _request: XmlElement, call: Call): string {
  const point = pointOf(face, call);
  if (face.quirks.unsubscribeEndsAll === true) face.events.endAll();
  else face.events.end(point.id);
  return '<wsnt:UnsubscribeResponse/>';
}

/** Of a property the present state; what passed is kept by nobody. */
function getCurrentMessage(face: CameraFace, request: XmlElement): string {
  const nowMs = cameraTimeMs(face);
  const expression = find(request, 'Topic');
  if (expression === undefined) throw notificationFault('InvalidTopicExpressionFault', 'a topic is wanted', nowMs);
  const fits = topicExpression(expression, topicsOf(face), nowMs);
  const [notice, second]: Notice[] = face.events.states().filter(({ topic }) => fits(topic));
  if (second !== undefined) throw notificationFault('MultipleTopicsSpecifiedFault', 'several topics fit the expression', nowMs);
  if (notice === undefined) throw notificationFault('NoCurrentMessageOnTopicFault', 'this topic has no state', nowMs);
  return `<wsnt:GetCurrentMessageResponse>${plainMessage(face, notice)}</wsnt:GetCurrentMessageResponse>`;
}

function acceptedLife(face: CameraFace, asked: string, fault: string): number {
  const nowMs = cameraTimeMs(face);
  const life = lifeMs(asked, nowMs, face.quirks.durations);
  if (life !== undefined && life >= 1000 && life <= lifeMaxMs) return life;
  throw notificationFault(fault, 'the time is not acceptable', nowMs, leaf('wsnt:MinimumTime', isoTime(nowMs + 1000)) + leaf('wsnt:MaximumTime', isoTime(nowMs + lifeMaxMs)));
}

/** By reference parameter, by the path called, or by the address that the header names. */
function pointOf(face: CameraFace, call: Call): PullPoint {
  const base = subscriptionBase(face);
  const id = textOf(call.header, 'SubscriptionId')
    ?? [call.path, textOf(call.header, 'To') ?? ''].map((where) => where.split(base)[1]).find((rest) => rest !== undefined && rest !== '') ?? '';
  const point = face.events.point(id);
  if (point === undefined) throw unknownSubscription(face);
  return point;
}

function unknownSubscription(face: CameraFace): SoapFault {
  return notificationFault('ResourceUnknownFault', 'no such subscription', cameraTimeMs(face));
}

/** Answers at `…/1`, `…/2` and so on belong to the event service. */
export function subscriptionBase(face: CameraFace): string {
  return `${face.habits.paths.events}/subscription/`;
}

function reference(face: CameraFace, point: PullPoint): string {
  if (face.habits.subscriptions === 'path') return leaf('wsa:Address', xaddrOf(face, `${subscriptionBase(face)}${point.id}`));
  return leaf('wsa:Address', xaddrOf(face, face.habits.paths.events))
    + `<wsa:ReferenceParameters><dom0:SubscriptionId xmlns:dom0="http://www.axis.com/2009/event">${point.id}</dom0:SubscriptionId></wsa:ReferenceParameters>`;
}

function terminationTime(face: CameraFace, point: PullPoint): string {
  return isoTime(cameraTimeMs(face) + point.leftMs);
}

function pullPointsMax(face: CameraFace): number {
  return face.quirks.pullPointsMax ?? face.habits.pullPointsMax;
}

function topicsOf(face: CameraFace): Topic[] {
  return eventKinds.flatMap((kind) => face.events.topics[kind]);
}

function wrap(operation: string, body: string): string {
  return `<tev:${operation}Response>${body}</tev:${operation}Response>`;
}
