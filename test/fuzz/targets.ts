/** Everything that is fuzzed, by name. */
import type { Target } from './target.ts';
import { browser } from './targets/browser.ts';
import { rtsp } from './targets/emulated.ts';
import { mp4 } from './targets/mp4.ts';
import { header, payload, slot } from './targets/sealed.ts';
import { address, config, digest, discovery, events, xml } from './targets/strangers.ts';
import { hourlist, metadata, names, ownerlist, thumbnail } from './targets/written.ts';

export const targets: readonly Target[] = [mp4, header, payload, slot, config, metadata, thumbnail, hourlist, ownerlist, browser, names, xml, discovery, events, address, digest, rtsp];
