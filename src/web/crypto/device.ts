/** A browser's own identity, and how it is kept: neither the hub with the passphrase, nor the device without it, opens it. */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { SallyportError } from '../../base/errors.ts';
import { concatBytes, randomBytes, utf8, wipe, type Bytes } from './bytes.ts';
import { Identity } from './identity.ts';
import type { OwnerDevice } from './ownerlist.ts';
import type { DeviceRecord, RecordStore } from './records.ts';

const secretBytes = 16;
const nonceBytes = 12;
const salt = utf8('sallyport device v1');

/** A record without what unlocks it. */
export type KnownDevice = Omit<DeviceRecord, 'secret' | 'nonce' | 'wrapped'>;

export interface Device {
  readonly identity: Identity;
  /** Its public halves, as the hub and the owner list take them. */
  readonly shape: OwnerDevice;
}

export function makeDevice(name: string): Device {
  const identity = Identity.generate();
  return { identity, shape: { name, recipient: identity.recipient, signer: identity.signer } };
}

export class DeviceStore {
  readonly #records: RecordStore;

  constructor(records: RecordStore) {
    this.#records = records;
  }

  /** The devices of this browser: whose they are, and nothing that opens them. */
  async known(): Promise<KnownDevice[]> {
    return (await this.#records.all()).map(({ account, login, device, name, recipient, signer, ownerList }) => ({
      account, login, name, recipient, signer, ...(device === undefined ? {} : { device }), ...(ownerList === undefined ? {} : { ownerList }),
    }));
  }

  /** Whose name that is, before anybody has logged in. */
  async find(login: string): Promise<KnownDevice | undefined> {
    const wanted = folded(login);
    return (await this.known()).find((known) => folded(known.login) === wanted);
  }

  /** Wraps the identity anew, under a device secret that is new each time; a record of that account is replaced, and what was noted in it is kept. */
  async save(p: { account: string; login: string; name: string; identity: Identity; secondHalf: Uint8Array; device?: string }): Promise<void> {
    const before = (await this.#records.all()).find(({ account }) => account === p.account);
    const secret = randomBytes(secretBytes);
    const nonce = randomBytes(nonceBytes);
    const key = wrapKey(p.secondHalf, secret, p.account);
    const scalar = p.identity.copyScalar();
    const device = p.device ?? before?.device;
    try {
      await this.#records.put({
        account: p.account, login: p.login, name: p.name, recipient: p.identity.recipient, signer: p.identity.signer, secret, nonce,
        wrapped: chacha20poly1305(key, nonce).encrypt(scalar) as Bytes,
        ...(device === undefined ? {} : { device }), ...(before?.ownerList === undefined ? {} : { ownerList: before.ownerList }),
      });
    } finally {
      wipe(key, scalar);
    }
  }

  /** The identity, which the caller closes. SP_NO_DEVICE; SP_DEVICE_LOCKED for another passphrase. */
  async unlock(account: string, secondHalf: Uint8Array): Promise<Identity> {
    const record = await this.#record(account);
    const key = wrapKey(secondHalf, record.secret, account);
    try {
      const identity = Identity.ofScalar(chacha20poly1305(key, record.nonce).decrypt(record.wrapped) as Bytes);
      if (identity.recipient === record.recipient) return identity;
      identity.close();
    } catch {
      // Told below.
    } finally {
      wipe(key);
    }
    throw new SallyportError('SP_DEVICE_LOCKED', { account: record.login });
  }

  /** Adds what was learnt since. SP_NO_DEVICE. */
  async note(account: string, facts: { readonly device?: string; readonly login?: string; readonly ownerList?: string }): Promise<void> {
    await this.#records.put({ ...(await this.#record(account)), ...facts });
  }

  async forget(account: string): Promise<void> {
    await this.#records.delete(account);
  }

  async #record(account: string): Promise<DeviceRecord> {
    const record = (await this.#records.all()).find((one) => one.account === account);
    if (record === undefined) throw new SallyportError('SP_NO_DEVICE', { account });
    return record;
  }
}

function wrapKey(secondHalf: Uint8Array, secret: Uint8Array, account: string): Uint8Array {
  const both = concatBytes(secondHalf, secret);
  try {
    return hkdf(sha256, both, salt, utf8(account), 32);
  } finally {
    wipe(both);
  }
}

function folded(login: string): string {
  return login.normalize('NFKC').toLowerCase();
}
