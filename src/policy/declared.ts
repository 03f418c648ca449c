/**
 * Destinations as the household declares them (`[[destination]]`): what each gets, in plain words; what of a change lets more out, and so waits
 * for an owner's yes; and what the courier is told. Pure.
 */
import { canonicalJson } from '../base/canonical.ts';
import { hourMs, secondMs } from '../base/units.ts';
import type { NoticeMessageKind } from './noticing.ts';

export const storeKinds = ['folder', 'webdav', 's3'] as const;
export const messengerKinds = ['ntfy', 'webhook', 'mqtt'] as const;
export const destinationKinds = [...storeKinds, ...messengerKinds] as const;
export type DestinationKind = (typeof destinationKinds)[number];

/** `alarms`: what alarms keep, with its second headers. `all`: all that is recorded, every second header of it. With either, alarms' pictures, where they were agreed to. */
export const sends = ['alarms', 'all'] as const;
/** Where the keys of what is sent lie: nowhere but at home, or at another destination too. */
export const slotPlaces = ['home', 'far'] as const;

export interface StoreRules {
  readonly send: (typeof sends)[number];
  /** Alarms' pictures go along. Absent in what was agreed to by a line that did not name them. */
  readonly pictures?: boolean;
  /** All when absent. */
  readonly cameras?: readonly string[];
  readonly slots: (typeof slotPlaces)[number];
  /** The destination that gets the sealed slots, with `slots` = "far". */
  readonly slotsAt?: string;
  /** Of these destinations it gets the sealed slots: whose `slotsAt` it is. None when absent. */
  readonly keysOf?: readonly string[];
  /** The owner knows that keys and footage lie in one place. */
  readonly slotsSamePlace: boolean;
  /** Footage that is older lies there alone. */
  readonly archiveAfterMs?: number;
  /** All but the keys lies there in pieces of so many bytes (`pieces.ts`). */
  readonly pieceBytes?: number;
  /** What is new is sent up to so much later, at a moment of chance. */
  readonly jitterMs?: number;
}

export interface MessengerRules {
  /** What it hears of; all when absent. */
  readonly kinds?: readonly NoticeMessageKind[];
  /** An alarm's small picture goes with it, sealed as it lies at home. */
  readonly picture?: boolean;
  /** What comes back from there may make spaces private and turn cameras. */
  readonly commands?: boolean;
}

type Value = string | number | boolean | readonly string[];

export interface DestinationConfig {
  /** Matches `destinationPattern` of outbox/; also the name of its credentials. */
  readonly name: string;
  readonly purpose: string;
  readonly kind: DestinationKind;
  /** Where it is and how it is sent to: the keys of its entry in destinations.json but `name`, `purpose` and `kind`. */
  readonly to: Readonly<Record<string, Value>>;
  /** Of a store. */
  readonly store?: StoreRules;
  /** Of what takes notices. */
  readonly messenger?: MessengerRules;
}

/** Keys of `to` that say where it is. What the others change lets no more out. */
const placeKeys = ['path', 'url', 'pin', 'ca', 'proxy', 'bucket', 'region', 'prefix', 'topic'] as const;

/** Each with what it gets of the others' keys. */
export function withKeysOf(destinations: readonly DestinationConfig[]): DestinationConfig[] {
  return destinations.map((one) => {
    const keysOf = destinations.filter(({ store }) => store?.slots === 'far' && store.slotsAt === one.name).map(({ name }) => name);
    return one.store === undefined || keysOf.length === 0 ? one : { ...one, store: { ...one.store, keysOf } };
  });
}

/** Its entry in destinations.json, as `destinationSchema` takes it. */
export function entryOf({ name, purpose, kind, to, messenger }: DestinationConfig): { readonly [key: string]: Value } {
  return { name, purpose, kind, ...to, ...(kind === 'mqtt' && messenger?.commands === true ? { commands: true } : {}) };
}

/** The courier's own file: canonical JSON, a line feed at its end. */
export function destinationsFile(destinations: readonly DestinationConfig[]): string {
  return `${canonicalJson({ v: 1, destinations: destinations.map(entryOf) })}\n`;
}

/** One line that says all an owner says yes to. */
export function destinationInWords(destination: DestinationConfig): string {
  return `${rulesInWords(destination)}; its purpose: ${destination.purpose}`;
}

/** What goes where: all that it says but why. Where it stays the same, what was named by it stays wanted. */
export function rulesInWords(destination: DestinationConfig): string {
  const { name, store, messenger } = destination;
  const gets = store === undefined ? `${messengerInWords(messenger)}${destination.kind === 'mqtt' ? '; and, at every moment, whether each camera runs, is private, and sees something of that' : ''}` : storeInWords(store);
  return `${name} (${placeInWords(destination)}) ${gets}`;
}

/** Where it is, for ledger and page too. */
export function placeInWords({ kind, to }: DestinationConfig): string {
  const place = kind === 'folder' ? `folder ${String(to['path'])}` : kind === 's3' ? `S3 bucket ${String(to['bucket'])} at ${String(to['url'])}${under(to['prefix'])}` : `${kind === 'webdav' ? 'WebDAV' : kind} ${String(to['url'])}${to['topic'] === undefined ? '' : ` under ${String(to['topic'])}`}`;
  const known = to['pin'] !== undefined ? `, certificate ${String(to['pin'])}` : to['ca'] !== undefined ? `, authority ${String(to['ca'])}` : '';
  const through = to['proxy'] === undefined ? '' : `, through the proxy ${String(to['proxy'])}`;
  return `${place}${known}${through}${to['region'] === undefined ? '' : `, ${String(to['region'])}`}`;
}

