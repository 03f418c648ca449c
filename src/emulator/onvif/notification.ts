/** Messages and topics as XML (ONVIF Core, 9.4 and 9.5). */
import { escapeXml } from '../../base/xml.ts';
import type { CameraFace } from '../face.ts';
import type { Notice } from '../pullpoint.ts';
import type { Topic } from '../topics.ts';
import { topicDialects } from './filter.ts';
import { isoTime } from './soap.ts';

export function notificationMessage(face: CameraFace, notice: Notice, reference: string): string {
  return `<wsnt:NotificationMessage><wsnt:SubscriptionReference>${reference}</wsnt:SubscriptionReference><wsnt:Topic Dialect="${topicDialects[0]}">${escapeXml(notice.topic.path)}</wsnt:Topic>`
    + `<wsnt:Message>${plainMessage(face, notice)}</wsnt:Message></wsnt:NotificationMessage>`;
}

export function plainMessage(face: CameraFace, { topic, on, atMs, operation }: Notice): string {
  const plain = on ? topic.data.on : topic.data.off;
  const value = face.quirks.upperCaseStates === true ? plain.toUpperCase() : plain;
  return `<tt:Message UtcTime="${timeOf(face, atMs)}"${topic.property ? ` PropertyOperation="${operation}"` : ''}>`
    + `<tt:Source>${topic.source.map((item) => simpleItem(item.name, item.value)).join('')}</tt:Source><tt:Data>${simpleItem(topic.data.name, value)}</tt:Data></tt:Message>`;
}

function simpleItem(name: string, value: string): string {
  return `<tt:SimpleItem Name="${escapeXml(name)}" Value="${escapeXml(value)}"/>`;
}

function timeOf(face: CameraFace, atMs: number): string {
  if (face.quirks.eventTimes === '1970') return isoTime(0);
  const time = isoTime(atMs);
  return face.quirks.eventTimes === 'no zone' ? time.slice(0, -1) : time;
}

interface Branch {
  topic?: Topic;
  readonly below: Map<string, Branch>;
}

/** The topics as one tree of elements. */
export function topicSet(topics: readonly Topic[]): string {
  const root: Branch = { below: new Map() };
  for (const topic of topics) {
    let at = root;
    for (const segment of topic.path.split('/')) {
      const next = at.below.get(segment) ?? { below: new Map<string, Branch>() };
      at.below.set(segment, next);
      at = next;
    }
    at.topic = topic;
  }
  return branches(root);
}

function branches(at: Branch): string {
  return [...at.below].map(([segment, branch]) =>
    `<${segment}${branch.topic === undefined ? '' : ' wstop:topic="true"'}>${branch.topic === undefined ? '' : description(branch.topic)}${branches(branch)}</${segment}>`).join('');
}

function description({ source, data, property }: Topic): string {
  const item = (one: { name: string; type: string }): string => `<tt:SimpleItemDescription Name="${one.name}" Type="${one.type}"/>`;
  return `<tt:MessageDescription IsProperty="${property}"><tt:Source>${source.map(item).join('')}</tt:Source><tt:Data>${item(data)}</tt:Data></tt:MessageDescription>`;
}
