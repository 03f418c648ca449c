/**
 * What the pages need of keys and players, no more. `load.ts` brings the real ones, when they are first needed: neither belongs to the
 * first load. Private keys are in the keys' worker and never here.
 */
import type { Device, Login, PageRequestOf, Stretch, Timeline } from '../api/pagecontract.ts';
import type { AlarmPictureOf } from './crypto/footage.ts';
import type { ClipFile } from './clipfiles.ts';
import type { FileHandle } from './filechoice.ts';
import type { LiveListener } from './player/livelink.ts';

export type { LiveListener, LiveState } from './player/livelink.ts';

/** A passphrase, stretched: what logs in, and what never leaves this browser. */
export interface Stretched {
  readonly login: Login;
  readonly second: Uint8Array;
}

/** The owner's recovery kit, to be shown and put away. */
export interface Kit {
  /** `AGE-SECRET-KEY-1…`, alone. */
  readonly code: string;
  readonly groups: readonly string[];
  /** An age identity file. */
  readonly text: string;
}

/** This browser's identity is open, in the worker. */
export interface OpenDevice {
  readonly shape: Device;
  /** Spaces of which it opens footage; empty until an owner has signed for it. */
  readonly spaces: readonly string[];
}

/** What is to be said yes to, and the signature. */
export interface Approval {
  readonly document: string;
  readonly signature: string;
}

/** What became of an order to keep longer or to erase, in the hub's words. */
export interface OrderDone {
  readonly order: string;
  readonly sentences: readonly string[];
  /** Segments that did not open on this device. */
  readonly problems: readonly { readonly code: string; readonly message: string }[];
}

export interface OwnerListInHand {
  readonly text: string;
  readonly earlier: readonly string[];
  /** Public keys of the owner that came another way than through the hub. */
  readonly trust?: readonly string[];
}

export interface Keys {
  /** With a new salt where none is given. */
  stretch(passphrase: string, by?: Stretch): Promise<Stretched>;
  makeKit(): Promise<Kit>;
  /** An owner's kit.txt. */
  takeKit(text: string): Promise<void>;
  forgetKit(): Promise<void>;
  makeDevice(name: string): Promise<Device>;
  /** Signed by the kit in hand: the first list, or the one after `known`, with the device in hand. */
  ownersList(device: Device, known: OwnerListInHand | undefined): Promise<string>;
  /** Keeps the device in hand in this browser, locked by the passphrase; `id` is what the hub calls it. */
  keep(who: { readonly account: string; readonly login: string; readonly id: string }, second: Uint8Array): Promise<void>;
  /** Whether this browser has a key for somebody; for that name, where one is given. */
  known(login?: string): Promise<{ readonly account: string; readonly id: string } | undefined>;
  /** Undefined where nothing was kept. Throws where the passphrase does not fit. The spaces that the list opens to it come along. */
  unlock(account: string, second: Uint8Array, list: OwnerListInHand | undefined): Promise<OpenDevice | undefined>;
  /** The device in hand, with the spaces that the list opens to it. `account`: once it is kept, so that its record knows the list. */
  open(device: Device, account: string | undefined, list: OwnerListInHand | undefined): Promise<OpenDevice>;
  lock(): Promise<void>;
  /** Six words for a device's public keys, which two people compare: a hub that slips in a key of its own says other words. */
  wordsOf(device: Pick<Device, 'recipient' | 'signer'>): Promise<readonly string[]>;
  forget(account: string): Promise<void>;
  approve(pending: { readonly id: string; readonly text: string; readonly camera?: string; readonly key: string; readonly from: string; readonly to: string }): Promise<Approval>;
  /** Keeps footage longer: signed by this device, which must be an owner's, and opened by it. @param progress From 0 to 1. */
  hold(what: { readonly camera: string; readonly fromMs: number; readonly toMs: number; readonly untilMs: number; readonly label: string }, progress?: (done: number) => void): Promise<OrderDone>;
  /** Ends a hold; what only it kept is destroyed. */
  release(what: { readonly camera: string; readonly order: string }): Promise<OrderDone>;
  /** Destroys a time; what else its keys opened is sealed anew first. */
  erase(what: { readonly camera: string; readonly fromMs: number; readonly toMs: number; readonly why: string }, progress?: (done: number) => void): Promise<OrderDone>;
  /** Next lists, to be given to the hub in this order, after which that device opens those spaces; all of an owner's. Signed by this device. */
  admit(list: OwnerListInHand, account: string, joining: { readonly device: Device; readonly spaces: readonly string[]; readonly owner: boolean }): Promise<readonly string[]>;
  /** Next lists, after which these devices sign nothing and open nothing new but of `spaces`. Empty where that is so already. */
  restrict(list: OwnerListInHand, account: string, recipients: readonly string[], spaces: readonly string[]): Promise<readonly string[]>;
  /** The next list, with a space more: for the kit and the owner's devices. */
  addSpace(list: OwnerListInHand, account: string, name: string): Promise<readonly string[]>;
  /** The next list, with the kit in hand in the old one's place, signed by this device; and the one after it, signed by that kit. */
  replaceKit(list: OwnerListInHand, account: string): Promise<{ readonly text: string; readonly confirmed: string }>;
  /** Opens the list with the device in hand: spaces in which slots may be left that somebody opens who has gone; and the list's number. */
  toRenew(list: OwnerListInHand, account: string): Promise<{ readonly number: number; readonly spaces: readonly string[] }>;
  /** A slot sealed anew by the list that was opened last, for the hub; undefined where it need not be. */
  renewSlot(slot: { readonly camera: string; readonly slot: number; readonly generation: number }): Promise<PageRequestOf<'slotReplace'> | undefined>;
  /** An owner's new passphrase and device, signed by the kit in hand for this hub alone. */
  recover(hub: string, name: string, login: Login, device: Device, nowMs: number): Promise<Approval>;
}

