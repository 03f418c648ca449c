/** What a subscription wants to hear of (ONVIF Core, 9.6): topic expressions of both dialects, and the simplest content expressions. */
import { findAll, type XmlElement } from '../../base/xml.ts';
import type { Topic } from '../topics.ts';
import { notificationFault } from './notificationfault.ts';

export const topicDialects = ['http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet', 'http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete'];
export const contentDialect = 'http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter';

type Wants = (topic: Topic, on: boolean) => boolean;

/** Throws the faults of WS-BaseNotification for what the camera does not understand. */
export function readFilter(filter: XmlElement | undefined, known: readonly Topic[], nowMs: number): Wants {
  const topics = findAll(filter, 'TopicExpression').map((expression) => topicExpression(expression, known, nowMs));
  const contents = findAll(filter, 'MessageContent').map((expression) => contentExpression(expression, nowMs));
  return (topic, on) => topics.every((wants) => wants(topic)) && contents.every((wants) => wants(topic, on));
}

/** `tns1:A/B`, `tns1:A//.` for all below, several with `|`; prefixes are taken for the right ones. */
export function topicExpression(expression: XmlElement, known: readonly Topic[], nowMs: number): (topic: Topic) => boolean {
  const dialect = expression.attributes['Dialect'];
  if (dialect !== undefined && !topicDialects.includes(dialect)) throw notificationFault('TopicExpressionDialectUnknownFault', 'this dialect of topics is not known', nowMs);
  const paths = expression.text.split('|').map((path) => path.trim());
  for (const path of paths) {
    if (!/^(?:[\w.-]+:)?[\w.-]+(?:\/(?:[\w.-]+:)?[\w.-]+)*(?:\/\/[.*])?$/.test(path)) throw notificationFault('InvalidTopicExpressionFault', 'this is no topic expression', nowMs);
  }
  const wanted = paths.map((path) => ({ path: bare(path.replace(/\/\/[.*]$/, '')), below: /\/\/[.*]$/.test(path) }));
  const fits = (topic: Topic): boolean => wanted.some(({ path, below }) => bare(topic.path) === path || (below && bare(topic.path).startsWith(`${path}/`)));
  if (!known.some(fits)) throw notificationFault('TopicNotSupportedFault', 'no topic fits the expression', nowMs);
  return fits;
}

/** `boolean(//tt:SimpleItem[@Name="N" and @Value="V"])` */
function contentExpression(expression: XmlElement, nowMs: number): Wants {
  const match = /^\s*boolean\(\s*\/\/(?:\w+:)?SimpleItem\[\s*@Name\s*=\s*(["'])([^"']*)\1\s+and\s+@Value\s*=\s*(["'])([^"']*)\3\s*\]\s*\)\s*$/.exec(expression.text);
  if (match === null) throw notificationFault('InvalidMessageContentExpressionFault', 'this content expression is not understood', nowMs);
  const [, , name, , value] = match;
  return (topic, on) => [...topic.source, { name: topic.data.name, value: on ? topic.data.on : topic.data.off }].some((item) => item.name === name && item.value === value);
}

function bare(path: string): string {
  return path.split('/').map((segment) => segment.replace(/^.*:/, '')).join('/');
}
