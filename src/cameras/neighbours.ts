/**
 * What the kernel knows of the devices beside us: which hardware address answers for an IPv4 address on the same network. No device
 * says this of itself: it is where the kernel would send a packet now. Devices behind a router, and loopback, are not in it.
 */
import { readTextBounded } from '../base/files.ts';
import { hardwareAddress } from './addresses.ts';

const tableFile = '/proc/net/arp';
/** The kernel keeps 1,024 neighbours at most unless told otherwise; a line has 80 bytes. */
const tableBytesMax = 2 ** 20;

/** Undefined where the kernel knows none, or there is no such table. Fresh only for who was just spoken with. */
export async function neighbourOf(address: string): Promise<string | undefined> {
  return readNeighbours(await readTextBounded(tableFile, tableBytesMax).catch(() => '')).get(address);
}

/** IP address, HW type, flags, HW address, mask, device: only complete entries of Ethernet. */
export function readNeighbours(table: string): Map<string, string> {
  const neighbours = new Map<string, string>();
  for (const line of table.split('\n').slice(1)) {
    const [address = '', type, flags, hardware] = line.trim().split(/\s+/);
    const known = hardwareAddress(hardware);
    if (type === '0x1' && known !== undefined && (Number(flags) & 2) === 2) neighbours.set(address, known);
  }
  return neighbours;
}
