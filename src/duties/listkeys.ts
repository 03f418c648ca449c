/** The owner's list as the accounts see it: which of their keys it names, and what the owner is told when it names keys of nobody any more, or another kit. */
import type { Clock, UnixMs } from '../base/clock.ts';
import { dayMs, plural } from '../base/units.ts';
import type { OwnerList } from '../seal/owner.ts';
import type { DeviceRow, Vault } from '../vault/vault.ts';
import type { AccountBook, BesideSetting } from './accountbook.ts';
import type { Notices } from './notices.ts';

const leftMax = 1000;
const kitReplacedName = 'page kit replaced';
const kitToldMs = 7 * dayMs;
/** Recipients that the list named when their account, or their device, went. */
const leftName = 'page left keys';

export interface ListKeysOptions {
  readonly vault: Pick<Vault, 'setting' | 'putSetting'>;
  /** The list that is in force. */
  readonly ownerList: () => OwnerList | undefined;
  readonly notices: Notices;
  readonly book: () => AccountBook;
  readonly clock: Clock;
}

export class ListKeys {
  readonly #o: ListKeysOptions;

  constructor(o: ListKeysOptions) {
    this.#o = o;
  }

  /** Keys that open something, or sign, by the list in force. */
  listed(devices: readonly DeviceRow[]): string[] {
    const list = this.#o.ownerList();
    return list === undefined ? [] : devices.map(({ recipient }) => recipient).filter((recipient) => isListed(list, recipient));
  }

  /** To be written with what makes them leave: the list may go on naming them. */
  async leaving(recipients: readonly string[]): Promise<BesideSetting[]> {
    if (recipients.length === 0) return [];
    const before = ((await this.#o.vault.setting(leftName)) ?? []) as string[];
    return [{ name: leftName, value: [...new Set([...before, ...recipients])].slice(-leftMax) }];
  }

  /** The owner is told as long as the list names keys of nobody any more. Within a turn. */
  async tellLeft(): Promise<void> {
    const { vault, notices } = this.#o;
    const list = this.#o.ownerList();
    const left = ((await vault.setting(leftName)) ?? []) as string[];
    const named = left.filter((recipient) => list !== undefined && recipient !== list.kit && isListed(list, recipient) && ![...this.#o.book().devices.values()].some((device) => device.recipient === recipient));
    if (named.length < left.length) await vault.putSetting(leftName, named);
    if (named.length > 0) notices.raise('keys of who left', plural(named.length, 'key'));
    else notices.settle('keys of who left');
  }

  /** There is another kit. */
  async noteKit(): Promise<void> {
    await this.#o.vault.putSetting(kitReplacedName, this.#nowMs());
  }

  /** Owners hear of another kit for a week, over restarts too. */
  async tellKit(): Promise<void> {
    const { vault, notices } = this.#o;
    const atMs = await vault.setting(kitReplacedName);
    if (typeof atMs === 'number' && this.#nowMs() - atMs < kitToldMs) notices.raise('kit replaced', new Date(atMs).toISOString());
    else notices.settle('kit replaced');
  }

  #nowMs(): UnixMs {
    return Math.round(this.#o.clock.wallMs());
  }
}

/** Whether that key opens anything, or signs. */
function isListed({ devices = [], spaces }: OwnerList, recipient: string): boolean {
  return devices.some((device) => device.recipient === recipient) || spaces.some(({ members, former = [] }) => [members, ...former.map((one) => one.members)].some((each) => each.includes(recipient)));
}
