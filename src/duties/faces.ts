/**
 * Whose face somebody has who is seen now: one frame's word. The face is taken from the largest stream that is in memory, looked at by the detector,
 * compared with those who are enrolled with consent, and forgotten: picture and numbers are overwritten before anything is answered,
 * and of a face that nobody knows nothing is left, not even that there was one. While nobody is to be recognised nothing is decoded for it.
 */
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Jail } from '../capture/jail.ts';
import { pictureHeightOf, type Moments } from '../capture/moments.ts';
import type { Box } from '../detect/box.ts';
import { wipeFaces, type ExaminedFace, type Picture } from '../detect/protocol.ts';
import { matchFace, namedWidthLeastPx, type FrameMatch, type PersonTemplates } from '../policy/faces.ts';
import type { Watched } from './watch.ts';

export interface FaceFinderOptions {
  readonly detector: { examine(picture: Picture): Promise<readonly ExaminedFace[]> };
  readonly moments: Pick<Moments, 'part'>;
  /** Of those who may be recognised at this moment; none while faces are off. Valid until the next `await`. */
  readonly templates: () => readonly PersonTemplates[];
  readonly log: Log;
}

export interface FaceQuestion {
  readonly camera: string;
  readonly watch: Pick<Watched, 'lend'>;
  readonly ffmpeg: string;
  readonly jail: Jail | undefined;
  /** Monotonic. */
  readonly atMs: number;
  /** Where somebody is. */
  readonly box: Box;
}

/** Of somebody in the stream's picture; of one who is lower no face is wide enough to be named. */
const bodyLeastPx = 3 * namedWidthLeastPx;
/** The upper part of somebody, where the face is. */
const upper = 0.6;
/** Two in one place: the smaller one is behind the other, or it cannot be told whose place it is. */
const behindMost = 0.6;

export class FaceFinder {
  readonly #o: FaceFinderOptions;

  constructor(o: FaceFinderOptions) {
    this.#o = o;
  }

  /** `not looked`: nobody is to be recognised, or whoever it is is too far away; that costs nothing. Undefined where no face was to be seen. Never rejects. */
  async look(q: FaceQuestion): Promise<FrameMatch | 'not looked' | undefined> {
    if (this.#o.templates().length === 0) return 'not looked';
    let picture: Picture | 'not looked' | undefined;
    try {
      picture = await this.#pictureOf(q);
      return picture === undefined || picture === 'not looked' ? picture : this.#compare(await this.#o.detector.examine(picture));
    } catch (error) {
      this.#o.log.debug({ component: 'detect', camera: q.camera, code: asSallyportError(error).code }, 'a look for a face came to nothing');
      return undefined;
    } finally {
      if (picture !== undefined && picture !== 'not looked') picture.rgb.fill(0);
    }
  }

  async #pictureOf({ camera, watch, ffmpeg, jail, atMs, box }: FaceQuestion): Promise<Picture | 'not looked' | undefined> {
    const lent = await watch.lend('main');
    try {
      const excerpt = lent?.capture.excerpt(atMs);
      if (excerpt === undefined) return undefined;
      if (box.height * (pictureHeightOf(excerpt) ?? 0) < bodyLeastPx) {
        excerpt.bytes.fill(0);
        return 'not looked';
      }
      return await this.#o.moments.part({ camera, excerpt, ffmpeg, jail }, { ...box, height: box.height * upper });
    } finally {
      lent?.release();
    }
  }

  /** Overwrites them. */
  #compare(faces: readonly ExaminedFace[]): FrameMatch | undefined {
    try {
      const [face] = faces;
      if (face === undefined) return undefined;
      const { widthPx } = face;
      if (widthPx < namedWidthLeastPx) return { match: 'unsure', widthPx };
      const templates = this.#o.templates();
      const matches = faces.filter((one) => one === face || one.widthPx > widthPx * behindMost).map(({ vector }) => matchFace(vector, templates));
      const [match = 'unknown'] = matches;
      // Of two it may be either; two strangers are strangers.
      return { match: matches.length === 1 || matches.every((one) => one === 'unknown') ? match : 'unsure', widthPx };
    } finally {
      wipeFaces(faces);
    }
  }
}
