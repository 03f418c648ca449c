/** Points out that a device is adopted already, at another address: asked with its password it is known; heard only, it says so. */
import type { FoundCamera } from '../cameras/discovery.ts';
import { isSameDevice, saysItIs } from '../policy/identity.ts';
import type { CameraConfig } from '../policy/settings.ts';
import type { Vault } from '../vault/vault.ts';
import { recallCamera, type CameraFacts } from './adopt.ts';

/** `cameras`: where they are now. Undefined when it is none of them. */
export async function adoptedElsewhere(vault: Pick<Vault, 'setting'>, cameras: readonly CameraConfig[], facts: CameraFacts): Promise<CameraConfig | undefined> {
  for (const camera of cameras) {
    const known = await recallCamera(vault, camera.id);
    if (known !== undefined && isSameDevice(known, facts)) return camera;
  }
  return undefined;
}

/**
 * What to tell of those that were found and are not adopted where they are, by their ids. Where several cameras call themselves the same
 * (all of one make), or the adopted one answers at its own address too, that says nothing.
 */
export async function adoptedByTheirWord(vault: Pick<Vault, 'setting'>, cameras: readonly CameraConfig[], found: readonly FoundCamera[]): Promise<Map<string, string>> {
  const notes = new Map<string, string>();
  const here = (camera: CameraConfig): boolean => found.some(({ address }) => address === camera.address);
  for (const camera of cameras.filter((one) => !here(one))) {
    const known = await recallCamera(vault, camera.id).catch(() => undefined);
    if (known?.identity === undefined) continue;
    const { identity } = known;
    const alike = found.filter(({ address, urn, hardware }) => !cameras.some((other) => other.address === address) && saysItIs(identity, { endpoint: urn, hardware }));
    const [one, ...others] = alike;
    if (one !== undefined && others.length === 0) notes.set(one.id, `says it is ${camera.id}, adopted at ${camera.address}; if it has moved: sallyport adopt --moved ${camera.id}`);
  }
  return notes;
}
