/** The one place where keys, players and opened footage come in. They are chunks of their own, loaded when first needed. */
import { ask } from './api.ts';
import type { Footage, Keys, OwnerListInHand, PanelMaker, Players } from './seams.ts';

let keys: Promise<Keys> | undefined;

export function loadKeys(): Promise<Keys> {
  keys ??= import('./keys.ts').then(({ openKeys }) => openKeys());
  return keys;
}

/** Private keys leave the memory, if they ever came into it. */
export async function lockKeys(): Promise<void> {
  await (await keys)?.lock();
}

let players: Promise<Players> | undefined;

export function loadPlayers(): Promise<Players> {
  players ??= import('./players.ts').then(({ realPlayers }) => realPlayers);
  return players;
}

let panels: Promise<PanelMaker> | undefined;

export function loadPanels(): Promise<PanelMaker> {
  panels ??= import('./player/panel.ts').then(({ PanelPlayer }) => (canvas, address, listener) => new PanelPlayer(canvas, address, listener));
  return panels;
}

let footage: Promise<Footage> | undefined;

export function loadFootage(): Promise<Footage> {
  footage ??= import('./opened.ts').then(({ realFootage }) => realFootage);
  return footage;
}

/** The owner's list in force, with those before it; undefined where the hub has none. */
export async function ownerListInHand(): Promise<OwnerListInHand | undefined> {
  const { text, earlier } = await ask('ownerList', {});
  return text === undefined ? undefined : { text, earlier };
}
