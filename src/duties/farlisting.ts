/** What a destination lists, and the names that it should list of what the book has. */
import { nonceOf, pieceName } from '../outbox/pieces.ts';
import { isReplaced, piecesOf, readReference } from '../policy/pieces.ts';
import type { FarObject, Vault } from '../vault/vault.ts';
import type { Ledger } from './ledger.ts';

export interface Listing {
  /** Names of our form, with their sizes. */
  readonly listed: ReadonlyMap<string, number>;
  /** Names that are none. */
  readonly foreign: number;
}

export type Part = Pick<FarObject, 'object' | 'class' | 'sizeBytes' | 'sha256'>;

const pageRows = 1_000;
/** Names that one look takes. */
const listedMax = 1_000_000;

/** Page by page; a page that does not go on is the last one. SP_FAR_NO, SP_OUTBOX_FULL. */
export async function listAll(ledger: Pick<Ledger, 'list'>, destination: string): Promise<Listing> {
  const listed = new Map<string, number>();
  let foreign = 0;
  for (let after: string | undefined, more = true; more && listed.size < listedMax;) {
    const { answer, body } = await ledger.list(destination, after);
    const rows = (body?.toString('latin1') ?? '').split('\n').flatMap((line) => /^([0-9a-f]{32}) (\d{1,15})$/.exec(line)?.slice(1) ?? []);
    for (let at = 0; at + 1 < rows.length; at += 2) listed.set(rows[at] as string, Number(rows[at + 1]));
    foreign += answer.foreign ?? 0;
    const last = rows.at(-2);
    more = answer.more === true && last !== undefined && (after === undefined || last > after);
    after = last;
  }
  return { listed, foreign };
}

/** All of the book about a destination. */
export async function rowsOf(far: Pick<Vault['far'], 'after'>, destination: string): Promise<FarObject[]> {
  const rows: FarObject[] = [];
  for (let page = await far.after(destination, '', pageRows); page.length > 0; page = page.length < pageRows ? [] : await far.after(destination, page.at(-1)?.object ?? '', pageRows)) rows.push(...page);
  return rows;
}

/** The names under which it lies there, with their sizes. */
export function partsOf({ object, class: klass, sizeBytes, sha256 }: Part): (readonly [name: string, bytes: number])[] {
  const { name, pieceBytes } = readReference(object);
  if (pieceBytes === undefined) return [[object, sizeBytes]];
  const nonce = nonceOf(name, isReplaced(klass) ? sha256 : undefined);
  return Array.from({ length: piecesOf(sizeBytes, pieceBytes) }, (_, piece) => [pieceName(name, nonce, piece), pieceBytes]);
}

/** How much of it is listed; undefined: nothing. */
export function foundOf(row: Part, listed: ReadonlyMap<string, number>): number | undefined {
  const parts = partsOf(row);
  const found = parts.filter(([name]) => listed.has(name));
  if (found.length === 0) return undefined;
  if (parts.every(([name, bytes]) => listed.get(name) === bytes)) return row.sizeBytes;
  return found.reduce((sum, [name]) => sum + (listed.get(name) ?? 0), 0);
}

/** Listed, and in none of these rows. */
export function unknownIn({ listed }: Listing, rows: readonly Part[]): (readonly [object: string, bytes: number])[] {
  const ours = new Set(rows.flatMap((row) => partsOf(row).map(([part]) => part)));
  return [...listed].filter(([object]) => !ours.has(object));
}
