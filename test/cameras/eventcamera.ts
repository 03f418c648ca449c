/** A camera with an event service that a test scripts pull by pull, and a clock that stands still meanwhile. */
import type { Test } from 'tap';
import type { Clock } from '../../src/base/clock.ts';
import { textOf } from '../../src/base/xml.ts';
import { send, sendClock, sendFault, serveFarEnd, startMs, type Asked, type FarEnd } from './farend.ts';

/** Time passes when the test says so: when the camera is made to wait, or a pause of the loop is ended. */
export class PausedClock implements Clock {
  nowMs = startMs;
  readonly #sleeps: { ms: number; end: () => void }[] = [];
  #slept: (() => void) | undefined;

  wallMs(): number { return this.nowMs; }
  monotonicMs(): number { return this.nowMs - 1e12; }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => void (this.#sleeps.includes(sleep) && this.#sleeps.splice(this.#sleeps.indexOf(sleep), 1));
      const sleep = { ms, end: () => { leave(); resolve(); } };
      this.#sleeps.push(sleep);
      signal?.addEventListener('abort', () => { leave(); reject(signal.reason as Error); }, { once: true });
      this.#slept?.();
    });
  }

  /** Waits until the loop pauses, ends that pause, and answers how long it was to be. Deadlines of requests are whole seconds from ten on. */
  async pause(): Promise<number> {
    const isDeadline = (ms: number): boolean => ms >= 10_000 && ms <= 30_000 && ms % 1000 === 0;
    for (;;) {
      const sleep = this.#sleeps.find(({ ms }) => !isDeadline(ms));
      if (sleep !== undefined) {
        this.nowMs += sleep.ms;
        sleep.end();
        return Math.round(sleep.ms);
      }
      await new Promise<void>((resolve) => { this.#slept = resolve; });
    }
  }

  /** Ends what is slept for now, as when the time is over. */
  expire(): void {
    for (const sleep of this.#sleeps.slice()) {
      this.nowMs += sleep.ms;
      sleep.end();
    }
  }
}

export const service = '<GetServicesResponse><Service><Namespace>http://www.onvif.org/ver10/device/wsdl</Namespace><XAddr>http://10.0.0.9/onvif/device_service</XAddr></Service>'
  + '<Service><Namespace>http://www.onvif.org/ver10/media/wsdl</Namespace><XAddr>http://10.0.0.9/onvif/media</XAddr></Service>'
  + '<Service><Namespace>http://www.onvif.org/ver10/events/wsdl</Namespace><XAddr>http://10.0.0.9/onvif/events</XAddr></Service></GetServicesResponse>';

export const motion = (value: string): string => '<NotificationMessage><Topic>tns1:VideoSource/MotionAlarm</Topic><Message><Message PropertyOperation="Changed"><Source><SimpleItem Name="Source" Value="000"/></Source>'
  + `<Data><SimpleItem Name="State" Value="${value}"/></Data></Message></Message></NotificationMessage>`;

/** A camera's times: years off, which must not matter. */
function times(grantedSeconds: number): string {
  return `<CurrentTime>2001-01-01T00:00:00Z</CurrentTime><TerminationTime>${new Date(Date.UTC(2001, 0, 1, 0, 0, grantedSeconds)).toISOString()}</TerminationTime>`;
}

export interface Script {
  readonly grantedSeconds?: number;
  readonly create?: (asked: Asked, count: number) => void;
  /** Answers the pull of that number, from 1. */
  readonly pull: (asked: Asked, count: number) => void;
  readonly renew?: (asked: Asked) => void;
  readonly services?: (asked: Asked) => void;
  /** How far its clock is ahead. */
  readonly aheadMs?: () => number;
}

/** A camera with an event service, that behaves as the script says. */
export async function eventCamera(t: Test, clock: PausedClock, script: Script): Promise<FarEnd> {
  let [creates, pulls] = [0, 0];
  return serveFarEnd(t, (asked) => {
    if (asked.operation === 'GetSystemDateAndTime') sendClock(asked, clock.nowMs + (script.aheadMs?.() ?? 0));
    else if (asked.operation === 'GetServices') (script.services ?? ((one) => send(one, service)))(asked);
    else if (asked.operation === 'CreatePullPointSubscription') {
      creates++;
      if (script.create === undefined) sendCreated(asked, creates, script.grantedSeconds ?? 600);
      else script.create(asked, creates);
    } else if (asked.operation === 'PullMessages') script.pull(asked, ++pulls);
    else if (asked.operation === 'Renew') (script.renew ?? ((one) => send(one, `<RenewResponse>${times(script.grantedSeconds ?? 600)}</RenewResponse>`)))(asked);
    else if (asked.operation === 'Unsubscribe') send(asked, '<UnsubscribeResponse/>');
    else sendFault(asked, 'ActionNotSupported', 'Optional Action Not Implemented', 500);
  });
}

function sendCreated(asked: Asked, count: number, grantedSeconds = 600): void {
  send(asked, `<CreatePullPointSubscriptionResponse><SubscriptionReference><Address>http://10.0.0.9:${asked.reply.req.socket.localPort}/event/${count}</Address></SubscriptionReference>${times(grantedSeconds)}</CreatePullPointSubscriptionResponse>`);
}

export function sendPulled(asked: Asked, messages = ''): void {
  send(asked, `<PullMessagesResponse>${times(600)}${messages}</PullMessagesResponse>`);
}

/** As a good camera: waits as long as it was asked to. */
export function waitThenSend(asked: Asked, clock: PausedClock, messages = ''): void {
  clock.nowMs += Number(/PT(\d+)S/.exec(textOf(asked.soap, 'Body', 'PullMessages', 'Timeout') ?? '')?.[1]) * 1000;
  sendPulled(asked, messages);
}

/** Holds the request of that number open, and resolves when it came. */
export function hold(): { reached: Promise<void>; here: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { reached: promise, here: resolve };
}
