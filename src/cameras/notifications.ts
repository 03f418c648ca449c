/**
 * Notification messages (WS-BaseNotification 1.3, ONVIF Core 9) as plain facts: of PullMessages, and of a metadata stream, which has the
 * same elements. Pure and lenient; bounded, for a camera may say anything.
 */
import { find, findAll, textOf, type XmlElement } from '../base/xml.ts';

export interface Item {
  readonly name: string;
  readonly value: string;
}

export interface Notification {
  /** Local names joined by `/`, without namespace prefixes: `RuleEngine/CellMotionDetector/Motion`. */
  readonly topic: string;
  /** Of a property, the state at subscription, its change, its end; undefined where the camera does not say, or it is no property. */
  readonly property: 'initialized' | 'changed' | 'deleted' | undefined;
  /** What tells one property of this topic from another: the items of Source and Key. */
  readonly source: readonly Item[];
  readonly data: readonly Item[];
}

/** More than a camera is asked for at once; what is beyond is dropped and counted. */
export const messagesMax = 256;
const itemsMax = 16;
const nameMax = 64;
const valueMax = 128;
const topicMax = 200;

/** Of a PullMessagesResponse, a Notify, or the Event of a metadata stream. */
export function readNotifications(holder: XmlElement): { readonly notifications: Notification[]; readonly dropped: number } {
  const messages = findAll(holder, 'NotificationMessage');
  const taken = messages.slice(0, messagesMax);
  return { notifications: taken.flatMap((message) => readNotification(message) ?? []), dropped: messages.length - taken.length };
}

/** Undefined for what names no topic. */
function readNotification(message: XmlElement): Notification | undefined {
  const topic = topicOf(textOf(message, 'Topic') ?? '');
  if (topic === undefined) return undefined;
  // Message of WS-Notification holds that of ONVIF; some cameras leave one of them out.
  const outer = find(message, 'Message');
  const inner = find(outer, 'Message') ?? outer;
  return {
    topic, property: propertyOf(inner?.attributes['PropertyOperation']),
    source: [...itemsOf(find(inner, 'Source')), ...itemsOf(find(inner, 'Key'))],
    data: itemsOf(find(inner, 'Data')),
  };
}

/** Prefixes are each document's own choice, and some cameras write none, or end with a slash. */
function topicOf(text: string): string | undefined {
  const names = text.trim().slice(0, topicMax).split('/').map((name) => name.trim().replace(/^[^:]*:/, '')).filter((name) => name !== '');
  return names.length > 0 && names.length <= 8 && names.every((name) => /^[\w.-]+$/.test(name)) ? names.join('/') : undefined;
}

function propertyOf(text: string | undefined): Notification['property'] {
  const word = text?.trim().toLowerCase();
  return word === 'initialized' || word === 'changed' || word === 'deleted' ? word : undefined;
}

function itemsOf(holder: XmlElement | undefined): Item[] {
  return findAll(holder, 'SimpleItem').slice(0, itemsMax).flatMap(({ attributes }) => {
    const name = attributes['Name']?.trim().slice(0, nameMax) ?? '';
    return name === '' ? [] : [{ name, value: (attributes['Value'] ?? '').trim().slice(0, valueMax) }];
  });
}
