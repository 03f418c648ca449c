/**
 * WS-Discovery on loopback: one listener on port 3702, shared with whoever else listens there, and per camera a socket bound to port
 * 3702 of the camera's own address, which hears what is asked of this camera alone and from which all its answers come.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Announcer } from './announcer.ts';
import type { CameraFace } from './face.ts';
import { answerTo, bye, hello, isMeant, readQuestion, type Sequence } from './wsmessage.ts';

const group = '239.255.255.250';
const port = 3702;
const loopback = '127.0.0.1';
const datagramBytesMax = 16 * 1024;

export class WsDiscovery implements Announcer {
  readonly #log: Log;
  readonly #listener: Socket;
  readonly #voices = new Map<CameraFace, Voice>();

  /** Never rejects: where port 3702 cannot be had, the cameras are found by other means. */
  static async open(log: Log): Promise<WsDiscovery> {
    const listener = createSocket({ type: 'udp4', reuseAddr: true });
    const discovery = new WsDiscovery(listener, log);
    await new Promise<void>((resolve) => {
      listener.once('error', () => resolve());
      listener.bind({ address: '0.0.0.0', port }, () => {
        try {
          listener.addMembership(group, loopback);
        } catch (error) {
          log.warn({ reason: reasonOf(error) }, 'WS-Discovery cannot be heard on loopback');
        }
        resolve();
      });
    });
    return discovery;
  }

  private constructor(listener: Socket, log: Log) {
    this.#listener = listener;
    this.#log = log;
    listener.on('error', (error) => log.warn({ reason: reasonOf(error) }, 'WS-Discovery cannot be answered'));
    listener.on('message', (datagram, from) => this.#hear(datagram, from));
  }

  announce(face: CameraFace): void {
    if (this.#voices.has(face)) return;
    const voice = new Voice(face, this.#log, (datagram, from) => this.#hear(datagram, from, face));
    this.#voices.set(face, voice);
    void voice.say((sequence) => hello(face, sequence));
  }

  async withdraw(face: CameraFace): Promise<void> {
    const voice = this.#voices.get(face);
    if (voice === undefined) return;
    this.#voices.delete(face);
    await voice.say((sequence) => bye(face, sequence));
    voice.close();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#voices.keys()].map((face) => this.withdraw(face)));
    await new Promise<void>((resolve) => this.#listener.close(() => resolve()));
  }

  /** `asked`: the camera at whose own address it came, else all are asked. */
  #hear(datagram: Buffer, from: RemoteInfo, asked?: CameraFace): void {
    if (datagram.length > datagramBytesMax) return;
    const question = readQuestion(datagram);
    if (question === undefined) return;
    for (const [face, voice] of this.#voices) {
      if ((asked === undefined || asked === face) && isMeant(question, face)) void voice.say((sequence) => answerTo(question, face, sequence), { address: from.address, port: from.port });
    }
  }
}

/** Speaks from a camera's own address. */
class Voice {
  readonly #socket = createSocket({ type: 'udp4', reuseAddr: true });
  readonly #ready: Promise<boolean>;
  readonly #instance: number;
  readonly #log: Log;
  #number = 0;

  constructor(face: CameraFace, log: Log, onMessage: (datagram: Buffer, from: RemoteInfo) => void) {
    this.#log = log;
    this.#instance = Math.floor(face.clock.wallMs() / 1000);
    this.#ready = new Promise((resolve) => {
      this.#socket.on('error', (error) => {
        log.warn({ reason: reasonOf(error) }, 'a camera cannot answer WS-Discovery');
        resolve(false);
      });
      this.#socket.on('message', onMessage);
      this.#socket.bind({ address: face.address, port }, () => {
        try {
          this.#socket.setMulticastInterface(face.address);
          this.#socket.setMulticastLoopback(true);
          resolve(true);
        } catch (error) {
          log.warn({ reason: reasonOf(error) }, 'a camera cannot speak to the discovery group');
          resolve(false);
        }
      });
    });
  }

  /** Resolves when it is sent, or cannot be. */
  async say(words: (sequence: Sequence) => string, to: { address: string; port: number } = { address: group, port }): Promise<void> {
    if (!await this.#ready) return;
    this.#number++;
    const datagram = Buffer.from(words({ instance: this.#instance, number: this.#number }), 'utf8');
    await new Promise<void>((resolve) => {
      try {
        this.#socket.send(datagram, to.port, to.address, (error) => {
          if (error !== null) this.#log.debug({ reason: reasonOf(error) }, 'a discovery message was not sent');
          resolve();
        });
      } catch (error) {
        this.#log.debug({ reason: reasonOf(error) }, 'a discovery message was not sent');
        resolve();
      }
    });
  }

  close(): void {
    try {
      this.#socket.close();
    } catch {
      // It never opened.
    }
  }
}
