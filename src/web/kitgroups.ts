/** The recovery kit as people copy it: groups behind the beginning that all kits share. */
export const kitPrefix = 'AGE-SECRET-KEY-1';
/** Two groups to be typed, of the whole ones; never the same. `random` gives a number below its argument. */
export function groupsToConfirm(count: number, random: (below: number) => number): readonly [number, number] {
  const whole = count - 1;
  const first = random(whole);
  const second = (first + 1 + random(whole - 1)) % whole;
  return first < second ? [first, second] : [second, first];
}

export function groupIs(typed: string, group: string): boolean {
  return typed.replaceAll(/[\s-]/g, '').toUpperCase() === group;
}
