import type { Clock } from '../base/clock.ts';
import { Secret } from '../base/secret.ts';
import { deviceTarget, type CameraAddress } from './addresses.ts';
import { Certificates } from './certificates.ts';
import { requests } from './onvif.ts';
import { OnvifSession, refused } from './session.ts';
import { Transport } from './transport.ts';

export interface SecureAddressOptions {
  readonly camera: string;
  /** Where it was found, or where somebody said that it is. */
  readonly address: CameraAddress;
  /** Its addresses by its own word, host turned to where it answered from. */
  readonly xaddrs: readonly string[];
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** A camera that has HTTPS answers a handshake within this; one that has not must not hold up its adoption. */
const tryMs = 3000;
const candidatesMax = 3;

/**
 * Where a camera speaks ONVIF by HTTPS; undefined when it does nowhere. Asked is what is open to everybody (GetSystemDateAndTime), so
 * nothing secret is sent before a certificate is believed. Never rejects.
 */
export async function findSecureAddress(o: SecureAddressOptions): Promise<CameraAddress | undefined> {
  for (const candidate of candidatesOf(o)) if (await speaksOnvif(candidate, o)) return candidate;
  return undefined;
}

function candidatesOf({ address, xaddrs }: SecureAddressOptions): CameraAddress[] {
  const { host, path } = address;
  const named = xaddrs.flatMap((xaddr) => {
    const url = URL.parse(xaddr);
    return url?.protocol !== 'https:' ? [] : [{ host, port: url.port === '' ? 443 : Number(url.port), path: url.pathname + url.search, secure: true }];
  });
  // A port that somebody chose is tried itself: the camera's own 80 stands for its own 443.
  const assumed = { host, port: address.port === 80 ? 443 : address.port, path, secure: true };
  return [...named, assumed].filter((one, index, all) => all.findIndex((other) => other.port === one.port && other.path === one.path) === index).slice(0, candidatesMax);
}

async function speaksOnvif(address: CameraAddress, { camera, clock, signal }: SecureAddressOptions): Promise<boolean> {
  const over = new AbortController();
  const finished = new AbortController();
  clock.sleep(tryMs, finished.signal).then(() => over.abort(), () => {});
  try {
    const transport = new Transport({ camera, clock, certificates: new Certificates(camera, undefined), signal: signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]) });
    const session = new OnvifSession({ camera, access: { user: '', password: new Secret('') }, clock, transport, device: deviceTarget(address) });
    return await session.open(requests.getSystemDateAndTime, deviceTarget(address)) !== refused;
  } catch {
    return false; // no TLS, no ONVIF, or not in time: the same to whoever asks
  } finally {
    finished.abort();
  }
}
