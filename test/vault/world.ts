/** A vault in a temp folder with a clock that the test moves, and an owner that can open what it holds. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import Database from 'better-sqlite3';
import type { Clock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { makeBox } from '../../src/base/mp4.ts';
import { Identity } from '../../src/seal/identity.ts';
import { openConnection, unlock, type Connection } from '../../src/vault/connection.ts';
import { loadWorkingKey } from '../../src/vault/workingkey.ts';
import { Vault, type Period, type SegmentRow, type SegmentWriter, type VaultOptions } from '../../src/vault/vault.ts';

export const hourMs = 3_600_000;
export const start = Date.UTC(2026, 10, 24, 3);

export class TestClock implements Clock {
  #nowMs: number;
  constructor(nowMs = start) { this.#nowMs = nowMs; }
  wallMs(): number { return this.#nowMs; }
  monotonicMs(): number { return this.#nowMs - start + 1_000_000; }
  async sleep(): Promise<void> { await new Promise((resolve) => setImmediate(resolve)); }
  set(nowMs: number): void { this.#nowMs = nowMs; }
}

export interface World {
  /** For the vaults that are opened from then on. */
  farSlots?: VaultOptions['farSlots']; readonly clock: TestClock; readonly owner: Identity; readonly folder: string }

export function makeWorld(folder: string): World {
  return { clock: new TestClock(), owner: Identity.generate(), folder: join(folder, 'data') };
}

export function openVault(world: World, hooks?: VaultOptions['hooks']): Promise<Vault> {
  return Vault.open({ folder: world.folder, clock: world.clock, log: silentLog, hubName: 'test hub', ...(hooks === undefined ? {} : { hooks }), ...(world.farSlots === undefined ? {} : { farSlots: world.farSlots }) });
}

export function prepare(vault: Vault, world: World, p: { camera?: string; startMs?: number; keepMs?: number; lengthMs?: number } = {}): Promise<Period> {
  const startMs = p.startMs ?? start;
  const endMs = startMs + (p.lengthMs ?? hourMs);
  return vault.preparePeriod({ camera: p.camera ?? 'front', class: 'footage', startMs, endMs, deadlineMs: endMs + (p.keepMs ?? hourMs), recipients: [world.owner.recipient] });
}

export const ftyp = Buffer.from(makeBox('ftyp', Buffer.from('isom0000')));
export const moov = Buffer.from(makeBox('moov', Buffer.alloc(300, 7)));

export function begin(vault: Vault, period: Period, o: { wallMs?: number; stream?: 'main' | 'sub' } = {}): Promise<SegmentWriter> {
  const wallMs = o.wallMs ?? period.startMs;
  return vault.beginSegment({ period, stream: o.stream ?? 'main', ftyp, moov, wallMs, monoMs: 5_000.25, boot: 'boot-1', clockState: 'synchronised' });
}

/** A closed segment of `bytes` of fake fragments. */
export async function record(vault: Vault, period: Period, o: { wallMs?: number; stream?: 'main' | 'sub'; bytes?: number } = {}): Promise<SegmentRow> {
  const writer = await begin(vault, period, o);
  writer.append(makeBox('moof', Buffer.alloc(100, 1)), 0);
  writer.append(makeBox('mdat', Buffer.alloc(o.bytes ?? 2_000, 2)));
  writer.takeFileKey().close();
  return writer.close({ durationMs: 60_000.4, reason: 'continuous' });
}

export async function readJson(file: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
}

/** The working database of a closed vault, for a test that tampers; or one beside it, of a vault that is open, for one that locks it. */
export async function openRaw(world: World, name: 'working.db' | 'pictures.db' = 'working.db'): Promise<Connection> {
  const key = await loadWorkingKey({ folder: world.folder, mayCreate: false });
  if (name === 'working.db') return openConnection(join(world.folder, name), key.databaseKey(), { readonly: false });
  const db = new Database(join(world.folder, name));
  unlock(db, key.databaseKey());
  key.close();
  return db;
}

/** Every file below a folder, relative and sorted. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name))).sort();
}

export const always = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 1_000 };
