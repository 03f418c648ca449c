/** A vault with footage, the hub's side of uploads, and a far end in a folder, between which the courier's own parts run in this process. */
import { mkdirSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { makeBox } from '../../src/base/mp4.ts';
import { dayMs } from '../../src/base/units.ts';
import { egressOf, type DestinationStanding, type EgressParts, type EgressReport } from '../../src/duties/egress.ts';
import { Ledger, type LedgerOptions } from '../../src/duties/ledger.ts';
import { UploadDuty } from '../../src/duties/upload.ts';
import { Credentials } from '../../src/egress/credentials.ts';
import { Dispatch } from '../../src/egress/dispatch.ts';
import { Journal } from '../../src/egress/journal.ts';
import { openDestination } from '../../src/egress/open.ts';
import type { Destined } from '../../src/egress/sender.ts';
import { BackWriter } from '../../src/outbox/back.ts';
import { CommandWriter } from '../../src/outbox/commands.ts';
import type { CourierStatus } from '../../src/outbox/courierstatus.ts';
import { OutReader } from '../../src/outbox/out.ts';
import { destinationsFile, type DestinationConfig, type StoreRules } from '../../src/policy/declared.ts';
import { readDestinations } from '../../src/policy/destinations.ts';
import type { FileKey } from '../../src/seal/filekey.ts';
import type { Period, SegmentRow, Vault, VaultOptions } from '../../src/vault/vault.ts';
import { begin, makeWorld, openVault, type World } from '../vault/world.ts';

export const rules: StoreRules = { send: 'all', pictures: true, slots: 'home', slotsSamePlace: false };

export interface UploadWorld extends AsyncDisposable {
  readonly world: World;
  readonly folder: string;
  /** Where objects lie. */
  readonly disk: string;
  vault: Vault;
  ledger: Ledger;
  upload: UploadDuty;
  destinations: readonly DestinationConfig[];
  /** Where the courier finds its credentials; nowhere when absent. */
  credentials?: string;
  /** What the courier says that it has no credential for, by destination. */
  off: Readonly<Record<string, readonly ('put' | 'get' | 'delete')[]>>;
}

export function diskAt(path: string, store: Partial<StoreRules> = {}): DestinationConfig {
  return { name: 'disk', purpose: 'a copy in another house', kind: 'folder', to: { path, mount: false }, store: { ...rules, ...store } };
}

export async function makeUploads(folder: string, more: Partial<StoreRules> = {}, options: Partial<LedgerOptions> = {}, hooks?: VaultOptions['hooks']): Promise<UploadWorld> {
  const world = makeWorld(folder);
  const disk = join(folder, 'disk');
  mkdirSync(disk, { recursive: true });
  const made = { world, folder, disk, destinations: [diskAt(disk, more)], off: {}, [Symbol.asyncDispose]: () => close(made) } as unknown as UploadWorld;
  await reopen(made, options, hooks);
  return made;
}

/** As after a restart of the hub. */
export async function reopen(made: UploadWorld, options: Partial<LedgerOptions> = {}, hooks?: VaultOptions['hooks']): Promise<void> {
  const { world, folder } = made;
  made.vault = await openVault(world, hooks);
  made.ledger = new Ledger({ vault: made.vault, folder: join(folder, 'outbox'), clock: world.clock, log: silentLog, purposeOf: (name) => made.destinations.find((one) => one.name === name)?.purpose ?? '', auditMs: () => 730 * dayMs, ...options });
  await made.ledger.open();
  made.upload = new UploadDuty({ vault: made.vault, ledger: made.ledger, courier: { word: async () => wordOf(made) }, destinations: () => made.destinations, clock: world.clock, log: silentLog });
}

function wordOf({ off }: UploadWorld): CourierStatus {
  return { v: 1, at_ms: 0, started_ms: 0, confined: 'off', config_sha256: '0'.repeat(64), odd: 0, destinations: Object.entries(off).map(([name, without]) => ({ name, waiting: 0, active: 0, off: [...without], notices: false })) };
}

export async function close(made: UploadWorld): Promise<void> {
  await made.upload.close();
  await made.ledger.close();
  await made.vault.close();
}

export type InProcess = AsyncDisposable;

/** The courier's parts, told of these destinations. `credentials`: the folder of their secrets. */
export async function runCourier(made: UploadWorld, destinations = made.destinations, o: { readonly credentials?: string; readonly clock?: Clock } = {}): Promise<InProcess> {
  const clock = o.clock ?? systemClock;
  const outbox = join(made.folder, 'outbox');
  const [out, back] = [new OutReader(join(outbox, 'out')), await BackWriter.open(join(outbox, 'back'))];
  const journal = await Journal.open(join(made.folder, 'journal'));
  const parts = { out, back, journal, clock, log: silentLog, random: () => 0, localMinute: () => 0 };
  const commands = await CommandWriter.open(join(outbox, 'back'), systemClock);
  const opened = new Map<string, Destined>();
  for (const destination of readDestinations(destinationsFile(destinations))) opened.set(destination.name, await openDestination(destination, new Credentials(o.credentials ?? made.credentials, o.credentials !== undefined), parts, commands));
  const dispatch = new Dispatch({ out, back, journal, destinations: opened, clock: systemClock, log: silentLog });
  for (const one of opened.values()) one.start();
  dispatch.start();
  return { [Symbol.asyncDispose]: async () => { await dispatch.close(); await Promise.all([...opened.values()].map((one) => one.close())); } };
}

/** Looks until nothing is under way and nothing more is asked. */
export async function settle(made: UploadWorld): Promise<void> {
  for (let quiet = 0; quiet < 2;) {
    await made.upload.look();
    // A probe is asked for beside, so its order may not lie there yet; and what its answer says is remembered beside, too.
    while (made.ledger.orders.size > 0 || made.upload.probes) {
      await made.ledger.look();
      await new Promise((resolve) => { setImmediate(resolve); });
      quiet = 0;
    }
    quiet++;
  }
}

/** While the hub takes what the courier answers. */
export async function answered<T>(made: UploadWorld, deed: Promise<T>): Promise<T> {
  const state = { over: false };
  deed.finally(() => { state.over = true; }).catch(() => {});
  while (!state.over) {
    await made.ledger.look();
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  return deed;
}

/** How destinations stand, as it is shown. */
export async function standingsOf(made: UploadWorld): Promise<readonly DestinationStanding[]> {
  return (await reportOf(made)).destinations;
}

/** What leaves the house, as it is shown. */
export async function reportOf(made: UploadWorld): Promise<EgressReport> {
  const { vault, ledger, upload, world: { clock } } = made;
  const courier = { state: { run: 'child', running: false, restarts: 0 }, word: async () => undefined };
  const parts = { vault, ledger, upload, courier, farSlots: { states: [] }, archive: { problem: undefined }, survey: { unknown: [] }, destinations: () => made.destinations, clock };
  return egressOf(parts as unknown as EgressParts, { limit: 1 });
}

/** Of a destination in a folder: names and bytes. */
export async function objectsIn(disk: string): Promise<Map<string, Buffer>> {
  const objects = new Map<string, Buffer>();
  for (const shard of (await readdir(disk)).filter((name) => name !== 'probe.part')) for (const name of await readdir(join(disk, shard))) objects.set(name, await readFile(join(disk, shard, name)));
  return objects;
}

export async function recordWithKey(vault: Vault, period: Period, second: number, bytes = 70_000): Promise<{ row: SegmentRow; key: FileKey }> {
  const writer = await begin(vault, period, { wallMs: period.startMs + second * 1000 });
  writer.append(makeBox('moof', Buffer.alloc(100, 1)), 0);
  writer.append(makeBox('mdat', Buffer.alloc(bytes, second % 256)));
  const key = writer.takeFileKey();
  return { row: await writer.close({ durationMs: 60_000, reason: 'continuous' }), key };
}
