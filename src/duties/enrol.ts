/**
 * Persons, as owners have them: enrolled by hand with a consent, renewed, looked at, forgotten. The pictures that somebody is enrolled by are looked at in
 * memory (the jailed decoder, the detector) and wiped; what stays is sealed to the person's own key (`vault/people.ts`). Names go to who may see
 * them, and the audit says who did; no log and no audit line has one.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { hourMs } from '../base/units.ts';
import { jpegOf, pixelsOf, type EnrolTools } from '../capture/enrolpicture.ts';
import type { ColourPicture } from '../capture/moments.ts';
import { sideLeast, wipeFaces, type ExaminedFace } from '../detect/protocol.ts';
import type { By } from '../policy/access.ts';
import { judgePicture, strangersAmong } from '../policy/faces.ts';
import { consentText, facesNotice, type VersionedText } from '../policy/facesnotice.ts';
import { enrolPictureBytesMax, forgottenAfterMs, type ConsentState, type ConsentWay, type FacesLock, type PictureReason } from '../policy/people.ts';
import type { HubConfig } from '../policy/settings.ts';
import { wipe } from '../seal/secure.ts';
import type { ConsentRecord, LockQuestion, LockState, OpenPerson, PersonRow, Vault } from '../vault/vault.ts';
import type { PeopleBook } from './people.ts';
import { Turns } from '../base/turns.ts';

/** A consent as somebody on the page records it. */
export interface ConsentWish {
  readonly how: ConsentWay;
  /** Whose word it was. */
  readonly givenBy: string;
  /** SHA-256 of the text as it was shown. */
  readonly consent: string;
}

export interface EnrolWish extends ConsentWish {
  readonly name: string;
  /** JPEGs; wiped. */
  readonly pictures: readonly Buffer[];
}

/** Of a person without the name. */
export interface PersonShown {
  readonly id: string;
  readonly state: ConsentState;
  readonly enrolledMs: UnixMs;
  readonly consentMs: UnixMs;
  readonly lapsesMs: UnixMs;
  readonly forgottenMs: UnixMs;
  readonly templates: number;
  /** The templates are of the model in use. */
  readonly usable: boolean;
}

export interface NamedPerson extends PersonShown {
  readonly name: string;
  readonly how: ConsentWay;
  readonly givenBy: string;
  readonly recordedBy: string;
  readonly consentVersion: number;
  /** base64url. */
  readonly mark: string;
}

export interface EnrolOptions {
  readonly vault: Pick<Vault, 'audit'> & { readonly people: Vault['people'] };
  readonly book: Pick<PeopleBook, 'refresh' | 'drop' | 'lapsesMs' | 'takeBack'>;
  readonly faces: () => HubConfig['faces'];
  readonly model: string;
  readonly examine: (picture: ColourPicture) => Promise<readonly ExaminedFace[]>;
  readonly tools: () => EnrolTools;
  readonly nameOf: (account: string) => string | undefined;
  readonly clock: Clock;
}

/** Who looks at names again within this time makes no new line of the audit. */
const sameLookMs = hourMs;

export class EnrolDuty {
  readonly #o: EnrolOptions;
  /** One picture is looked at after the other: eight at once would be 40 MB. */
  readonly #turns = new Turns();
  /** Account → until when, monotonic. */
  readonly #looked = new Map<string, number>();

  constructor(o: EnrolOptions) {
    this.#o = o;
  }

