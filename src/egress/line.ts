/**
 * One connection to one declared origin: TLS, verified by an authority, or by the pin, before it is handed out, so that no byte of ours goes to
 * anybody else; or plain, to this machine itself only.
 */
import { connect as connectPlain, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { SallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { portOf } from '../policy/destinations.ts';

export interface Origin {
  readonly name: string;
  /** Without user info; what its path says stands before every path. */
  readonly url: URL;
  /** SHA-256 of the certificate's DER in hexadecimal digits: then it, and no authority, makes the far end the right one. */
  readonly pin?: string;
  /** PEM of an authority of the owner's. */
  readonly ca?: string;
  /** An HTTP proxy that joins the TLS connection through (CONNECT): it sees host, port and sizes. */
  readonly proxy?: { readonly url: URL; readonly login?: { readonly user: string; readonly password: Secret } };
}

/** `patienceMs`: for the whole of its beginning. `through`: what a proxy has joined, for TLS to go through. Rejects with what it came to; `translated` says it in our words. */
export function openLine(origin: Origin, patienceMs: number, { signal, through }: { readonly signal?: AbortSignal; readonly through?: Duplex } = {}): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const secure = origin.url.protocol === 'https:' || origin.url.protocol === 'mqtts:';
    const socket = secure ? openTls(origin, through) : connectPlain({ host: hostOf(origin.url), port: portOf(origin.url) });
    // Of the whole: one that drips its greeting must not be waited for without end.
    const late = AbortSignal.timeout(patienceMs);
    let told = false;
    const tell = (error: unknown): void => {
      if (told) return;
      told = true;
      signal?.removeEventListener('abort', stop);
      late.removeEventListener('abort', tooLate);
      if (error === undefined) {
        resolve(socket);
      } else {
        socket.destroy();
        reject(error as Error);
      }
    };
    const stop = (): void => tell(signal?.reason ?? new Error('stopped'));
    signal?.addEventListener('abort', stop, { once: true });
    const tooLate = (): void => tell(new Error(secure ? 'it does not begin to speak TLS' : 'it does not answer'));
    late.addEventListener('abort', tooLate, { once: true });
    socket.on('error', tell);
    socket.once('close', () => tell(new Error('the connection was closed')));
    socket.once(secure ? 'secureConnect' : 'connect', () => tell(secure ? wrongCertificate(origin, socket as TLSSocket) : undefined));
    if (signal?.aborted === true) stop();
  });
}

function openTls({ url, pin, ca }: Origin, through: Duplex | undefined): TLSSocket {
  const host = hostOf(url);
  return connectTls({
    ...(through === undefined ? { host, port: portOf(url) } : { host, socket: through }), minVersion: 'TLSv1.2', rejectUnauthorized: pin === undefined,
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }), ...(ca === undefined ? {} : { ca }),
  });
}

/** Undefined when there is nothing wrong with it. */
function wrongCertificate({ name, pin }: Origin, socket: TLSSocket): SallyportError | undefined {
  const shown = String(socket.getPeerCertificate().fingerprint256 ?? '').replaceAll(':', '').toLowerCase();
  return pin === undefined || shown === pin ? undefined : new SallyportError('SP_FAR_CERTIFICATE', { destination: name, reason: `it is ${shown.slice(0, 16)}…, not the pinned one` });
}

export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

const certificateFaults = /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|CRL_|INVALID_CA|INVALID_PURPOSE)/;

/** SP_FAR_CERTIFICATE, SP_FAR_ANSWER, SP_FAR_UNREACHABLE. */
export function translated(name: string, error: unknown): SallyportError {
  if (isSallyportError(error)) return error;
  const code = String((error as { code?: unknown }).code ?? '');
  if (certificateFaults.test(code)) return new SallyportError('SP_FAR_CERTIFICATE', { destination: name, reason: code.toLowerCase().replaceAll('_', ' ') }, error);
  if (code.startsWith('HPE_')) return new SallyportError('SP_FAR_ANSWER', { destination: name, reason: 'it is no HTTP' }, error);
  return new SallyportError('SP_FAR_UNREACHABLE', { destination: name, reason: reasonOf(error) }, error);
}
