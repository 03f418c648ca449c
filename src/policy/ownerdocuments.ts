/**
 * What an owner signs besides the owner list: a yes to a change, the return with the recovery kit, a slot sealed anew. All are canonical JSON whose exact
 * bytes are signed; pure, so that terminal, page and hub make and read the same. docs/FORMAT.md describes them.
 */
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';

/** SSHSIG namespace of an owner's yes. */
export const acceptNamespace = 'sallyport-accept';
/** SSHSIG namespace of a return with the kit. */
export const recoverNamespace = 'sallyport-recover';
/** SSHSIG namespace of a slot sealed anew. */
export const resealNamespace = 'sallyport-reseal';

export interface AskedChange {
  readonly id: string;
  readonly text: string;
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly camera?: string | undefined;
}

/** The document that an owner signs: the change in the words that were shown, and when. */
export function approvalDocument(change: AskedChange, acceptedMs: number): string {
  const { id, text, key, from, to, camera } = change;
  return canonicalJson({ v: 1, id, text, key, from, to, camera, accepted: new Date(acceptedMs).toISOString() });
}

/** An owner who has the kit and no device or passphrase any more asks for a new passphrase and names a new device. */
export interface Recovery {
  readonly v: 1;
  readonly what: 'recover';
  /** The hub's public key, so that it counts at one hub only. */
  readonly hub: string;
  /** The account's name. */
  readonly name: string;
  readonly login: { readonly stretch: { readonly salt: string; readonly memoryKib: number; readonly passes: number }; readonly half: string };
  readonly device: { readonly name: string; readonly recipient: string; readonly signer: string };
  /** By the hub's clock, which `hello` tells. */
  readonly madeMs: number;
}

export function recoveryDocument(recovery: Recovery): string {
  return canonicalJson(recovery as unknown as CanonicalValue);
}

/** undefined for what is not exactly such a document in its one form. Its lengths and patterns are the contract's to check. */
export function readRecovery(document: string): Recovery | undefined {
  const value = parsed(document);
  if (!hasExactly(value, ['v', 'what', 'hub', 'name', 'login', 'device', 'madeMs']) || value['v'] !== 1 || value['what'] !== 'recover') return undefined;
  const { hub, name, login, device, madeMs } = value;
  if (typeof hub !== 'string' || typeof name !== 'string' || !Number.isSafeInteger(madeMs)) return undefined;
  if (!hasExactly(login, ['stretch', 'half']) || typeof login['half'] !== 'string') return undefined;
  const { stretch } = login;
  if (!hasExactly(stretch, ['salt', 'memoryKib', 'passes']) || typeof stretch['salt'] !== 'string' || !Number.isSafeInteger(stretch['memoryKib']) || !Number.isSafeInteger(stretch['passes'])) return undefined;
  if (!hasExactly(device, ['name', 'recipient', 'signer']) || Object.values(device).some((text) => typeof text !== 'string')) return undefined;
  const recovery = value as unknown as Recovery;
  // Equal values have one form only; whatever else was put in shows here.
  return recoveryDocument(recovery) === document ? recovery : undefined;
}

/** A slot's text in the place of another one. A text is never the same twice, so that an old word of the owner counts for nothing that came after it. */
export interface Reseal {
  readonly camera: string;
  readonly slot: number;
  readonly generation: number;
  /** SHA-256 (hex) of the text that it replaces. */
  readonly from: string;
  /** SHA-256 (hex) of the new one. */
  readonly to: string;
}

export function resealDocument({ camera, slot, generation, from, to }: Reseal): string {
  return canonicalJson({ v: 1, what: 'reseal', camera, slot, generation, from, to });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function hasExactly(value: unknown, keys: readonly string[]): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === keys.length && keys.every((key) => Object.hasOwn(value, key));
}
