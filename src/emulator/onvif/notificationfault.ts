/** Faults of WS-BaseNotification and WS-Resource: a SOAP fault whose detail says which. */
import { isoTime, leaf, SoapFault } from './soap.ts';

/** `more` is XML for what the type has beyond a base fault. */
export function notificationFault(name: string, reason: string, nowMs: number, more = ''): SoapFault {
  const element = name === 'ResourceUnknownFault' ? `wsrf-r:${name}` : `wsnt:${name}`;
  return new SoapFault({
    code: name === 'SubscribeCreationFailedFault' ? 'Receiver' : 'Sender', subcodes: ['InvalidArgVal'], reason,
    detail: `<${element}>${leaf('wsrf-bf:Timestamp', isoTime(nowMs))}<wsrf-bf:Description xml:lang="en">${reason}</wsrf-bf:Description>${more}</${element}>`,
  });
}
