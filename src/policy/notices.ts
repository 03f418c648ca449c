import type { ObservationKind } from './observations.ts';

export interface NoticeWords {
  readonly sentence: string;
  /** What to do about it. */
  readonly todo: string;
}

/** What the owner must hear of, each kind once while it lasts, or once when it happens, with what to do about it. A closed list: nothing else ever rings. */
export const noticeKinds = {
  'recording stopped': {
    sentence: 'nothing is being sealed',
    todo: 'Look at `sallyport status`: it says why. Recording goes on by itself when the cause is gone.',
  },
  'disk full': {
    sentence: 'the disk is full and nothing may be deleted',
    todo: 'Make room, shorten `keep`, or give the hub a larger disk. Recording goes on by itself when there is room.',
  },
  'disk pressure': {
    sentence: 'footage was destroyed before its deadline, because the disk is nearly full',
    todo: 'Shorten `keep`, record fewer cameras, or give the hub a larger disk. Each early receipt names what went.',
  },
  'disk failing': {
    sentence: 'the disk refuses to be written',
    todo: 'Check the disk and its cable, and `dmesg`. Recording goes on by itself when it can be written again.',
  },
  'disk gone': {
    sentence: 'the disk with the recordings is not there',
    todo: 'Put it back; recording goes on by itself. Live view is not affected.',
  },
  'camera changed': {
    sentence: 'it is not as it was',
    todo: 'If you have updated or exchanged it, `sallyport camera refresh ID` takes note. If not, find out who did.',
  },
  'firmware changed': {
    sentence: 'it runs another firmware than before',
    todo: 'If you have updated it, `sallyport camera refresh ID` takes note. If not, find out who did, and give the camera a new password.',
  },
  'new camera': {
    sentence: 'a camera was added to this site',
    todo: 'If no owner of yours did that, take it out again, and look at the audit: it says who it was.',
  },
  'new device': {
    sentence: 'a browser or phone was added that keeps keys of its own',
    todo: 'If it is nobody\'s of the household, remove it under Settings, change that account\'s passphrase, and look at the audit.',
  },
  'new destination': {
    sentence: 'something more may leave this house than before',
    todo: 'If no owner of yours said yes to it, take the destination out of the configuration, and look at the audit: it says whose yes it was.',
  },
  'destination failing': {
    sentence: 'what should leave the house does not arrive',
    todo: 'Look at `sallyport egress`: it says what the destination answered. What waits is sent when it takes it again; notices that wait too long are dropped and counted.',
  },
  'far footage lost': {
    sentence: 'footage that lay at a destination alone is not there any more',
    todo: '`sallyport egress` says how much. If the store was exchanged, emptied or is another disk, put back what it held: it is found again when it is played. Else somebody deletes there: change its credentials.',
  },
  'audit broken': {
    sentence: 'the audit is not as it was written: lines were altered or cut out',
    todo: 'Keep a copy of the data folder as it is, then run `sallyport verify`: it names each line. Somebody, or a failing disk, has changed the working database.',
  },
  'certificate changed': {
    sentence: 'it shows another certificate than when it was adopted; nothing is sent to it',
    todo: 'After a reset or a firmware update of the camera: `sallyport camera trust ID`. Else find out who answers in its place.',
  },
  'camera moved': {
    sentence: 'it has another address than the configuration says, and is recorded there',
    todo: 'Nothing is lost. Write the new address where the old one stands (sallyport.toml or conf.d), or give the camera a fixed address in the router.',
  },
  'camera displaced': {
    sentence: 'another device answers at its address',
    todo: 'The camera is looked for at other addresses. Until it is found, what is recorded in its name may be another camera\'s. Fixed addresses in the router keep cameras apart.',
  },
  'camera found elsewhere': {
    sentence: 'something at another address says it is this camera, and was sent no password',
    todo: 'If it is the camera: `sallyport adopt --moved CAMERA`. Else find out what pretends to be it.',
  },
  'keyring damaged': {
    sentence: 'one of the two keyring files is torn, rotten, missing or old; the other one serves',
    todo: 'Check the disk soon: if the second file is lost too, what was recorded opens for nobody.',
  },
  'rot found': {
    sentence: 'a recording is no longer what was written',
    todo: 'Check the disk: it has begun to lose data. `sallyport verify` names every file. The rest is not affected.',
  },
  'database damaged': {
    sentence: 'the working database is damaged',
    todo: 'Restore the newest daily copy with `sallyport database restore`, or build it anew with `sallyport rebuild`.',
  },
  'purge overdue': {
    sentence: 'footage past its deadline could not be destroyed yet; it is locked',
    todo: 'Look at `sallyport status`: it says what is in the way. It is tried again by itself.',
  },
  'clock doubtful': {
    sentence: 'the clock has jumped, and nothing is destroyed until it is known to be right',
    todo: 'Check the date of the machine, then `sallyport accept time --identity KIT`, or wait.',
  },
  'events stuck': {
    sentence: 'its events do not come',
    todo: 'Look at `sallyport status`: it says why. Recording is not affected; events come by themselves when the cause is gone. If the camera shall have none, set `events = false`.',
  },
  'failed logins': {
    sentence: 'passphrases are being tried that are wrong',
    todo: 'If it was nobody of the household, somebody in your network is guessing. Each try makes the next one wait longer; browsers that were logged in before are not held up.',
  },
  'keys of who left': {
    sentence: 'the owner\'s signed list still names keys of somebody who has left, or of a device that was removed',
    todo: 'What is recorded is sealed to them until an owner\'s device signs a list without them: the page offers it to an owner at the next visit, and under Settings, People.',
  },
  'kit replaced': {
    sentence: 'another recovery kit took the place of the old one',
    todo: 'If no owner of yours did that, somebody has an owner\'s device and its passphrase: look at who is in, and at the audit. This is told for a week.',
  },
  'page unreachable': {
    sentence: 'the page cannot be opened',
    todo: 'Look at `sallyport status`: it says why. Recording is not affected; it is tried again by itself.',
  },
  'consent lapsed': {
    sentence: 'the consent of a person who is recognised has lapsed; nothing is compared with them any more',
    todo: 'Ask them whether they agree again, and record it under Settings, Faces. Without that the person is forgotten 30 days after it lapsed.',
  },
  'too many events': {
    sentence: 'it observes more in a day than is kept; the rest of the day\'s are dropped',
    todo: 'Lower the camera\'s sensitivity, or set `events = false`. Recording is not affected.',
  },
} as const satisfies Record<string, NoticeWords>;

