import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { isIPv4 } from 'node:net';
import { Bonjour, type Browser, type Service, type ServiceConfig } from 'bonjour-service';
import { reasonOf } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { defaultPath, hardwareAddress, isInNetwork, isLoopback, printable, type LocalInterface } from './addresses.ts';
import { plainWord } from './charset.ts';
import { SenderLimit } from './senderlimit.ts';
import { aborted, receiveBytes, whileRunning } from './wsdiscovery.ts';

const port = 5353;
const datagramBytesMax = 9000;
const askAgainAfterMs = 1000;
/**
 * While the hub runs. bonjour-service asks once and forgets nothing by itself: who is asked to keep looking asks anew each time, with a
 * list that begins empty. So its list cannot grow without end, and a service that moved to another address is told of again.
 */
const expireEveryMs = 10_000;
const renewEveryRounds = 4;

/** What mDNS says about a camera: a hint, for anybody on the network can say it. */
export interface Hint {
  readonly address: string;
  /** Of the device service; undefined when only a stream or a web page is announced. */
  readonly onvif: { readonly port: number; readonly path: string; readonly assumed: boolean } | undefined;
  readonly urn: string | undefined;
  readonly name: string | undefined;
  /** What it claims to be its hardware address (Axis does). */
  readonly hardware: string | undefined;
}

export interface MdnsOptions {
  readonly local: LocalInterface;
  readonly loopback: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onHint: (hint: Hint) => void;
  readonly onLeftOut: (sender: string, reason: string) => void;
  /** Looks until the signal, not once; `onGone` for what said goodbye or was not heard within its time to live. */
  readonly keepLooking?: { readonly onGone: (hint: Hint) => void };
}

/** Browses on one interface until the signal, once or again and again; rejects with the socket's error when the interface cannot be used. */
export async function browseInterface(o: MdnsOptions): Promise<void> {
  const socket = new GuardedSocket(await openSocket(o.local), o);
  const problem = (error: unknown): void => o.log.debug({ component: 'mdns', reason: reasonOf(error) }, 'an mDNS message was not handled');
  const options: Partial<ServiceConfig> & { interface: string; bind: string; socket: GuardedSocket } = { interface: o.local.address, bind: '0.0.0.0', socket };
  const bonjour = new Bonjour(options, problem);
  let browsers = browse(bonjour, o);
  try {
    if (o.keepLooking === undefined) {
      await o.clock.sleep(askAgainAfterMs, o.signal);
      for (const browser of browsers) browser.update();
      await aborted(o.signal);
    }
    for (let round = 1; o.keepLooking !== undefined; round++) {
      await o.clock.sleep(expireEveryMs, o.signal);
      for (const browser of browsers) browser.expire();
      if (round % renewEveryRounds !== 0) continue;
      for (const browser of browsers) browser.stop();
      browsers = browse(bonjour, o);
    }
  } catch (error) {
    if (!o.signal.aborted) throw error;
  } finally {
    for (const browser of browsers) browser.stop();
    await new Promise<void>((resolve) => bonjour.destroy(resolve));
  }
}

function browse(bonjour: Bonjour, o: MdnsOptions): Browser[] {
  return ['onvif', 'axis-video', 'rtsp'].map((type) => {
    const browser = bonjour.find({ type });
    const report = (service: Service): void => reportService(service, o);
    const gone = (service: Service): void => {
      const hint = hintOf(service, o);
      if (hint !== undefined) o.keepLooking?.onGone(hint);
    };
    return browser.on('up', report).on('srv-update', report).on('txt-update', report).on('down', gone);
  });
}

function reportService(service: Service, o: MdnsOptions): void {
  const hint = hintOf(service, o);
  if (hint === undefined) o.onLeftOut(service.referer?.address ?? '', 'it announces no address of this network');
  else o.onHint(hint);
}

