/** The one place where keys and players come in. Both are chunks of their own, loaded when first needed. */
import type { Keys } from './seams.ts';

let keys: Promise<Keys> | undefined;

export function loadKeys(): Promise<Keys> {
  keys ??= import('./keys.ts').then(({ openKeys }) => openKeys());
  return keys;
}
