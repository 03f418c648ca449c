/**
 * Where a camera is that moved: kept in the working database, because the household's file is never rewritten. It holds for as long as
 * the configuration says what it said then; an address that somebody writes there is where the camera is, whatever was remembered.
 */
import type { CanonicalValue } from '../base/canonical.ts';
import type { CameraAddress } from '../cameras/client.ts';
import type { CameraConfig } from '../policy/settings.ts';
import type { Vault } from '../vault/vault.ts';

export interface CameraPlace {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** What the configuration said when it moved. */
  readonly insteadOf: string;
}

export async function rememberPlace(vault: Pick<Vault, 'putSetting'>, camera: string, { host, port, path }: CameraAddress, configured: CameraConfig): Promise<void> {
  const place: CameraPlace = { host, port, path, insteadOf: configuredPlace(configured) };
  await vault.putSetting(nameOf(camera), place as unknown as CanonicalValue);
}

/** Undefined where the camera is where the configuration says. */
export async function recallPlace(vault: Pick<Vault, 'setting'>, configured: CameraConfig): Promise<CameraPlace | undefined> {
  const place = (await vault.setting(nameOf(configured.id))) as unknown as CameraPlace | null | undefined;
  if (place === undefined || place === null || place.insteadOf !== configuredPlace(configured)) return undefined;
  return placed(place) === configuredPlace(configured) ? undefined : place;
}

function nameOf(camera: string): string {
  return `camera/${camera}/place`;
}

function configuredPlace({ address, port, path }: CameraConfig): string {
  return placed({ host: address, port, path });
}

function placed({ host, port, path }: { host: string; port: number; path: string }): string {
  return `${host}:${port}${path}`;
}
