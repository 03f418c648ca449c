/**
 * One search by one contender, as a process of its own: `discoverer.ts CONTENDER SECONDS [--loopback]`. Prints whom it found and after
 * how long, as JSON. Each is asked for what it gives by itself: addresses of cameras.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Bonjour } from 'bonjour-service';
import onvif from 'onvif';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { discover } from '../../src/cameras/discovery.ts';

const { Discovery } = onvif;
const [contender = '', seconds = '3', where] = process.argv.slice(2);
const durationMs = Number(seconds) * 1000;
const loopback = where === '--loopback';
const found = new Map<string, number>();
const beganMs = performance.now();

function see(address: string | undefined): void {
  if (address !== undefined && !found.has(address)) found.set(address, performance.now() - beganMs);
}

const contenders: Readonly<Record<string, () => Promise<void>>> = {
  async sallyport() {
    await discover({ clock: systemClock, log: silentLog, loopback, ...(loopback ? { interfaces: ['lo'] } : {}), durationMs, onFound: ({ address }) => see(address) });
  },
  async onvif() {
    Discovery.on('device', (_camera: unknown, from: { address: string }) => see(from.address));
    // Without it one unreadable answer ends the process.
    Discovery.on('error', () => {});
    await new Promise<void>((resolve) => Discovery.probe({ timeout: durationMs, resolve: false, ...(loopback ? { device: 'lo' } : {}) }, () => resolve()));
  },
  bonjour: () => browse({}),
  /** As it has to be told to find anything on an interface that is not the default one. */
  'bonjour-told': () => browse({ interface: loopback ? '127.0.0.1' : '10.77.0.1', bind: '0.0.0.0' }),
};

async function browse(options: Record<string, string>): Promise<void> {
  const bonjour = new Bonjour(options, () => {});
  bonjour.find({ type: 'onvif' }).on('up', (service) => see(loopback ? service.addresses?.find((address) => address.startsWith('127.')) : service.referer?.address));
  await delay(durationMs);
  await new Promise<void>((resolve) => bonjour.destroy(resolve));
}

await contenders[contender]?.();
console.log(JSON.stringify([...found]));
process.exit(0);
