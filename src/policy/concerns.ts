/** Which cameras a rule of the configuration is about: those it names, those of the spaces it names, or all. */

export interface CamerasOrSpaces {
  /** At most one of the two is given. */
  readonly cameras?: readonly string[];
  readonly spaces?: readonly string[];
}

export function concerns({ cameras, spaces }: CamerasOrSpaces, camera: { readonly id: string; readonly space: string }): boolean {
  if (cameras !== undefined) return cameras.includes(camera.id);
  return spaces === undefined || spaces.includes(camera.space);
}

/** "front-door, garden", "all cameras of home", "all cameras" */
export function camerasInWords({ cameras, spaces }: CamerasOrSpaces): string {
  if (cameras !== undefined) return cameras.join(', ');
  return spaces === undefined ? 'all cameras' : `all cameras of ${spaces.join(', ')}`;
}
