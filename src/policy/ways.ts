/** From where the page is reached by one of the machine's addresses; `reachable.ts` decides which it is. Pure, and known to the page. */

/** `shared`: of a provider that gives one address to many; its other customers may reach it. `aside`: set aside for documentation, tests and the like, and led to by its own network at most. */
export const wayKinds = ['home', 'vpn', 'shared', 'aside', 'public'] as const;
export type WayKind = (typeof wayKinds)[number];

export interface Way {
  readonly address: string;
  readonly interface: string;
  readonly kind: WayKind;
  /** Whether the certificate that the page shows is good for it. */
  readonly named: boolean;
}
