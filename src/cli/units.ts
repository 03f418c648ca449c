import { SallyportError } from '../base/errors.ts';
import { ensureFolder, fileExists, folderOf, joinPath, readTextBounded, writeFileAtomic } from '../base/files.ts';
import { run as runProgram } from '../base/spawn.ts';
import { hostsOf, readDestinations, type Destination } from '../policy/destinations.ts';
import { addressesOf, courierRule, hubRule, isAddress, isNetwork, resolversOf, siteNetworks } from '../policy/units.ts';
import { parseOptions, type Command } from './command.ts';
import { print, printError } from './terminal.ts';

const textBytesMax = 2 ** 18;

export const units: Command = {
  name: 'units',
  summary: 'what systemd lets hub and courier reach',
  help: `
Usage: sallyport units [--network CIDR]… [--destinations FILE] [--moving] [--write] [--root FOLDER]

Makes two drop-ins for systemd: the networks of this site, which are all that the hub reaches, and the addresses
of the declared destinations, which are all that the courier reaches. Without --write they are printed.

  --network CIDR       a network of cameras or visitors; may be given again. Without one the hub's rule stays as it is:
                       all private networks. Takes effect at the next start of the hub.
  --destinations FILE  (/var/lib/sallyport-outbox/destinations.json)
  --moving             a destination's addresses change from day to day: the courier may then reach any address outside
                       of this site, at the declared ports. Without it, run this again when it cannot be reached.
  --write              writes below /etc/systemd/system; then: systemctl daemon-reload, and restart what changed
  --root FOLDER        writes below this folder instead, for images and trials`,
  async run(args) {
    const { values } = parseOptions('units', args, {
      network: { type: 'string', multiple: true }, destinations: { type: 'string' }, moving: { type: 'boolean' }, write: { type: 'boolean' }, root: { type: 'string' },
    }, 0);
    const networks = values.network ?? [];
    const odd = networks.find((network) => !isNetwork(network));
    if (odd !== undefined) throw new SallyportError('SP_USAGE', { command: 'units', reason: `"${odd}" is no network; write 192.168.20.0/24, or one address` });
    const folder = `${values.root ?? ''}/etc/systemd/system`;
    if (networks.length > 0) await give(joinPath(folder, 'sallyport.service.d/networks.conf'), hubRule(networks), values.write === true);
    const file = values.destinations ?? '/var/lib/sallyport-outbox/destinations.json';
    if (await fileExists(file)) {
      const rule = await courierRuleOf(file, networks.length > 0 ? networks : siteNetworks, values.moving === true);
      await give(joinPath(folder, 'sallyport-courier.service.d/destinations.conf'), rule, values.write === true);
    } else if (networks.length === 0) {
      print(`${file} is not there: nothing is declared, and the courier reaches nobody`);
    }
    return 0;
  },
};

async function give(path: string, text: string, write: boolean): Promise<void> {
  if (!write) return print(`# ${path}\n${text}`);
  await ensureFolder(folderOf(path), 0o755);
  await writeFileAtomic(path, text, 0o644);
  print(`written: ${path}`);
}

async function courierRuleOf(file: string, networks: readonly string[], moving: boolean): Promise<string> {
  const destinations = await declaredIn(file);
  const addresses: string[] = [];
  for (const host of hostsOf(destinations)) {
    const found = isAddress(host) ? [host] : await resolve(host);
    if (found.length === 0) printError(`${host} has no address now, so it is not reached before this is run again`);
    addresses.push(...found);
  }
  return courierRule({ destinations, addresses, resolvers: resolversOf(await readTextBounded('/etc/resolv.conf', textBytesMax).catch(() => '')), moving, networks });
}

async function declaredIn(file: string): Promise<readonly Destination[]> {
  try {
    return readDestinations(await readTextBounded(file, textBytesMax));
  } catch (error) {
    throw new SallyportError('SP_COURIER_CONFIG', { file, reason: (error as Error).message }, error);
  }
}

/** As the courier will: by the C library. A host is of the closed letters of an address. */
async function resolve(host: string): Promise<string[]> {
  const { stdout } = await runProgram('getent', ['ahosts', '--', host], { timeoutMs: 20_000, stdoutBytesMax: textBytesMax });
  return addressesOf(stdout.toString());
}
