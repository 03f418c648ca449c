/** In a network namespace: says on standard output, as JSON, by which ways a page is reached, as `sallyport status` prints it, and how a visit of each address went. Argument: a folder. */
import { readFileSync } from 'node:fs';
import { createServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { X509Certificate } from 'node:crypto';
import { Certificates, namesAddress } from '../../src/api/tls.ts';
import { ownAddresses, reachOf } from '../../src/api/reach.ts';
import { systemClock } from '../../src/base/clock.ts';
import { pageLines } from '../../src/cli/status.ts';
import { vpnWarnings, waysOf } from '../../src/policy/reachable.ts';
import type { PageConfig } from '../../src/policy/settings.ts';
import { makeWorld, openVault } from '../vault/world.ts';

const [folder = '', certificate, certificateKey] = process.argv.slice(2);
const vault = await openVault(makeWorld(folder));
const config = { enabled: true, port: 7443, httpPort: 7480, names: [], panels: false, ...(certificate === undefined ? {} : { certificate, certificateKey }) } as unknown as PageConfig;
const certificates = new Certificates({ vault, config, hubName: 'Test', reach: () => reachOf([]), clock: systemClock });
await certificates.renew();
const { pair, authority } = certificates.shown ?? {};
if (pair === undefined) throw new Error('no certificate');
const ways = waysOf(await ownAddresses(), (address) => namesAddress(pair.certificate, address));
const server = createServer({ cert: pair.certificate, key: pair.key }, (_request, response) => response.end('the page'));
await new Promise<void>((resolve) => { server.listen(0, '::', resolve); });
const ca = authority === undefined ? readFileSync(certificate ?? '', 'utf8') : new X509Certificate(authority).toString();
const visits: Record<string, string> = {};
for (const { address } of ways) {
  visits[address] = await new Promise<string>((resolve) => {
    const request = get({ host: address, port: (server.address() as AddressInfo).port, ca, agent: false }, (response) => { response.resume(); response.on('end', () => resolve('taken')); });
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
await new Promise((resolve) => { server.close(resolve); });
await vault.close();
process.stdout.write(JSON.stringify({ ways, visits, lines: pageLines({ enabled: true, urls: [], ways }), warnings: vpnWarnings(ways) }));