  /** With names, for the page; who looked is in the audit before they are given out. */
  async list(by: string): Promise<{ enabled: boolean; consentLastsMs: number; notice: VersionedText; consent: VersionedText; locked: number; people: NamedPerson[] }> {
    const { enabled, consentMs } = this.#o.faces();
    const rows = await this.#o.vault.people.list();
    if (rows.length > 0) await this.#noteLook(by);
    return { enabled, consentLastsMs: consentMs, notice: facesNotice, consent: consentText, locked: (await this.#o.vault.people.lockState()).locked, people: await this.#named() };
  }

  /** Without names, for whoever runs the hub. */
  async show(): Promise<{ enabled: boolean; lock: FacesLock; locked: number; people: PersonShown[] }> {
    return { enabled: this.#o.faces().enabled, ...await this.#o.vault.people.lockState(), people: (await this.#o.vault.people.list()).map((row) => this.#shown(row)) };
  }

  /** What `status` says of it; nothing where the disk does not tell. */
  async lockWarnings(): Promise<string[]> {
    const locked = this.#o.faces().enabled ? await this.#o.vault.people.lockState().then((state) => state.locked, () => 0) : 0;
    return locked === 0 ? [] : [`faces are locked: nobody of ${locked} who are enrolled is recognised until an owner lends the keys (sallyport people lend --identity KIT)`];
  }

  /** What is needed to lend the keys of persons. */
  lockQuestion(): Promise<LockQuestion> {
    return this.#o.vault.people.lockQuestion();
  }

  /** Until the hub ends, or they are taken back. Answers for how many persons keys are missing still. SP_FACES_LEND. */
  async lend(sealed: Uint8Array, by: By): Promise<LockState> {
    await this.#o.vault.people.lend(sealed, by);
    await this.#o.book.refresh();
    return this.#o.vault.people.lockState();
  }

  takeBack(by: By): Promise<void> {
    return this.#o.book.takeBack(by);
  }

  /** A JPEG. SP_PERSON_UNKNOWN, SP_FACES_LOCKED. */
  async picture(person: string, by: string): Promise<Buffer> {
    await this.#noteLook(by);
    return this.#o.vault.people.crop(person);
  }

  /** Whether somebody could be enrolled by it; it is wiped, and kept nowhere. SP_FACES_OFF, and what the detector rejects with. */
  async check(picture: Buffer): Promise<{ ok: boolean; reason?: PictureReason; faces: number }> {
    this.#checkOn('a picture be looked at');
    const { faces, ...looked } = await this.#look(picture);
    if ('reason' in looked) return { ok: false, reason: looked.reason, faces };
    wipeFaces([looked.face]);
    return { ok: true, faces };
  }

  /** SP_FACES_OFF, SP_CONSENT, SP_ENROL with the first picture that is not taken and why; then nobody is enrolled. */
  async enrol({ name, pictures, ...wish }: EnrolWish, by: string): Promise<NamedPerson> {
    const faces: ExaminedFace[] = [];
    let crop: Buffer | undefined;
    try {
      this.#checkOn('somebody be enrolled');
      const consent = this.#consentOf(wish, by);
      // Who would be enrolled could not be shown, and might be there already.
      if ((await this.#o.vault.people.lockState()).locked > 0) throw new SallyportError('SP_FACES_LOCKED', {});
      for (const [index, picture] of pictures.entries()) {
        const looked = await this.#look(picture);
        if ('reason' in looked) throw refused(index, looked.reason);
        faces.push(looked.face);
      }
      const [stranger] = strangersAmong(faces.map(({ vector }) => vector));
      if (stranger !== undefined) throw refused(stranger, 'another person');
      const best = faces.toSorted((a, b) => a.blur - b.blur || b.widthPx - a.widthPx)[0];
      crop = best === undefined ? undefined : await jpegOf(best.crop, this.#o.tools());
      if (crop === undefined) throw refused(0, 'no picture');
      // It may have been turned off while the pictures were looked at.
      this.#checkOn('somebody be enrolled');
      const id = await this.#o.vault.people.enrol({ name, consent, ...this.#until(consent.atMs), model: this.#o.model, vectors: faces.map(({ vector }) => vector), crop });
      await this.#o.book.refresh();
      return await this.#one(id);
    } finally {
      for (const picture of pictures) picture.fill(0);
      wipeFaces(faces);
      crop?.fill(0);
    }
  }

  /** The person has agreed anew. SP_CONSENT, SP_PERSON_UNKNOWN. */
  async renew(person: string, wish: ConsentWish, by: string): Promise<NamedPerson> {
    const consent = this.#consentOf(wish, by);
    await this.#o.vault.people.renew(person, consent, this.#until(consent.atMs));
    await this.#o.book.refresh();
    return this.#one(person);
  }

  /** SP_PERSON_UNKNOWN; what `vault.people.forget` rejects with: then it is ended by itself. */
  async forget(person: string, by: By): Promise<{ receipt: number; atMs: UnixMs; readBack: boolean }> {
    this.#o.book.drop(person);
    try {
      const { number, atMs, readBack } = await this.#o.vault.people.forget(person, by);
      return { receipt: number, atMs: Math.round(atMs), readBack };
    } finally {
      await this.#o.book.refresh().catch(() => {}); // its own turn tells
    }
  }

  #checkOn(what: string): void {
    if (!this.#o.faces().enabled) throw new SallyportError('SP_FACES_OFF', { what });
  }

  /** Of today's text: who was shown another one has agreed to another one. */
  #consentOf({ how, givenBy, consent }: ConsentWish, by: string): ConsentRecord {
    if (consent !== consentText.sha256) throw new SallyportError('SP_CONSENT', { reason: 'it was given to another text than the hub has now' });
    return { givenBy, recordedBy: by, how, atMs: Math.round(this.#o.clock.wallMs()), version: consentText.version, sha256: consentText.sha256 };
  }

  #until(atMs: UnixMs): { lapsesMs: UnixMs; forgottenMs: UnixMs } {
    const lapsesMs = atMs + this.#o.faces().consentMs;
    return { lapsesMs, forgottenMs: lapsesMs + forgottenAfterMs };
  }

  /** The one face that is good enough, which the caller wipes, or why there is none. The picture is wiped. */
  #look(jpeg: Buffer): Promise<{ faces: number } & ({ face: ExaminedFace } | { reason: PictureReason })> {
    return this.#turns.take(async () => {
      let pixels: ColourPicture | undefined;
      let faces: readonly ExaminedFace[] = [];
      let kept: ExaminedFace | undefined;
      try {
        if (jpeg.length > enrolPictureBytesMax) return { faces: 0, reason: 'too large' };
        pixels = await pixelsOf(jpeg, this.#o.tools());
        if (pixels === undefined) return { faces: 0, reason: 'no picture' };
        if (Math.min(pixels.width, pixels.height) < sideLeast) return { faces: 0, reason: 'too small' };
        faces = await this.#o.examine(pixels);
        const judged = judgePicture(faces);
        if ('poor' in judged) return { faces: faces.length, reason: judged.poor };
        kept = judged.face;
        return { faces: faces.length, face: kept };
      } finally {
        jpeg.fill(0);
        pixels?.rgb.fill(0);
        wipeFaces(faces.filter((face) => face !== kept));
      }
    });
  }

  async #named(): Promise<NamedPerson[]> {
    return (await this.#o.vault.people.open()).map((person) => this.#withName(person));
  }

  async #one(id: string): Promise<NamedPerson> {
    const found = (await this.#named()).find((person) => person.id === id);
    if (found === undefined) throw new SallyportError('SP_PERSON_UNKNOWN', { person: id });
    return found;
  }

  #withName(person: OpenPerson): NamedPerson {
    const { name, consent, mark } = person;
    const { how, givenBy, recordedBy, version } = consent;
    try {
      return { ...this.#shown(person), name, how, givenBy, recordedBy: this.#o.nameOf(recordedBy) ?? '', consentVersion: version, mark: mark.toString('base64url') };
    } finally {
      wipe(mark);
    }
  }

  /** As it counts now, whether or not the disk knows yet. */
  #shown(row: PersonRow): PersonShown {
    const lapsesMs = this.#o.book.lapsesMs(row);
    const state = row.state === 'lapsed' || lapsesMs <= this.#o.clock.wallMs() ? 'lapsed' : 'given';
    return { id: row.id, state, enrolledMs: row.enrolledMs, consentMs: row.consentMs, lapsesMs, forgottenMs: lapsesMs + forgottenAfterMs, templates: row.vectors, usable: row.model === this.#o.model };
  }

  async #noteLook(by: string): Promise<void> {
    const nowMs = this.#o.clock.monotonicMs();
    if ((this.#looked.get(by) ?? -Infinity) > nowMs) return;
    await this.#o.vault.audit({ what: 'people.looked', who: 'page', account: by, detail: {} });
    this.#looked.set(by, nowMs + sameLookMs);
  }
}

function refused(index: number, reason: PictureReason): SallyportError {
  return new SallyportError('SP_ENROL', { picture: index + 1, reason });
}