export interface Live {
  sound(on: boolean): void;
  close(): void;
}

export interface ReplayListener {
  /** The wall time of the picture that is shown. */
  onTime(wallMs: number): void;
  onState(state: 'opening' | 'playing' | 'paused' | 'ended' | 'unsupported'): void;
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

/** A chunk of its own, which few browsers need. */
export type PanelMaker = (canvas: HTMLCanvasElement, address: string, listener: LiveListener) => Live;

export interface Players {
  live(video: HTMLVideoElement, address: string, listener: LiveListener): Live;
  /** `rows` is asked at each beginning, so that what was sealed meanwhile is played, too. */
  replay(video: HTMLVideoElement, what: { readonly camera: string; readonly rows: () => Timeline }, listener: ReplayListener): Replay;
}

export interface MadeClip {
  /** The clip first, then what lies beside it: its manifest, and the manifest's signature. */
  readonly files: readonly ClipFile[];
  readonly gaps: readonly { readonly fromMs: number; readonly toMs: number; readonly reason: string }[];
  /** What did not open, in words. */
  readonly problems: readonly string[];
  readonly firstWallMs: number;
  readonly lastWallMs: number;
}

/** Footage, opened in this browser. */
export interface Footage {
  /** A segment's small picture, a JPEG; undefined where it has none. */
  thumbnail(camera: string, segment: Timeline['segments'][number], periods: Timeline['periods'], signal: AbortSignal): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** A picture of an alarm, a JPEG, or its text; throws what keeps it from opening. */
  alarmPicture(of: AlarmPictureOf, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  /** MP4 of a time, of which the hub is told first, to the file that the person chose, if any; its name is that file's then. Nothing half-made stays. */
  clip(request: { readonly camera: string; readonly fromMs: number; readonly toMs: number; readonly name: string }, handle: FileHandle | undefined, onProgress: (wallMs: number) => void, signal: AbortSignal): Promise<MadeClip>;
}
