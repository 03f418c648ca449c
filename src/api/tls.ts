/**
 * What the page shows itself with: a certificate of the hub's own authority, or the household's own by path. The authority is made at the first
 * start; whoever installs it on a device trusts it for the hub's names and for private addresses, and it can sign for nothing else: a stolen
 * hub is no other site. The leaf is renewed in time, and when the machine's addresses change.
 */
import { X509Certificate, createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import * as asn from '@peculiar/asn1-x509';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, reasonOf } from '../base/errors.ts';
import { readTextBounded } from '../base/files.ts';
import { Secret } from '../base/secret.ts';
import { dayMs } from '../base/units.ts';
import { judgeKeyFile } from '../duties/keyfile.ts';
import { fingerprintWords } from '../policy/wordlist.ts';
import type { PageConfig } from '../policy/settings.ts';
import { isoTime } from '../policy/times.ts';
import type { Vault } from '../vault/vault.ts';
import { bareAddress, type Reach } from './reach.ts';

const authorityName = 'page authority';
const leafName = 'page certificate';
/** Fixed, so that a clock that was wrong at the first start makes no authority that devices refuse. */
const authorityFromMs = Date.UTC(2026, 0, 1);
const authorityToMs = Date.UTC(2056, 0, 1);
/** Devices take none that is longer than 825 days. */
const leafMs = 180 * dayMs;
const renewBeforeMs = 60 * dayMs;
/** A phone whose clock is behind by a day takes it, too. */
const backMs = 2 * dayMs;
const pemBytesMax = 2 ** 18;

/** Where a hub may be: what its authority signs for besides its names. */
const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '127.0.0.0/8', '169.254.0.0/16', '100.64.0.0/10', '::1/128', 'fc00::/7', 'fe80::/10'] as const;

export interface Pair {
  /** PEM; what leads to the authority comes after the first one. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

interface Authority extends Pair {
  /** What it may sign for besides private addresses. */
  readonly names: readonly string[];
}

/** What is shown to visitors now. */
export interface Shown {
  readonly pair: Pair;
  /** SHA-256 of the authority's certificate, or of the own one; 64 hex digits. */
  readonly fingerprint: string;
  readonly words: readonly string[];
  /** Of the hub's own authority. */
  readonly own: boolean;
  /** Of the authority, for those who install it. */
  readonly authority: Buffer | undefined;
  /** Why the configured one is not shown. */
  readonly problem: SallyportError | undefined;
  /** What somebody should know of the one that is. */
  readonly warning?: string | undefined;
}

export interface CertificatesOptions {
  readonly vault: Pick<Vault, 'secret' | 'putSecret' | 'audit'>;
  readonly config: PageConfig;
  readonly hubName: string;
  readonly reach: () => Reach;
  readonly clock: Clock;
}

export class Certificates {
  readonly #o: CertificatesOptions;
  #shown: Shown | undefined;

  constructor(o: CertificatesOptions) {
    this.#o = o;
  }

  get shown(): Shown | undefined {
    return this.#shown;
  }

  /** Brings what is shown up to date; answers whether it is another one than before. SP_DATABASE, SP_DISK. */
  async renew(): Promise<boolean> {
    const before = this.#shown?.pair.certificate;
    this.#shown = await this.#find();
    return this.#shown.pair.certificate !== before;
  }

  async #find(): Promise<Shown> {
    const { certificate, certificateKey } = this.#o.config;
    if (certificate === undefined && certificateKey === undefined) return this.#ofAuthority(undefined);
    try {
      const { pair, warning } = await readPair(certificate, certificateKey, this.#o.clock.wallMs());
      const fingerprint = fingerprintOf(new X509Certificate(pair.certificate));
      return { pair, fingerprint, words: fingerprintWords(fingerprint), own: false, authority: undefined, problem: undefined, warning };
    } catch (error) {
      return this.#ofAuthority(error instanceof SallyportError ? error : new SallyportError('SP_PAGE_CERTIFICATE', { reason: reasonOf(error) }, error));
    }
  }

