/** Whom an alarm's text names: told here, by the marks of those whom the hub lists to this visitor. Neither the hub nor the alarm says it. */
import type { AlarmText } from '../policy/alarmtext.ts';
import { say } from './strings.ts';

/** Somebody enrolled, as far as a name is concerned. */
export interface Nameable {
  readonly id: string;
  readonly name: string;
  /** 32 bytes, base64url. */
  readonly mark: string;
}

/** What an alarm says, with the name of whoever was recognised, where this visitor may know it. */
export interface AlarmWords {
  readonly zones: readonly string[];
  readonly who?: Nameable | undefined;
  /** It may have been somebody enrolled; told only to whom names are. */
  readonly unsure?: boolean | undefined;
}

/** `names`: whether this visitor may know names at all. */
export function wordsOf({ zones, unsure }: AlarmText, who: Nameable | undefined, names: boolean): AlarmWords {
  return { zones, ...(who === undefined ? {} : { who }), ...(names && who === undefined && unsure === true ? { unsure } : {}) };
}

/** "Anna", "Person, not sure who", "Person" */
export function whoOrWhat(kind: string, words: AlarmWords | undefined): string {
  const what = say.observation[kind] ?? kind;
  return words?.who?.name ?? (words?.unsure === true ? say.review.unsureWho(what) : what);
}

const bytesOfMark = 16;

export class Naming {
  readonly #people: readonly (readonly [person: Nameable, key: Promise<CryptoKey>])[];
  /** By alarm and mark. */
  readonly #told = new Map<string, Nameable | undefined>();

  constructor(people: readonly Nameable[]) {
    this.#people = people.map((person) => [person, keyOf(person)]);
  }

  /** Undefined where nobody was recognised, or nobody whom this visitor may know, or somebody who was forgotten. */
  async whoIs(alarm: string, { person }: AlarmText): Promise<Nameable | undefined> {
    if (person === undefined) return undefined;
    const key = `${alarm} ${person}`;
    if (!this.#told.has(key)) this.#told.set(key, await this.#find(alarm, person));
    return this.#told.get(key);
  }

  async #find(alarm: string, mark: string): Promise<Nameable | undefined> {
    for (const [person, key] of this.#people) if (await markOn(alarm, await key) === mark) return person;
    return undefined;
  }
}

function keyOf({ mark }: Nameable): Promise<CryptoKey> {
  const bytes = Uint8Array.from(atob(mark.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.codePointAt(0) ?? 0);
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
}

async function markOn(alarm: string, key: CryptoKey): Promise<string> {
  const mac = new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(alarm)));
  return Array.from(mac.subarray(0, bytesOfMark), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
