/**
 * The two ways by which a track's packets reach a viewer: interleaved on the RTSP connection, or as datagrams from an even port and the
 * odd one above it (RFC 3550, 11). Datagrams go to the viewer's own address and nowhere else, whatever a request names as destination.
 */
import { createSocket, type Socket } from 'node:dgram';
import { randomInt } from 'node:crypto';

export interface Delivery {
  /** For the `Transport` header of the answer to SETUP. */
  readonly transport: string;
  /** That packets are marked with; of no meaning for datagrams. */
  readonly channel: number;
  /** RTP packets, each behind its four bytes of interleaving. */
  media(packets: Buffer): void;
  /** One RTCP packet, behind its four bytes of interleaving. */
  control(packet: Buffer): void;
  close(): void;
}

export function interleaved(channel: number, write: (bytes: Buffer) => void): Delivery {
  return { transport: `RTP/AVP/TCP;unicast;interleaved=${channel}-${channel + 1}`, channel, media: write, control: write, close: () => {} };
}

const interleaveBytes = 4;
const pairTries = 50;
const portsFrom = 20_000;
const portsTo = 60_000;
/** More than this unsent, and datagrams are lost as on a full network. */
const unsentBytesMax = 4 * 2 ** 20;

export interface DatagramOptions {
  /** The camera's own. */
  readonly address: string;
  readonly viewer: { readonly address: string; readonly rtpPort: number; readonly rtcpPort: number };
  /** What the viewer sends to the even port: the sound of a talker. */
  readonly onMedia: (packet: Buffer) => void;
  /** Its reports: a sign of life. */
  readonly onControl: () => void;
}

/** Rejects when there is no free pair of ports. */
export async function openDatagrams(o: DatagramOptions): Promise<Delivery> {
  const [rtp, rtcp] = await openPair(o.address);
  for (const socket of [rtp, rtcp]) socket.on('error', () => {});
  rtp.on('message', o.onMedia);
  rtcp.on('message', o.onControl);
  try {
    await join(rtp, o.viewer.rtpPort, o.viewer.address);
    await join(rtcp, o.viewer.rtcpPort, o.viewer.address);
  } catch (error) {
    rtp.close();
    rtcp.close();
    throw error;
  }
  let open = true;
  const send = (socket: Socket, packet: Buffer): void => {
    if (open && socket.getSendQueueSize() < unsentBytesMax) socket.send(packet);
  };
  return {
    transport: `RTP/AVP;unicast;client_port=${o.viewer.rtpPort}-${o.viewer.rtcpPort};server_port=${rtp.address().port}-${rtcp.address().port}`,
    channel: 0,
    media: (packets) => {
      for (let at = 0; at + interleaveBytes < packets.length;) {
        const end = at + interleaveBytes + packets.readUInt16BE(at + 2);
        send(rtp, packets.subarray(at + interleaveBytes, end));
        at = end;
      }
    },
    control: (packet) => send(rtcp, packet.subarray(interleaveBytes)),
    close: () => {
      if (!open) return;
      open = false;
      rtp.close();
      rtcp.close();
    },
  };
}

async function openPair(address: string): Promise<[Socket, Socket]> {
  let last: unknown;
  for (let n = 0; n < pairTries; n++) {
    const port = randomInt(portsFrom / 2, portsTo / 2) * 2;
    const pair: [Socket, Socket] = [createSocket('udp4'), createSocket('udp4')];
    try {
      await bind(pair[0], port, address);
      await bind(pair[1], port + 1, address);
      return pair;
    } catch (error) {
      for (const socket of pair) socket.close();
      last = error;
    }
  }
  throw last;
}

function bind(socket: Socket, port: number, address: string): Promise<void> {
  return settle(socket, (done) => socket.bind({ port, address, exclusive: true }, done));
}

/** From now on the kernel lets through what comes from there alone. */
function join(socket: Socket, port: number, address: string): Promise<void> {
  return settle(socket, (done) => socket.connect(port, address, done));
}

function settle(socket: Socket, begin: (done: (error?: Error) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    begin((error) => {
      socket.off('error', reject);
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}
