/**
 * After somebody has left: the slots of what is still kept are sealed anew by this device, slot by slot, while the page is used. It can be
 * broken off at any time and goes on when this device is opened the next time: a slot that is done says so by whom it opens to.
 */
import { ask, HubError, offline } from './api.ts';
import type { Held } from './held.tsx';
import { hubNow } from './hubtime.ts';
import { loadKeys, ownerListInHand } from './load.ts';

export interface Renewal {
  readonly state: 'running' | 'failed' | 'done';
  readonly done: number;
  readonly total: number;
  /** Slots that this device does not open. */
  readonly closed?: number;
  readonly error?: unknown;
}

/** What passes by itself. */
const passing: ReadonlySet<string> = new Set([offline, 'SP_PAGE_BUSY', 'SP_PAGE_TRIES', 'SP_SLOT_CHANGED']);
const triesMax = 6;
/** Gone with its deadline, or past it: nothing of it opens any more. */
const gone: ReadonlySet<string> = new Set(['SP_SLOT_MISSING', 'SP_FOOTAGE_LOCKED']);

let tell: (renewal: Renewal | undefined) => void = () => {};
let last: Renewal | undefined;
let running: Promise<void> | undefined;
let again = false;

/** One listener: the frame around the pages. */
export function whenRenewing(listener: (renewal: Renewal | undefined) => void): () => void {
  tell = listener;
  listener(last);
  return () => { tell = () => {}; };
}

function note(renewal: Renewal | undefined): void {
  last = renewal;
  tell(renewal);
}

/** Begins where it is needed; where it is under way, it looks once more after that. Never rejects. */
export function renewSlots(held: Held): void {
  if (held.device === undefined || !held.me.rights.includes('people')) return;
  again = true;
  running ??= work(held).finally(() => { running = undefined; });
}

async function work(held: Held): Promise<void> {
  while (again) {
    again = false;
    try {
      await renewAll(held);
    } catch (error) {
      note({ ...(last ?? { done: 0, total: 0 }), state: 'failed', error });
      return;
    }
  }
}

const doneName = (account: string): string => `sallyport renewed ${account}`;

async function renewAll({ me: { account } }: Held): Promise<void> {
  const keys = await loadKeys();
  const list = await ownerListInHand();
  if (list === undefined) return;
  const { number, spaces } = await keys.toRenew(list, account.id);
  if (spaces.length === 0 || Number(localStorage.getItem(doneName(account.id)) ?? 0) >= number) return;
  const { cameras } = await ask('slotCameras', {});
  // All cameras: each may have been in another space once, and what one recorded that was taken out stays until its deadline.
  const slots = (await Promise.all(cameras.map(async (camera) => (await periodsOf(camera)).map((period) => ({ camera, ...period }))))).flat();
  let changed = 0;
  let closed = 0;
  for (const [done, slot] of slots.entries()) {
    note({ state: 'running', done, total: slots.length });
    try {
      if (await patiently(() => renew(slot))) changed++;
    } catch (error) {
      // It is for others than this device, which cannot seal it anew, either.
      if (codeOf(error) !== 'SP_WRONG_IDENTITY') throw error;
      closed++;
    }
  }
  localStorage.setItem(doneName(account.id), String(number));
  note(changed === 0 && closed === 0 ? undefined : { state: 'done', done: slots.length, total: slots.length, closed });

  async function renew(slot: (typeof slots)[number]): Promise<boolean> {
    const body = await keys.renewSlot(slot);
    if (body === undefined) return false;
    await ask('slotReplace', { body });
    return true;
  }
}

/** Live periods of a camera, whatever was recorded in them. */
async function periodsOf(camera: string): Promise<{ slot: number; generation: number }[]> {
  const found = new Map<string, { slot: number; generation: number }>();
  const toMs = hubNow() + 86_400_000;
  for (let fromMs: number | undefined = 0; fromMs !== undefined;) {
    const from: number = fromMs;
    const page = await patiently(() => ask('timeline', { query: { camera, fromMs: from, toMs } }));
    for (const { slot, generation } of page?.periods ?? []) found.set(`${slot} ${generation}`, { slot, generation });
    fromMs = page?.moreFromMs !== undefined && page.moreFromMs > from ? page.moreFromMs : undefined;
  }
  return [...found.values()];
}

/** Undefined where it is gone. */
async function patiently<T>(work: () => Promise<T>): Promise<T | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const code = codeOf(error);
      if (gone.has(code)) return undefined;
      if (!passing.has(code) || tries >= triesMax) throw error;
      await new Promise((go) => { setTimeout(go, 250 * (2 ** tries)); });
    }
  }
}

function codeOf(error: unknown): string {
  if (error instanceof HubError) return error.code;
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
