import { X509Certificate, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:net';
import { connect, type PeerCertificate, type SecureVersion } from 'node:tls';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { Certificates, isPrivate, makeAuthority, makeLeaf } from '../../src/api/tls.ts';
import { hostOf, reachOf, type Reach } from '../../src/api/reach.ts';
import { run } from '../../src/base/spawn.ts';
import { silentLog } from '../../src/base/log.ts';
import { Vault } from '../../src/vault/vault.ts';
import { AheadClock, openDoor, type Door } from './pagekit.ts';

const dayMs = 86_400_000;

/** `atMs`: by the clock of who looks. */
async function verify(folder: string, ca: string, leaf: string, atMs = Date.now()): Promise<string> {
  await writeFile(join(folder, 'ca.pem'), ca);
  await writeFile(join(folder, 'leaf.pem'), leaf);
  const { status, stdout, stderr } = await run('openssl', ['verify', '-x509_strict', '-attime', String(Math.floor(atMs / 1000)), '-CAfile', join(folder, 'ca.pem'), join(folder, 'leaf.pem')]);
  return status === 0 ? 'OK' : `${stdout.toString()}${stderr}`;
}

t.test('a leaf verifies against its authority, by openssl; for names and addresses that are not the hub\'s it does not', async (t) => {
  const folder = t.testdir();
  const authority = makeAuthority({ hubName: 'Café "Home", O=x\n', names: ['localhost', 'hub.local'] });
  const leaf = (names: string[]): string => makeLeaf(authority, { hubName: 'Home', names, nowMs: Date.now() }).certificate;
  t.equal(await verify(folder, authority.certificate, leaf(['localhost', 'hub.local', '192.168.1.2', '10.1.2.3', '127.0.0.1', 'fd00::2', 'fe80::1', '::1'])), 'OK');
  for (const names of [['example.org'], ['localhost', 'hub.example.org'], ['8.8.8.8'], ['192.169.1.1'], ['172.32.0.1'], ['2001:db8::1'], ['local'], ['nothub.local']]) {
    t.match(await verify(folder, authority.certificate, leaf(names)), /permitted subtree violation/, names.join());
  }
  t.match(new X509Certificate(authority.certificate).keyUsage, ['1.3.6.1.5.5.7.3.1'], 'nor for mail or programs, whose names no constraint is about');
  const other = makeAuthority({ hubName: 'Other', names: ['localhost'] });
  t.match(await verify(folder, other.certificate, leaf(['localhost'])), /error/);
});

t.test('a device whose clock is off by a day, either way, believes the certificate from its first minute until it is renewed', async (t) => {
  const folder = t.testdir();
  const clock = new AheadClock();
  const vault = await Vault.open({ folder: join(folder, 'data'), clock, log: silentLog, hubName: 'Test' });
  const certificates = new Certificates({ vault, hubName: 'Test', config: { enabled: true, port: 0, httpPort: 0, names: [], panels: false }, reach: () => ({ names: ['localhost'], addresses: ['127.0.0.1'] }), clock });
  const believed = async (offMs: number): Promise<string> => {
    const { pair, authority } = certificates.shown!;
    return verify(folder, `-----BEGIN CERTIFICATE-----\n${authority!.toString('base64')}\n-----END CERTIFICATE-----\n`, pair.certificate, clock.wallMs() + offMs);
  };
  await certificates.renew();
  const first = certificates.shown!.pair.certificate;
  for (const offMs of [-dayMs, 0, dayMs]) t.equal(await believed(offMs), 'OK', `new, ${offMs} ms off`);
  t.match(await believed(-3 * dayMs), /not yet valid/, 'the test itself sees a clock that is off by more');
  clock.aheadMs = 119 * dayMs;
  t.equal(await certificates.renew(), false, 'its last day but one');
  t.equal(await believed(dayMs), 'OK');
  clock.aheadMs = 121 * dayMs;
  t.equal(await certificates.renew(), true);
  t.not(certificates.shown!.pair.certificate, first);
  for (const offMs of [-dayMs, dayMs]) t.equal(await believed(offMs), 'OK', `renewed, ${offMs} ms off`);
  await vault.close();
});

t.test('private addresses are those that the authority may sign for', async (t) => {
  for (const address of ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', '127.9.9.9', '169.254.1.1', '100.64.0.1', '100.127.0.1', '::1', 'fd00::1', 'fc00::1', 'fe80::1', 'FE80::1%eth0']) t.ok(isPrivate(address), address);
  for (const address of ['11.0.0.1', '172.15.0.1', '172.32.0.1', '192.169.0.1', '8.8.8.8', '100.63.0.1', '100.128.0.1', '2001:db8::1', 'fec0::1', 'localhost', '10.0.0.1.evil.example']) t.notOk(isPrivate(address), address);
});

t.test('hosts are read as browsers do', async (t) => {
  for (const [header, host] of [['Hub:7443', 'hub'], ['[FD00::2]:1', 'fd00::2'], ['[fd00:0:0:0:0:0:0:2]', 'fd00::2'], ['127.1', '127.0.0.1'], ['0x7f000001', '127.0.0.1'], ['a.', 'a']] as const) t.equal(hostOf(header), host, header);
  for (const header of ['', 'a b', 'a/b', 'a@b', 'a\\b', '[', 'a:b', 'a:99999', '%41', 'a?b', 'a#b']) t.equal(hostOf(header), undefined, header);
  t.ok(reachOf([]).addresses.includes('127.0.0.1') && reachOf([]).names.includes('localhost'));
});

t.test('the leaf is renewed in time, for a new address, and for a clock that was wrong; the authority stays until a name needs another one', async (t) => {
  const clock = new AheadClock();
  const vault = await Vault.open({ folder: join(t.testdir(), 'data'), clock, log: silentLog, hubName: 'Test' });
  let reach: Reach = { names: ['localhost', 'hub'], addresses: ['127.0.0.1', '192.168.1.5'] };
  const make = (names: string[] = []): Certificates => new Certificates({ vault, hubName: 'Test', config: { enabled: true, port: 0, httpPort: 0, names, panels: false }, reach: () => ({ ...reach, names: [...reach.names, ...names] }), clock });
  const certificates = make();
  t.equal(await certificates.renew(), true);
  const first = certificates.shown!;
  t.match(new X509Certificate(first.pair.certificate).subjectAltName, /IP Address:192\.168\.1\.5/);
  t.equal(await certificates.renew(), false);
  const again = make();
  await again.renew();
  t.equal(again.shown?.pair.certificate, first.pair.certificate, 'a restart shows the same one');
  reach = { names: ['localhost', 'hub'], addresses: ['127.0.0.1'] };
  t.equal(await certificates.renew(), false, 'an address that is gone asks for nothing');
  reach = { names: ['localhost', 'renamed'], addresses: ['127.0.0.1', '192.168.1.77'] };
  t.equal(await certificates.renew(), true);
  t.match(new X509Certificate(certificates.shown!.pair.certificate).subjectAltName, /192\.168\.1\.77/);
  t.notMatch(new X509Certificate(certificates.shown!.pair.certificate).subjectAltName, /renamed/, 'its authority may not sign for a name that came later');
  clock.aheadMs += 125 * dayMs;
  t.equal(await certificates.renew(), true, 'two months before its end');
  clock.aheadMs -= 400 * dayMs;
  t.equal(await certificates.renew(), true, 'made when the clock was ahead');
  t.equal(certificates.shown?.fingerprint, first.fingerprint, 'all by the same authority');
  const named = make(['hub.example.org']);
  await named.renew();
  t.not(named.shown?.fingerprint, first.fingerprint, 'a name in the configuration makes another one');
  await vault.close();
});

function shownBy(site: Door, ca?: string | Buffer): Promise<{ peer: PeerCertificate; authorized: boolean }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(site.base).port), ...(ca === undefined ? {} : { ca }), rejectUnauthorized: false, servername: 'localhost' }, () => {
      resolve({ peer: socket.getPeerCertificate(), authorized: socket.authorized });
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

t.test('whoever installs the authority is warned no more; hello and the terminal show the same words', async (t) => {
  const site = await openDoor(t, {});
  const authority = (await site.browser().get('authority')).bytes;
  const pem = new X509Certificate(authority).toString();
  t.equal((await shownBy(site, pem)).authorized, true);
  t.equal((await shownBy(site)).authorized, false);
  const { certificate } = (await site.browser().get('hello')).body as { certificate: { words: string[]; fingerprint: string; own: boolean } };
  t.same(certificate, { words: site.page.state.words, fingerprint: new X509Certificate(authority).fingerprint256.replaceAll(':', '').toLowerCase(), own: true });
  t.equal(certificate.words.length, 6);
});

t.test('an own certificate is shown; one that does not fit is told of, and the hub\'s own serves', async (t) => {
  const folder = t.testdir();
  const pair = makeLeaf(makeAuthority({ hubName: 'Mine', names: ['hub.example.org'] }), { hubName: 'Mine', names: ['hub.example.org'], nowMs: Date.now() });
  const [certificate, certificateKey, otherKey] = [join(folder, 'hub.pem'), join(folder, 'hub.key'), join(folder, 'other.key')];
  await writeFile(certificate, pair.certificate);
  await writeFile(certificateKey, pair.key, { mode: 0o600 });
  await writeFile(otherKey, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const own = await openDoor(t, {}, { certificate, certificateKey });
  t.match((await shownBy(own)).peer.subject, { CN: 'Sallyport Mine page' });
  t.match((await own.browser().get('hello')).body, { certificate: { own: false } });
  t.equal((await own.browser().get('authority')).code, 'SP_PAGE_OFF');
  t.equal(own.page.state.problem, undefined);
  for (const bad of [{ certificate, certificateKey: otherKey }, { certificate }, { certificate: join(folder, 'nowhere.pem'), certificateKey }, { certificate: certificateKey, certificateKey }]) {
    const site = await openDoor(t, {}, bad);
    t.match(site.page.state.problem, { code: /^SP_(PAGE_CERTIFICATE|READ)$/ });
    t.match((await shownBy(site)).peer.subject, { CN: 'Sallyport Test page' });
  }
});

t.test('a key that everybody on the machine can read is not used and told of; one that a group can read is used and told of', async (t) => {
  const folder = t.testdir();
  const pair = makeLeaf(makeAuthority({ hubName: 'Mine', names: ['hub.example.org'] }), { hubName: 'Mine', names: ['hub.example.org'], nowMs: Date.now() });
  const [certificate, certificateKey] = [join(folder, 'hub.pem'), join(folder, 'hub.key')];
  await writeFile(certificate, pair.certificate);
  await writeFile(certificateKey, pair.key);
  await writeFile(join(folder, 'sallyport.toml'), `name = "Test"\ndata = "data"\n[page]\ncertificate = "hub.pem"\ncertificate_key = "hub.key"\n`);
  const checked = async (): Promise<string> => (await run('scripts/sallyport', ['check', join(folder, 'sallyport.toml')], { timeoutMs: 60_000 })).stdout.toString();
  for (const [mode, used, told] of [[0o600, true, /^$/], [0o400, true, /^$/], [0o640, true, /can be read by its group/], [0o644, false, /everybody/], [0o604, false, /everybody/], [0o660, false, /everybody/], [0o602, false, /everybody/]] as const) {
    await chmod(certificateKey, mode);
    const { page } = await openDoor(t, {}, { certificate, certificateKey });
    t.match(`${page.state.problem?.message ?? ''}${page.warnings.join()}`, told, `0${mode.toString(8)}`);
    t.equal(page.state.problem?.code, used ? undefined : 'SP_PAGE_CERTIFICATE');
    if (mode === 0o600) t.notMatch(await checked(), /hub\.key/);
    if (mode === 0o640 || mode === 0o644) t.match(await checked(), new RegExp(`! .*hub\\.key.*${mode === 0o640 ? 'group' : 'everybody'}`));
  }
});

t.test('TLS 1.3 is spoken and nothing older, also after the certificate was renewed', async (t) => {
  const site = await openDoor(t, {});
  const speaks = (version: SecureVersion): Promise<string> => new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(site.base).port), rejectUnauthorized: false, minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' }, () => {
      resolve(socket.getProtocol() ?? '');
      socket.destroy();
    });
    socket.on('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? ''));
  });
  const { fingerprint256 } = (await shownBy(site)).peer;
  for (const renewed of [false, true]) {
    if (renewed) {
      site.clock.aheadMs += 125 * dayMs;
      await site.page.retry();
      t.not((await shownBy(site)).peer.fingerprint256, fingerprint256, 'another certificate');
    }
    t.equal(await speaks('TLSv1.3'), 'TLSv1.3');
    for (const old of ['TLSv1.2', 'TLSv1.1', 'TLSv1'] as const) t.match(await speaks(old), /ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/, `${old}${renewed ? ', renewed' : ''}`);
  }
});

t.test('a port that is taken is told of and tried again; what else the page has is open', async (t) => {
  const blocker = createServer();
  const port = await new Promise<number>((resolve) => blocker.listen(0, '::', () => resolve((blocker.address() as { port: number }).port)));
  t.teardown(() => blocker.close());
  const site = await openDoor(t, {}, { port });
  t.match(site.page.state, { problem: { code: 'SP_PORT_TAKEN' }, urls: [/^http:\/\/127/] });
  t.match(site.notices.open, [{ kind: 'page unreachable' }]);
  await new Promise((resolve) => blocker.close(resolve));
  await site.page.retry();
  t.equal(site.page.state.problem, undefined);
  t.ok(site.page.state.urls.some((url) => url.endsWith(`:${port}`)));
  t.same(site.notices.open, []);
});
