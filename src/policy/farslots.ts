/**
 * Whether the slots object may lie at a destination. It dies with what it replaces only where a new one really takes the place of the old one, so a store
 * that keeps old versions gets none; and keys lie beside the footage that they open only where the owner has said so. Pure.
 */
import type { DestinationConfig } from './declared.ts';

export interface StoreAbilities {
  readonly may: readonly string[];
  /** 'yes', 'no', 'unknown' */
  readonly keepsVersions: string;
  readonly overwrites: string;
}

/** One destination whose slots are to be far, or were. */
export interface SlotsPlace {
  /** The destination that gets the object. */
  readonly name: string;
  /** Those whose footage it opens. */
  readonly of: readonly string[];
}

/** Where slots go by the rules in force. */
export function slotsPlaces(destinations: readonly DestinationConfig[]): SlotsPlace[] {
  const places = new Map<string, string[]>();
  for (const { name, store } of destinations) {
    if (store?.slots === 'far' && store.slotsAt !== undefined) places.set(store.slotsAt, [...(places.get(store.slotsAt) ?? []), name]);
  }
  return [...places].map(([name, of]) => ({ name, of }));
}

/** Why nothing is put there, in words for a receipt; undefined when it may be. `wait`: it may become so by itself. */
export function slotsRefusal(place: SlotsPlace, destinations: readonly DestinationConfig[], abilities: StoreAbilities | undefined): { readonly reason: string; readonly wait: boolean } | undefined {
  const target = destinations.find(({ name }) => name === place.name);
  if (target?.store === undefined) return { reason: `${place.name} is no store that is declared`, wait: false };
  const beside = destinations.find((one) => place.of.includes(one.name) && one.store?.slotsSamePlace !== true && isSamePlace(one, target));
  if (beside !== undefined) return { reason: `${place.name} is in the same place as the footage of ${beside.name}, and slots_same_place does not stand there`, wait: false };
  if (abilities === undefined) return { reason: `${place.name} was not asked yet what it does`, wait: true };
  if (!abilities.may.includes('put')) return { reason: `the courier may not put anything at ${place.name}`, wait: true };
  if (abilities.keepsVersions === 'yes') return { reason: liveOn(place.name), wait: true };
  if (abilities.overwrites === 'no') return { reason: `${place.name} does not replace what it has, so shredded slots would live on`, wait: true };
  return undefined;
}

/** Of a store that keeps versions: why what was replaced there is not gone. */
export function liveOn(name: string): string {
  return `${name} keeps older versions, in which shredded slots would live on`;
}

/** Whoever sees the one sees the other. */
export function isSamePlace(one: DestinationConfig, other: DestinationConfig): boolean {
  if (one.name === other.name) return true;
  if (one.kind !== other.kind) return false;
  if (one.kind === 'folder') return isWithin(String(one.to['path']), String(other.to['path'])) || isWithin(String(other.to['path']), String(one.to['path']));
  const [a, b] = [URL.parse(String(one.to['url'])), URL.parse(String(other.to['url']))];
  if (a === null || b === null || a.host !== b.host) return false;
  return one.kind === 's3' ? one.to['bucket'] === other.to['bucket'] : isWithin(a.pathname, b.pathname) || isWithin(b.pathname, a.pathname);
}

function isWithin(inner: string, outer: string): boolean {
  const slashed = (path: string): string => `${path.replace(/\/+$/, '')}/`;
  return slashed(inner).startsWith(slashed(outer));
}
