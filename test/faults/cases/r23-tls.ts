import { randomBytes, X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { connect, type SecureVersion, type TLSSocket } from 'node:tls';
import { makeAuthority, makeLeaf } from '../../../src/api/tls.ts';
import { Browser } from '../../api/pagekit.ts';
import { quickConfig, type TestSite } from '../../e2e/site.ts';
import type { FaultCase } from '../fault.ts';
import { waitFor } from '../kit/faultsite.ts';
import { untilAllSeal } from '../kit/hub.ts';
import { doorsOf, gapCount, missedSince, pair, withPage } from '../kit/page.ts';

const dayMs = 86_400_000;
/** The hub looks at its certificate each minute. */
const seenWithinMs = 75_000;

const tls: FaultCase = {
  id: 'R23',
  fault: 'TLS: old versions, handshakes of random bytes, a certificate of the household\'s own that has run out or is not its key\'s, replaced while the hub runs; a name that is not the hub\'s, an authority that is not its; HTTP asked from elsewhere',
  expected: 'TLS 1.3 alone; a bad certificate is told of and the hub\'s own authority serves meanwhile, the new one is shown without a restart; a client that knows the authority refuses another hub and another name; plain HTTP listens on 127.0.0.1 alone; recording loses nothing',
  limitMs: { quick: 150_000, all: 240_000 },
  run: (o) => {
    const certificate = join(o.folder, 'own.pem');
    const key = join(o.folder, 'own.key');
    const config = quickConfig().replace('[page]\n', `[page]\ncertificate = "${certificate}"\ncertificate_key = "${key}"\nnames = ["hub.example.org"]\n`);
    const authority = makeAuthority({ hubName: 'Household', names: ['hub.example.org', 'localhost'] });
    const put = async (nowMs: number, mixed = false): Promise<string> => {
      const leaf = makeLeaf(authority, { hubName: 'Household', names: ['hub.example.org', 'localhost', '127.0.0.1'], nowMs });
      await writeFile(key, mixed ? makeLeaf(authority, { hubName: 'x', names: ['localhost'], nowMs }).key : leaf.key, { mode: 0o600 });
      await writeFile(certificate, leaf.certificate);
      return new X509Certificate(leaf.certificate).fingerprint256;
    };
    return put(Date.now() - 400 * dayMs).then(() => withPage(o, { cameras: 1, config }, async (site, page) => {
      const problems: string[] = [];
      const figures: Record<string, string | number> = {};
      const gaps = await gapCount(site);
      let injected = 0;
      const expect = (what: string, is: unknown, wanted: unknown): void => {
        injected++;
        if (is !== wanted) problems.push(`${what}: ${String(is)}, not ${String(wanted)}`);
      };
      const ca = new X509Certificate((await page.browser().get('authority')).bytes).toString();

      // What has run out is told of, and the hub's own serves.
      const state = (await pair(site)).page;
      expect('a certificate that has run out', state.problem?.code, 'SP_PAGE_CERTIFICATE');
      expect('the hub\'s own authority meanwhile', await verdict(page.securePort, { ca, servername: 'localhost' }), 'OK');
      expect('another name than the hub\'s', await verdict(page.securePort, { ca, servername: 'evil.example' }), 'ERR_TLS_CERT_ALTNAME_INVALID');
      const foreign = makeAuthority({ hubName: 'Foreign', names: ['localhost'] }).certificate;
      const refusedBy = await verdict(page.securePort, { ca: foreign, servername: 'localhost' });
      expect('an authority of another hub', /SELF_SIGNED|UNABLE_TO|LOCALLY/.test(refusedBy) ? 'refused' : refusedBy, 'refused');
      for (const [version, wanted] of [['TLSv1', false], ['TLSv1.1', false], ['TLSv1.2', false], ['TLSv1.3', true]] as const) {
        expect(version, (await verdict(page.securePort, { ca, servername: 'localhost', minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' })) === 'OK', wanted);
      }
      for (const host of ['evil.example', '8.8.8.8', 'localhost.evil.example']) {
        const { status } = await new Browser(page.base).ask('GET', 'hello', { headers: { host } });
        expect(`the host ${host}`, status >= 400 && status < 500, true);
      }

      // Handshakes that are none.
      const odd = o.quick ? 200 : 2000;
      for (let n = 0; n < odd && !o.signal.aborted; n += 20) {
        await Promise.all(Array.from({ length: 20 }, (_, i) => garbage(page.securePort, i % 4)));
      }
      injected += odd;
      expect('after handshakes of random bytes', (await page.browser().get('hello')).status, 200);

      // The household puts another one there: first one that is not its key's, then a good one.
      await put(Date.now(), true);
      const wanted = await put(Date.now());
      const began = performance.now();
      await waitFor(o, 'the new certificate is shown', seenWithinMs, async () => await shownBy(page.securePort) === wanted);
      figures['a new certificate is shown after, s'] = Math.round((performance.now() - began) / 1000);
      expect('the household\'s own', await verdict(page.securePort, { ca: authority.certificate, servername: 'hub.example.org' }), 'OK');
      expect('nothing is wrong any more', (await pair(site)).page.problem?.code, undefined);
      expect('a session that was begun before', (await page.owner.browser.get('me')).status, 200);

      // It has run out while the hub stood still.
      await site.stop('SIGTERM');
      await put(Date.now() - 400 * dayMs);
      await site.startHub();
      const doors = await waitForDoors(o, site);
      expect('run out while the hub stood still', (await pair(site)).page.problem?.code, 'SP_PAGE_CERTIFICATE');
      expect('the same authority as before', await verdict(Number(new URL(doors.base).port), { ca, servername: 'localhost' }), 'OK');
      problems.push(...await elsewhere(Number(new URL(doors.plain).port)));
      injected++;
      await untilAllSeal(o, site);
      problems.push(...(await missedSince(site, gaps)).filter((what) => !what.includes('hub not running') && !what.includes('hub stopped')));
      return { injected, lost: '0 segments', recoveryMs: [], problems, figures };
    }));
  },
};

async function waitForDoors(o: Parameters<typeof waitFor>[0], site: TestSite): Promise<{ base: string; plain: string }> {
  await waitFor(o, 'the page is open again', 20_000, async () => (await doorsOf(site)).base !== '');
  return doorsOf(site);
}

interface Asked { readonly ca: string; readonly servername: string; readonly minVersion?: SecureVersion; readonly maxVersion?: SecureVersion; readonly ciphers?: string }

/** What a careful client says of the hub's certificate. */
function verdict(port: number, asked: Asked): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, ...asked }, () => {
      resolve('OK');
      socket.destroy();
    });
    socket.setTimeout(10_000, () => socket.destroy());
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on('close', () => resolve('closed'));
  });
}

