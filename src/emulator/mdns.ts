/**
 * mDNS and DNS-SD (RFC 6762, 6763) on loopback: one listener hears the questions, and per camera a socket bound to the camera's own
 * address answers, with an address record of the camera's own. Services: `_onvif._tcp` and `_rtsp._tcp`.
 */
import multicastDns, { type DnsPacket, type DnsQuestion, type DnsRecord, type MulticastDns } from 'multicast-dns';
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Announcer } from './announcer.ts';
import type { CameraFace } from './face.ts';

const loopback = '127.0.0.1';
const port = 5353;
const ttlSeconds = 120;
const services = '_services._dns-sd._udp.local';
/** Records of a question beyond these are not looked at. */
const questionsMax = 32;

export class Mdns implements Announcer {
  readonly #log: Log;
  readonly #listener: MulticastDns;
  readonly #voices = new Map<CameraFace, MulticastDns>();

  constructor(log: Log) {
    this.#log = log;
    this.#listener = openSocket({ interface: loopback, bind: '0.0.0.0' }, log);
    this.#listener.on('query', (query, from) => this.#hear(query, from));
  }

  announce(face: CameraFace): void {
    if (this.#voices.has(face)) return;
    const voice = openSocket({ interface: face.address, bind: face.address }, this.#log);
    this.#voices.set(face, voice);
    voice.on('ready', () => this.#say(voice, { answers: recordsOf(face, ttlSeconds) }, null));
  }

  /** Goodbye: all its records with no time to live. */
  async withdraw(face: CameraFace): Promise<void> {
    const voice = this.#voices.get(face);
    if (voice === undefined) return;
    this.#voices.delete(face);
    await this.#say(voice, { answers: recordsOf(face, 0) }, null);
    await closeSocket(voice);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#voices.keys()].map((face) => this.withdraw(face)));
    await closeSocket(this.#listener);
  }

  #hear(query: DnsPacket, from: { address: string; port: number }): void {
    const questions = (query.questions ?? []).slice(0, questionsMax);
    for (const [face, voice] of this.#voices) {
      const answer = answerTo(questions, recordsOf(face, ttlSeconds));
      if (answer === undefined) continue;
      // Who does not ask from port 5353 hears no multicast and is answered directly (RFC 6762, 6.7).
      if (from.port === port) void this.#say(voice, answer, null);
      else void this.#say(voice, { ...answer, id: query.id ?? 0, questions }, { address: from.address, port: from.port });
    }
  }

  #say(voice: MulticastDns, packet: DnsPacket, to: { address: string; port: number } | null): Promise<void> {
    return new Promise((resolve) => {
      try {
        voice.respond(packet, to, (error) => {
          if (error !== undefined && error !== null) this.#log.debug({ reason: reasonOf(error) }, 'an mDNS message was not sent');
          resolve();
        });
      } catch (error) {
        this.#log.debug({ reason: reasonOf(error) }, 'an mDNS message was not sent');
        resolve();
      }
    });
  }
}

function openSocket(where: { interface: string; bind: string }, log: Log): MulticastDns {
  const socket = multicastDns({ ...where, loopback: true, reuseAddr: true });
  socket.on('error', (error) => log.warn({ reason: reasonOf(error) }, 'mDNS cannot be answered'));
  socket.on('warning', (error) => log.debug({ reason: reasonOf(error) }, 'an mDNS message was not understood'));
  return socket;
}

function closeSocket(socket: MulticastDns): Promise<void> {
  return new Promise((resolve) => {
    try {
      socket.destroy(resolve);
    } catch {
      // It never opened.
      resolve();
    }
  });
}

/** What is asked for, and beside it what the asker will want next. */
function answerTo(questions: readonly DnsQuestion[], records: readonly DnsRecord[]): DnsPacket | undefined {
  const asked = (record: DnsRecord): boolean => questions.some((question) =>
    question.name.toLowerCase() === record.name.toLowerCase() && (question.type === record.type || question.type === 'ANY'));
  const answers = records.filter(asked);
  return answers.length === 0 ? undefined : { answers, additionals: records.filter((record) => !asked(record) && record.name !== services) };
}

/** The serial number makes the names unique among all emulators of the machine; no name has a dot in a label. */
function recordsOf(face: CameraFace, ttl: number): DnsRecord[] {
  const host = `host-${face.address.replaceAll('.', '-')}.local`;
  const label = `${face.device.model} ${face.device.serial.slice(-12)}`;
  const service = (type: string, servicePort: number, text: readonly string[]): DnsRecord[] => servicePort === 0 ? [] : [
    { name: services, type: 'PTR', ttl, data: type },
    { name: type, type: 'PTR', ttl, data: `${label}.${type}` },
    { name: `${label}.${type}`, type: 'SRV', ttl, flush: true, data: { port: servicePort, target: host } },
    { name: `${label}.${type}`, type: 'TXT', ttl, flush: true, data: text },
  ];
  const records = [
    ...service('_onvif._tcp.local', face.onvifPort, ['path=/onvif/device_service', `urn=${face.urn}`]),
    ...service('_rtsp._tcp.local', face.rtspPort, ['path=/main']),
    { name: host, type: 'A' as const, ttl, flush: true, data: face.address },
  ];
  // The list of service types is everybody's and is not taken back.
  return ttl === 0 ? records.filter((record) => record.name !== services) : records;
}
