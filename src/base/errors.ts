/**
 * The one table of errors: code, kind, sentence and hint. Nothing else in the project makes up an error of its own.
 *
 * Kinds: `refuse` (the caller must change something), `retry` (it may go through later, the caller's loop decides),
 * `fault` (something is broken or was tampered with; the owner should look).
 * `{name}` in a sentence is filled in from the evidence. docs/ERRORS.md is tested to be equal to this table.
 */
export type ErrorKind = 'refuse' | 'retry' | 'fault';

interface ErrorRow {
  readonly kind: ErrorKind;
  readonly sentence: string;
  readonly hint: string;
}

export const errorTable = {
  // keys and sealed things
  SP_NO_OWNER: {
    kind: 'refuse',
    sentence: 'there is no owner to seal for, so nothing is recorded',
    hint: 'Run `sallyport keys new --out FOLDER` on your own device and point `owner` in sallyport.toml at the owner.json that it writes.',
  },
  SP_OWNER_LIST: {
    kind: 'refuse',
    sentence: 'the owner list {file} cannot be used: {reason}',
    hint: 'Use the owner.json that `sallyport keys new` wrote, unchanged; it carries the owner\'s signature.',
  },
  SP_BAD_IDENTITY: {
    kind: 'refuse',
    sentence: 'no age identity was found in {file}: {reason}',
    hint: 'Give the recovery kit: a text file with a line that begins with AGE-SECRET-KEY-1.',
  },
  SP_BAD_RECIPIENT: {
    kind: 'refuse',
    sentence: '{recipient} is not an age X25519 recipient: {reason}',
    hint: 'A recipient begins with age1 and is 62 characters long.',
  },
  SP_WRONG_IDENTITY: {
    kind: 'refuse',
    sentence: 'this identity opens nothing in {what}',
    hint: 'Give the recovery kit of the owner for whom this was recorded. What was purged opens for nobody.',
  },
  SP_AGE_HEADER: {
    kind: 'fault',
    sentence: '{what} does not begin with an age v1 header: {reason}',
    hint: 'The file is damaged or is not a sealed file. `sallyport verify` names damaged segments.',
  },
  SP_AGE_MAC: {
    kind: 'fault',
    sentence: 'the header of {what} was altered',
    hint: 'The file is damaged or was tampered with; what it held is not shown.',
  },
  SP_AGE_PAYLOAD: {
    kind: 'fault',
    sentence: '{what} is damaged at chunk {chunk}',
    hint: 'The file is damaged or was tampered with; only what lies before the damage can be trusted.',
  },
  SP_AGE_ARMOR: {
    kind: 'fault',
    sentence: 'the age armor of {what} is broken: {reason}',
    hint: 'The text is damaged; take it from a copy.',
  },
  SP_SEGMENT_CUT: {
    kind: 'fault',
    sentence: '{what} ends after {chunks} whole chunks without its final mark',
    hint: 'Either recording was cut off there (then the catalogue says so), or the end was removed.',
  },
  SP_SEGMENT_METADATA: {
    kind: 'fault',
    sentence: 'the metadata of {what} cannot be read: {reason}',
    hint: 'The segment was not written by Sallyport, or by a newer version of it.',
  },
  SP_BAD_SIGNATURE: {
    kind: 'fault',
    sentence: 'the signature of {what} does not hold: {reason}',
    hint: 'Do not trust it. A genuine one checks with `ssh-keygen -Y verify`.',
  },
  // vault
  SP_NO_SLOT: {
    kind: 'fault',
    sentence: 'no slot could be written for {camera}, so nothing is recorded under it: {reason}',
    hint: 'Check the disk: each period needs its key slot in both keyring files before footage is sealed to it.',
  },
  SP_SLOT_MISSING: {
    kind: 'fault',
    sentence: 'the key slot of {what} is gone or was shredded',
    hint: 'What was purged opens for nobody. If it was not purged, the keyring is damaged: see `sallyport verify`.',
  },
  SP_SLOT_CHANGED: {
    kind: 'refuse',
    sentence: 'slot {slot} does not hold any more what is to be replaced',
    hint: 'Fetch the slot again: another device may have sealed it anew, or its period was purged.',
  },
  SP_SLOT_TOO_LONG: {
    kind: 'refuse',
    sentence: 'a slot holds at most five recipients (four where the camera has a long name), {recipients} were given',
    hint: 'Remove recipients from the space.',
  },
  SP_HOUR_LIST: {
    kind: 'fault',
    sentence: 'the hour list {file} cannot be used: {reason}',
    hint: 'The list is damaged, or a newer version of Sallyport wrote it. Its segments still open by their slot.',
  },
  SP_SEGMENT_MISSING: {
    kind: 'fault',
    sentence: 'the segment {file} is listed but not there',
    hint: 'It was lost or taken away after it was recorded; what else was recorded is not affected.',
  },
  SP_FOOTAGE_LOCKED: {
    kind: 'refuse',
    sentence: 'the footage of {what} is past its deadline and is not given out any more',
    hint: 'It is about to be purged, or waits until the clock is certain; `sallyport status` says which.',
  },
  SP_KEYRING: {
    kind: 'fault',
    sentence: 'the keyring file {file} cannot be used: {reason}',
    hint: 'The other keyring file still serves. Check the disk.',
  },
  SP_DATA_FOLDER: {
    kind: 'refuse',
    sentence: 'the data folder {folder} cannot be used: {reason}',
    hint: 'Make the folder, give it to the user that runs the hub, and set its mode to 0700.',
  },
  SP_DATA_LOCKED: {
    kind: 'refuse',
    sentence: 'another hub (process {pid}) uses the data folder {folder}',
    hint: 'Stop the other hub first; two hubs on one folder would spoil both.',
  },
  SP_WRONG_WORKING_KEY: {
    kind: 'refuse',
    sentence: 'the working key does not open {file}',
    hint: 'Put back the working.key that belongs to this data folder. If it is the right one, the database\'s first page is damaged: `sallyport database restore`. Footage opens with the recovery kit in any case.',
  },
  SP_NO_WORKING_KEY: {
    kind: 'refuse',
    sentence: 'the working database {file} is there but its working key {key} is not',
    hint: 'Put the key back; a new one is never made silently. Footage opens with the recovery kit in any case.',
  },
  SP_DATABASE: {
    kind: 'fault',
    sentence: 'the working database failed: {reason}',
    hint: 'Check the disk and run `sallyport verify`.',
  },
  SP_DATABASE_DAMAGED: {
    kind: 'fault',
    sentence: 'the working database {file} is damaged: {reason}',
    hint: 'Stop the hub, then put back the newest daily copy with `sallyport database restore`, or build it anew with `sallyport rebuild --identity KIT`.',
  },
  SP_PICTURES: {
    kind: 'retry',
    sentence: 'the pictures of alarms cannot be reached: {reason}',
    hint: 'Recording and alarms go on. The hub tries again by itself; `sallyport verify` says what is lost.',
  },
  SP_ALARM: {
    kind: 'refuse',
    sentence: 'this cannot be done with the alarm {alarm}: {reason}',
    hint: 'An alarm goes at its deadline, when its time is erased, or early when the disk is full; the receipt says which.',
  },
  SP_ALARM_RULE: {
    kind: 'refuse',
    sentence: 'there is no alarm called {rule} in the configuration; there are: {known}',
    hint: 'Give the name of an [[alarm]] as it stands in sallyport.toml, or on the page.',
  },
  SP_NO_COPY: {
    kind: 'refuse',
    sentence: 'no copy of the working database in {folder} can be put back: {reason}',
    hint: 'Build the database anew with the recovery kit: `sallyport rebuild --identity KIT`.',
  },
  SP_DATABASE_NEWER: {
    kind: 'refuse',
    sentence: 'the working database has schema {found}, this version knows up to {known}',
    hint: 'Run the newer version of Sallyport that wrote it.',
  },
  SP_NO_ROOM: {
    kind: 'retry',
    sentence: 'there is no room to record: {reason}',
    hint: 'Make room, shorten `keep`, raise the budget, or give the hub a larger disk. Recording goes on by itself when there is room.',
  },
  SP_WRITE: {
    kind: 'retry',
    sentence: '{file} could not be written: {reason}',
    hint: 'Check free space and the health of the disk.',
  },
  SP_DISK: {
    kind: 'retry',
    sentence: 'the disk with {folder} cannot be used now: {reason}',
    hint: 'Look at the disk, its cable and `dmesg`. It is tried again every few seconds and recording goes on by itself; live view is not affected.',
  },
  SP_READ: {
    kind: 'retry',
    sentence: '{file} could not be read: {reason}',
    hint: 'Check that the file is there and may be read.',
  },
  SP_VERIFY: {
    kind: 'fault',
    sentence: '{count} things in {folder} are not as the catalogue says',
    hint: 'Each is named above. Damaged segments play up to the damage; the rest is not affected.',
  },
  SP_ROLLBACK: {
    kind: 'fault',
    sentence: 'the data folder is older than the checkpoint {file}: {reason}',
    hint: 'Somebody put back an older state, or cut the audit. Keep both and look closer.',
  },
  SP_NOTHING_RECORDED: {
    kind: 'refuse',
    sentence: 'nothing of {camera} is recorded {when}',
    hint: '`sallyport list` shows what there is.',
  },
  // cameras
  SP_CAMERA_UNKNOWN: {
    kind: 'refuse',
    sentence: 'no camera is called {camera}',
    hint: '`sallyport status` and `sallyport discover` list the cameras.',
  },
  SP_PRIVATE: {
    kind: 'refuse',
    sentence: '{camera} is in a space that is private now, so it is not spoken to',
    hint: 'Whoever may can switch privacy off on the page; by schedule it ends by itself.',
  },
  SP_SPACE_UNKNOWN: {
    kind: 'refuse',
    sentence: 'there is no space called {space}; there are: {known}',
    hint: 'The owner list and the cameras\' `space` name the spaces.',
  },
  SP_CAMERA_KNOWN: {
    kind: 'refuse',
    sentence: 'a camera called {camera} is adopted already',
    hint: 'Choose another name with --as, or remove the old one from the configuration. If {camera} has another address now: `sallyport adopt --moved {camera}`.',
  },
  SP_CAMERA_ELSEWHERE: {
    kind: 'refuse',
    sentence: 'what answers at {address} is {camera}, which is adopted at {adopted}: it has the same serial number, {serial}',
    hint: 'If it has moved: `sallyport adopt --moved {camera} --address {address}`. If it has two addresses, one is enough.',
  },
  SP_CAMERA_LEFT: {
    kind: 'refuse',
    sentence: 'a camera called {camera} was here before, and to take this one in under that name would destroy what it left: {losses}',
    hint: 'Choose another name, or let it be kept as long as what is there. Who runs the hub may destroy it: `sallyport adopt`.',
  },
  SP_SEGMENT_DAMAGED: {
    kind: 'fault',
    sentence: 'the segment {file} is not what was recorded: {reason}',
    hint: 'It rotted or was altered; it plays up to the damage. Restore it from a copy if there is one.',
  },
  SP_FILE_UNKNOWN: {
    kind: 'fault',
    sentence: '{file} lies in the data folder and belongs to nothing',
    hint: 'It was put there by somebody else, or is left of a crash; the hub removes such files below footage/ at its next start.',
  },
  SP_AUDIT_BROKEN: {
    kind: 'fault',
    sentence: 'the audit does not hold at {where}: {reason}',
    hint: 'Something was cut out, put in or altered. Keep the data folder as it is, and compare with a checkpoint that you kept.',
  },
  SP_NO_PASSWORD: {
    kind: 'refuse',
    sentence: 'no password is known for {camera}',
    hint: 'Give it with `sallyport secret set {camera}`.',
  },
  SP_CAMERA_REFUSED: {
    kind: 'refuse',
    sentence: 'credentials refused by {camera}',
    hint: 'Check user name and password. Many cameras want an ONVIF user of its own, made in the camera\'s settings.',
  },
  SP_CAMERA_CERTIFICATE: {
    kind: 'refuse',
    sentence: '{camera} shows another certificate than when it was adopted (its SHA-256 begins with {shown}); nothing was sent to it',
    hint: 'After a reset or a firmware update this can be right: `sallyport camera trust ID` believes the new one. Else somebody may stand between hub and camera.',
  },
  SP_CAMERA_UNREACHABLE: {
    kind: 'retry',
    sentence: '{camera} does not answer at {address}: {reason}',
    hint: 'Check power, cable and address.',
  },
  SP_CAMERA_ANSWER: {
    kind: 'retry',
    sentence: '{camera} gave an answer to {operation} that cannot be used: {reason}',
    hint: 'The camera\'s ONVIF is faulty or switched off; look for a firmware update, or switch ONVIF on in its settings.',
  },
  SP_CAMERA_FAULT: {
    kind: 'retry',
    sentence: '{camera} refused {operation}: {reason}',
    hint: 'The camera does not offer this, or not to this user.',
  },
  SP_CAMERA_NO_STREAM: {
    kind: 'refuse',
    sentence: '{camera} offers no video stream that can be recorded: {reason}',
    hint: 'Switch on an H.264 or H.265 stream in the camera\'s settings.',
  },
  SP_CAMERA_ADDRESS: {
    kind: 'refuse',
    sentence: 'the address of {camera} is not allowed: {reason}',
    hint: 'Only addresses of the local network are used, and nothing that a camera says leads elsewhere.',
  },
  SP_DISCOVERY: {
    kind: 'retry',
    sentence: 'cameras could not be looked for on {interface}: {reason}',
    hint: 'Check the network interface; cameras can also be named in the configuration by address.',
  },
  SP_CAMERA_OTHER: {
    kind: 'refuse',
    sentence: 'what answers at {address} is not {camera}: {reason}',
    hint: 'Adopt it as a camera of its own. Where it stands in the place of a broken one, adopt it under a new name; the old footage stays.',
  },
  SP_CAMERA_NOT_SEEN: {
    kind: 'refuse',
    sentence: 'nothing that says it is {camera} was heard at another address',
    hint: 'Name the address: `sallyport adopt --moved CAMERA --address HOST`. `sallyport discover` shows what answers.',
  },
  SP_RANGE: {
    kind: 'refuse',
    sentence: 'the range {range} is not searched: {reason}',
    hint: 'Give a network or a range of your own, of at most 4,096 addresses: 192.168.1.0/24, or 10.0.0.5-10.0.0.40.',
  },
  // holds
  SP_HOLD: {
    kind: 'refuse',
    sentence: 'this cannot be held: {reason}',
    hint: '`sallyport list` shows what is recorded, `sallyport hold --list` what is held.',
  },
  SP_HOLD_DAMAGED: {
    kind: 'fault',
    sentence: 'the second header {file} is not what was written',
    hint: 'Its segment still opens by its own header until its deadline, or by another hold. Hold it again while it does.',
  },
  SP_OWNER_NEEDED: {
    kind: 'refuse',
    sentence: '{what} needs an owner\'s signature, and this is not one',
    hint: 'Keeping footage longer and erasing it are an owner\'s to decide: ask one to do it on a device of the owner\'s, or with the recovery kit.',
  },
  SP_ERASE: {
    kind: 'refuse',
    sentence: 'this cannot be erased: {reason}',
    hint: 'Nothing was destroyed. `sallyport list` shows what is recorded.',
  },
  // capture
  SP_VIEWERS: {
    kind: 'retry',
    sentence: '{viewers} are watching {what} already',
    hint: 'Close a page that nobody looks at; recording is not affected.',
  },
  SP_PANELS: {
    kind: 'retry',
    sentence: 'pictures for wall panels are made of {count} streams already',
    hint: 'Each takes a part of a processor. Close a panel, show fewer cameras on it, or look with a browser that has Media Source Extensions.',
  },
  SP_PANELS_OFF: {
    kind: 'refuse',
    sentence: 'this hub makes no pictures for wall panels',
    hint: 'Set `panels = true` in [page] of the configuration, if the processor has room for it.',
  },
  SP_VIEWER_SLOW: {
    kind: 'retry',
    sentence: 'the pictures of {camera} were taken too slowly: {reason}',
    hint: 'The way to this device is too slow for this stream; the sub stream needs less. Recording is not affected.',
  },
  SP_FFMPEG_MISSING: {
    kind: 'refuse',
    sentence: 'ffmpeg was not found as {path}',
    hint: 'Install it: apt-get install ffmpeg.',
  },
  SP_FFMPEG_OLD: {
    kind: 'refuse',
    sentence: 'ffmpeg {version} at {path} is too old: 5.1 or newer is needed',
    hint: 'Use Debian 12\'s or Raspberry Pi OS\'s own ffmpeg.',
  },
  SP_JAIL_MISSING: {
    kind: 'refuse',
    sentence: 'the jail that ffmpeg runs in cannot be used as {path}: {reason}',
    hint: 'Build it with `scripts/native` (it needs gcc and libc6-dev); scripts/setup and scripts/install do so too.',
  },
  SP_JAIL_LEVEL: {
    kind: 'refuse',
    sentence: 'this kernel confines ffmpeg at level {level}, but `capture.jail` asks for {need}',
    hint: 'Use a kernel with Landlock ("files" needs 5.13, "full" needs 6.7; `lsm=` at boot must not leave it out; Raspberry Pi OS\'s own has none, Debian\'s has), or accept less with `jail = "{level}"` under [capture].',
  },
  // detect
  SP_PICTURE_SIZE: {
    kind: 'refuse',
    sentence: 'a picture of {width}x{height} cannot be looked at: {reason}',
    hint: 'Nothing is to be done: the picture is left out.',
  },
  SP_MODEL_CHANGED: {
    kind: 'fault',
    sentence: 'the model file {file} is not the one that belongs to this version',
    hint: 'It is not used, and nothing is detected here until it is right again. Install anew (`scripts/setup`); if nobody changed it, look at the disk.',
  },
  SP_DETECTOR_GONE: {
    kind: 'retry',
    sentence: 'the detector gave no answer: {reason}',
    hint: 'It is started again by itself, later each time; recording goes on meanwhile. `sallyport status` shows whether it stays so.',
  },
  SP_DETECTOR_BUSY: {
    kind: 'retry',
    sentence: 'the detector has more to look at than it can; this picture was left out for newer ones',
    hint: 'It happens when much moves at many cameras at once. When it happens always, let fewer cameras be looked at by the hub (`detect`).',
  },
  SP_DETECTOR_REFUSED: {
    kind: 'refuse',
    sentence: 'the detector cannot look at it: {reason}',
    hint: 'Nothing is to be done: the picture is left out.',
  },
  SP_DETECTOR_SPOKE: {
    kind: 'fault',
    sentence: 'what hub and detector say to each other was broken: {what}',
    hint: 'The detector was ended and is started again. If it comes again, a camera\'s pictures may be made to break it; `sallyport status` shows how often it was started.',
  },
  SP_STREAM_STALLED: {
    kind: 'retry',
    sentence: 'no bytes came from {camera} for {seconds} s',
    hint: 'The camera or the network is stuck; it is tried again by itself.',
  },
  SP_STREAM_ENDED: {
    kind: 'retry',
    sentence: 'the stream of {camera} ended: {reason}',
    hint: 'It is tried again by itself.',
  },
  SP_STREAM_NO_KEY_FRAME: {
    kind: 'retry',
    sentence: '{camera} sent no key frame for {seconds} s',
    hint: 'Set a key frame interval of a few seconds in the camera\'s settings.',
  },
  SP_FMP4: {
    kind: 'retry',
    sentence: 'the stream of {camera} is broken at byte {offset}: {reason}',
    hint: 'The stream is opened anew by itself.',
  },
  SP_BEHIND: {
    kind: 'retry',
    sentence: '{camera} was recorded too slowly, {bytes} bytes were waiting',
    hint: 'The disk is too slow for what the cameras send.',
  },
  // configuration
  SP_CONFIG_FILE: {
    kind: 'refuse',
    sentence: '{file} cannot be read: {reason}',
    hint: 'Give the path of a TOML file of at most 1 MiB that this user may read.',
  },
  SP_CONFIG_SYNTAX: {
    kind: 'refuse',
    sentence: '{file}:{line}: not valid TOML: {reason}',
    hint: 'Text goes in double quotes; tables begin with [name] or [[name]].',
  },
  SP_CONFIG_UNKNOWN_KEY: {
    kind: 'refuse',
    sentence: '{file}:{line}: unknown key {key}',
    hint: '{nearest}',
  },
  SP_CONFIG_VALUE: {
    kind: 'refuse',
    sentence: '{file}:{line}: {key} {reason}',
    hint: '{expected}',
  },
  SP_CONFIG_DUPLICATE: {
    kind: 'refuse',
    sentence: '{file}:{line}: {key} is given twice: {value}',
    hint: 'Each camera has an id of its own, each alarm and each destination a name of its own, and so has each zone of a camera.',
  },
  SP_CONFIG_SECRET: {
    kind: 'refuse',
    sentence: '{file}:{line}: {key} holds a secret, which no configuration file may',
    hint: 'Give the password with `sallyport secret set NAME` or a systemd credential, and take it out of the file.',
  },
  SP_SETTING_FIXED: {
    kind: 'refuse',
    sentence: '{key} is not set on the page: {reason}',
    hint: 'Change it in the file that sets it: `sallyport check` checks it, and `systemctl reload sallyport` puts it in force.',
  },
  SP_SETTING_GONE: {
    kind: 'refuse',
    sentence: 'there is no such {what} any more',
    hint: 'It was changed meanwhile. Look at the settings again.',
  },
  SP_CHANGE_UNKNOWN: {
    kind: 'refuse',
    sentence: 'no change is pending under {id}',
    hint: '`sallyport status` lists what waits for the owner\'s yes.',
  },
  // the page, in the visitor's browser
  SP_STRETCH: {
    kind: 'fault',
    sentence: 'the hub asks for the passphrase in a way that this page does not take: {reason}',
    hint: 'The hub or the way to it may have been tampered with. Do not type the passphrase again before you know why.',
  },
  SP_NO_DEVICE: {
    kind: 'refuse',
    sentence: 'this browser holds no key for {account}',
    hint: 'Add this browser from a device that is in, or with the recovery kit.',
  },
  SP_DEVICE_LOCKED: {
    kind: 'refuse',
    sentence: 'the key of this browser for {account} does not open with that passphrase',
    hint: 'Type the passphrase that this browser was used with last, or add the browser anew.',
  },
  SP_HUB_UNREACHABLE: {
    kind: 'retry',
    sentence: 'the hub cannot be reached: {reason}',
    hint: 'See whether it is switched on, and whether this device is in the same network.',
  },
  // emulator
  SP_EMULATOR: {
    kind: 'refuse',
    sentence: 'the emulated cameras cannot be started: {reason}',
    hint: 'Choose a first address within 127.0.0.0/8 with room for all cameras, and a clip that ffmpeg reads.',
  },
  SP_EMULATED_FAULT: {
    kind: 'refuse',
    sentence: 'this fault cannot be played: {reason}',
    hint: '`sallyport emulate --help` lists the faults and their values.',
  },
  // the page
  SP_PAGE_LOGIN: {
    kind: 'refuse',
    sentence: 'the name or the passphrase is not right',
    hint: 'Try again. A forgotten passphrase is replaced with the recovery kit.',
  },
  SP_PAGE_TRIES: {
    kind: 'retry',
    sentence: 'too many tries; the next one counts in {seconds} s',
    hint: 'Wait. A browser that was logged in before is not held up by strangers\' tries.',
  },
  SP_PAGE_SESSION: {
    kind: 'refuse',
    sentence: 'nobody is logged in here, or no longer',
    hint: 'Log in.',
  },
  SP_PAGE_RIGHT: {
    kind: 'refuse',
    sentence: 'this account may not do that',
    hint: 'Ask somebody who is an owner.',
  },
  SP_PAGE_ORIGIN: {
    kind: 'refuse',
    sentence: 'the request does not come from the hub\'s own page: {reason}',
    hint: 'Open the page by one of the addresses that `sallyport pair` shows; other names go to `names` of [page]. Scripts use a token.',
  },
  SP_PAGE_REQUEST: {
    kind: 'refuse',
    sentence: 'the request is not as the contract says: {reason}',
    hint: 'docs/API.md and /api/v1/openapi.json tell what each route takes.',
  },
  SP_PAGE_CODE: {
    kind: 'refuse',
    sentence: 'this code opens nothing, or nothing any more',
    hint: 'Look at `sallyport pair` for the first hour\'s code, or ask for a new invitation.',
  },
  SP_PAGE_NAME: {
    kind: 'refuse',
    sentence: 'another account has this name',
    hint: 'Take another one.',
  },
  SP_PAGE_LAST_OWNER: {
    kind: 'refuse',
    sentence: 'this is the last owner, and a hub has one',
    hint: 'Make somebody else an owner first.',
  },
  SP_PAGE_UNKNOWN: {
    kind: 'refuse',
    sentence: 'there is no {what} of that name',
    hint: 'It may have been removed meanwhile.',
  },
  SP_FACES_OFF: {
    kind: 'refuse',
    sentence: 'faces are off, so {what} cannot be done',
    hint: 'Set `enabled = true` in `[faces]` (or under Settings on the page), and say the owner\'s yes to the notice.',
  },
  SP_FACES_LOCKED: {
    kind: 'refuse',
    sentence: 'faces are locked: the keys of those who are enrolled are the owner\'s to lend',
    hint: '`sallyport people lend --identity KIT` lends them until the hub ends. Whoever withdraws a consent can be forgotten without them.',
  },
  SP_FACES_LEND: {
    kind: 'refuse',
    sentence: 'no keys were lent: {reason}',
    hint: 'Lend again, with the recovery kit that is in force or a device of an owner that was one when faces were locked.',
  },
  SP_CONSENT: {
    kind: 'refuse',
    sentence: 'there is no consent that counts: {reason}',
    hint: 'Show the person the consent\'s text as the page has it now, and record who agreed and how. Without that nobody is enrolled.',
  },
  SP_ENROL: {
    kind: 'refuse',
    sentence: 'nobody was enrolled: picture {picture}: {reason}',
    hint: 'Take another picture: one face, from the front, sharp, in good light, and near enough to be 100 pixels wide. All pictures must be of the same person.',
  },
  SP_PERSON_UNKNOWN: {
    kind: 'refuse',
    sentence: 'no person {person} is enrolled',
    hint: '`sallyport people` lists who is. A person that was forgotten does not come back.',
  },
  SP_PAGE_FULL: {
    kind: 'refuse',
    sentence: 'there is no room for another {what}: {max} are the most',
    hint: 'Remove one that is not needed any more.',
  },
  SP_PAGE_PROOF: {
    kind: 'refuse',
    sentence: '{what} asks for the passphrase once more',
    hint: 'Whoever has no more than the session of somebody else must not do it: send `half`, as for logging in.',
  },
  SP_PAGE_BUSY: {
    kind: 'retry',
    sentence: 'it serves {count} others just now',
    hint: 'Try again in a moment.',
  },
  SP_PAGE_CERTIFICATE: {
    kind: 'refuse',
    sentence: 'the certificate of [page] cannot be used: {reason}',
    hint: '`certificate` and `certificate_key` name PEM files that belong together; the hub\'s user must be able to read them, and nobody else the key. Until then the page shows a certificate of the hub\'s own.',
  },
  SP_PAGE_OFF: {
    kind: 'refuse',
    sentence: '{what} is not offered here',
    hint: 'See `sallyport status`.',
  },
  SP_PAGE_RANGE: {
    kind: 'refuse',
    sentence: 'the range asked for is not in {what}',
    hint: 'It has {bytes} bytes.',
  },
  // what leaves the house
  SP_OUTBOX_FULL: {
    kind: 'retry',
    sentence: 'the outbox is full: {reason}',
    hint: 'Nothing is lost: what is to leave stays in the vault and is put in when there is room. Look whether the destination can be reached.',
  },
  SP_OUTBOX_ORDER: {
    kind: 'refuse',
    sentence: 'this cannot be put into the outbox: {reason}',
    hint: 'Only sealed things of a hidden size and notices of the closed list leave the house.',
  },
  SP_OUTBOX_FILE: {
    kind: 'fault',
    sentence: '{file} is refused: {reason}',
    hint: 'Hub and courier write plain files of their own into these folders. Find out what put it there, and delete it.',
  },
  SP_ORDERS_DROPPED: {
    kind: 'refuse',
    sentence: '{count} orders that came from {destination} were dropped: {reason}',
    hint: 'Nothing was done. If it goes on, look who may write to that broker, and what they send there.',
  },
  SP_COURIER_CONFIG: {
    kind: 'refuse',
    sentence: 'the courier cannot use {file}: {reason}',
    hint: 'docs/FORMAT.md describes the file of destinations and those of credentials.',
  },
  SP_FAR_UNDECLARED: {
    kind: 'refuse',
    sentence: '{destination} is no declared destination',
    hint: 'A destination is declared in the configuration, with a purpose, and accepted by the owner.',
  },
  SP_FAR_FEATURE: {
    kind: 'refuse',
    sentence: 'the courier may not {feature} at {destination}: {reason}',
    hint: 'Give the courier the credential for it, or do without.',
  },
  SP_FAR_UNREACHABLE: {
    kind: 'retry',
    sentence: '{destination} cannot be reached: {reason}',
    hint: 'It is tried again by itself.',
  },
  SP_FAR_BUSY: {
    kind: 'retry',
    sentence: '{destination} asks to come later ({reason})',
    hint: 'It is tried again by itself, not before the time that it asks for.',
  },
  SP_FAR_FULL: {
    kind: 'retry',
    sentence: '{destination} has no room: {reason}',
    hint: 'Make room there, or send less.',
  },
  SP_FAR_REFUSED: {
    kind: 'refuse',
    sentence: '{destination} refuses to {what}: {reason}',
    hint: 'Check the credential, its rights, and this machine\'s clock.',
  },
  SP_FAR_REDIRECT: {
    kind: 'refuse',
    sentence: '{destination} sends the courier elsewhere (status {status}), where it does not go',
    hint: 'Declare the address where the store really is.',
  },
  SP_FAR_CERTIFICATE: {
    kind: 'refuse',
    sentence: 'the certificate of {destination} is not trusted: {reason}',
    hint: 'Nothing was sent. Give its authority as `ca` or its SHA-256 as `fingerprint` (on the command line `--pin`), or find out who answers in its place.',
  },
  SP_FAR_ANSWER: {
    kind: 'fault',
    sentence: '{destination} gives an answer that cannot be used: {reason}',
    hint: 'It is tried a few times. Check that the address is that of the store.',
  },
  SP_FAR_CHECKSUM: {
    kind: 'fault',
    sentence: 'what {destination} holds under {object} is not what was sent',
    hint: 'It is tried a few times. The store, or something on the way to it, spoils data.',
  },
  SP_FAR_MISSING: {
    kind: 'refuse',
    sentence: '{destination} has nothing under {object}',
    hint: 'It was never sent, was erased, or somebody took it away there.',
  },
  SP_FAR_NO: {
    kind: 'retry',
    sentence: 'the courier could not {order} at {destination} ({code}): {reason}',
    hint: '`sallyport egress` shows each order and what came of it; docs/ERRORS.md says what the code means.',
  },
  SP_ARCHIVE_AWAY: {
    kind: 'retry',
    sentence: '{file} lies at {destination} alone, which does not answer now: {reason}',
    hint: 'Try again later; `sallyport egress` shows how the destination is.',
  },
  SP_ARCHIVE_HUB: {
    kind: 'refuse',
    sentence: '{file} lies at {destination} alone, and no hub answers here that would have it fetched',
    hint: 'Start the hub: its courier fetches it. Without it, `--data FOLDER --far WHERE` fetches it from there; where the keys lie far too (`slots = "far"`), `--far WHERE` is enough.',
  },
  SP_ARCHIVE_GONE: {
    kind: 'refuse',
    sentence: '{file} should lie at {destination}, but is not there',
    hint: 'Somebody or something has taken it away there. What the hub itself still has is not affected.',
  },
  SP_ARCHIVE_RIGHT: {
    kind: 'refuse',
    sentence: '{file} lies at {destination} alone, and the courier may not read there',
    hint: 'Give the courier the credential to get (`<name>.get`).',
  },
  SP_ARCHIVE_LIED: {
    kind: 'fault',
    sentence: '{destination} does not give what was sent as {file}: {reason}',
    hint: 'It is not played. The store, or somebody who reaches it, has changed it.',
  },
  SP_CREDENTIAL: {
    kind: 'refuse',
    sentence: '{name} cannot be taken as a secret of a destination: {reason}',
    hint: '`sallyport secret set nas.put` takes a line with a user or key id and one with its secret, or one with a secret; docs/FORMAT.md lists the names.',
  },
  SP_COURIER_GONE: {
    kind: 'retry',
    sentence: 'the courier ended ({reason}) and is started again',
    hint: 'What is to leave waits in the outbox; recording goes on. Its own log lies in the outbox folder under state/log.',
  },
  SP_FAR_EXISTS: {
    kind: 'refuse',
    sentence: '{destination} has something else under {object} already',
    hint: 'Names are random, so this does not happen by chance: two hubs share one place, or somebody put it there.',
  },
  SP_FAR_SLOTS: {
    kind: 'fault',
    sentence: '{what} is no slots object: {reason}',
    hint: 'Give the store that keeps the hub\'s slots (`slots_at` in its configuration); docs/FORMAT.md describes the object.',
  },
  SP_FAR_LIST: {
    kind: 'fault',
    sentence: '{what} is no list of what is far: {reason}',
    hint: 'What it lists cannot be found without it. Other periods have lists of their own.',
  },
  SP_FAR_PICTURES: {
    kind: 'fault',
    sentence: '{what} is no object of an alarm\'s pictures: {reason}',
    hint: 'The alarm itself and its footage are listed all the same; docs/FORMAT.md describes the object.',
  },
  SP_FAR_NO_SLOTS: {
    kind: 'refuse',
    sentence: 'no slots are in {where} that this kit opens: {reason}',
    hint: 'Give the store of `slots_at`, and the kit of the hub\'s owner. With `slots = "home"` the slots were on the hub alone: without it nobody opens what is far.',
  },
  // daemon, control, cli
  SP_NO_DAEMON: {
    kind: 'refuse',
    sentence: 'no hub answers on {socket}',
    hint: 'Start it with `sallyport run`, or name its socket with --socket.',
  },
  SP_CONTROL: {
    kind: 'refuse',
    sentence: 'the hub could not do {route}: {reason}',
    hint: 'See its log.',
  },
  SP_PORT_TAKEN: {
    kind: 'refuse',
    sentence: '{address} is in use already',
    hint: 'Stop the other program, or choose another address or port.',
  },
  SP_USAGE: {
    kind: 'refuse',
    sentence: '{reason}',
    hint: 'See `sallyport {command} --help`.',
  },
  SP_TOOL_MISSING: {
    kind: 'refuse',
    sentence: 'the program {tool} was not found',
    hint: 'Install it: apt-get install {package}.',
  },
  SP_STOPPED: {
    kind: 'retry',
    sentence: '{what} was stopped before it was done',
    hint: 'Start it again.',
  },
  SP_INTERNAL: {
    kind: 'fault',
    sentence: 'something went wrong that should not: {reason}',
    hint: 'This is a defect in Sallyport. Please report it with the log around it.',
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorTable;
export type Evidence = Readonly<Record<string, string | number>>;

export class SallyportError extends Error {
  override readonly name = 'SallyportError';
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly hint: string;
  readonly evidence: Evidence;

  constructor(code: ErrorCode, evidence: Evidence = {}, cause?: unknown) {
    const row: ErrorRow = errorTable[code];
    super(fill(row.sentence, evidence), cause === undefined ? undefined : { cause });
    this.code = code;
    this.kind = row.kind;
    this.hint = fill(row.hint, evidence);
    this.evidence = evidence;
  }

  /** What crosses a process or socket boundary; `fromJSON` is its inverse. */
  toJSON(): { code: ErrorCode; message: string; hint: string; evidence: Evidence } {
    return { code: this.code, message: this.message, hint: this.hint, evidence: this.evidence };
  }

  static fromJSON(value: { code?: unknown; message?: unknown; evidence?: unknown }): SallyportError {
    if (typeof value.code === 'string' && Object.hasOwn(errorTable, value.code)) {
      return new SallyportError(value.code as ErrorCode, (value.evidence ?? {}) as Evidence);
    }
    return new SallyportError('SP_INTERNAL', { reason: String(value.message ?? 'unknown error') });
  }
}

export function isSallyportError(error: unknown, code?: ErrorCode): error is SallyportError {
  return error instanceof SallyportError && (code === undefined || error.code === code);
}

/** For `catch`: undefined in the place of an error of this code; every other is thrown on. */
export function expecting(code: ErrorCode): (error: unknown) => undefined {
  return (error) => {
    if (!isSallyportError(error, code)) throw error;
    return undefined;
  };
}

/** An error of ours as it is; anything else becomes SP_INTERNAL with its cause. */
export function asSallyportError(error: unknown): SallyportError {
  return error instanceof SallyportError ? error : new SallyportError('SP_INTERNAL', { reason: reasonOf(error) }, error);
}

/** A foreign error in a few words without a stack: errno name and message. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error) {
    const code = (error as { readonly code?: string }).code;
    return errnoSentences.get(code ?? '') ?? error.message;
  }
  return String(error);
}

/** The reason that a full disk is told with, whoever met it. */
export const diskFull = 'the disk is full';

export function isDiskFull(error: unknown): boolean {
  return error instanceof SallyportError && error.evidence['reason'] === diskFull;
}

const errnoSentences = new Map(Object.entries({
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOENT: 'no such file or folder',
  ENOTDIR: 'not a folder',
  EISDIR: 'is a folder',
  ENOSPC: diskFull,
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the disk is read-only',
  EIO: 'the disk reports an input/output error',
  EADDRINUSE: 'the address is in use already',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to it',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'timed out',
  ELOOP: 'is a symbolic link',
  EMFILE: 'too many open files',
}));

function fill(template: string, evidence: Evidence): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, key: string) => String(evidence[key] ?? '?'));
}
