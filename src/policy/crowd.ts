/**
 * Who keeps a place when there are more than there are places: strangers make room, whoever is in does not. A newcomer takes the place of the
 * stranger who has been there longest, in the most crowded network: holding places with many addresses keeps nobody out, and who comes for a
 * moment (to log in, to recover with the kit) is among the last to go. One account has no more than its own share of lasting places.
 */
import { networkOf } from './logintries.ts';

export interface CrowdLimits {
  readonly max: number;
  readonly ofNetworkMax: number;
  /** Places that one account keeps for good. */
  readonly ofAccountMax: number;
}

interface Place {
  readonly network: string;
  /** Of whom it is; undefined: a stranger's. */
  account: string | undefined;
}

export class Crowd<Id> {
  readonly #limits: CrowdLimits;
  /** The order is that of coming. */
  readonly #places = new Map<Id, Place>();
  readonly #ofNetwork = new Map<string, number>();
  readonly #ofAccount = new Map<string, number>();
  readonly #mayLeave: (id: Id) => boolean;

  /** @param mayLeave Whether a stranger's place can be taken just now. */
  constructor(limits: CrowdLimits, mayLeave: (id: Id) => boolean = () => true) {
    this.#limits = limits;
    this.#mayLeave = mayLeave;
  }

  get size(): number {
    return this.#places.size;
  }

  ofNetwork(address: string): number {
    return this.#ofNetwork.get(networkOf(address)) ?? 0;
  }

  /** Who has to leave for it, who has left then already; 'full' where nobody does, and nothing was entered. */
  enter(id: Id, address: string): { readonly leaves: Id | undefined } | 'full' {
    const network = networkOf(address);
    const { max, ofNetworkMax } = this.#limits;
    const inNetwork = (this.#ofNetwork.get(network) ?? 0) >= ofNetworkMax;
    const leaves = inNetwork ? this.#oldestOf(network) : this.#places.size >= max ? this.#oldestOf(this.#mostCrowded()) : undefined;
    if (leaves === undefined && (inNetwork || this.#places.size >= max)) return 'full';
    if (leaves !== undefined) this.leave(leaves);
    this.#places.set(id, { network, account: undefined });
    count(this.#ofNetwork, network, 1);
    return { leaves };
  }

  /** It is the place of somebody who is in. */
  keep(id: Id, account: string): void {
    const place = this.#places.get(id);
    if (place === undefined || place.account !== undefined || (this.#ofAccount.get(account) ?? 0) >= this.#limits.ofAccountMax) return;
    place.account = account;
    count(this.#ofAccount, account, 1);
  }

  leave(id: Id): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    this.#places.delete(id);
    count(this.#ofNetwork, place.network, -1);
    if (place.account !== undefined) count(this.#ofAccount, place.account, -1);
  }

  #oldestOf(network: string | undefined): Id | undefined {
    for (const [id, place] of this.#places) if (place.network === network && this.#isMovable(id, place)) return id;
    return undefined;
  }

  /** By strangers that could leave. */
  #mostCrowded(): string | undefined {
    const strangers = new Map<string, number>();
    for (const [id, place] of this.#places) if (this.#isMovable(id, place)) count(strangers, place.network, 1);
    return [...strangers].reduce<[string | undefined, number]>((most, [network, n]) => (n > most[1] ? [network, n] : most), [undefined, 0])[0];
  }

  #isMovable(id: Id, { account }: Place): boolean {
    return account === undefined && this.#mayLeave(id);
  }
}

function count(of: Map<string, number>, key: string, by: number): void {
  const now = (of.get(key) ?? 0) + by;
  if (now === 0) of.delete(key);
  else of.set(key, now);
}
