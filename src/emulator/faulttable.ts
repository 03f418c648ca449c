/**
 * Faults on demand: what can befall an emulated camera, by name, for as long as is wanted. The table is the whole of what the command
 * line and the control socket can ask for.
 */
import { isIPv4 } from 'node:net';
import { SallyportError } from '../base/errors.ts';
import type { EmulatedCamera } from './camera.ts';
import { eventKinds, type EventKind } from './topics.ts';
import type { Hostility } from './hostile.ts';
import type { Mischief } from './onvif/mischief.ts';
import type { VideoCodec } from './samples.ts';

type Value =
  | { readonly kind: 'none' }
  | { readonly kind: 'number'; readonly unit: string; readonly min: number; readonly max: number; readonly usual: number }
  | { readonly kind: 'word'; readonly unit: string; readonly words: readonly string[]; readonly usual?: string }
  | { readonly kind: 'text'; readonly unit: string; readonly pattern: RegExp };

export interface FaultRow {
  readonly value: Value;
  readonly what: string;
  /** Of the faults that share one, the last holds. */
  readonly slot?: 'rtp' | 'http';
  begin(camera: EmulatedCamera, value: never): void | Promise<void>;
  /** Missing where it is over at once, or stays for good. */
  end?(camera: EmulatedCamera, value: never): void | Promise<void>;
}

const nothing: Value = { kind: 'none' };
const number = (unit: string, min: number, max: number, usual: number): Value => ({ kind: 'number', unit, min, max, usual });

function quirk<K extends keyof EmulatedCamera['quirks'], V>(what: string, value: Value, key: K, of: (value: V) => EmulatedCamera['quirks'][K]): FaultRow {
  return {
    what, value,
    begin: (camera, given: V) => { camera.quirks[key] = of(given); },
    end: (camera) => { delete camera.quirks[key]; },
  };
}

const rtp = (what: string, kind: Hostility): FaultRow => ({ ...quirk(what, nothing, 'hostile', () => kind), slot: 'rtp' });
const http = <V>(what: string, value: Value, of: (value: V) => Mischief): FaultRow => ({ ...quirk(what, value, 'mischief', of), slot: 'http' });

export const faultTable: Readonly<Record<string, FaultRow>> = {
  'stall': { what: 'everything falls silent, connections stay open', value: nothing, begin: (camera) => camera.stall(), end: (camera) => camera.resume() },
  'reset': { what: 'every connection is reset, once', value: nothing, begin: (camera) => camera.resetConnections() },
  'away': { what: 'Bye, no port is open; Hello at its end', value: nothing, begin: (camera) => camera.stop(), end: (camera) => camera.start() },
  'reboot': { what: 'Bye, away for so long, Hello, and what lived in memory is gone', value: number('SECONDS', 0.1, 3600, 5), begin: (camera, seconds: number) => void camera.reboot(seconds * 1000).catch(() => {}) },
  'move': { what: 'goes to another address of 127.0.0.0/8, for good', value: { kind: 'text', unit: 'ADDRESS', pattern: /^127\.\d{1,3}\.\d{1,3}\.(?!0$|255$)\d{1,3}$/ }, begin: (camera, address: string) => camera.moveTo(address) },
  'password': { what: 'another password counts from now on, for good', value: { kind: 'text', unit: 'TEXT', pattern: /^\S{1,64}$/ }, begin: (camera, password: string) => camera.setPassword(password) },
  'certificate': { what: 'another certificate, where it speaks TLS', value: nothing, begin: (camera) => camera.renewCertificate() },
  'clock': quirk('its clock is off by so much', number('SECONDS', -4e9, 4e9, 3600), 'clockOffsetMs', (seconds: number) => seconds * 1000),
  'event': {
    what: 'something happens before it; over at the end', value: { kind: 'word', unit: 'KIND', words: eventKinds, usual: 'motion' },
    begin: (camera, kind: EventKind) => camera.raise(kind, true), end: (camera, kind: EventKind) => camera.raise(kind, false),
  },
  'codec': { what: 'its main stream changes in mid-stream, for good', value: { kind: 'word', unit: 'CODEC', words: ['h264', 'h265'], usual: 'h265' }, begin: (camera, codec: VideoCodec) => camera.changeCodec(codec) },
  'resolution': { what: 'its main stream shrinks in mid-stream', value: nothing, begin: (camera) => camera.show('sub'), end: (camera) => camera.show('main') },
  'broken': { what: 'one stream fails alone (503)', value: { kind: 'word', unit: 'STREAM', words: ['main', 'sub'], usual: 'main' }, begin: (camera, stream: 'main' | 'sub') => camera.breakStream(stream), end: (camera, stream: 'main' | 'sub') => camera.mendStream(stream) },
  'drop': quirk('RTP packets are lost', number('PERCENT', 1, 100, 10), 'lossPercent', (percent: number) => percent),
  'reorder': quirk('RTP packets overtake each other', number('PERCENT', 1, 100, 10), 'reorderPercent', (percent: number) => percent),
  'garbage': rtp('RTP of random bytes', 'garbage'),
  'flood': rtp('each RTP packet 25 times', 'flood'),
  'lies': rtp('RTP whose lengths and sources contradict themselves', 'lies'),
  'time-jumps': rtp('RTP time jumps', 'time jumps'),
  '401-loop': {
    what: 'no password is right, for RTSP and HTTP', value: nothing, slot: 'http',
    begin: (camera) => Object.assign(camera.quirks, { refusesAll: true, mischief: { kind: 'refuses' } }) as unknown as void,
    end: (camera) => { delete camera.quirks.refusesAll; delete camera.quirks.mischief; },
  },
  'rtsp-404': quirk('no stream is found', nothing, 'streamsMissing', () => true),
  'late': quirk('RTSP thinks about each request', number('MILLISECONDS', 1, 600_000, 3000), 'answerDelayMs', (ms: number) => ms),
  'slow': http('HTTP answers at this pace', number('BYTES_A_SECOND', 1, 1e9, 1000), (bytesPerSecond: number) => ({ kind: 'slow', bytesPerSecond })),
  'drip': http('HTTP answers one byte a second', nothing, () => ({ kind: 'slow', bytesPerSecond: 1 })),
  'giant': http('HTTP answers so much', number('MEBIBYTES', 1, 4096, 200), (mebibytes: number) => ({ kind: 'giant', bytes: mebibytes * 2 ** 20 })),
  'deep': http('HTTP answers elements within elements', number('LEVELS', 1, 1e6, 100_000), (levels: number) => ({ kind: 'deep', levels })),
};

