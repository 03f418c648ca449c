/** The requests of the event service (ONVIF Core 9), written here: the onvif package keeps one hidden subscription and asks without a pause. */
import { addressingHeaders, type Endpoint } from './endpoint.ts';
import { secondsDuration } from './granted.ts';
import type { RequestMaker } from './onvif.ts';
import { envelopeEnd, envelopeStart } from './soap.ts';

const events = 'http://www.onvif.org/ver10/events/wsdl';
const notification = 'http://docs.oasis-open.org/wsn/b-2';
const manager = 'http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager';

/** No filter: which topics a camera has is its own, and several fault on one. */
export function createPullPoint(lastMs: number): RequestMaker {
  return maker('CreatePullPointSubscription', `${events}/EventPortType/CreatePullPointSubscriptionRequest`, undefined,
    `<CreatePullPointSubscription xmlns="${events}"><InitialTerminationTime>${secondsDuration(lastMs)}</InitialTerminationTime></CreatePullPointSubscription>`);
}

/** The camera should wait up to `waitMs` for a message, and then send at most `limit`. */
export function pullMessages(endpoint: Endpoint, waitMs: number, limit: number): RequestMaker {
  return maker('PullMessages', `${events}/PullPointSubscription/PullMessagesRequest`, endpoint,
    `<PullMessages xmlns="${events}"><Timeout>${secondsDuration(waitMs)}</Timeout><MessageLimit>${limit}</MessageLimit></PullMessages>`);
}

export function renew(endpoint: Endpoint, lastMs: number): RequestMaker {
  return maker('Renew', `${manager}/RenewRequest`, endpoint, `<Renew xmlns="${notification}"><TerminationTime>${secondsDuration(lastMs)}</TerminationTime></Renew>`);
}

export function unsubscribe(endpoint: Endpoint): RequestMaker {
  return maker('Unsubscribe', `${manager}/UnsubscribeRequest`, endpoint, `<Unsubscribe xmlns="${notification}"/>`);
}

function maker(operation: string, action: string, endpoint: Endpoint | undefined, content: string): RequestMaker {
  return (header) => ({ operation, service: 'events', action, body: `${envelopeStart(addressingHeaders(action, endpoint) + header)}${content}${envelopeEnd}` });
}
