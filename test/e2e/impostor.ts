/** Somebody at an address of loopback who says, in WS-Discovery, that it is a certain camera. */
import { createSocket, type Socket } from 'node:dgram';
import { parseXml, textOf } from '../../src/base/xml.ts';
import type { Ending } from './site.ts';

export interface Claim {
  readonly address: string;
  /** Where it says that its device service is. */
  readonly port: number;
  readonly urn: string;
  /** The hardware address that it claims, if any. */
  readonly hardware?: string;
}

const port = 3702;
const group = '239.255.255.250';

/** Answers whoever asks everybody, or this address, until the test ends or it is closed. */
export async function claimToBe(t: Ending, claim: Claim): Promise<{ probes: () => number; close: () => Promise<void> }> {
  let probes = 0;
  const [voice, ear] = [createSocket({ type: 'udp4', reuseAddr: true }), createSocket({ type: 'udp4', reuseAddr: true })];
  const answer = (socket: Socket): void => {
    socket.on('message', (datagram, from) => {
      const id = datagram.includes('<Probe ') ? textOf(parseXml(datagram.toString()), 'Header', 'MessageID') : undefined;
      if (id === undefined) return;
      probes++;
      voice.send(matchOf(claim, id), from.port, from.address);
    });
  };
  await new Promise<void>((resolve) => voice.bind({ address: claim.address, port }, resolve));
  await new Promise<void>((resolve) => ear.bind({ address: group, port }, () => {
    ear.addMembership(group, '127.0.0.1');
    resolve();
  }));
  for (const socket of [voice, ear]) answer(socket);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= Promise.all([voice, ear].map((socket) => new Promise<void>((resolve) => socket.close(() => resolve())))).then(() => {}));
  t.teardown(close);
  return { probes: () => probes, close };
}

function matchOf({ address, port, urn, hardware }: Claim, relatesTo: string): string {
  return `<e:Envelope xmlns:e="e" xmlns:a="a" xmlns:d="d"><e:Header><a:RelatesTo>${relatesTo}</a:RelatesTo></e:Header><e:Body><d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>${urn}</a:Address></a:EndpointReference>`
    + `<d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>${hardware === undefined ? '' : `onvif://www.onvif.org/MAC/${hardware}`}</d:Scopes><d:XAddrs>http://${address}:${port}/onvif/device_service</d:XAddrs></d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>`;
}