export interface FaultOrder {
  /** Its name, or `*` for all. */
  readonly camera: string;
  readonly fault: string;
  readonly value?: string | number;
  /** Begins so long from now (0). */
  readonly afterSeconds?: number;
  /** Ends by itself so long after it began. */
  readonly forSeconds?: number;
}

const secondsMax = 86_400;

/** `CAMERA=FAULT[:VALUE][@AFTER][+FOR]`, times in seconds. */
export function readFaultOrder(text: string): FaultOrder {
  const [, camera = '', fault = '', value, after, lasts] = /^([\w*-]{1,64})=([\w-]{1,32})(?::([^@+]{1,128}))?(?:@(\d{1,5}(?:\.\d{1,3})?)s?)?(?:\+(\d{1,5}(?:\.\d{1,3})?)s?)?$/.exec(text) ?? [];
  if (camera === '') throw notPossible(`"${text.slice(0, 100)}" is not CAMERA=FAULT[:VALUE][@AFTER][+FOR]`);
  const order = {
    camera, fault, ...(value === undefined ? {} : { value }),
    ...(after === undefined ? {} : { afterSeconds: Number(after) }), ...(lasts === undefined ? {} : { forSeconds: Number(lasts) }),
  };
  checkOrder(order);
  return order;
}

/** The row and the value of an order that can be played; else SP_EMULATED_FAULT. */
export function checkOrder(order: FaultOrder): { row: FaultRow; value: string | number | undefined } {
  const row = Object.hasOwn(faultTable, order.fault) ? faultTable[order.fault] : undefined;
  if (row === undefined) throw notPossible(`there is no fault "${order.fault.slice(0, 32)}"; there are ${Object.keys(faultTable).join(', ')}`);
  for (const seconds of [order.afterSeconds, order.forSeconds]) {
    if (seconds !== undefined && !(seconds >= 0 && seconds <= secondsMax)) throw notPossible(`times are 0 to ${secondsMax} seconds`);
  }
  if (order.forSeconds !== undefined && row.end === undefined) throw notPossible(`${order.fault} does not last, so it has no end`);
  return { row, value: checkValue(order.fault, row.value, order.value) };
}

function checkValue(fault: string, wanted: Value, given: string | number | undefined): string | number | undefined {
  switch (wanted.kind) {
    case 'none':
      if (given !== undefined) throw notPossible(`${fault} takes no value`);
      return undefined;
    case 'number': {
      const value = given === undefined ? wanted.usual : given === '' ? NaN : Number(given);
      if (!(value >= wanted.min && value <= wanted.max)) throw notPossible(`${fault} takes ${wanted.unit}, ${wanted.min} to ${wanted.max}`);
      return value;
    }
    case 'word': {
      const value = given ?? wanted.usual;
      if (typeof value !== 'string' || !wanted.words.includes(value)) throw notPossible(`${fault} takes ${wanted.words.join(', ')}`);
      return value;
    }
    case 'text': {
      const valid = typeof given === 'string' && wanted.pattern.test(given) && (wanted.unit !== 'ADDRESS' || isIPv4(given));
      if (!valid) throw notPossible(`${fault} takes ${wanted.unit}`);
      return given;
    }
  }
}

export function notPossible(reason: string, cause?: unknown): SallyportError {
  return new SallyportError('SP_EMULATED_FAULT', { reason }, cause);
}

/** For a help text: name and value, and what it does. */
export function faultLines(): string[] {
  return Object.entries(faultTable).map(([name, { value, what }]) => {
    const usage = value.kind === 'none' ? name : value.kind === 'word' ? `${name}:${value.words.length > 3 ? value.unit : value.words.join('|')}` : `${name}:${value.unit}`;
    const usual = value.kind === 'number' || (value.kind === 'word' && value.usual !== undefined) ? ` (${value.usual})` : '';
    const words = value.kind === 'word' && value.words.length > 3 ? `: ${value.words.join(', ')}` : '';
    return `${usage.padEnd(26)} ${what}${words}${usual}`;
  });
}