export type NoticeKind = keyof typeof noticeKinds;

const look = 'Look at the alarm on the page: its pictures and its footage say what it was. If such alarms are too many, narrow its rule by hours, zones or cameras.';

/** What a rule rings for, where an owner wants it on a phone. */
export const observedKinds = {
  motion: { sentence: 'something moved', todo: look },
  person: { sentence: 'somebody came', todo: look },
  vehicle: { sentence: 'a vehicle came', todo: look },
  pet: { sentence: 'an animal came', todo: look },
  face: { sentence: 'a face was seen', todo: look },
  package: { sentence: 'a package was left or taken', todo: look },
  line: { sentence: 'a line, or the edge of a field, was crossed', todo: look },
  sound: { sentence: 'something was heard', todo: look },
  doorbell: { sentence: 'somebody rang', todo: 'Answer on the page, under Live, where the camera has a loudspeaker; its pictures and its footage say who it was.' },
  tamper: { sentence: 'the camera says that somebody covers, turns or opens it', todo: 'Look at it, live and with your own eyes. What was recorded before is sealed on the hub, and stays.' },
  input: { sentence: 'a contact at the camera opened or closed', todo: look },
  firmware: { sentence: 'it runs another firmware, or is another device, than before', todo: noticeKinds['firmware changed'].todo },
  restart: { sentence: 'it has started anew', todo: 'If nobody pulled its plug and there was no power cut, look at the camera and its cable. What is missing meanwhile stands on its timeline, with the reason.' },
} as const satisfies Record<ObservationKind, NoticeWords>;

/** Of any kind that may be told; undefined for a word that is none. */
export function wordsOfNotice(kind: string): NoticeWords | undefined {
  const all: Readonly<Record<string, NoticeWords>> = { ...observedKinds, ...noticeKinds };
  return Object.hasOwn(all, kind) ? all[kind] : undefined;
}