  async #ofAuthority(problem: SallyportError | undefined): Promise<Shown> {
    const authority = await this.#authority();
    const pair = await this.#leaf(authority);
    const certificate = new X509Certificate(authority.certificate);
    const fingerprint = fingerprintOf(certificate);
    return { pair, fingerprint, words: fingerprintWords(fingerprint), own: true, authority: certificate.raw, problem };
  }

  /** A new one where the configuration has names that the old one may not sign for. */
  async #authority(): Promise<Authority> {
    const { vault, config, hubName } = this.#o;
    const reach = this.#o.reach();
    const known = await this.#stored<Authority>(authorityName);
    if (known !== undefined && config.names.every((name) => known.names.includes(name) || isPrivate(name))) return known;
    const names = [...new Set([...reach.names, ...config.names.filter((name) => !isPrivate(name))])];
    const made = { ...makeAuthority({ hubName, names }), names };
    await vault.putSecret(authorityName, new Secret(JSON.stringify(made)));
    await vault.audit({ what: 'page.authority-made', who: 'hub', detail: { fingerprint: fingerprintOf(new X509Certificate(made.certificate)), names } });
    return made;
  }

  async #leaf(authority: Authority): Promise<Pair> {
    const { vault, hubName, clock } = this.#o;
    const reach = this.#o.reach();
    const nowMs = clock.wallMs();
    const names = [...reach.names, ...reach.addresses].filter((name) => authority.names.includes(name) || isPrivate(name)).sort();
    const known = await this.#stored<Pair & { names: readonly string[] }>(leafName);
    if (known !== undefined && isGood(known, authority, names, nowMs)) return known;
    const made = { ...makeLeaf(authority, { hubName, names, nowMs }), names };
    await vault.putSecret(leafName, new Secret(JSON.stringify(made)));
    return made;
  }

  async #stored<T>(name: string): Promise<T | undefined> {
    const secret = await this.#o.vault.secret(name);
    return secret === undefined ? undefined : (JSON.parse(secret.reveal()) as T);
  }
}

/** Names that were signed for once and are gone do no harm: only new ones ask for a new leaf. */
function isGood(leaf: Pair & { readonly names: readonly string[] }, authority: Pair, names: readonly string[], nowMs: UnixMs): boolean {
  const certificate = new X509Certificate(leaf.certificate);
  return names.every((name) => leaf.names.includes(name))
    && Date.parse(certificate.validFrom) <= nowMs && Date.parse(certificate.validTo) - nowMs > renewBeforeMs
    && certificate.verify(new X509Certificate(authority.certificate).publicKey);
}

async function readPair(certificate: string | undefined, key: string | undefined, nowMs: UnixMs): Promise<{ pair: Pair; warning: string | undefined }> {
  if (certificate === undefined || key === undefined) throw new SallyportError('SP_PAGE_CERTIFICATE', { reason: `${certificate === undefined ? 'certificate' : 'certificate_key'} is not given` });
  const { refused, warning } = await judgeKeyFile(key);
  if (refused !== undefined) throw new SallyportError('SP_PAGE_CERTIFICATE', { reason: refused });
  const pair = { certificate: await readTextBounded(certificate, pemBytesMax), key: await readTextBounded(key, pemBytesMax) };
  const leaf = new X509Certificate(pair.certificate);
  if (!leaf.checkPrivateKey(createPrivateKey(pair.key))) throw new SallyportError('SP_PAGE_CERTIFICATE', { reason: `${key} is not the key of ${certificate}` });
  if (Date.parse(leaf.validTo) <= nowMs) throw new SallyportError('SP_PAGE_CERTIFICATE', { reason: `${certificate} was good until ${isoTime(Date.parse(leaf.validTo))}` });
  return { pair, warning };
}

export function makeAuthority({ hubName, names }: { hubName: string; names: readonly string[] }): Pair {
  const key = newKey();
  const subject = nameOf(`Sallyport ${hubName}`.slice(0, 64));
  const permitted = [...names.map((name) => subtree(name)), ...privateRanges.map((range) => subtree(range))];
  const certificate = signed({
    key, issuerKey: key, issuer: subject, subject, fromMs: authorityFromMs, toMs: authorityToMs,
    extensions: [
      extension(asn.id_ce_basicConstraints, true, new asn.BasicConstraints({ cA: true, pathLenConstraint: 0 })),
      extension(asn.id_ce_keyUsage, true, new asn.KeyUsage(asn.KeyUsageFlags.keyCertSign | asn.KeyUsageFlags.cRLSign)),
      // Names of other kinds, such as those of mail, are not constrained: it signs for servers alone.
      extension(asn.id_ce_extKeyUsage, false, new asn.ExtendedKeyUsage([asn.id_kp_serverAuth])),
      extension(asn.id_ce_nameConstraints, true, new asn.NameConstraints({ permittedSubtrees: new asn.GeneralSubtrees(permitted) })),
      extension(asn.id_ce_subjectKeyIdentifier, false, new asn.SubjectKeyIdentifier(keyIdOf(key))),
    ],
  });
  return { certificate, key: pemOf(key) };
}