function hintOf(service: Service, o: MdnsOptions): Hint | undefined {
  const address = addressOf(service, service.referer?.address ?? '', o);
  if (address === undefined) return undefined;
  const text = new Map<string, unknown>(Object.entries((service.txt ?? {}) as Record<string, unknown>));
  const word = (key: string): string | undefined => (typeof text.get(key) === 'string' ? plainWord(String(text.get(key)), 128) : undefined);
  const path = printable(word('path') ?? '');
  return {
    address,
    // Axis announces its web server, and answers ONVIF there at the usual path.
    onvif: service.type === 'rtsp' || !(service.port > 0) ? undefined
      : { port: service.port, path: service.type === 'onvif' && path.startsWith('/') ? path : defaultPath, assumed: service.type !== 'onvif' },
    urn: word('urn'),
    name: plainWord(service.name),
    hardware: hardwareAddress(word('macaddress') ?? word('mac')),
  };
}

/** The sender's address is the one that cannot be invented; address records count on loopback only, where one sender speaks for several cameras. */
function addressOf(service: Service, sender: string, o: MdnsOptions): string | undefined {
  const records = (service.addresses ?? []).filter((address) => isIPv4(address));
  if (o.loopback && isLoopback(sender)) return records.find(isLoopback) ?? sender;
  const address = isIPv4(sender) ? sender : records[0];
  return address !== undefined && isInNetwork(address, o.local) && !isLoopback(address) ? address : undefined;
}

function openSocket(local: LocalInterface): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    // The group's datagrams come to the wildcard address only; which interface they are for is judged by their sender.
    socket.bind({ address: '0.0.0.0', port }, () => {
      try {
        socket.setRecvBufferSize(receiveBytes);
        // multicast-dns joins the group by itself and tells nobody when it cannot.
        socket.addMembership('224.0.0.251', local.address);
        socket.dropMembership('224.0.0.251', local.address);
        socket.removeAllListeners('error');
        resolve(socket);
      } catch (error) {
        socket.close();
        reject(error);
      }
    });
  });
}

/**
 * Stands between the network and bonjour-service 1.4.4, which reads every datagram of anybody inside an event handler, where an exception
 * would end the process, and leaves the socket's `error` to nobody. What is too large, too much, or from elsewhere never reaches it.
 */
class GuardedSocket extends EventEmitter {
  readonly #socket: Socket;

  constructor(socket: Socket, o: MdnsOptions) {
    super();
    this.#socket = socket;
    const limit = new SenderLimit(o.keepLooking === undefined ? {} : whileRunning(o.clock));
    socket.on('error', (error) => o.log.debug({ component: 'mdns', interface: o.local.name, reason: reasonOf(error) }, 'mDNS is disturbed'));
    socket.on('message', (datagram: Buffer, from: RemoteInfo) => {
      if (o.signal.aborted || datagram.length > datagramBytesMax || !isInNetwork(from.address, o.local) || !limit.admit(from.address)) return;
      try {
        this.emit('message', datagram, from);
      } catch (error) {
        o.onLeftOut(from.address, `an mDNS message that cannot be read: ${plainWord(reasonOf(error), 100)}`);
      }
    });
  }

  bind(_port: number, _address: string, done: () => void): void {
    queueMicrotask(() => {
      this.emit('listening');
      done();
    });
  }

  send(message: Buffer, offset: number, length: number, toPort: number, address: string, done: (error: Error | null) => void): void {
    this.#socket.send(message, offset, length, toPort, address, (error) => done(error));
  }

  address(): { address: string; port: number } {
    return this.#socket.address();
  }

  addMembership(group: string, address: string): void {
    this.#socket.addMembership(group, address);
  }

  dropMembership(group: string, address: string): void {
    this.#socket.dropMembership(group, address);
  }

  setMulticastInterface(address: string): void {
    this.#socket.setMulticastInterface(address);
  }

  setMulticastTTL(ttl: number): void {
    this.#socket.setMulticastTTL(ttl);
  }

  setMulticastLoopback(on: boolean): void {
    this.#socket.setMulticastLoopback(on);
  }

  close(done: () => void): void {
    this.#socket.close(done);
  }
}
