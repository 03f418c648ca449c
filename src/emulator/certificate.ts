/**
 * The certificate of an emulated camera: self-signed, as cameras come, for its address, by a fresh P-256 key. Written in DER here
 * (X.509, RFC 5280), because Node reads certificates and makes none.
 */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { UnixMs } from '../base/clock.ts';

export interface Certificate {
  /** PEM */
  readonly key: string;
  /** PEM */
  readonly cert: string;
  /** SHA-256 of the certificate in DER, 64 hexadecimal digits: what a client pins. */
  readonly fingerprint: string;
}

const dayMs = 86_400_000;
const validForMs = 3650 * dayMs;

export function makeCertificate(o: { address: string; name: string; nowMs: UnixMs }): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(der(tags.set, sequence(commonName, der(tags.utf8, Buffer.from(o.name)))));
  const serial = Buffer.concat([Buffer.from([0x01]), randomBytes(15)]);
  const facts = sequence(
    der(tags.version, der(tags.integer, Buffer.from([2]))), der(tags.integer, serial), ecdsaWithSha256, name,
    sequence(time(o.nowMs - dayMs), time(o.nowMs + validForMs)), name, publicKey.export({ type: 'spki', format: 'der' }),
    der(tags.extensions, sequence(sequence(subjectAltName, der(tags.octets, sequence(der(tags.ipAddress, Buffer.from(o.address.split('.').map(Number)))))))),
  );
  const signature = sign('sha256', facts, privateKey);
  const certificate = sequence(facts, ecdsaWithSha256, der(tags.bits, Buffer.concat([Buffer.from([0]), signature])));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64').replaceAll(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`,
    fingerprint: createHash('sha256').update(certificate).digest('hex'),
  };
}

const tags = {
  integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, utf8: 0x0c, utcTime: 0x17, generalTime: 0x18, sequence: 0x30, set: 0x31,
  version: 0xa0, extensions: 0xa3, ipAddress: 0x87,
};

const ecdsaWithSha256 = sequence(der(tags.oid, Buffer.from('2a8648ce3d040302', 'hex')));
const commonName = der(tags.oid, Buffer.from('550403', 'hex'));
const subjectAltName = der(tags.oid, Buffer.from('551d11', 'hex'));

/** Years from 2050 on have four digits (RFC 5280, 4.1.2.5). */
function time(ms: UnixMs): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return digits < '2050' ? der(tags.utcTime, Buffer.from(digits.slice(2))) : der(tags.generalTime, Buffer.from(digits));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(tags.sequence, Buffer.concat(parts));
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
