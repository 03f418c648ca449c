/**
 * What the pages need of keys and players, no more. `load.ts` brings the real ones, when they are first needed: neither belongs to the
 * first load.
 */
import type { Device, Login, Stretch } from '../api/pagecontract.ts';

/** A passphrase, stretched: what logs in, and what never leaves this browser. */
export interface Stretched {
  readonly login: Login;
  readonly second: Uint8Array;
}

/** The owner's recovery kit while the page still knows it. */
export interface Kit {
  /** `AGE-SECRET-KEY-1…`, alone. */
  readonly secret: string;
  /** An age identity file. */
  readonly file: string;
}

/** This browser's identity, open. Its private halves stay behind this. */
export interface OpenDevice {
  readonly shape: Device;
}

/** What is to be said yes to, and the signature. */
export interface Approval {
  readonly document: string;
  readonly signature: string;
}

export interface Keys {
  /** With a new salt where none is given. */
  stretch(passphrase: string, stretch?: Stretch): Promise<Stretched>;
  makeKit(): Promise<Kit>;
  /** An owner's kit.txt; undefined where no identity is in it. */
  readKit(text: string): Promise<Kit | undefined>;
  makeDevice(name: string): Promise<OpenDevice>;
  /** The list that makes kit and device the owner's: the first, or the one after `known`. */
  ownersList(kit: Kit, device: OpenDevice, nowMs: number, known: string | undefined): Promise<string>;
  /** Keeps the device for this account in this browser, locked by the passphrase. */
  keep(account: string, device: OpenDevice, second: Uint8Array, id: string): Promise<void>;
  /** The id under which the hub knows this browser; undefined where nothing was kept for that account (any account, where none is named). */
  known(account?: string): Promise<{ readonly account: string; readonly id: string } | undefined>;
  /** Undefined where nothing was kept. Throws where the passphrase does not fit. */
  unlock(account: string, second: Uint8Array): Promise<OpenDevice | undefined>;
  forget(account: string): Promise<void>;
  /** The spaces of the list that this device opens. */
  spaces(list: string, device: OpenDevice): Promise<readonly string[]>;
  approve(pending: { readonly id: string; readonly text: string; readonly camera?: string; readonly key: string; readonly from: string; readonly to: string }, device: OpenDevice, hub: string, nowMs: number): Promise<Approval>;
  /** A next list in which these devices open these spaces, signed by this device. */
  admit(list: string, device: OpenDevice, joining: { readonly device: Device; readonly spaces: readonly string[]; readonly owner: boolean }, nowMs: number): Promise<string>;
}

export type LiveState = 'connecting' | 'waiting' | 'playing' | 'lost' | 'over';

export interface LiveListener {
  /** `words` where the hub or browser says why. */
  onState(state: LiveState, words: string): void;
  onLatency(ms: number): void;
  onBehind(keyFramesOnly: boolean): void;
  onSound(available: boolean): void;
}

export interface Live {
  sound(on: boolean): void;
  close(): void;
}

export interface ReplayListener {
  /** The wall time of the picture that is shown. */
  onTime(wallMs: number): void;
  onState(state: 'opening' | 'playing' | 'paused' | 'ended'): void;
  onGap(gap: { readonly fromMs: number; readonly toMs: number; readonly reason: string }): void;
  onProblem(words: string): void;
}

export interface Replay {
  /** Plays from there. */
  seek(wallMs: number): void;
  play(): void;
  pause(): void;
  speed(factor: number): void;
  close(): void;
}