function shownBy(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, servername: 'hub.example.org' }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** Random bytes; a record header with random bytes; a record that promises more; plain HTTP. */
function garbage(port: number, kind: number): Promise<void> {
  const bytes = [randomBytes(1000), Buffer.concat([Buffer.from('1603010200', 'hex'), randomBytes(512)]), Buffer.from('16030140000100', 'hex'), Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')][kind] as Buffer;
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port }, () => socket.write(bytes));
    socket.setTimeout(300, () => socket.destroy());
    socket.on('data', () => {});
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });
}

/** Whether plain HTTP can be reached by another address than 127.0.0.1, by the kernel's own table and by trying. */
async function elsewhere(port: number): Promise<string[]> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const listening = (await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'latin1').catch(() => '')))).join('\n').split('\n')
    .map((line) => line.trim().split(/\s+/)).filter((fields) => fields[3] === '0A' && fields[1]?.endsWith(`:${hex}`)).map((fields) => fields[1] as string);
  const others = ['127.0.0.2', ...Object.values(networkInterfaces()).flatMap((all) => (all ?? []).filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address))];
  const reached = (await Promise.all(others.map((host) => new Promise<string[]>((resolve) => {
    const socket = createConnection({ host, port }, () => {
      resolve([`plain HTTP answers at ${host}`]);
      socket.destroy();
    });
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('error', () => resolve([]));
    socket.on('close', () => resolve([]));
  })))).flat();
  return [...(listening.join() === `0100007F:${hex}` ? [] : [`plain HTTP listens on ${listening.join()}`]), ...reached];
}

export default tls;
