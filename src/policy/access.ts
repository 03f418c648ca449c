/**
 * Who may do what. A role gives rights; all but an owner's reach only the spaces that the account was given. A right that is about a
 * camera holds when the camera's space is among them. Keys decide about old footage besides: what is not sealed to somebody opens for
 * nobody, whatever this table says; live pictures are a right of the session alone.
 */
export const roles = ['owner', 'member', 'guest', 'installer'] as const;
export type Role = (typeof roles)[number];

/** `people`: accounts, keys, and the owner's yes. `privacy`: switching pictures off, and on again. `names`: of persons who are recognised. */
export const rights = ['live', 'listen', 'talk', 'replay', 'export', 'hold', 'erase', 'configure', 'status', 'audit', 'privacy', 'people', 'names'] as const;
export type Right = (typeof rights)[number];

const rightsOf: Readonly<Record<Role, readonly Right[]>> = {
  owner: rights,
  member: ['live', 'listen', 'talk', 'replay', 'export', 'hold', 'audit', 'privacy', 'names'],
  guest: ['live'],
  // Sets a site up and looks after it; sees no picture, ever.
  installer: ['configure', 'status'],
};

/** These are about no space: who has them has them for the hub. */
const hubWide: ReadonlySet<Right> = new Set(['configure', 'status', 'people', 'audit', 'names']);

/** Who did something, for the audit: whoever runs the hub, or somebody on the page, by account. */
export interface By {
  readonly who: 'cli' | 'page';
  readonly account?: string;
}

export interface Rank {
  readonly role: Role;
  readonly spaces: readonly string[];
  /** An owner has said that a member may see the names of persons. */
  readonly names: boolean;
}

export function rightsIn(rank: Rank, space: string): readonly Right[] {
  return rightsOf[rank.role].filter((right) => may(rank, right, space));
}

/** `space` is the one that it is about; without one it is asked whether there is any. */
export function may({ role, spaces, names }: Rank, right: Right, space?: string): boolean {
  if (!rightsOf[role].includes(right)) return false;
  if (right === 'names' && role !== 'owner') return names;
  if (role === 'owner' || hubWide.has(right)) return true;
  return space === undefined ? spaces.length > 0 : spaces.includes(space);
}
