/**
 * The two texts about faces: the notice that an owner reads before faces are turned on, and what a person agrees to. Each has a version and a
 * SHA-256, which the audit, the owner's yes and each person's record name. A text that was released is changed only together with its
 * version: a yes to one text is none to another.
 */
import { createHash } from 'node:crypto';

export interface VersionedText {
  readonly version: number;
  readonly text: string;
  /** Of the text in UTF-8; 64 hex digits. */
  readonly sha256: string;
}

function versioned(version: number, text: string): VersionedText {
  return { version, text, sha256: createHash('sha256').update(text).digest('hex') };
}

/** What is computed, where it stays, how it is deleted. */
export const facesNotice: VersionedText = versioned(1, [
  'The hub would look for faces in the pictures of alarms, make 128 numbers of each, and compare them with those of people who agreed to it. The numbers of everybody else are dropped at once and written nowhere.',
  'All of it happens on this hub. What is kept of a person (name, the numbers, one small picture of the face, who agreed to what and when) lies in its encrypted database under a key of that person alone, is never uploaded, and is shown only to owners and to whom an owner allows it.',
  'A person is forgotten by one press: the key is destroyed, the rows are erased, and older copies of the database are destroyed too. Consent lapses after a time and must be given again. Turned off, nothing is compared any more; people stay until they are forgotten.',
].join('\n'));

export const consentText: VersionedText = versioned(1, [
  'I agree that this household\'s cameras recognise my face. The hub makes numbers of the pictures that I give now and compares faces at its cameras with them. The pictures themselves are not kept, but for one small picture of my face.',
  'Alarms may then say to the owners, and to those whom an owner allows it, that it was me. Nothing of this leaves the hub in a form that others can read.',
  'I may take this back at any time, without giving a reason: then my name, the numbers and the picture are destroyed at once, and earlier alarms say no more that it was me. My consent lapses by itself after the time that the hub is set to (a year, if nothing else was set), and may be given anew.',
].join('\n'));
