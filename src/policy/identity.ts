/**
 * Who a camera is. Serial number, hardware address, and the name that it calls itself by (its endpoint, a uuid): none of them is enough
 * alone. The serial is asked with a password, so it comes too late to decide whether the password may be sent; the uuid is said by
 * everybody to everybody and copied in a second (and every Tapo says the same); the hardware address is what the kernel would send to.
 */

export interface CameraIdentity {
  /** What it calls itself, by its own word and as it was heard. */
  readonly endpoints: readonly string[];
  /** Of its network interfaces. */
  readonly hardware: readonly string[];
  /** The kernel saw one of them when the camera was asked: no repeater stands between that shows its own. */
  readonly direct?: boolean;
}

/** One that answers at another address. */
export interface Sighting {
  readonly endpoint: string | undefined;
  /** Where the kernel would send to now; not what it claims. */
  readonly hardware: string | undefined;
}

export interface MoveFacts {
  readonly known: CameraIdentity;
  readonly seen: Sighting;
  /** Others call themselves the same, so that it says nothing. */
  readonly endpointShared: boolean;
  /** It has TLS, and its certificate was remembered: whoever answers proves the key before anything is sent. */
  readonly pinned: boolean;
}

export type MoveVerdict =
  /** It is the camera, or will be refused by its certificate before anything is sent. */
  | { readonly kind: 'the same'; readonly by: string }
  /** It may be, and it may be somebody who says so: the owner is asked, and no password is sent. */
  | { readonly kind: 'perhaps'; readonly why: string }
  | { readonly kind: 'another' };

export function judgeMove({ known, seen, endpointShared, pinned }: MoveFacts): MoveVerdict {
  const endpoints = known.endpoints.map(plainEndpoint);
  const endpoint = seen.endpoint === undefined ? undefined : plainEndpoint(seen.endpoint);
  const saysSo = endpoint !== undefined && endpoints.includes(endpoint);
  // Several cameras behind one interface (a recorder, a bridge) share its hardware address and differ in this.
  if (!saysSo && endpoint !== undefined && endpoints.length > 0) return { kind: 'another' };
  if (seen.hardware !== undefined && known.hardware.includes(seen.hardware)) return { kind: 'the same', by: 'its hardware address' };
  if (!saysSo || endpointShared) return { kind: 'another' };
  if (pinned) return { kind: 'the same', by: 'its certificate' };
  if (known.hardware.length === 0) return { kind: 'perhaps', why: 'its hardware address was not known when it was adopted' };
  return { kind: 'perhaps', why: seen.hardware === undefined ? 'its hardware address cannot be seen from here' : `its hardware address is ${seen.hardware}, and not ${known.hardware.join(' or ')}` };
}

/** Whether somebody else stands at a camera's address: the kernel would send to a hardware address that the camera has not. */
export function isDisplaced({ hardware, direct }: CameraIdentity, seen: string | undefined): boolean {
  return direct === true && seen !== undefined && hardware.length > 0 && !hardware.includes(seen);
}

/** What is known of a camera after it was asked with its password. */
export interface KnownCamera {
  readonly device: { readonly manufacturer: string; readonly model: string; readonly serial: string };
  readonly identity?: CameraIdentity;
}

/**
 * Whether two answers are of one device. Cheap makes give all their cameras one serial number, and the channels of a recorder share
 * more than that: where both say what their hardware addresses are, or what they call themselves, and differ in it, they are two.
 */
export function isSameDevice(one: KnownCamera, other: KnownCamera): boolean {
  const [a, b] = [one.device, other.device];
  if (a.serial === '' || a.serial !== b.serial || a.manufacturer !== b.manufacturer || a.model !== b.model) return false;
  const [x, y] = [one.identity, other.identity];
  return !differ(x?.hardware, y?.hardware) && !differ(x?.endpoints.map(plainEndpoint), y?.endpoints.map(plainEndpoint));
}

/** Whether one that was only heard says that it is this camera; `hardware` as it claims it. */
export function saysItIs(known: CameraIdentity, { endpoint, hardware }: Sighting): boolean {
  return endpoint !== undefined && known.endpoints.map(plainEndpoint).includes(plainEndpoint(endpoint)) && !differ(known.hardware, hardware === undefined ? [] : [hardware]);
}

/** Both say something, and nothing of it is the same. */
function differ(one: readonly string[] = [], other: readonly string[] = []): boolean {
  return one.length > 0 && other.length > 0 && !one.some((value) => other.includes(value));
}

/** `urn:uuid:A`, `uuid:A` and `A` are one. */
export function plainEndpoint(endpoint: string): string {
  return endpoint.trim().toLowerCase().replace(/^(?:urn:)?(?:uuid:)?/, '');
}
