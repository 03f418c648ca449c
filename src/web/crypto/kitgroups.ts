/** Whether the kit is on paper: the page asks for two of its groups. Light enough for the page's main script. */
import { randomBytes } from './bytes.ts';

/** Two groups for the owner to type, so that we know that they are on paper: their places from 0, in rising order. */
export function groupsToAsk(groups: readonly string[]): [number, number] {
  const [a, b] = randomBytes(2) as unknown as [number, number];
  const first = a % groups.length;
  const second = (first + 1 + (b % (groups.length - 1))) % groups.length;
  return first < second ? [first, second] : [second, first];
}

export function groupsFit(groups: readonly string[], typed: readonly { readonly place: number; readonly text: string }[]): boolean {
  return typed.length > 0 && typed.every(({ place, text }) => text.replaceAll(/\s/g, '').toUpperCase() === groups[place]);
}