export function makeLeaf(authority: Pair, { hubName, names, nowMs }: { hubName: string; names: readonly string[]; nowMs: UnixMs }): Pair {
  const key = newKey();
  const issuerKey = createPrivateKey(authority.key);
  const issuer = AsnConvert.parse(new X509Certificate(authority.certificate).raw, asn.Certificate).tbsCertificate.subject;
  const certificate = signed({
    key, issuerKey, issuer, subject: nameOf(`Sallyport ${hubName} page`.slice(0, 64)), fromMs: nowMs - backMs, toMs: nowMs + leafMs,
    extensions: [
      extension(asn.id_ce_basicConstraints, true, new asn.BasicConstraints({ cA: false })),
      extension(asn.id_ce_keyUsage, true, new asn.KeyUsage(asn.KeyUsageFlags.digitalSignature)),
      extension(asn.id_ce_extKeyUsage, false, new asn.ExtendedKeyUsage([asn.id_kp_serverAuth])),
      extension(asn.id_ce_subjectAltName, false, new asn.SubjectAlternativeName(names.map((name) => generalName(name)))),
      extension(asn.id_ce_subjectKeyIdentifier, false, new asn.SubjectKeyIdentifier(keyIdOf(key))),
      extension(asn.id_ce_authorityKeyIdentifier, false, new asn.AuthorityKeyIdentifier({ keyIdentifier: new asn.KeyIdentifier(keyIdOf(issuerKey)) })),
    ],
  });
  return { certificate: `${certificate}${authority.certificate}`, key: pemOf(key) };
}

const ecdsaWithSha256 = new asn.AlgorithmIdentifier({ algorithm: '1.2.840.10045.4.3.2' });
const commonName = '2.5.4.3';

function signed(o: { key: KeyObject; issuerKey: KeyObject; issuer: asn.Name; subject: asn.Name; fromMs: UnixMs; toMs: UnixMs; extensions: asn.Extension[] }): string {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const tbs = new asn.TBSCertificate({
    version: asn.Version.v3, serialNumber: bufferOf(serial), signature: ecdsaWithSha256, issuer: o.issuer, subject: o.subject,
    validity: new asn.Validity({ notBefore: new Date(o.fromMs), notAfter: new Date(o.toMs) }),
    subjectPublicKeyInfo: AsnConvert.parse(publicOf(o.key), asn.SubjectPublicKeyInfo), extensions: new asn.Extensions(o.extensions),
  });
  const signature = sign('sha256', Buffer.from(AsnConvert.serialize(tbs)), { key: o.issuerKey, dsaEncoding: 'der' });
  const der = AsnConvert.serialize(new asn.Certificate({ tbsCertificate: tbs, signatureAlgorithm: ecdsaWithSha256, signatureValue: bufferOf(signature) }));
  return new X509Certificate(Buffer.from(der)).toString();
}

function extension(extnID: string, critical: boolean, value: object): asn.Extension {
  return new asn.Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function nameOf(text: string): asn.Name {
  return new asn.Name([new asn.RelativeDistinguishedName([new asn.AttributeTypeAndValue({ type: commonName, value: new asn.AttributeValue({ utf8String: text }) })])]);
}

function generalName(name: string): asn.GeneralName {
  return isIP(name) === 0 ? new asn.GeneralName({ dNSName: name }) : new asn.GeneralName({ iPAddress: name });
}

/** A name with all below it; an address range, or an address alone. */
function subtree(name: string): asn.GeneralSubtree {
  if (isIP(name) !== 0) return new asn.GeneralSubtree({ base: new asn.GeneralName({ iPAddress: `${name}/${isIP(name) === 6 ? 128 : 32}` }) });
  return new asn.GeneralSubtree({ base: name.includes('/') ? new asn.GeneralName({ iPAddress: name }) : generalName(name) });
}

/** An address that every hub's authority may sign for. */
export function isPrivate(name: string): boolean {
  const address = bareAddress(name);
  if (isIP(address) === 4) return /^(10|127)\.|^192\.168\.|^169\.254\.|^172\.(1[6-9]|2\d|3[01])\.|^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./.test(address);
  return isIP(address) === 6 && (address === '::1' || /^f[cd]|^fe[89ab]/.test(address));
}

/** Whether a browser takes the first certificate of this PEM for that address. */
export function namesAddress(certificate: string, address: string): boolean {
  return new X509Certificate(certificate).checkIP(address) !== undefined;
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

function publicOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function keyIdOf(key: KeyObject): ArrayBuffer {
  return bufferOf(createHash('sha256').update(publicOf(key)).digest().subarray(0, 20));
}

function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
