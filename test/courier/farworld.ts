/** What a hub sends away with `slots = "far"`, from a data folder whose hour lists are written: objects under random names, in folders as a store has them. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { farListJson, type FarList } from '../../src/policy/farlist.ts';
import { writeReference } from '../../src/policy/pieces.ts';
import { encodeSlotsObject, type SlotsEntry } from '../../src/seal/format/slotsobject.ts';
import type { Identity } from '../../src/seal/identity.ts';
import { Sealed } from '../../src/seal/sealed.ts';
import { openSlot, slotBlockBytes, slotTextBytes } from '../../src/seal/slot.ts';
import { Archive } from '../../src/vault/archive.ts';
import { holdName } from '../../src/vault/footagepaths.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { inPieces } from '../outbox/inpieces.ts';

export interface Sent {
  /** The object of each segment, by its path. */
  readonly objects: ReadonlyMap<string, string>;
  readonly lists: readonly { readonly list: FarList; readonly object: string }[];
  readonly slotsObject: string;
}

export function objectPath(store: string, object: string): string {
  return join(store, object.slice(0, 2), object);
}

function put(store: string, bytes: Uint8Array, object = randomBytes(16).toString('hex')): string {
  mkdirSync(join(store, object.slice(0, 2)), { recursive: true });
  writeFileSync(objectPath(store, object), bytes);
  return object;
}

function putPieces(store: string, bytes: Uint8Array, pieceBytes: number): string {
  const name = randomBytes(16).toString('hex');
  for (const [piece, content] of inPieces(name, bytes, pieceBytes)) put(store, content, piece);
  return writeReference({ name, pieceBytes });
}

export async function sendAway(o: { data: string; identities: readonly Identity[]; footage: string; slots: string; destination?: string; hub?: string; pieceBytes?: number }): Promise<Sent> {
  const send = (bytes: Uint8Array): string => (o.pieceBytes === undefined ? put(o.footage, bytes) : putPieces(o.footage, bytes, o.pieceBytes));
  const archive = await Archive.open(o.data, o.identities);
  const objects = new Map<string, string>();
  const lists: { list: FarList; object: string }[] = [];
  const entries: SlotsEntry[] = [];
  const ring = readFileSync(join(o.data, 'keyring/keyring.1'));
  for await (const { list, problem } of archive.lists()) {
    if (list === undefined) throw problem ?? new Error('no list');
    const slotText = ring.subarray(list.slot * slotBlockBytes).subarray(0, slotTextBytes);
    const { identity } = openSlot(slotText, o.identities, 'a slot');
    const far: FarList = {
      ...list,
      segments: list.segments.map((segment) => {
        const file = join(o.data, 'footage', segment.path);
        const object = objects.get(segment.path) ?? send(readFileSync(file));
        objects.set(segment.path, object);
        const hold = holdName(file, list.slot);
        return { ...segment, object, ...(existsSync(hold) ? { hold_object: send(readFileSync(hold)) } : {}) };
      }),
    };
    const object = send(Sealed.text(Buffer.from(farListJson(far)), [identity.recipient]).bytes);
    identity.close();
    lists.push({ list: far, object });
    entries.push({ slotText, destination: o.destination ?? 'nas', list: object });
  }
  await archive.close();
  const bytes = encodeSlotsObject({ hub: o.hub ?? 'c0ffee', madeMs: Date.UTC(2026, 10, 24, 9), entries });
  return { objects, lists, slotsObject: put(o.slots, Sealed.recogniseSlots(bytes, 'the slots object').bytes) };
}

/** The slots object as a hub keeps it, of all that it has listed at these destinations. */
export async function putSlots(o: { data: string; vault: Vault; store: string; destinations: readonly string[] }): Promise<string> {
  const ring = readFileSync(join(o.data, 'keyring/keyring.1'));
  const entries: SlotsEntry[] = (await o.vault.far.listed(o.destinations)).map(({ destination, slot, list }) => ({ slotText: ring.subarray(slot * slotBlockBytes).subarray(0, slotTextBytes), destination, list }));
  return put(o.store, Sealed.recogniseSlots(encodeSlotsObject({ hub: 'c0ffee', madeMs: Date.UTC(2026, 10, 24, 9), entries }), 'the slots object').bytes);
}
