/** Persons who agreed that their face is recognised: the closed words about them, and the bounds. */
import { poorReasons, templatesMost } from './faces.ts';

/** How somebody agreed. `by guardian`: somebody who may decide for them did, in writing. */
export const consentWays = ['in writing', 'in person', 'by message', 'by guardian'] as const;
export type ConsentWay = (typeof consentWays)[number];

/** `lapsed`: not renewed in time; nothing is matched with them, and they are forgotten `forgottenAfterMs` later. */
export const consentStates = ['given', 'lapsed'] as const;
export type ConsentState = (typeof consentStates)[number];

/** Why a picture is not taken: it is none, it is larger than any that the page sends, or what the quality gate says. */
export const pictureReasons = ['no picture', 'too large', ...poorReasons] as const;
export type PictureReason = (typeof pictureReasons)[number];

/** Who has the keys of persons: the hub itself, or the owner, whose device lends them until the hub ends. */
export const facesLocks = ['hub', 'owner'] as const;
export type FacesLock = (typeof facesLocks)[number];

export const personIdPattern = /^[0-9a-f]{32}$/;
/** Of a person's templates: one of each picture. */
export const templatesMax = templatesMost;
export const peopleMax = 64;
/** A JPEG as the page sends it. */
export const enrolPictureBytesMax = 512 * 1024;

/** Who has not agreed anew for so long after the consent lapsed is forgotten. */
export const forgottenAfterMs = 30 * 86_400_000;
