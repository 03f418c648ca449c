import { randomUUID } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { Clock } from '../base/clock.ts';
import { isInNetwork, type LocalInterface } from './addresses.ts';
import { probeMessage, readAnnouncement, readMatches, strayReason, type Match } from './probematch.ts';
import { SenderLimit, type SenderBounds } from './senderlimit.ts';

const group = '239.255.255.250';
const port = 3702;
/** A probe is one datagram and gets lost; three times, with and without a type. */
const probesAtMs = [0, 250, 750];
/** All cameras answer at once; the kernel gives less where its limit is lower. */
export const receiveBytes = 2 ** 20;

/** What may be heard while nobody asked: a window of ten seconds holds what a hundred cameras say after a power cut, and costs a flood little. */
export function whileRunning(clock: Clock): SenderBounds {
  return { datagramsMax: 40, sendersMax: 512, totalMax: 1500, window: { lengthMs: 10_000, monotonicMs: () => clock.monotonicMs() } };
}

export interface WsDiscoveryOptions {
  readonly local: LocalInterface;
  readonly loopback: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onMatch: (match: Match) => void;
  readonly onLeftOut: (sender: string, reason: string) => void;
}

/**
 * Asks on one interface and listens until the signal. Rejects with the socket's error when the interface cannot be used; nothing
 * that arrives makes it reject.
 */
export async function probeInterface(o: WsDiscoveryOptions): Promise<void> {
  const socket = await openSocket(o.local);
  const asked = new Set<string>();
  const limit = new SenderLimit();
  let failure: Error | undefined;
  socket.on('error', (error) => {
    failure ??= error;
  });
  socket.on('message', (datagram, from) => {
    if (o.signal.aborted) return;
    if (isInNetwork(from.address, o.local)) hear(datagram, from, asked, limit, o);
    else if (limit.admit(from.address)) o.onLeftOut(from.address, `${strayReason}${o.local.name} (${o.local.address})`);
  });
  try {
    let failed = 0;
    for (const [index, atMs] of probesAtMs.entries()) {
      await o.clock.sleep(atMs - (probesAtMs[index - 1] ?? 0), o.signal);
      const messageId = `urn:uuid:${randomUUID()}`;
      asked.add(messageId);
      const error = await send(socket, probeMessage(messageId, index % 2 === 0));
      if (error !== undefined && ++failed === probesAtMs.length) throw error;
    }
    await aborted(o.signal);
  } catch (error) {
    if (!o.signal.aborted) throw failure ?? error;
  } finally {
    socket.close();
  }
}

function hear(datagram: Buffer, from: RemoteInfo, asked: ReadonlySet<string>, limit: SenderLimit, o: Omit<WsDiscoveryOptions, 'local'>): void {
  if (!limit.admit(from.address)) return o.onLeftOut(from.address, 'it answers too often');
  const { matches, reasons } = readMatches(datagram, from.address, { asked, loopback: o.loopback });
  for (const match of matches) o.onMatch(match);
  for (const reason of reasons) o.onLeftOut(from.address, reason);
}

export interface RangeOptions extends Omit<WsDiscoveryOptions, 'local'> {
  readonly addresses: readonly string[];
}

/** The kernel keeps at most some hundred neighbours that do not answer, each for three seconds, before it forgets those that do. */
const addressesPerBatch = 20;
const batchEveryMs = 100;

/**
 * Asks each address by itself, with and without a type, 200 addresses a second; then listens for `listenMs`, or until the signal. For
 * networks behind a router, which no multicast reaches. Rejects when no address could be asked.
 */
export async function probeAddresses(o: RangeOptions & { readonly listenMs: number }): Promise<void> {
  const socket = createSocket('udp4');
  const asked = new Set([`urn:uuid:${randomUUID()}`, `urn:uuid:${randomUUID()}`]);
  const wanted = new Set(o.addresses);
  const limit = new SenderLimit({ sendersMax: o.addresses.length });
  let failure: Error | undefined;
  socket.on('error', (error) => {
    failure ??= error;
  });
  socket.on('message', (datagram, from) => {
    if (!o.signal.aborted && wanted.has(from.address)) hear(datagram, from, asked, limit, o);
  });
  try {
    await new Promise<void>((resolve) => socket.bind({ port: 0 }, resolve));
    socket.setRecvBufferSize(receiveBytes);
    let sent = 0;
    for (let next = 0; next < o.addresses.length; next += addressesPerBatch) {
      const batch = o.addresses.slice(next, next + addressesPerBatch).flatMap((address) => [...asked].map((id, index) => send(socket, probeMessage(id, index === 0), address)));
      for (const error of await Promise.all(batch)) {
        if (error === undefined) sent++;
        else failure ??= error;
      }
      await o.clock.sleep(batchEveryMs, o.signal);
    }
    if (sent === 0 && failure !== undefined) throw failure;
    await o.clock.sleep(o.listenMs, o.signal);
  } catch (error) {
    if (!o.signal.aborted) throw error;
  } finally {
    socket.close();
  }
}

export interface HearOptions {
  readonly local: LocalInterface;
  readonly loopback: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Without a match where it did not say at which address it is to be asked. */
  readonly onHello: (address: string, match: Match | undefined) => void;
  readonly onBye: (address: string, urn: string) => void;
}

/**
 * Hears who comes and goes on one interface, until the signal. Asks nobody and answers nobody. Rejects with the socket's error when the
 * interface cannot be used, or no longer.
 */
export async function hearInterface(o: HearOptions): Promise<void> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  const limit = new SenderLimit(whileRunning(o.clock));
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      o.signal.addEventListener('abort', () => resolve(), { once: true });
      socket.on('message', (datagram, from) => {
        // Every socket that joined on some interface gets the datagrams of all: whose they are is told by their sender.
        if (!o.signal.aborted && isInNetwork(from.address, o.local) && limit.admit(from.address)) hearAnnouncement(datagram, from, o);
      });
      // Bound to the group, and not to every address: an answer that is meant for somebody else on this machine is not taken from him.
      socket.bind({ address: group, port }, () => {
        try {
          socket.addMembership(group, o.local.address);
          socket.setRecvBufferSize(receiveBytes);
        } catch (error) {
          reject(error as Error);
        }
      });
      if (o.signal.aborted) resolve();
    });
  } finally {
    socket.close();
  }
}

function hearAnnouncement(datagram: Buffer, from: RemoteInfo, o: HearOptions): void {
  const announcement = readAnnouncement(datagram, from.address, { loopback: o.loopback });
  if (announcement.kind === 'hello') o.onHello(from.address, announcement.match);
  else if (announcement.kind === 'bye') o.onBye(from.address, announcement.urn);
}

/** Bound to the interface's own address, so that answers come to it alone and probes leave by it alone. */
function openSocket(local: LocalInterface): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address: local.address, port: 0 }, () => {
      try {
        socket.setMulticastInterface(local.address);
        socket.setMulticastTTL(1);
        socket.setRecvBufferSize(receiveBytes);
        socket.removeAllListeners('error');
        resolve(socket);
      } catch (error) {
        socket.close();
        reject(error);
      }
    });
  });
}

function send(socket: Socket, message: string, to = group): Promise<Error | undefined> {
  return new Promise((resolve) => {
    socket.send(Buffer.from(message, 'utf8'), port, to, (error) => resolve(error ?? undefined));
  });
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
