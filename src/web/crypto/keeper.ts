/**
 * Who keeps the private keys while somebody is logged in: it runs in the worker, and the page asks it (`client.ts`). No private key leaves it
 * but the kit's text, which is made to be put away. Arguments and results are plain data, so that they cross between threads.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { SallyportError } from '../../base/errors.ts';
import { acceptNamespace, approvalDocument, recoverNamespace, recoveryDocument, resealDocument, resealNamespace, type AskedChange, type Recovery } from '../../policy/ownerdocuments.ts';
import { ownerKeys } from '../../seal/format/ownerlist.ts';
import { toBase64url, toHex } from './bytes.ts';
import { DeviceStore, makeDevice, type KnownDevice } from './device.ts';
import type { Fetcher, Poster } from './fetcher.ts';
import { makeClip, type ClipPiece, type ClipRequest } from './clip.ts';
import { SealedFootage, type AlarmPictureOf, type FootagePiece, type FootageRate, type FootageTimeline, type StreamName } from './footage.ts';
import type { Identity } from './identity.ts';
import { kitOf, makeKit, readKit } from './kit.ts';
import { erase, hold, release, type EraseOrder, type HoldOrder, type OrderDone, type OrderParts } from './orders.ts';
import { deviceWords, firstOwnerList, followOwnerLists, heirOf, nextOwnerList, openSpaces, spacesToRenew, type OpenedSpace, type OwnerChange, type OwnerDevice, type OwnerList } from './ownerlist.ts';
import type { RecordStore } from './records.ts';
import { slotPath } from './segmentways.ts';
import { openSlot, resealSlot } from './slot.ts';
import { newStretch, stretch, type Halves, type Stretch } from './stretch.ts';

/** Who signs: this browser's own identity, or the kit while it is in hand. */
export type By = 'device' | 'kit';

export interface KitToPutAway {
  readonly text: string;
  readonly groups: readonly string[];
  readonly code: string;
  readonly recipient: string;
  readonly signer: string;
}

/** A list as the hub gave it. */
export interface ListInHand {
  readonly text: string;
  /** Those before it, the oldest first. */
  readonly earlier?: readonly string[];
  /** Whose record knows which list was verified last. */
  readonly account?: string;
  /** Public keys of the owner that came another way than through the hub, such as a QR code; for a browser that knows no list yet. */
  readonly trust?: readonly string[];
}

export interface PlayRequest {
  readonly camera: string;
  readonly stream: StreamName;
  readonly fromMs: number;
  readonly toMs?: number;
  readonly keyFramesOnly?: boolean;
  /** Absent: the hub is asked for it, up to `toMs`, or a day. */
  readonly timeline?: FootageTimeline;
}

export interface ThumbnailRequest {
  readonly camera: string;
  readonly stream: StreamName;
  readonly segment: FootageTimeline['segments'][number];
  readonly periods: FootageTimeline['periods'];
}

/** As the hub takes it. */
export interface ResealedSlot {
  readonly camera: string;
  readonly slot: number;
  readonly generation: number;
  /** SHA-256 (hex) of the text that was fetched: another one is not replaced. */
  readonly from: string;
  /** 1,024 bytes, base64url. */
  readonly text: string;
  /** Of whoever sealed it. */
  readonly signature: string;
}

const dayMs = 86_400_000;

export class Keeper {
  readonly #store: DeviceStore;
  readonly #fetch: Fetcher;
  readonly #post: Poster;
  #kit: Identity | undefined;
  #device: { readonly identity: Identity; readonly name: string } | undefined;
  #spaces: readonly OpenedSpace[] = [];
  /** The one in hand. */
  #list: OwnerList | undefined;
  #listText = '';
  #footage: SealedFootage | undefined;

  constructor(o: { readonly records: RecordStore; readonly fetch: Fetcher; readonly post: Poster }) {
    this.#store = new DeviceStore(o.records);
    this.#fetch = o.fetch;
    this.#post = o.post;
  }