function under(prefix: Value | undefined): string {
  return prefix === undefined ? '' : ` under ${String(prefix)}`;
}

function storeInWords({ cameras, keysOf, pieceBytes, jitterMs, ...rules }: StoreRules): string {
  const footage = cameras?.length === 0 ? 'no footage' : footageInWords(rules, cameras?.join(', ') ?? 'all cameras');
  const pieces = pieceBytes === undefined ? '' : `; in pieces of ${pieceBytes} bytes each`;
  const later = jitterMs === undefined ? '' : `; up to ${Math.round(jitterMs / secondMs)} seconds later, by chance`;
  return `gets ${footage}${pieces}${later}${keysOf === undefined ? '' : `; and the sealed keys of what lies at ${keysOf.join(', ')}`}`;
}

function footageInWords({ send, pictures, slots, slotsAt, slotsSamePlace, archiveAfterMs }: StoreRules, whose: string): string {
  const what = pictures === true ? (send === 'all' ? 'all footage, and the pictures of alarms,' : 'the footage and the pictures of alarms') : send === 'all' ? 'all footage' : 'the footage of alarms';
  const keys = slots === 'home' ? 'its keys stay at home' : `its sealed keys lie at ${slotsAt ?? 'no place'}${slotsSamePlace ? ', which may be the same place' : ''}: whoever copied both before a deadline, and has the recovery kit, can open it`;
  const alone = archiveAfterMs === undefined ? '' : `; what is older than ${Math.round(archiveAfterMs / hourMs)} hours lies there alone, not at home`;
  return `${what} of ${whose}, sealed; ${keys}${alone}`;
}

function messengerInWords(rules: MessengerRules | undefined): string {
  const pictures = rules?.picture === true ? 'without names, and with each alarm its small picture, sealed to the key of its day' : 'without names or pictures';
  return `gets notices of ${rules?.kinds?.join(', ') ?? 'all kinds'}, ${pictures}${rules?.commands === true ? '; whoever may write there may make spaces private and turn cameras' : ''}`;
}

/** What of a change applies without an owner's yes; undefined: nothing of it, for it is a new one. Where it says the same as `after`, nothing waits. */
export function withoutYes(before: DestinationConfig | undefined, after: DestinationConfig): DestinationConfig | undefined {
  if (before === undefined) return undefined;
  // Of another kind nothing fits.
  if (before.kind !== after.kind) return before;
  const { store, messenger, ...rest } = after;
  return {
    ...rest, purpose: before.purpose, to: { ...withoutPlace(after.to), ...onlyPlace(before.to) },
    ...(store === undefined || before.store === undefined ? {} : { store: lesserStore(before.store, store) }),
    ...(messenger === undefined || before.messenger === undefined ? {} : { messenger: lesserMessenger(before.messenger, messenger) }),
  };
}

function lesserStore(before: StoreRules, after: StoreRules): StoreRules {
  const slots = before.slots === 'far' && after.slots === 'far' ? 'far' : 'home';
  const cameras = common(before.cameras, after.cameras);
  const keysOf = before.keysOf?.filter((name) => after.keysOf?.includes(name) === true) ?? [];
  return {
    send: before.send === 'all' ? after.send : 'alarms', ...(before.pictures === true && after.pictures === true ? { pictures: true } : {}), slots, slotsSamePlace: before.slotsSamePlace && after.slotsSamePlace,
    ...(keysOf.length === 0 ? {} : { keysOf }), ...(cameras === undefined ? {} : { cameras }),
    // Never more of it leaves the hub's own disk than was agreed to.
    ...(before.archiveAfterMs === undefined || after.archiveAfterMs === undefined ? {} : { archiveAfterMs: Math.max(before.archiveAfterMs, after.archiveAfterMs) }),
    // What hides more is taken at once, and what hides less waits.
    ...fewerSigns(before, after),
    ...(slots === 'home' || before.slotsAt === undefined ? {} : { slotsAt: before.slotsAt }),
  };
}

function fewerSigns(before: StoreRules, after: StoreRules): Pick<StoreRules, 'pieceBytes' | 'jitterMs'> {
  const pieceBytes = after.pieceBytes ?? before.pieceBytes;
  const jitterMs = Math.max(before.jitterMs ?? 0, after.jitterMs ?? 0);
  return { ...(pieceBytes === undefined ? {} : { pieceBytes }), ...(jitterMs === 0 ? {} : { jitterMs }) };
}

function lesserMessenger(before: MessengerRules, after: MessengerRules): MessengerRules {
  const kinds = common(before.kinds, after.kinds);
  return { ...(before.picture === true && after.picture === true ? { picture: true } : {}), ...(before.commands === true && after.commands === true ? { commands: true } : {}), ...(kinds === undefined ? {} : { kinds }) };
}

/** Absent means all. */
function common<T>(one: readonly T[] | undefined, other: readonly T[] | undefined): readonly T[] | undefined {
  return one === undefined ? other : other === undefined ? one : other.filter((item) => one.includes(item));
}

function onlyPlace(to: DestinationConfig['to']): DestinationConfig['to'] {
  return Object.fromEntries(Object.entries(to).filter(([key]) => isPlace(key)));
}

function withoutPlace(to: DestinationConfig['to']): DestinationConfig['to'] {
  return Object.fromEntries(Object.entries(to).filter(([key]) => !isPlace(key)));
}

function isPlace(key: string): boolean {
  return (placeKeys as readonly string[]).includes(key);
}
