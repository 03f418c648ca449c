/** Erasing whole hours without a key: nobody signs it, so the hub asks for the passphrase once more. What is kept longer stays. */
import { ask } from './api.ts';

const askEveryMs = 1000;
/** What is being recorded ends at the next key frame; a camera that sends none is cut after 90 s. */
const triesMax = 150;

export interface Hours { readonly camera: string; readonly fromMs: number; readonly toMs: number; readonly why: string }

/** Resolves to what was done, in the hub's words. @param half Of the passphrase, which logs in. */
export async function eraseHours({ camera, ...hours }: Hours, half: string): Promise<readonly string[]> {
  const { order } = await ask('eraseHours', { body: { camera, ...hours, half } });
  for (let tries = 0; tries < triesMax; tries++) {
    if ((await ask('erasePlan', { body: { camera, order } })).open === 0) break;
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
  }
  return (await ask('eraseDone', { body: { camera, order, force: false } })).sentences;
}