  newStretch(): Stretch {
    return newStretch();
  }

  stretch(passphrase: string, by: Stretch, progress?: (done: number) => void): Halves {
    return stretch(passphrase, by, progress);
  }

  // the kit

  makeKit(nowMs: number): KitToPutAway {
    this.forgetKit();
    const kit = makeKit(nowMs);
    this.#kit = kit.identity;
    return shown(kit.identity, kit);
  }

  /** A kit that the owner has already; SP_BAD_IDENTITY. */
  takeKit(text: string): { recipient: string; signer: string } {
    this.forgetKit();
    this.#kit = readKit(text);
    return { recipient: this.#kit.recipient, signer: this.#kit.signer };
  }

  /** The kit in hand once more, to print it. */
  showKit(nowMs: number): KitToPutAway {
    const identity = this.#by('kit');
    return shown(identity, kitOf(identity, nowMs));
  }

  forgetKit(): void {
    this.#kit?.close();
    this.#kit = undefined;
  }

  // this browser's identity

  /** A new one, in hand and not saved yet. */
  makeDevice(name: string): OwnerDevice {
    this.lock();
    const { identity, shape } = makeDevice(name);
    this.#device = { identity, name };
    return shape;
  }

  /** Saves the identity in hand, wrapped by the passphrase's second half: after it was made, and after another passphrase was chosen. */
  async saveDevice(p: { account: string; login: string; secondHalf: Uint8Array; device?: string }): Promise<void> {
    const { identity, name } = this.#inHand();
    await this.#store.save({ ...p, identity, name });
  }

  knownDevices(): Promise<KnownDevice[]> {
    return this.#store.known();
  }

  async findDevice(login: string): Promise<KnownDevice | undefined> {
    return this.#store.find(login);
  }

  noteDevice(account: string, facts: { readonly device?: string; readonly login?: string }): Promise<void> {
    return this.#store.note(account, facts);
  }

  forgetDevice(account: string): Promise<void> {
    return this.#store.forget(account);
  }

  /** SP_NO_DEVICE, SP_DEVICE_LOCKED. */
  async unlock(account: string, secondHalf: Uint8Array): Promise<OwnerDevice> {
    const identity = await this.#store.unlock(account, secondHalf);
    this.lock();
    const name = (await this.#store.known()).find((known) => known.account === account)?.name ?? '';
    this.#device = { identity, name };
    return { name, recipient: identity.recipient, signer: identity.signer };
  }

  /** Wipes what is in hand, but for the kit; what plays ends. */
  lock(): void {
    this.#closeSpaces();
    this.#device?.identity.close();
    this.#device = undefined;
  }

  // the owner list

  firstOwnerList(nowMs: number): string {
    const { identity, name } = this.#inHand();
    return firstOwnerList(this.#by('kit'), { name, recipient: identity.recipient, signer: identity.signer }, nowMs);
  }

  /** The list is verified first, as in `openOwnerList`. SP_OWNER_LIST, SP_WRONG_IDENTITY. */
  async nextOwnerList(p: ListInHand & { readonly by: By; readonly change: OwnerChange; readonly nowMs: number }): Promise<string> {
    const signer = this.#by(p.by);
    await this.#verified(p);
    return nextOwnerList(p.text, signer, p.change, p.nowMs);
  }

  /** Opens the spaces of which this browser is a member, and remembers the list in the account's record, so that no other owner's or older one is taken later. SP_OWNER_LIST. */
  async openOwnerList(p: ListInHand): Promise<{ list: OwnerList; spaces: { space: string; identities: number }[] }> {
    const list = await this.#verified(p);
    const { identity } = this.#inHand();
    // What plays goes on where the same list is opened once more.
    if (this.#list === undefined || p.text !== this.#listText) {
      const spaces = openSpaces(list, identity);
      this.#closeSpaces();
      this.#spaces = spaces;
      this.#list = list;
      this.#listText = p.text;
    }
    if (p.account !== undefined) await this.#store.note(p.account, { ownerList: p.text });
    return { list, spaces: this.#spaces.map(({ space, identities }) => ({ space, identities: identities.length })) };
  }

  /** Six words for a device's keys, which two people compare before one of them signs for it. */
  deviceWords(device: Pick<OwnerDevice, 'recipient' | 'signer'>): string[] {
    return deviceWords(device);
  }

  // what the owner signs

  signApproval(change: AskedChange, nowMs: number, by: By): { id: string; document: string; signature: string } {
    const document = approvalDocument(change, nowMs);
    return { id: change.id, document, signature: this.#by(by).sign(document, acceptNamespace) };
  }

  /** Signed by the kit in hand. */
  signRecovery(recovery: Omit<Recovery, 'v' | 'what'>): { document: string; signature: string } {
    const document = recoveryDocument({ v: 1, what: 'recover', ...recovery });
    return { document, signature: this.#by('kit').sign(document, recoverNamespace) };
  }

  /** A slot fetched and sealed anew for those who may open it from now on; whatever is in hand opens it, the spaces' former identities too. What comes is for the hub. */
  async resealSlot(p: { camera: string; slot: number; generation: number; recipients: readonly string[] }): Promise<ResealedSlot> {
    const before = await this.#fetch(slotPath(p.camera, p));
    return this.#resealed(p, before, p.recipients);
  }

  /** Spaces of the list that was opened last, in which slots may be left that somebody opens who may no more. */
  spacesToRenew(): string[] {
    return this.#list === undefined ? [] : spacesToRenew(this.#list);
  }

  /** A slot fetched and, where somebody had its identity who has left since, sealed anew for the same people but them. Undefined: it need not be. SP_SLOT_MISSING, SP_WRONG_IDENTITY. */
  async renewSlot(p: { camera: string; slot: number; generation: number }): Promise<ResealedSlot | undefined> {
    const list = this.#list;
    const before = await this.#fetch(slotPath(p.camera, p));
    // Of whichever space: its camera may have had another one then.
    const holder = this.#spaces.flatMap(({ space, identities }) => identities.map((identity) => ({ space, identity }))).find(({ identity }) => opens(before, identity));
    if (list === undefined || holder === undefined) throw new SallyportError('SP_WRONG_IDENTITY', { what: `slot ${p.slot}` });
    const heir = heirOf(list, holder.space, holder.identity.recipient);
    return heir === holder.identity.recipient ? undefined : this.#resealed(p, before, [list.kit, heir]);
  }

  /** Keeps footage longer, signed by this device: it must be an owner's, and open that footage. SP_OWNER_NEEDED, SP_HOLD, SP_NO_SLOT, SP_NO_DEVICE. */
  hold(order: HoldOrder, nowMs: number, progress?: (done: number) => void): Promise<OrderDone> {
    return hold(this.#orderParts(nowMs, progress), order);
  }

  /** Ends a hold before its time. SP_OWNER_NEEDED, SP_HOLD. */
  release(p: { camera: string; order: string }, nowMs: number): Promise<OrderDone> {
    return release(this.#orderParts(nowMs), p);
  }

  /** Erases a time of a camera. SP_OWNER_NEEDED; SP_ERASE: then nothing was destroyed. */
  erase(order: EraseOrder, nowMs: number, progress?: (done: number) => void): Promise<OrderDone> {
    return erase(this.#orderParts(nowMs, progress), order);
  }

  // footage

  async *play(request: PlayRequest, signal: AbortSignal): AsyncGenerator<FootagePiece> {
    const { camera, stream, fromMs, toMs, keyFramesOnly = false } = request;
    const footage = this.#opened();
    const timeline = request.timeline ?? (await footage.timeline(camera, stream, fromMs, toMs ?? fromMs + dayMs, signal));
    yield* footage.fragments(camera, stream, fromMs, timeline, { signal, keyFramesOnly, ...(toMs === undefined ? {} : { toMs }) });
  }

  async keyFrame(p: { camera: string; stream: StreamName; atMs: number; timeline: FootageTimeline }): Promise<{ init: Uint8Array; bytes: Uint8Array; wallMs: number } | undefined> {
    return this.#opened().keyFrame(p.camera, p.stream, p.atMs, p.timeline);
  }

  async thumbnail({ camera, stream, segment, periods }: ThumbnailRequest, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#opened().thumbnail(camera, stream, segment, { periods }, signal);
  }

  /** A JPEG, or the text of an alarm, which is padded JSON. */
  async alarmPicture(of: AlarmPictureOf, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#opened().alarmPicture(of, signal);
  }

  /** Signed by this browser's identity. */
  async *clip(request: ClipRequest, signal: AbortSignal): AsyncGenerator<ClipPiece> {
    yield* makeClip({ footage: this.#opened(), signer: this.#inHand().identity, request, nowMs: () => Date.now(), signal });
  }

  rate(): FootageRate {
    return this.#opened().rate;
  }

  close(): void {
    this.lock();
    this.forgetKit();
  }

  /** Who is known to be no owner is told so before the hub is asked. */
  #orderParts(nowMs: number, progress?: (done: number) => void): OrderParts {
    const signer = this.#inHand().identity;
    if (this.#list !== undefined && !ownerKeys(this.#list).includes(signer.signer)) throw new SallyportError('SP_OWNER_NEEDED', { what: 'this order' });
    return { post: this.#post, footage: this.#opened(), signer, nowMs, progress };
  }

  #opened(): SealedFootage {
    return this.#footage ??= new SealedFootage({ fetch: this.#fetch, identities: this.#identities() });
  }

  #identities(): Identity[] {
    return [...this.#spaces.flatMap(({ identities }) => identities), ...(this.#kit === undefined ? [] : [this.#kit])];
  }

  #resealed({ camera, slot, generation }: { camera: string; slot: number; generation: number }, before: Uint8Array, recipients: readonly string[]): ResealedSlot {
    const text = resealSlot(before, this.#identities(), recipients);
    const from = toHex(sha256(before));
    const by = this.#device?.identity ?? this.#by('kit');
    return { camera, slot, generation, from, text: toBase64url(text), signature: by.sign(resealDocument({ camera, slot, generation, from, to: toHex(sha256(text)) }), resealNamespace) };
  }

  async #verified({ text, earlier = [], account, trust }: ListInHand): Promise<OwnerList> {
    const known = account === undefined ? undefined : (await this.#store.known()).find((record) => record.account === account)?.ownerList;
    return followOwnerLists(text, earlier, { known, keys: trust ?? (this.#kit === undefined ? undefined : [this.#kit.signer]) });
  }

  #inHand(): { readonly identity: Identity; readonly name: string } {
    if (this.#device === undefined) throw new SallyportError('SP_NO_DEVICE', { account: 'anybody who is logged in' });
    return this.#device;
  }

  #by(by: By): Identity {
    if (by === 'device') return this.#inHand().identity;
    if (this.#kit === undefined) throw new SallyportError('SP_BAD_IDENTITY', { file: 'this page', reason: 'the recovery kit is not in hand' });
    return this.#kit;
  }

  #closeSpaces(): void {
    this.#footage?.close();
    this.#footage = undefined;
    for (const { identities } of this.#spaces) for (const identity of identities) identity.close();
    this.#spaces = [];
    this.#list = undefined;
  }
}

function opens(slotText: Uint8Array, identity: Identity): boolean {
  try {
    openSlot(slotText, [identity], 'a slot').identity.close();
    return true;
  } catch (error) {
    if (error instanceof SallyportError && error.code === 'SP_WRONG_IDENTITY') return false;
    throw error;
  }
}

function shown(identity: Identity, { text, groups, code }: Omit<KitToPutAway, 'recipient' | 'signer'>): KitToPutAway {
  return { text, groups, code, recipient: identity.recipient, signer: identity.signer };
}
