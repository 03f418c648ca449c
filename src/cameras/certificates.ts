/**
 * The certificates of one camera. Cameras sign their own, so no authority vouches for them: what was seen at adoption is believed from
 * then on, and nothing else (trust on first use, as ssh does it). Pure: knows no socket.
 */
import { SallyportError } from '../base/errors.ts';

/** One for each of its services at the most. */
const certificatesMax = 8;

export class Certificates {
  readonly #camera: string;
  readonly #believed = new Set<string>();
  readonly #learning: boolean;

  /** `believed`: SHA-256 of the DER, as hexadecimal digits. Without them, while a camera is adopted, what is seen is believed. */
  constructor(camera: string, believed: readonly string[] | undefined) {
    this.#camera = camera;
    this.#learning = believed === undefined;
    for (const one of believed ?? []) this.#believed.add(one);
  }

  /** SP_CAMERA_CERTIFICATE when it is none of those that are believed. Called before a byte is sent. */
  check(sha256: string): void {
    if (this.#believed.has(sha256)) return;
    if (!this.#learning || this.#believed.size >= certificatesMax) throw new SallyportError('SP_CAMERA_CERTIFICATE', { camera: this.#camera, shown: sha256.slice(0, 16) });
    this.#believed.add(sha256);
  }

  /** What is believed by now, to be remembered. */
  get believed(): string[] {
    return [...this.#believed].toSorted();
  }
}
