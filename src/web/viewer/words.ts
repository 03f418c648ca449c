/** Everything that viewer.html says, in English, in one place; reasons of gaps are in the page's own table (`strings.ts`). */
const count = (n: number, one: string, other: string): string => `${n} ${n === 1 ? one : other}`;

export const words = {
  title: 'Sallyport viewer',
  lead: 'Opens footage that your hub has sent away, from the stores themselves, with your recovery kit. No hub is needed.',
  trust: 'This is one file. Keep a copy of it, and compare its SHA-256 with the one that was published: then nobody has changed it. It speaks to the stores that you name and to nobody else, and it keeps nothing.',

  footage: 'Where the footage is',
  slots: 'Where the sealed keys are',
  slotsHint: 'The destination that `slots_at` names in your hub\'s configuration.',
  same: 'In the same place as the footage',
  kind: 'Kind of store', webdav: 'WebDAV', s3: 'S3 bucket', folder: 'A folder on this computer',
  address: 'Address', addressHint: 'Such as https://nas.example/cameras',
  user: 'User', password: 'Password', keyId: 'Key id', secret: 'Secret key', bucket: 'Bucket', prefix: 'Prefix', region: 'Region',
  chooseFolder: 'Folder', folderHint: 'A copy of what lies in the store: the browser reads it here and sends nothing.',

  kit: 'Your recovery kit',
  kitFile: 'The file kit.txt', kitTyped: 'Or its characters, as they are printed', kitHint: 'It stays in this page, and is forgotten when you close it.',
  open: 'Open', opening: 'Opening…',

  badAddress: 'The address must begin with https:// (or http:// for this computer itself), and must not hold a password.',
  noFolder: 'Choose the folder.', noKit: 'Give the kit, as a file or typed.', noBucket: 'Name the bucket.',
  cors: 'If the store is up, it may not let pages of other origins read it: docs/burnt-hub.md says what to set there.',

  found: (cameras: number, days: number) => `${count(cameras, 'camera', 'cameras')}, ${count(days, 'day', 'days')}`,
  asOf: (when: string) => `The keys are those of ${when}. What was purged since then, or before, opens for nobody.`,
  locked: (n: number) => `${count(n, 'key is', 'keys are')} for somebody else's kit or space.`,
  camera: 'Camera', day: 'Day', loadingDay: 'Reading the day…', nothing: 'There is no footage of this day.',
  alarms: (n: number) => count(n, 'alarm', 'alarms'), alarm: (at: string, kind: string, rule: string) => `${at}: ${kind} (${rule})`, playAlarm: (at: string) => `Play from ${at}`,
  noPicture: 'No picture of it lies in these stores.', loadingPicture: 'Opening the picture…', pictureOf: (at: string) => `Picture of the alarm at ${at}`,
  times: 'Recorded', gap: (from: string, to: string, reason: string) => `${from} to ${to}: no footage (${reason})`,
  playFrom: (from: string, to: string) => `Play ${from} to ${to}`, run: (from: string, to: string) => `${from} to ${to}`,
  position: 'Time of day', play: 'Play', pause: 'Pause', pace: 'Pace', screen: (camera: string) => `Footage of ${camera}`,
  shown: (when: string) => `Shown: ${when}`, ended: 'The end of the day\'s footage.', unsupported: 'This browser does not show this kind of picture.',

  clip: 'Save a clip', from: 'From', to: 'To', save: 'Save', saving: 'Making the clip…', cancel: 'Cancel',
  clipHint: 'MP4 files with the camera\'s own pictures, unsealed, and a manifest that your kit signs.', clipKind: 'MP4 film',
  saved: (names: string) => `Saved: ${names}`, clipWrong: 'The clip must end after it begins.',
  problems: 'What did not open', again: 'Other stores or another kit',
} as const;
