/**
 * TLS to cameras. The certificate is compared with the one of the adoption before anything is sent; that, and no authority, is what
 * makes the connection the camera's. So protocol versions and ciphers that only old cameras still speak are accepted: a camera that is
 * pinned and speaks TLS 1.0 is better guarded than by plain HTTP, which would be the alternative.
 */
import { connect, type TLSSocket } from 'node:tls';
import { SallyportError, reasonOf } from '../base/errors.ts';
import type { Certificates } from './certificates.ts';
import { siteLookup } from './sitelookup.ts';

export interface TlsTarget {
  /** For errors. */
  readonly camera: string;
  /** An IPv4 address or a name of the local network. */
  readonly host: string;
  readonly port: number;
  readonly certificates: Certificates;
}

/** A connection whose certificate is the camera's. SP_CAMERA_CERTIFICATE, SP_CAMERA_UNREACHABLE, SP_STOPPED when aborted. */
export function connectTls(o: TlsTarget, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const stop = (): void => fail(new SallyportError('SP_STOPPED', { what: `a connection to ${o.camera}` }, signal.reason));
    const socket = connect({ host: o.host, port: o.port, rejectUnauthorized: false, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0', lookup: siteLookup });
    const fail = (error: unknown): void => {
      signal.removeEventListener('abort', stop);
      socket.destroy();
      reject(error instanceof SallyportError ? error : new SallyportError('SP_CAMERA_UNREACHABLE', { camera: o.camera, address: `${o.host}:${o.port}`, reason: reasonOf(error) }, error));
    };
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      try {
        o.certificates.check(fingerprintOf(socket));
      } catch (error) {
        fail(error);
        return;
      }
      signal.removeEventListener('abort', stop);
      socket.removeListener('error', fail);
      resolve(socket);
    });
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

/** SHA-256 of the DER; a suite without a certificate (anonymous) proves nothing and is none. */
function fingerprintOf(socket: TLSSocket): string {
  const { fingerprint256 } = socket.getPeerCertificate();
  if (typeof fingerprint256 !== 'string') throw new Error('it shows no certificate');
  return fingerprint256.replaceAll(':', '').toLowerCase();
}
