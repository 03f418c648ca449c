/** What a browser must have, found out before anything is asked of it. */
export const needs = ['crypto', 'storage', 'worker'] as const;
export type Need = (typeof needs)[number] | 'media';

export interface Abilities {
  readonly secure: boolean;
  readonly subtle: boolean;
  readonly storage: boolean;
  readonly worker: boolean;
  readonly media: boolean;
}

/** Without these the page has nothing to offer; a lack of `media` alone leaves the settings. */
export function missing(can: Abilities): Need[] {
  return [...(can.secure && can.subtle ? [] : ['crypto' as const]), ...(can.storage ? [] : ['storage' as const]), ...(can.worker ? [] : ['worker' as const])];
}

export function abilities(): Abilities {
  return {
    secure: isSecureContext, subtle: crypto.subtle !== undefined, storage: 'indexedDB' in window && indexedDB !== null, worker: 'Worker' in window, media: canPlay(),
  };
}

export function canPlay(): boolean {
  return 'MediaSource' in window || 'ManagedMediaSource' in window;
}
