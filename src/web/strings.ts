/**
 * Everything that the page says, in English, in one place. A translation is a second object of the type `Strings`; `say` is the one in
 * use. Sentences are whole: nothing is put together of halves, for other languages order their words otherwise.
 */
import { spanParts } from './format.ts';

const rules = new Intl.PluralRules('en');
/** "1 camera", "3 cameras". */
const count = (n: number, one: string, other: string): string => `${n.toLocaleString('en')} ${rules.select(n) === 'one' ? one : other}`;
const list = (items: readonly string[]): string => new Intl.ListFormat('en', { type: 'conjunction' }).format(items);

const unitNames = { day: ['day', 'days'], hour: ['hour', 'hours'], minute: ['minute', 'minutes'], second: ['second', 'seconds'] } as const;
/** "2 days 4 hours" */
const span = (ms: number): string => spanParts(ms).map(([unit, n]) => count(n, unitNames[unit][0], unitNames[unit][1])).join(' ');

export const english = {
  name: 'Sallyport',
  list,
  span,
  titleOf: (page: string) => `${page} · Sallyport`,

  nav: {
    skip: 'Skip to content', main: 'Main', live: 'Live', timeline: 'Timeline', review: 'Review', settings: 'Settings', promises: 'Promises',
  },

  common: {
    back: 'Back', next: 'Next', close: 'Close', cancel: 'Cancel', save: 'Save', saved: 'Saved.', remove: 'Remove', again: 'Try again', copy: 'Copy', copied: 'Copied.',
    loading: 'Loading…', notCopied: 'Could not copy. Select the text and copy it yourself.', show: 'Show', hide: 'Hide',
    camera: 'Camera', since: (when: string) => `since ${when}`, dismiss: 'Dismiss message',
  },

  error: {
    title: 'That did not work', offlineTitle: 'The hub does not answer',
    offline: 'This device cannot reach your hub. Recording does not need this page: it goes on as long as the hub runs.',
    offlineFix: 'Is this device in your home network? Is the hub switched on?',
    offlineBanner: 'The hub does not answer. What you see may be old; this page keeps asking.',
    backOnline: 'The hub answers again.', clockOff: (span: string, ahead: boolean) => `This device's clock is ${span} ${ahead ? 'ahead of' : 'behind'} the hub's. This page goes by the hub's; set this device's right, or look at the hub's under Settings, Storage.`,
    code: (code: string) => `Code ${code}`,
    unexpected: 'The page met an error that it did not expect.',
    notFoundTitle: 'There is no such page', notFound: 'The address may be mistyped, or from another version.', toLive: 'Go to the live pictures',
    sessionOver: 'Your session has ended. Log in to go on; recording did not stop.',
  },

  cannot: {
    title: 'This browser cannot show Sallyport',
    lead: 'The page opens sealed footage in your browser, so that the hub never has to. Your browser lacks something for that:',
    crypto: 'Cryptography (WebCrypto): the page must be opened by https, or on the hub itself.',
    media: 'Pictures that arrive piece by piece (Media Source Extensions).',
    storage: 'A place for this device\'s key (IndexedDB). Private windows often have none.',
    worker: 'Work in the background (module workers).',
    fix: 'A current Firefox, Chrome, Edge or Safari (17.1 or newer on an iPhone) can. Footage also opens without any page: with `sallyport play`, or with the age program and your recovery kit.',
    media2: 'This browser cannot play pictures that arrive piece by piece (Media Source Extensions), so there are neither live pictures nor replay here. All else works.',
  },

  theme: { label: 'Appearance', now: (name: string) => `Appearance: ${name}`, auto: 'As the device', light: 'Light', dark: 'Dark' },

  login: {
    title: 'Log in', lead: (hub: string) => `to ${hub}`, name: 'Name', passphrase: 'Passphrase', submit: 'Log in', addTitle: 'Add this device', addLead: (hub: string) => `to ${hub}: log in, and it gets a key of its own`, working: 'Stretching your passphrase…',
    workingHint: 'This takes a second or two on purpose: it makes guessing dear.',
    wrong: 'Name and passphrase do not fit each other.',
    newDevice: 'This browser is new to your account',
    newDeviceCan: 'It will show live pictures and settings.',
    newDeviceCannot: 'It cannot open old footage: for that it needs a key of its own, and the hub has none to give.',
    newDeviceHow: 'To add it, log in and choose Settings, My account, Devices. An owner\'s device, or the recovery kit, then says yes to it.',
    words: 'The hub\'s certificate and its six words',
    lost: 'Passphrase lost?', lostHow: 'An owner can take you out and invite you again. An owner who has the recovery kit gets a new passphrase with it.', recover: 'Use the recovery kit',
  },

  certificate: {
    hubs: 'This hub made its certificate itself. Compare these six words with those that `sallyport pair` shows on the hub:',
    households: 'This hub shows a certificate of your household\'s own. A browser that knows who signed it does not warn, and nothing is off. Where one warns, compare these six words with those that `sallyport pair` shows on the hub:',
    warned: 'Did your browser warn on the way here?',
    works: 'Then the connection is encrypted all the same. Logging in, live pictures and this device\'s key for old footage work in Chromium browsers; in another one live pictures may be refused.',
    off: 'What is off is your browser\'s word that this is your hub: somebody in between could show these words, too. Also off: passkeys and, in many browsers, saving the passphrase; and the warning comes again after a while.',
    install: 'Nothing is off once this device trusts the hub\'s certificate: a browser that then does not warn has proven your hub. Before installing it, compare the SHA-256 of the file with the one that the terminal shows.',
    installOwn: 'Nothing is off once this device trusts who signed the certificate: a browser that then does not warn has proven your hub.',
    get: 'Download the hub\'s certificate',
  },

  first: {
    stepOf: (n: number, of: number, name: string) => `Step ${n} of ${of}: ${name}`,
    stepNames: ['Code', 'You', 'Recovery kit', 'Cameras', 'How long', 'Done'],
    codeTitle: 'Welcome',
    codeLead: 'This hub has no owner yet. To show that you are at the hub, type the code that `sallyport pair` prints on its terminal.',
    code: 'One-time code', codeHint: 'Three groups of four characters. It ends when it was used.',
    compare: 'Before you go on: are these the six words on the terminal, too? If not, close this page.',
    toldSame: 'They are those of the QR code.', toldOther: (words: string) => `These are not the words of the QR code. It says: ${words}. Close this page, and look whether the code is your hub's and of today.`,
    begin: 'Begin',
    youTitle: 'Who are you?', youLead: 'A name and a passphrase are all that an account needs. Both stay on this hub.',
    name: 'Your name', passphrase: 'Passphrase', passphraseHint: 'At least 12 characters. Four or five unrelated words are easy to keep and hard to guess.', passphraseAgain: 'Passphrase, once more',
    suggest: 'Suggest one', suggested: 'Write it down before you go on.',
    tooShort: 'Use at least 12 characters.', notEqual: 'The two are not the same.', nameWrong: 'Use 1 to 64 characters, without blanks at the ends.',
    device: 'This device', 
    kitTitle: 'Your recovery kit',
    kitLead: 'Everything recorded is sealed to this key. It was made in this browser just now, and the hub will never have it. Whoever holds it can open all footage; without it and without your devices, nobody can.',
    kitDo: 'Print it or save it, and keep it where you keep passports. Not on the hub.',
    print: 'Print', save: 'Save as a file', kitQr: 'The kit as a QR code', kitGroups: 'The key, group by group', kitPrefix: 'Each kit begins with AGE-SECRET-KEY-1; then come its groups, without blanks.',
    kitKept: 'I have printed or saved it', kitSheetTitle: 'Sallyport recovery kit', kitSheetText: 'An age identity. Keep it offline and secret. It opens all footage of this hub:  age -d -i kit.txt',
    confirmTitle: 'Prove it to yourself', confirmLead: 'Type two groups from your print or file. After this the page forgets the kit.', group: (n: number) => `Group ${n}`, groupWrong: 'That is not what this group says.',
    confirm: 'The kit is safe; go on', showAgain: 'Show the kit again',
    haveKit: 'I have a kit already', haveKitLead: 'From `sallyport keys new`: choose its kit.txt. The page signs the new list of devices with it and forgets it.', kitFile: 'kit.txt', kitFileWrong: 'In this file there is no line that begins with AGE-SECRET-KEY-1.', makeNew: 'Make a new kit instead',
    making: 'Making your account…',
    kitNeeded: 'This hub knows an owner\'s kit already. Choose its kit.txt, so that your account can be signed with it.',
    camerasTitle: 'Your cameras', camerasLead: 'The hub listens for cameras in your network. Choose yours and type their password once; each is asked once.',
    searching: 'Looking for cameras…', found: (n: number) => `${count(n, 'camera', 'cameras')} found`, noneFound: 'No camera has answered yet',
    noneFoundFix: 'Is ONVIF switched on in the camera\'s own settings? Is it in the same network as the hub? You can also type its address.',
    lookAgain: 'Look again', byAddress: 'Type an address', address: 'Address', addressHint: 'Such as 192.168.1.20, or 192.168.1.20:8000', add: 'Add to the list', addressWrong: 'Type an address such as 192.168.1.20 or 192.168.1.20:8000.',
    user: 'User of the cameras', userHint: 'As set in the camera; often admin or onvif.', cameraPassword: 'Password of the cameras', cameraPasswordHint: 'It is kept encrypted on the hub and sent to these cameras only.',
    take: (n: number) => n === 1 ? 'Take this camera in' : `Take ${n} cameras in`, takeNone: 'Choose at least one camera.', cameraName: 'Its name',
    trying: 'Asked…', taken: 'Taken in', refused: 'Not taken in', known: (as: string) => `Taken in already as ${as}`, unknownModel: 'Camera', at: (address: string) => `at ${address}`,
    otherPassword: 'Is its password another one? Choose only this camera and type its password.', skipCameras: 'Go on without', goOn: 'Go on',
    keepTitle: 'How long to keep footage?', keepLead: 'At the deadline the hub destroys each hour\'s key. From then on no copy of that hour opens, here or anywhere, also not for you.',
    days: (n: number) => count(n, 'day', 'days'), arithmetic: (o: { cameras: number; perDay: string; need: string; room: string }) => `${count(o.cameras, 'camera brings', 'cameras bring')} about ${o.perDay} a day, so this needs ${o.need} of the ${o.room} there is room for.`,
    noRate: 'There is no camera yet, so there is nothing to reckon with.',
    assumed: 'Estimated, until an hour was recorded.', fits: 'Fits', fitsNot: (reach: string) => `Does not fit: the oldest would go after ${reach}`, keepGo: 'Keep it so long',
    signed: 'What lowers privacy needs an owner\'s yes. This device signed it for you.',
    doneTitle: 'Sealed and recording', doneLead: 'The first footage was sealed, and this device has just opened it:', waitingSeal: 'Waiting for the first sealed footage…', waitingSealHint: 'It comes about a minute after the camera\'s first picture.',
    noCameraYet: 'You are the owner now. There is no camera yet; add some in the settings.', toLive: 'To the live pictures',
    
  },

  proof: {
    title: 'Proof', lead: 'What is so now, in exact words.',
    noKey: 'This hub keeps no key for it.', noKeyMore: 'The footage is sealed to your kit and this device. The hub made each hour\'s key, kept its private half for milliseconds, and holds it only in a slot that it cannot open.',
    destroyed: (when: string) => `Its key is destroyed on ${when}.`, destroyedMore: 'Then no copy of that hour opens, here or anywhere. The hub signs a receipt.',
    destroyedUnknown: 'Its key is destroyed at the deadline that you chose.',
    sentNothing: 'This hub has sent nothing out.', sentNothingMore: 'The process that sees has no part that could send: this version uploads nothing and notifies nobody.',
    where: (o: { slot: number; generation: number }) => `Slot ${o.slot}, generation ${o.generation} of the keyring`,
    check: 'To check it without trusting this page, use the age program and your kit: the slot opens with the kit, and what was in the slot opens the segment.',
  },

  promises: {
    title: 'Promises', lead: 'What this hub keeps and what it does not, in exact words.',
    items: [
      ['key', 'Footage is sealed before it is stored', 'Each hour of each camera has a key of its own. The hub can write to it and cannot read it; only the kit, and devices that an owner signed for, open it.'],
      ['clock', 'Old footage ends by destroying its key', 'At the deadline the hub overwrites the key\'s slot, reads it back, deletes the files and signs a receipt. An older copy of the keyring together with the recovery kit is outside of this promise.'],
      ['home', 'Nothing leaves the house', 'There is no cloud, no telemetry and no account elsewhere. The hub speaks with your cameras and with visitors of your network.'],
      ['eye', 'Live pictures are another matter', 'Whoever is logged in and may see a camera sees it live, without a key: the hub passes the camera\'s pictures on as they come and keeps none of them.'],
      ['book', 'What is watched is written down', 'Who replayed, listened, talked or changed something stands in the audit, which is chained and signed.'],
      ['person', 'Your account is yours', 'A name and a passphrase are needed; nickname, picture, language and time zone are your choice. You see, change and erase them under My account.'],
    ] as readonly (readonly [icon: 'key' | 'clock' | 'home' | 'eye' | 'book' | 'person', title: string, text: string])[],
    altered: 'A hub that is read cannot open old footage. A hub that was altered could serve a page that steals what your device opens; so the kit is never typed into a page for daily use, and `sallyport play` opens footage without this page.',
    kept: 'Kept in clear on the hub, encrypted on its disk', keptItems: 'Camera passwords and addresses; when segments begin and how large they are; what cameras observed and when, never who; names and accounts; the audit.',
  },

  live: {
    title: 'Live', none: 'No camera yet', noneOwner: 'Take your first camera in: the hub finds those in your network.', noneOther: 'None of the cameras is in a space that you may see.', addCamera: 'Add a camera',
    connecting: 'Connecting…', waiting: 'Waiting for the next key frame…', lost: 'No picture', retrying: 'Trying again…', privacy: 'Privacy is on: pictures and sound are off, for everybody', offline: 'The camera is offline',
    latency: (ms: number) => ms < 1000 ? `${ms} ms behind` : `${(ms / 1000).toFixed(1)} s behind`, behind: 'Slow connection: key frames only', picture: (name: string) => `Live picture of ${name}`,
    all: 'All cameras', full: 'Full screen', leaveFull: 'Leave full screen', soundOn: 'Sound on', soundOff: 'Sound off', snapshot: 'Snapshot', snapshotSaved: 'The picture is on this device now; the hub keeps no copy.', noPictureYet: 'There is no picture yet.',
    talk: 'Hold to talk', talking: 'Talking: release to stop', talkHint: 'Hold the button, or the space bar on it, and speak.', noMicrophone: 'This browser gave no microphone.', 
    replay: 'Older footage', move: 'Move the camera', up: 'Up', down: 'Down', left: 'Left', right: 'Right', zoomIn: 'Zoom in', zoomOut: 'Zoom out', home: 'Home position', cannotCodec: (codec: string) => `This browser cannot play ${codec}. It is recorded all the same.`,
    trySub: 'Show the small picture', tryMain: 'Show the full picture', tryPanel: 'Show a simpler picture', askCodec: 'Another browser may play it, or an owner can have the camera send H.264.',
    setCodec: (camera: string) => `Another browser may play it. To have the camera send H.264: \`sallyport camera codec ${camera} h264\``,
    stream: 'Stream', main: 'Full picture', sub: 'Small picture', 
  },

  player: {
    tooSlow: 'This browser takes the pictures too slowly.', refuses: 'This browser does not take what the camera sends.', noSource: 'This browser gives the page no player for the pictures.',
  },

  panel: {
    title: 'Wall panel', open: 'Wall panel', canBe: 'An owner can have the hub make simpler pictures for such browsers: `panels = true` in [page].',
  },

  timeline: {
    title: 'Timeline', previous: 'Day before', following: 'Day after', today: 'Today', date: 'Day', zoom: 'Shown', zooms: { day: '24 h', sixHours: '6 h', hour: '1 h', tenMinutes: '10 min' },
    earlier: 'Earlier', later: 'Later', play: 'Play', pause: 'Pause', back10: 'Back 10 seconds', ahead10: 'Ahead 10 seconds', previousEvent: 'Previous observation', nextEvent: 'Next observation', speed: 'Speed', speedOf: (n: number) => `${n}×`,
    choose: 'Choose a moment on the timeline', chooseHint: 'Click a bar, or focus it and use the arrow keys; Enter plays.', opening: 'Fetching sealed footage and opening it here…', ended: 'That is where the footage ends.',
    recorded: 'recorded', recordedAt: (name: string) => `recorded, lies at ${name} alone`, fetching: (name: string) => `Fetching sealed footage from ${name}, where it lies alone…`, legendAway: 'Recorded, lies elsewhere alone', nothing: 'nothing recorded', gapOf: (reason: string) => `gap: ${reason}`, legend: 'Legend', legendRecorded: 'Recorded', archived: (name: string) => `Recorded; it lies at ${name} alone, and is fetched from there when it is played`, legendGap: 'Gap, with its reason', legendSeen: 'Observation', legendAlarm: 'Alarm', alarmOf: (kind: string) => `alarm: ${kind}`, alarmIn: (kind: string, zones: string) => `alarm: ${kind} in ${zones}`, legendNow: 'Now',
    stripLabel: (camera: string, day: string) => `${camera}, ${day}`, stripValue: (time: string, what: string) => `${time}, ${what}`,
    pictures: 'Pictures', stripHelp: 'Arrow keys move by a minute, Page Up and Page Down by an hour, Home and End to the ends, comma and full stop between observations; Enter plays.',
    asList: 'As a list', listOf: (camera: string) => `${camera}: what there is`, from: 'From', to: 'To', what: 'What', until: 'Key destroyed', lasts: 'still so', playThis: (time: string) => `Play from ${time}`, emptyDay: 'Nothing was recorded on this day.',
    noCameras: 'There is no camera whose footage you may see.', notRight: 'Your account may see live pictures, and no old footage.', deadline: (when: string) => `Key destroyed on ${when}`, snapshot: 'Snapshot', fullscreen: 'Full screen',
    gapHere: (reason: string, from: string, to: string) => `No footage from ${from} to ${to}: ${reason}.`, notForYou: 'This part was recorded before your key was signed for, or for other people: none of your keys opens it.', damagedHere: 'A part of this footage is damaged; what could be verified is shown.',
    unlockTitle: 'Open old footage on this device', unlockLead: 'Old footage is sealed; this device has a key for it, locked by your passphrase.', unlock: 'Unlock', unlockWrong: 'That is not the passphrase of this account.',
    noDeviceTitle: 'This device has no key for old footage', noDeviceLead: 'Give it one: the key is made here, and an owner\'s device says yes to it.', addDevice: 'Add this device', waitingWords: 'Tell the owner these six words of its key, not through the hub:', waitingTitle: 'This device waits for a yes', waitingLead: 'Its key was made. Ask an owner to say yes to it under Settings, People; then log in again here.',
    
  },

  review: {
    byNotice: 'Find what a notice was about', notice: 'Number of the notice', noticeHint: 'As it stands in the message, or the name of the picture that came with it.', find: 'Find', noNotice: 'No notice of that number is known here.', openNotice: 'Look at it',
    noticeOf: (kind: string, camera: string, when: string) => `${kind}${camera === '' ? '' : ` (${camera})`}, ${when}.`, noticeSaid: (sentence: string, todo: string) => `${sentence}. ${todo}`, goneAlarm: 'The alarm itself is not there any more.',
    title: 'Review', noCameras: 'There is no camera whose alarms you may see.', notRight: 'Your account may see live pictures, and no alarms.', empty: 'No alarms', allSeen: 'All of them were seen', emptyLead: 'What becomes an alarm stands under Settings, Alarms.',
    who: 'Who', anybody: 'Anybody', zones: 'Zones', inZones: (zones: string) => `In ${zones}`, recognised: 'Recognised', unsure: 'Not sure who: a face resembles somebody who is enrolled, and it is not certain', unsureWho: (what: string) => `${what}, not sure who`, openingWords: 'Opening what the alarms say…', notSeenHere: (name: string) => `${name} is in none of these alarms`,
    count: (n: number, fresh: number, more: boolean) => `${more ? 'More than ' : ''}${count(n, 'alarm', 'alarms')}, ${fresh.toLocaleString('en')} not seen yet`,
    filters: 'Which alarms', anyCamera: 'All cameras', kind: 'What', anyKind: 'Anything', time: 'When', spans: { day: 'The last 24 hours', week: 'The last 7 days', all: 'All there are', date: 'One day' }, onlyFresh: 'Not seen yet',
    what: (kind: string, camera: string) => `${kind} · ${camera}`, about: (what: string, when: string) => `${what}, ${when}`, open: (about: string) => `Look at it: ${about}`, alt: (what: string, when: string) => `Picture of the alarm: ${what}, ${when}`,
    lasts: 'lasts', until: (to: string, span: string) => `until ${to} (${span})`, untilShort: (to: string) => `until ${to}`, ruleOf: (rule: string) => `Rule: ${rule}`,
    fresh: 'New', seen: 'Seen', wasFalse: 'False alarm', see: 'Mark as seen', unsee: 'Mark as new', falseAlarm: 'False alarm', notFalse: 'Not a false alarm', markOf: (words: string, about: string) => `${words}: ${about}`, play: 'On the timeline', more: 'Older alarms',
    newer: 'Newer alarm', older: 'Older alarm', picture: 'Picture', whole: 'Whole picture', crop: 'What it is about', opening: 'Fetching the sealed picture and opening it here…', sealed: 'Sealed', noPicture: 'No picture',
    sealedLead: 'Its pictures are sealed, and this device does not open them.', without: (why: string) => why === '' ? 'It has no picture.' : `It has no picture: ${why}.`,
    when: 'When', rule: 'Rule', sure: (percent: number) => `${percent} % sure`, footage: 'Footage', kept: (n: number) => `${count(n, 'segment is', 'segments are')} kept with it`, notYet: 'Not sealed yet', none: (why: string) => `None: ${why}`, ends: 'Key destroyed',
  },

  rules: {
    title: 'Rules', lead: 'A rule says which observations become alarms. Their pictures, and the footage around them, are sealed to a key of their own and kept as long as the rule says.', none: 'No rule yet: what cameras observe stands on the timeline, and nothing rings.', add: 'Add a rule', off: 'off',
    changeTitle: (name: string) => `Change ${name}`, removeOf: (name: string) => `Remove ${name}`, removeTitle: (name: string) => `Remove ${name}?`, removeLead: 'What it has kept stays until its deadline.',
    words: (kinds: string, where: string) => `${kinds} at ${where}`, everywhere: 'all cameras', in: (zones: string) => `in ${zones}`, size: (least: number | string | undefined, most: number | string | undefined) => `${least === undefined ? `at most ${most}` : most === undefined ? `at least ${least}` : `${least} to ${most}`} % of the picture's height`, keeps: (span: string) => `kept ${span}`,
    try: 'Try it', testOf: (name: string) => `Try it: ${name}`, test: 'Tried against the last day', testLead: 'How often it would have rung, by what was observed since this time yesterday. Nothing is changed.', testNow: 'Try it now', wrong: (title: string, text: string, hint: string) => `${title} ${text}. ${hint}`,
    rang: (n: number, of: number) => `This rule would have rung ${n === 0 ? 'not once' : n === 1 ? 'once' : `${n.toLocaleString('en')} times`} in the last day, of ${count(of, 'observation', 'observations')}.`, at: (when: string, kind: string, camera: string) => `${when}: ${kind}, ${camera}`, unplaced: (n: number) => `Of ${n.toLocaleString('en')} the place in the picture is not known any more, since it is kept in memory alone: zones and sizes are left out for ${n === 1 ? 'it' : 'them'}.`,
  },

  zones: {
    title: 'Zones and masks', lead: 'A zone is a place in a camera\'s picture that rules go by: somebody is in it whose feet are. A mask is a place that is never looked at. Both are recorded all the same.', none: 'No zone is drawn yet.', add: 'Draw a zone',
    changeTitle: (name: string) => `Change ${name}`, removeTitle: (name: string) => `Remove ${name}?`, removeLead: 'Rules that name it look at other zones only, or are refused until they name another one.', words: (camera: string, mask: boolean, corners: number) => `${camera} · ${mask ? 'mask' : 'zone'} · ${count(corners, 'corner', 'corners')}`,
    name: 'Name', nameHint: 'Rules call it so, such as door.', mask: 'Never look here', maskHint: 'For a street, or a neighbour\'s window.', outline: (name: string) => name === '' ? 'Outline of the zone' : `Outline of ${name}`,
    help: 'Drag the corners, or click the picture for another one. By keyboard: arrow keys move a corner (with Shift farther), Enter adds one behind it, Delete takes it away.',
    corner: (n: number, of: number, x: number, y: number) => `Corner ${n} of ${of}: ${x} % from the left, ${y} % from the top`, most: 'A zone has at most 32 corners.', least: 'A zone has at least 3 corners.', noPicture: 'The camera gives no picture now. The zone can be drawn all the same.',
  },

  range: {
    begins: 'Beginning of the chosen time', ends: 'End of the chosen time', value: (time: string, length: string) => `${time}, ${length} chosen`,
    from: 'From', to: 'To', fromHere: 'Begin at the playhead', toHere: 'End at the playhead', wrongTime: 'Type a time of this day, such as 09:14:05.', wrongOrder: 'It ends after it begins.',
    hint: 'Drag the two handles on the timeline, or move them by arrow keys; or type the times.',
  },

  clip: {
    open: 'Save a clip', title: (camera: string) => `A clip of ${camera}`, wrongNothing: 'Nothing is recorded in this time.',
    about: (length: string, size: string, gaps: number) => gaps === 0 ? `${length}, about ${size}.` : `${length}, about ${size}, with ${count(gaps, 'gap', 'gaps')}: what lies before and after follows at once.`,
    lead: 'It is made here, on this device: the hub gives sealed bytes and writes into the audit that you made a clip. Whoever gets the file can watch it; it is not sealed.',
    toMemory: (size: string) => `This browser cannot write to the disk as it goes, so a clip may have up to ${size}.`,
    tooLarge: (size: string, most: string) => `About ${size} are more than the ${most} that this browser can hold. Choose a shorter time, or a browser that saves straight to the disk, such as Chrome or Edge on a computer.`,
    make: 'Make the clip', kind: 'MP4 film', making: 'Making the clip…', madeUpTo: (time: string) => `Opened and written up to ${time}`, cancelled: 'Cancelled. Nothing was kept.',
    noRoom: 'There is no room left on this device for the clip. Nothing of it was kept; make room, or choose a shorter time.',
    tooMuch: (most: string) => `The clip became larger than the ${most} that this browser can hold. Nothing of it was kept; choose a shorter time.`,
    ready: 'The clip is ready', readyFrom: (from: string, to: string) => `Pictures from ${from} to ${to}. A clip begins at a key frame, so it may be a little longer.`,
    several: 'The camera changed its picture in this time, so there is more than one film.', left: 'Left out', leftGap: (from: string, to: string, reason: string) => `${from} to ${to}: ${reason}`,
    files: 'Files of the clip', written: 'is where you chose', saveFile: (name: string) => `Save ${name}`, saveAll: 'Save all', another: 'Another clip',
    proof: 'The manifest lists the files with their SHA-256 and what they are made of; this device signed it. It checks with `ssh-keygen -Y verify -n sallyport-export`.',
  },

  keeping: {
    keep: 'Keep this', keepTitle: (camera: string) => `Keep footage of ${camera}`, keepLead: 'The rest of the hour goes when it would have gone. Keeping longer lowers everybody\'s privacy, so an owner signs it, with this device.', keepNow: 'Keep it',
    erase: 'Erase this', eraseTitle: (camera: string) => `Erase footage of ${camera}`, eraseLead: 'Its key is destroyed now; nobody can bring it back. What else that key opens is sealed to another one first, on this device.', eraseNow: 'Erase it for ever',
    eraseHour: 'Erase this hour', eraseHourNow: 'Erase the whole hour for ever',
    eraseHourLead: 'No key is open on this device, so it can sign nothing and seal nothing anew: all that this camera recorded in the hour of this moment goes, and nobody can bring it back. What is kept longer stays. Your passphrase is asked for once more. To erase less, unlock this device first.',
    around: 'Around this moment', minutes: (n: number) => count(n, 'minute', 'minutes'), keptWhole: (from: string, to: string) => `Segments are kept as wholes: from ${from} to ${to}.`, goWhole: (from: string, to: string) => `Segments go as wholes: from ${from} to ${to}.`, forLabel: 'Keep it for',
    label: 'A word for it', labelHint: 'Stands in the list of what is kept. May be empty.', why: 'Why', whyHint: 'Stands in the receipt and the audit. May be empty.',
    working: (percent: number) => `Signing, and sealing on this device: ${percent} %`, heldTitle: 'Kept of this camera', until: (when: string) => `until ${when}`, release: 'End it', releaseHint: 'What only this keeps is destroyed at once.',
  },

  observation: {
    motion: 'Motion', person: 'Person', vehicle: 'Vehicle', pet: 'Animal', face: 'Face', package: 'Package', line: 'Line crossed', sound: 'Sound', doorbell: 'Doorbell', tamper: 'Tampering', input: 'Contact', firmware: 'New firmware', restart: 'Restarted',
  } as Readonly<Record<string, string>>,

  gap: {
    'camera offline': 'the camera was offline', 'credentials refused': 'the camera refused the password', 'certificate changed': 'the camera showed another certificate', 'stalled': 'the camera fell silent', 'stream ended': 'the camera ended the stream',
    'stream broken': 'the stream was broken', 'no key frame': 'the camera sent no key frame', 'codec changed': 'the picture\'s format changed', 'too slow': 'the disk or hub was too slow', 'hub stopped': 'the hub was stopped', 'hub was off': 'the hub was off',
    'settings changed': 'settings were changed', 'not recorded': 'recording was off', 'no slot': 'no key could be stored', 'disk': 'the disk', 'time': 'the clock was wrong', 'no owner': 'there was no owner to seal for', 'account lost': 'its record was lost', 'erased': 'it was erased', 'privacy': 'privacy was on', 'no alarm': 'there was no alarm', 'schedule': 'recording was off by schedule',
  } as Readonly<Record<string, string>>,

  settings: {
    title: 'Settings', sections: { cameras: 'Cameras', keep: 'Storage', people: 'People', faces: 'Faces', me: 'My account', privacy: 'Privacy', alarms: 'Alarms', approvals: 'Approvals', egress: 'What leaves', audit: 'Audit', logs: 'Logs and health', system: 'System' },
    noRight: 'Your account may not see this.',
  },

  cameras: {
    add: 'Add cameras', none: 'No camera is taken in yet.', online: 'Online', offline: 'Offline', recording: 'Recording', privacy: 'Privacy on', space: 'Space', unknown: 'not said yet', streams: 'Streams', keeps: 'Kept for', sound: 'Sound', soundYes: 'recorded', soundNo: 'not recorded', lastSealed: 'Last sealed', never: 'nothing yet',
    password: 'Change its password', passwordLead: (camera: string) => `The password that the hub uses for ${camera}. Change it in the camera first.`, newPassword: 'Password', passwordSaved: 'The hub uses the new password from now on.',
    refusedFix: 'The camera refused the password. Type its current one.', trust: 'Believe the new certificate', trustLead: 'Only if you know why it changed, such as after a firmware update or a reset.', refresh: 'Ask it again', refreshed: 'The camera was asked again.', events: 'Events', size: (w: number, h: number, codec: string) => `${w} × ${h}, ${codec}`, main: 'main', sub: 'sub',
    change: 'Its settings', changeTitle: (camera: string) => `Settings of ${camera}`, remove: 'Take it out', removeTitle: (camera: string) => `Take ${camera} out?`, removeLead: 'It is no longer recorded, and the hub forgets its password. What it has recorded stays until its deadline.', spaceHint: 'Another space changes who sees it from now on. What it has recorded stays with those who could see it.', spaceOwner: 'An owner may choose another space.', setIn: 'Set in', byPage: 'this page', byFile: 'the configuration file',
    details: 'Details',
  },

  keep: {
    onceMore: 'Some of what is recorded would be destroyed by that, now or within half a day. Your passphrase is asked for once more.',
    current: (span: string) => `Kept for ${span}`, change: 'Change', changed: 'Changed.', waits: 'A longer time waits for an owner\'s yes, under Approvals.', 
    disk: 'Disk', used: (o: { used: string; free: string; total: string }) => `${o.used} of footage, ${o.free} free of ${o.total}`, room: 'Room for footage', reserve: 'Kept free', need: 'Needed to keep all', perCamera: 'Camera by camera', rate: 'A day brings', held: 'Uses now', reaches: 'Reaches back', full: 'Nothing is recorded', early: (when: string, reason: string) => `Footage went early on ${when}: ${reason}`,
    nextDeadline: 'Next key destroyed', ends: 'Keys and checks', lastReceipt: 'Last receipt', receipt: (n: number, segments: number) => `Number ${n}: ${count(segments, 'segment', 'segments')}`, readBack: 'slots read back', notReadBack: 'slots not read back', clock: 'Clock', scrub: 'Last full check of the disk', copies: 'Copies of the database', damaged: (n: number) => `${count(n, 'file is', 'files are')} not as written`, budgetBar: (percent: number) => `${percent} % of the room is used`,
  },

  people: {
    yourPassphrase: 'Your passphrase', onceMore: 'An owner may do everything. So that a session left open makes none, you are asked once more.',
    names: 'May see names of persons', namesHint: 'Alarms then name those who are enrolled under Faces. Without it they say "person".', namesOnceMore: 'So that a session left open gives nobody\'s name away, your passphrase is asked for once more.', seesNames: 'sees names',
    invite: 'Invite somebody', role: 'Role', spaces: 'Spaces', spacesHint: 'Cameras of these spaces only.', roles: { owner: 'Owner', member: 'Member', guest: 'Guest', installer: 'Installer' },
    roleHints: { owner: 'May do everything, and says yes to what lowers privacy.', member: 'Sees live and old footage of the chosen spaces, and may switch privacy on.', guest: 'Sees live pictures of the chosen spaces.', installer: 'Sets cameras up and sees no picture, ever.' },
    make: 'Make the invitation', madeTitle: 'The invitation', madeLead: (when: string) => `Open it on their device, or send them the link. It opens once, until ${when}.`, link: 'Link', qr: 'The invitation as a QR code', keysNote: 'Old footage opens for a member once an owner\'s device has signed for their key. What was recorded before stays closed to them.',
    you: 'you', devices: (n: number) => count(n, 'device', 'devices'), change: 'Change', removeTitle: (name: string) => `Remove ${name}?`, removeLead: 'The account and its data are erased, and its sessions end at once. The hub hands it no footage any more, and from now on nothing is sealed for its devices; this device signs for that, and seals what is left anew, so that a kept key opens none of it.', removed: 'The account was erased.',
    invitations: 'Open invitations', until: (when: string) => `until ${when}`, takeBack: 'Take back', takenBack: 'The invitation opens no more.', allSpaces: 'all spaces', changed: 'Changed.', changeTitle: (name: string) => `What ${name} may do`,
    waiting: 'Devices that wait for a yes', waitingLead: 'Their keys were made on those devices. Ask their owners for the six words that their device shows, and say yes only if they are the same: then nobody slipped in a key.', sign: 'Say yes with this device', signed: 'Signed. What is recorded from now on opens there, too.', signLocked: 'Unlock this device first: Timeline, Unlock.', narrowed: 'This device signs that from now on nothing more is sealed for them there, and seals anew what is left.', mayOpen: (spaces: string) => `For ${spaces}`, 
  },

  faces: {
    off: 'Faces are off', offLead: 'No face is compared with anything: alarms say "person", and nobody\'s name. To turn it on, an owner says yes to this:', textIs: (version: number, sha256: string) => `Text ${version}, SHA-256 ${sha256.slice(0, 16)}…`, byFile: 'The installer\'s file has turned this off; it is changed there.',
    turnOn: 'Turn faces on', turnOnTitle: 'Turn faces on?', turnOnLead: 'It lowers privacy, so it waits for an owner\'s yes, signed by a device.',
    people: 'Who is recognised', peopleLead: 'Those who agreed, and nobody else. Alarms name them to the owners, and to members to whom an owner gave that under People.', peopleOffLead: 'Faces are off: nobody is recognised. What is kept of these people stays until they are forgotten.', none: 'Nobody is enrolled', noneLead: 'With nobody enrolled the hub measures no face at all.',
    locked: 'Faces are locked', lockedLead: (n: number) => `The keys of ${count(n, 'person', 'people')} are the owner's and are not lent: the hub knows no name of them, recognises none of them, and alarms say "person". On the hub: sallyport people lend --identity KIT. Forgetting somebody needs no key: sallyport people forget.`,
    pictureOf: (name: string) => `Picture of ${name}`, given: 'Agreed', lapsed: 'Lapsed', lapses: (when: string) => `Lapses on ${when}, unless it is given anew.`, hasLapsed: (when: string, gone: string) => `Lapsed on ${when}: not recognised any more, and forgotten on ${gone} unless it is given anew.`, unusable: 'The pictures were measured by another model. Forget and enrol anew to be recognised again.',
    consent: 'The consent', agreed: 'Agreed', agreedHow: (when: string, how: string) => `${when}, ${how.slice(0, 1).toLowerCase()}${how.slice(1)}`, by: 'Whose word', recordedBy: 'Recorded by', accountGone: 'an account that is gone', text: 'Text', textVersion: (version: number) => `Version ${version}`, templates: 'Measured', pictures: (n: number) => count(n, 'picture', 'pictures'),
    enrol: 'Enrol somebody', stepOf: (n: number, of: number, name: string) => `Step ${n} of ${of}: ${name}`, steps: { consent: 'Consent', pictures: 'Pictures', proof: 'Passphrase' }, name: 'Name', nameHint: 'As alarms will say it.', thePerson: 'the person',
    readOut: (name: string) => `Read this out or show it, and wait for the yes of ${name}`, how: 'How was it agreed to?',
    ways: {
      'in person': { label: 'In person', more: 'Here, by word of mouth, after hearing or reading the text.' },
      'in writing': { label: 'In writing', more: 'On a paper that you keep.' },
      'by message': { label: 'By message', more: 'Such as a letter or an e-mail that you keep.' },
      'by guardian': { label: 'By who may decide for them', more: 'In writing; for a child, those who have custody.' },
    } as Readonly<Record<'in person' | 'in writing' | 'by message' | 'by guardian', { readonly label: string; readonly more: string }>>,
    guardian: 'Who agreed for them?', guardianHint: 'The name of whoever may decide for them.', yes: (name: string) => `The text was read out or shown to ${name}, and the answer was yes`, yesHint: 'Without a yes nobody is enrolled. Whoever did not want it, or was not asked, stays "a person".', yesNeeded: 'Needed: without a yes nobody is enrolled.',
    picturesHint: (most: number) => `One to ${most} pictures, three or more from different sides are best: the face at least a third of the picture's height, alone, in good light, looking at the camera. They are made small here, without what a camera writes into files, and the hub keeps only what it measures and one small picture.`,
    openCamera: 'Use this device\'s camera', cameraRefused: 'This browser gave no camera. Allow it in the browser\'s settings, or choose files.', noCameraHere: 'A browser gives its camera only to a page that came by https, or from the hub itself. Choose files instead.', viewfinder: 'What the camera sees now', take: 'Take a picture', closeCamera: 'Turn the camera off',
    chooseFiles: 'Choose pictures', unread: 'One of the files is no picture that this browser reads.', usable: (good: number, all: number) => `${good.toLocaleString('en')} of ${count(all, 'picture', 'pictures')} can be used`, shot: (n: number) => `Picture ${n}`, removeShot: (n: number) => `Take picture ${n} away`, checking: 'The hub looks at it…', good: 'Good', notGood: 'It cannot be used.', oneNeeded: 'At least one picture must be good.',
    poor: {
      'no picture': 'It is no picture that the hub reads.', 'too large': 'The picture is too large.', 'no face': 'No face is in it.', 'more than one face': 'More than one face is in it.', 'unclear': 'It is not clear that this is a face. More light, and the whole face in the picture.', 'too small': 'The face is too small. Go nearer.',
      'cut off': 'The face is cut off at the edge.', 'blurred': 'It is blurred. Hold still, with more light.', 'turned aside': 'The face is turned aside. Look at the camera.', 'tilted': 'The head is tilted. Hold it upright.', 'another person': 'It shows somebody else than the other pictures.',
    } as Readonly<Record<string, string>>,
    summary: (name: string, n: number) => `${name} would be recognised from now on, by ${count(n, 'picture', 'pictures')}. The pictures themselves are not kept.`, onceMore: 'A session left open must not be enough to enrol somebody: your passphrase is asked for once more.', enrolNow: 'Enrol', enrolled: (name: string) => `${name} is enrolled.`,
    renew: 'Renew', renewOf: (name: string) => `Renew the consent of ${name}`, renewTitle: (name: string) => `${name} agrees anew`, renewed: (name: string) => `The consent of ${name} was renewed.`,
    forget: 'Forget', forgetOf: (name: string) => `Forget ${name}`, forgetTitle: (name: string) => `Forget ${name}?`, forgetLead: 'The key of this person is destroyed: name, picture and measures go at once, also from older copies of the database, and no alarm says any more that it was this person. Nobody can bring it back.', forgetOnceMore: 'It destroys something, so your passphrase is asked for once more.',
    forgottenTitle: 'Forgotten', receipt: (n: number, when: string) => `Receipt ${n}, ${when}`, forgotten: 'The key was overwritten, and what was sealed to it is deleted. Alarms name this person no more. The receipt is signed, and lies in the data folder.', readBack: 'The place of the key was read back from the disk: nothing of it is left there.', notReadBack: 'The disk did not let it be read back past its cache.',
  },

  strays: {
    title: 'Keys of who has left', lead: 'Your signed list names these keys, and no account here has them any more: somebody erased their account, or removed a device. What is recorded is sealed to them until you sign a list without them.',
    someone: 'A key of nobody here', signs: 'signs for the owner', past: (spaces: string) => `opens what is older of ${spaces}`, sign: 'Sign a list without it', signed: 'Signed. Nothing is sealed to it from now on.',
    notice: (n: number) => `${count(n, 'key', 'keys')} in your list ${n === 1 ? 'belongs' : 'belong'} to nobody here any more`, noticeLead: 'Somebody has left, or removed a device. Until you sign a list without it, that key opens what is recorded.',
    signAll: (n: number) => n === 1 ? 'Sign a list without it' : 'Sign a list without them', look: 'Look at it',
  },

  renewing: {
    title: 'Older footage is sealed anew', lead: (done: number, total: number) => `${done.toLocaleString('en')} of ${count(total, 'key', 'keys')}, for those who still may see it. This device does it while the page is open.`,
    done: 'Older footage is sealed anew', doneLead: (total: number) => `${count(total, 'key was', 'keys were')} looked at: none that is left opens to who has gone, nor to a kit that was replaced.`,
    closed: (n: number) => `${count(n, 'key does', 'keys do')} not open on this device, so it could not seal them anew; another of the owner's devices may.`,
    failed: 'Older footage is not all sealed anew yet', resumes: 'It goes on from there when you try again, or when you open this device the next time.',
  },

  me: {
    about: 'About you', name: 'Name', nameHint: 'You log in with it.', nickname: 'Nickname', picture: 'Picture', pictureHint: 'Made small in this browser before it goes to the hub.', choosePicture: 'Choose a picture', noPicture: 'Take the picture away', language: 'Language', languageHint: 'How dates and numbers are written, such as en-GB or de.', timeZone: 'Time zone', browserZone: 'As this browser',
    passphraseTitle: 'Passphrase', now: 'Passphrase now', next: 'New passphrase', again: 'New passphrase, once more', change: 'Change the passphrase', changed: 'Changed. All other sessions have ended.', wrongNow: 'That is not your passphrase now.',
    sessions: 'Where you are logged in', thisOne: 'this one', lastUsed: (when: string) => `used ${when}`, end: 'End', ended: 'The session has ended.', devices: 'Your devices', devicesLead: 'Each has a key of its own, which never left it. What is recorded is sealed to the devices that an owner signed for.', thisDevice: 'this device', added: (when: string) => `added ${when}`, addOther: 'Add another device', addOtherLead: 'Open this with your other device. It holds no secret: only your name, and the public key by which the other device knows the owner\'s list.', addOtherQr: 'The way for another device, as a QR code', addOtherThen: 'Log in there with your passphrase. The device makes a key of its own and shows six words; an owner\'s device then says yes to them under Settings, People.',
    addDevice: 'Add this device', addedDevice: 'The key was made in this browser. An owner\'s yes is needed before it opens old footage.', forget: 'Forget the key of this device', forgotten: 'This browser has no key any more.', forgetLead: 'This browser then shows no old footage. Other devices are not touched.',
    logout: 'Log out', erase: 'Erase my account', eraseTitle: 'Erase your account?', eraseLead: 'Your name, picture, devices and sessions are erased from the hub. Type your passphrase to go on.', erased: 'Your account was erased.', noDevices: 'None yet: no device of yours opens old footage.', appearance: 'Appearance',
  },

  kit: {
    title: 'The recovery kit', lead: 'It opens all footage, and lets an owner back in. Is yours lost, or in somebody else\'s hands? Then another one takes its place.', replace: 'Replace the kit',
    why: 'What happened to it?', whys: {
      lost: { label: 'It is lost', more: 'Nobody has it: it was destroyed, or nobody finds it.' },
      stolen: { label: 'It was stolen', more: 'Somebody may have it, or may have copied it.' },
    } as Readonly<Record<'lost' | 'stolen', { readonly label: string; readonly more: string }>>,
    stolen: 'What somebody has opened or copied with the old kit already stays with them. Look in the audit whether anybody came back with it, and at People for devices that you do not know; remove those first.',
    after: 'This device signs for the new kit, and seals anew what remains: while the page is open, key by key. After that the old kit opens nothing here, signs nothing and lets nobody in. Devices and people stay as they are.',
    make: 'Make a new kit', newTitle: 'Your new recovery kit', newLead: 'It was made in this browser just now, and the hub will never have it. The old kit counts until you have signed for this one.',
    onceMore: 'A session left open must not be enough to replace the kit.', sign: 'Sign for the new kit', signing: 'Signing…', done: 'The new kit counts. Destroy the old one, if you have it.',
  },

  privacy: {
    lead: 'With privacy on, pictures and sound of a space are off for everybody: nothing is recorded, and live is off, too.', space: (name: string) => `Space ${name}`, turnOn: 'Privacy on', turnOff: 'Privacy off', isOn: 'Privacy is on', isOff: 'Pictures are on', cameras: (names: string) => `Cameras: ${names}`, turnedOn: 'Pictures and sound are off.', turnedOff: 'Pictures are on again.', none: 'There is no space that you may switch.',
    noCameras: 'No camera is in it yet.', until: (when: string) => `By schedule, until ${when}.`, schedule: 'Private by itself',
    add: 'Add a space', addLead: 'A space is a group of cameras, such as the garden, and of people who may see them. It gets a key of its own, which this device makes and signs; at first it opens for the owners only.', addYes: 'Make it, signed by this device', added: 'The space is there. Choose it for cameras, and for people.',
    name: 'Name of the space', nameHint: 'Small letters, digits and hyphens, such as garden.', nameWrong: 'Use small letters, digits and hyphens; begin with a letter or digit.', nameKnown: 'There is such a space already.',
  },

  forms: {
    hub: 'The hub', change: 'Change', changeOf: (what: string) => `Change ${what}`, look: 'See what changes', will: 'This will change', nothing: 'Nothing would change.', saved: 'Saved. This waits for an owner\'s yes:', later: 'Later', waitFor: 'Waits for an owner\'s yes', toApprovals: 'Go to Approvals', ownerSays: 'An owner says yes to it under Approvals.',
    leavesOut: 'This leaves out, from then on:', destroys: 'This destroys, now or within half a day:', onceMore: 'A session left open must not be enough for that: your passphrase is asked for once more.', ownerDestroys: 'An owner alone may do that.',
    waits: 'waits for a yes', waitsLead: 'What lowers privacy waits until an owner says yes, signed by a device. The rest counts at once.', restarts: 'at the next start', nextStart: 'Counts at the next start of the hub.', afterStart: 'After the next start of the hub:',
    waitingNow: (now: string) => `Waits for an owner's yes; now ${now}.`, byInstaller: (file: string) => `Set by the installer's file (${file}), and changed there.`, filesOnly: (file: string | undefined) => file === undefined ? 'Files alone set this.' : `Files alone set this: ${file}.`,
    wrong: (text: string, hint: string) => `This ${text}.${hint === '' ? '' : ` ${hint}`}`, usual: (value: string) => `Usual: ${value}.`, range: (min: string, max: string) => `From ${min} to ${max}.`, lines: (hint: string) => `${hint} One on each line.`,
    more: 'More', unset: 'not set', empty: 'none', noneThere: 'There is none yet.', yes: 'yes', no: 'no', unitOf: (label: string) => `Unit of ${label}`, timeOf: (label: string) => `Time of ${label}`, atTime: 'At a time', sun: { sunrise: 'sunrise', sunset: 'sunset' } as Readonly<Record<string, string>>,
    units: { second: 'seconds', minute: 'minutes', hour: 'hours', day: 'days', week: 'weeks', month: 'months', year: 'years' } as Readonly<Record<string, string>>,
    days: { monday: 'Monday', tuesday: 'Tuesday', wednesday: 'Wednesday', thursday: 'Thursday', friday: 'Friday', saturday: 'Saturday', sunday: 'Sunday' } as Readonly<Record<string, string>>,
  },

  schedule: {
    title: 'Times of privacy', lead: 'At these times the cameras of a space are neither watched nor recorded. A time counts as soon as it is added; to take one out, or to change it, waits for an owner\'s yes.', add: 'Add a time', none: 'No space is private by itself.',
    changeTitle: 'Change a time of privacy', changeLead: 'The new time counts at once. The old one counts, too, until an owner says yes to its end.', removeTitle: 'Take a time of privacy out?', removeLead: 'Pictures would be made at this time again, once an owner has said yes.',
    changeOf: (space: string, times: string) => `Change ${space}, ${times}`, removeOf: (space: string, times: string) => `Remove ${space}, ${times}`, goes: (rule: string) => `Still counts, until an owner says yes to its end: ${rule}.`,
    times: (days: readonly string[], from: string, to: string) => `${days.length === 7 ? 'Each day' : list(days.map((day) => `${day.slice(0, 1).toUpperCase()}${day.slice(1)}`))}, from ${from} to ${to}`,
  },

  recordings: {
    title: 'When cameras are recorded', lead: 'The first rule that fits a camera and a time counts. Where none does, all is recorded.', none: 'There is no rule: all is recorded, at any time.', add: 'Add a rule of recording', formLead: 'Live pictures go on at any time. What lies there already stays until its deadline.',
    changeTitle: 'Change a rule of recording', removeTitle: 'Remove a rule of recording?', earlier: 'Earlier', earlierTitle: 'Have a rule count earlier?', earlierOf: (rule: string) => `Earlier: ${rule}`, changeOf: (rule: string) => `Change: ${rule}`, removeOf: (rule: string) => `Remove: ${rule}`,
    everywhere: 'All cameras', always: 'at any time', words: (where: string, times: string) => `${where} · ${times}`,
  },

  logs: {
    health: 'Health', well: 'All well', notWell: 'Something needs you', recording: 'Cameras that record', of: (n: number, of: number) => `${n} of ${of}`, notices: 'Notices', free: (size: string) => `${size} free`, purge: 'Destroying at the deadline', overdue: (n: number) => n === 0 ? 'Nothing is overdue' : `${count(n, 'hour is', 'hours are')} overdue`,
    title: 'The hub\'s log', lead: 'For whoever looks after the hub: ids, no names, nothing of what was seen. It may be lost; who did what stands in the audit.', again: 'Look again', level: 'At least', levels: { debug: 'Debug', info: 'Info', warn: 'Warning', error: 'Error' }, component: 'Part', everywhere: 'All parts', none: 'No such lines.', older: 'There are older lines; on the hub, they lie in the data folder\'s log.',
  },

  approvals: {
    lead: 'What lowers privacy waits here until an owner says yes. The yes is signed by this device, so that the hub cannot say it itself.', none: 'Nothing waits.', yes: 'Say yes, signed by this device', from: 'Now', to: 'Then', done: 'Signed and in force.', locked: 'To sign, unlock this device: it needs your passphrase.', kit: 'Or on the terminal: sallyport accept ID --identity kit.txt',
  },

  egress: {
    lead: 'All that leaves the house goes through one door, sealed before, and has a line here. What is not listed did not leave.', none: 'Nothing leaves the house: there is no destination.', noneHint: 'A destination stands in the configuration, and gets nothing before an owner says yes to it.',
    ledger: 'What went, the newest first', filter: 'Destination', everywhere: 'All', place: 'Where', purpose: 'Purpose', gone: 'No destination any more', there: 'Lies there', objects: (n: number, size: string) => `${count(n, 'object', 'objects')}, ${size}`,
    lost: (n: number) => `${n === 1 ? 'One segment that lay' : `${n} segments that lay`} there alone ${n === 1 ? 'was' : 'were'} not there when last looked for.`, lostHint: 'Put back what the store held: it is found again when it is played. Or find out who deletes there.',
    alone: 'Lies there alone, not at home', waiting: 'On its way', failed: 'Could not be sent', leaving: 'Being deleted', kept: 'Not deleted there', keys: 'Keys', keysHome: 'At home alone: once they are destroyed here, what lies there opens with nothing', keysAt: (name: string) => `Sealed, at ${name}: whoever copied both before a deadline, and has the recovery kit, can open it`, sealedKeys: 'Sealed keys here', sealedKeysOf: (keys: number, time: string) => `${count(keys, 'key', 'keys')}, put there ${time}`,
    keysOld: 'The sealed keys here are not those of now.', keysOldHint: 'The hub tries on. While it is so, what was destroyed at home may still open there with the recovery kit, and a lost hub loses what came since.',
    lacks: { put: 'The hub may put nothing there: nothing is sent.', get: 'The hub may get nothing from there: nothing is read again, and what lies there alone cannot be played.' },
    refused: (n: number) => `${count(n, 'object', 'objects')} that ${n === 1 ? 'was' : 'were'} destroyed here still ${n === 1 ? 'lies' : 'lie'} there: the store refused to delete ${n === 1 ? 'it' : 'them'}.`, refusedHint: 'The hub asks again each day. Give its credential the right to delete, or delete there yourself.',
    unknown: (n: number, size: string) => `${count(n, 'object', 'objects')} (${size}) there ${n === 1 ? 'looks' : 'look'} like the hub's, and the hub does not know ${n === 1 ? 'it' : 'them'}: after its catalogue was made anew it cannot tell whose ${n === 1 ? 'it is' : 'they are'}.`, unknownHint: (name: string) => `sallyport egress --unknown ${name} lists what it is, and erases it with your kit, where no other hub sends to that place.`,
    noDelete: 'The hub may not delete there: what is destroyed here stays there', noDeleteHome: 'and opens with nothing', versions: 'It keeps older versions of what is deleted or replaced.', sent: 'Sent in the last 30 days', sentOf: (orders: number, size: string) => `${size} in ${count(orders, 'order', 'orders')}`,
    doors: 'The door', child: 'A process of its own, started by the hub', service: 'A service of its own', closed: 'Closed: nothing is to be sent', held: (level: string) => level === 'no' ? 'not confined on this machine' : 'its files and connections are confined', last: 'Last answer', lastOf: (order: string, destination: string, outcome: string, time: string) => `${order} at ${destination}: ${outcome}, ${time}`,
    when: 'When', where: 'Where to', what: 'What', result: 'Result', more: 'Older lines', empty: 'Nothing yet.', details: 'Details',
    kinds: { put: 'sent', delete: 'deleted', get: 'fetched', list: 'asked for a list', probe: 'asked what it does', notice: 'told', heard: 'answered a command', dropped: 'orders from there, dropped' } as Readonly<Record<string, string>>,
    classes: { segment: 'footage', hold: 'a second header', hours: 'a list', keyring: 'sealed keys', picture: 'a picture', odd: 'no orders', flood: 'too many in a minute', waiting: 'too many at once' } as Readonly<Record<string, string>>,
    outcomes: { done: 'Done', failed: 'Failed', withdrawn: 'Withdrawn', lost: 'Lost, and sent again' } as Readonly<Record<string, string>>, open: 'Waits', tries: (n: number, size: string) => `${count(n, 'try', 'tries')}, ${size} sent`, proof: (how: string) => `known to be there by: ${how}`, opens: (n: number) => `Opens for ${count(n, 'key', 'keys')}`,
  },

  destinations: {
    title: 'Destinations', add: 'Add a destination', none: 'None is declared.', lead: 'A disk or a server elsewhere keeps a sealed copy, a messenger tells you of alarms. Nothing goes there before an owner says yes to the line that says what it gets.',
    kind: 'Kind', formLead: 'The hub says in one line what this place gets; an owner says yes to that line, with this device.', service: 'The courier is a service of its own here: its secrets are credentials of systemd, which an administrator gives.',
    removeLead: 'Nothing goes there any more, and nothing is deleted there any more: what lies there stays, sealed. If its keys stayed at home, it opens with nothing once they are destroyed here. To have it deleted there, let it go to its deadline before you remove the destination.',
    secret: 'Its password', secretOf: (name: string) => `Password or key of ${name}`, secretLead: 'The hub gives it to the courier alone, and shows it to nobody.', which: 'What it is for', user: 'User, or key id', userHint: 'Empty where the secret stands alone.', secretWord: 'Password, or key', onceMore: 'Whose account your footage goes to is more than an open page should decide.',
    secrets: { all: 'Everything there', put: 'To put things there', get: 'To read there', delete: 'To delete there', proxy: 'The proxy on the way', topic: 'The topic', token: 'The access token', key: 'The key that signs', login: 'The login at the broker' } as Readonly<Record<string, string>>,
  },

  audit: {
    show: 'Shown', people: 'What people did', all: 'Everything', detail: 'Details', lead: 'Who did and watched what, the newest first. The lines are chained; nobody can take one out unseen.', when: 'When', who: 'Who', what: 'What', more: 'Older lines', none: 'Nothing yet.', total: (n: number) => count(n, 'line', 'lines'), span: (from: string, to: string) => `recorded between ${from} and ${to}`,
    gone: 'somebody whose account is gone',
    /** Who did it where it was no person with an account. */
    whos: { hub: 'the hub', cli: 'the terminal', page: 'the page', owner: 'an owner\'s key' } as Readonly<Record<string, string>>,
    /** What was done, by the codes of the audit. */
    did: {
      'page.login': 'logged in', 'page.logout': 'logged out', 'page.logins-failed': 'passphrases that were wrong were tried', 'page.owner-made': 'made this hub\'s first owner',
      'page.recovered': 'got a new passphrase with the recovery kit', 'page.session-ended': 'ended a session', 'page.person-changed': 'changed own data',
      'page.passphrase-changed': 'changed the passphrase', 'page.device-noted': 'noted a device', 'page.device-removed': 'removed a device', 'page.account-erased': 'an account was erased', 'page.account-changed': 'changed what an account may',
      'page.invited': 'invited somebody', 'page.invitation-ended': 'took an invitation back', 'page.joined': 'joined by an invitation', 'page.token-made': 'made a token for a script',
      'page.token-ended': 'ended a token', 'page.asked': 'operated the hub', 'live.watched': 'watched live', 'live.listened': 'listened live', 'footage.playback': 'looked at recordings', 'footage.archived': 'moved recordings to where they lie alone', 'footage.export': 'exported recordings', 'alarm.shown': 'looked at alarms',
      'alarm.seen': 'marked an alarm as seen', 'alarm.unseen': 'marked an alarm as new again', 'alarm.false': 'said that an alarm was false', 'alarm.not-false': 'said that an alarm was not false',
      'person.enrolled': 'enrolled somebody, with consent', 'person.renewed': 'renewed somebody\'s consent', 'person.lapsed': 'somebody\'s consent has lapsed; matching has stopped', 'person.forget': 'asked to forget somebody', 'person.forgotten': 'somebody was forgotten: the key was overwritten',
      'person.lost': 'somebody\'s key is lost; what was under it is gone', 'people.looked': 'looked at the people who are enrolled', 'people.lent': 'the owner lent the keys of who is recognised', 'people.locked': 'the lent keys of who is recognised were wiped', 'person.sealed-anew': 'somebody\'s key was sealed anew',
      'privacy.on': 'switched pictures off', 'privacy.off': 'switched pictures on again', 'owner.list-taken': 'a new list of the owner is in force', 'owner.kit-replaced': 'another recovery kit took the place of the old one', 'camera.adopted': 'a camera was adopted',
      'camera.removed': 'a camera was taken out', 'camera.talk': 'talked through a camera', 'config.changed': 'the configuration changed',
      'camera.control': 'told a camera what to do', 'destination.secret-set': 'the hub got a password or key of a destination', 'command.done': 'an order from outside was followed', 'command.refused': 'an order from outside was refused', 'camera.moved': 'a camera is at another address', 'camera.changed': 'a camera says that it has changed', 'camera.password-set': 'the hub got a camera\'s new password',
      'consent.asked': 'a change waits for an owner\'s yes', 'consent.given': 'an owner\'s signed yes was taken', 'slot.replaced': 'a key was sealed anew by an owner\'s device', 'deadlines.shortened': 'recordings are kept shorter than before',
      'database.copied': 'the database was copied', 'database.reconciled': 'the database and the disk were compared', 'database.restored': 'the database was restored from a copy', 'rebuild.period': 'an hour was read back from the disk',
      'key.made': 'an hour\'s key was made', 'keyring.damaged': 'the keyring is damaged', 'purge.shredded': 'an hour\'s key was overwritten', 'segment.closed': 'footage was sealed', 'segment.cut': 'footage was cut off, and what is whole was kept',
      'recovery.found': 'after a stop, footage was found and listed', 'recovery.missing': 'after a stop, footage is missing', 'recovery.removed': 'after a stop, remains were removed', 'scrub.list': 'the disk was checked',
      'notice.raised': 'something needs somebody', 'notice.settled': 'a notice is settled', 'notice.told': 'something happened that somebody should know of', 'vault.made': 'the vault was made', 'page.authority-made': 'the hub\'s own certificate authority was made', 'audit.expired': 'old lines of the audit went', erased: 'a line that was erased',
      'hold.asked': 'asked to keep footage longer', 'hold.made': 'footage is kept longer', 'hold.released': 'a hold was ended', 'hold.adopted': 'footage that is kept longer was found again', 'reconcile.held': 'footage went over to what keeps it longer',
      'erase.asked': 'asked to erase footage', 'segment.adopted': 'footage was found and listed',
      'scrub.whole': 'a file is as it was written, again', 'scrub.damaged': 'a file is not as it was written', 'pictures.settled': 'alarm pictures and their list were compared',
      'hub.started': 'the hub started', 'slots.far-renewed': 'the sealed keys at a destination are those of now', 'slots.far-gone': 'the sealed keys at a destination are gone', 'far.restored': 'footage was brought back from where it had been sent', 'far.looked': 'what lies at a destination was looked at', 'far.cleared': 'what the hub did not know at a destination began to go', 'purge.done': 'recordings were destroyed at their deadline',
    } as Readonly<Record<string, string>>,
    /** What was asked through the page, by its route. */
    asked: {
      discover: 'looked for cameras', adopt: 'took a camera in', moved: 'followed a camera to another address', secret: 'gave a camera\'s new password', camera: 'told a camera what to do', cameras: 'gave a camera another name or space',
      accept: 'said yes to a change', keep: 'kept footage shorter, which destroyed some of it', settings: 'changed settings, which destroyed something', slots: 'sealed a key anew for those who stay', hold: 'kept footage longer', release: 'ended a hold', erase: 'began to erase a time', 'erase-hours': 'began to erase whole hours, without a key',
    } as Readonly<Record<string, string>>,
  },

  system: {
    version: 'Version', running: 'Running since', certificate: 'Certificate', fingerprint: 'Fingerprint', ownCertificate: 'Made by this hub', foreignCertificate: 'Your own', noCertificate: 'This page came by plain http, on the hub itself.', notices: 'Notices', noNotices: 'Nothing needs you.', told: 'Within the last week', warnings: 'Warnings', confinement: 'How far ffmpeg is confined', owner: 'Sealed for', ownerPresent: (spaces: string) => `the owner; ${spaces}`, ownerMissing: 'nobody, so nothing is recorded',
    ways: { home: 'Reached from home', vpn: 'Reached by a VPN', shared: 'Reached from a provider\'s shared network', aside: 'Reached from its own network alone: set aside for documentation or tests', public: 'Reached by the whole internet, unless a firewall stands before it' },
    way: (address: string, name: string, named: boolean) => `${address} (${name}${named ? '' : ', which the certificate does not name'})`,
    looks: 'What the hub looks at itself', looksLead: 'Where something moves, a picture is looked at for persons and vehicles, as a rule of alarms asks. A look that is dropped or comes to nothing costs a sighting, never footage.',
    looksOf: (looks: number, missed: number, problem: string | undefined) => `${count(looks, 'picture', 'pictures')} looked at, ${missed === 0 ? 'none' : missed.toLocaleString('en')} came to nothing${problem === undefined ? '' : `; failing now: ${problem}`}`,
    dropped: 'Dropped for newer ones', droppedOf: (n: number) => n === 0 ? 'none: this machine keeps up' : `${count(n, 'look', 'looks')} since the start, because there was more to look at than this machine can`,
  },

  tokens: {
    title: 'Tokens for scripts', lead: 'A script shows a token instead of logging in. It has of your rights those that you choose, never the right over people, and opens no old footage: for that it would need a key.', none: 'There is none.', add: 'Make a token', make: 'Make it',
    name: 'Name', nameHint: 'What uses it, such as Prometheus.', may: 'It may', days: 'It ends after', until: (when: string) => `until ${when}`, ended: 'The token opens nothing any more.', madeTitle: 'The token', madeLead: 'It is shown once. Whoever has it may do what you chose, until it ends.', token: 'Token',
    rights: { live: 'see live pictures', listen: 'hear live sound', talk: 'talk', replay: 'fetch sealed footage', export: 'export', hold: 'hold', erase: 'erase', configure: 'configure cameras', status: 'read the hub\'s state', audit: 'read the audit', privacy: 'switch privacy' } as Readonly<Record<string, string>>,
  },

  recover: {
    title: 'Back with the recovery kit', lead: 'Choose your kit, and a new passphrase. This browser gets a key of its own, signed by the kit; the page then forgets the kit.',
    kit: 'Recovery kit', kitText: 'Or type it: the groups, in their order', submit: 'New passphrase, and log in', working: 'Signing with the kit…', kitWrong: 'That is no recovery kit: it has 10 groups of capital letters and digits.',
    otherKit: 'This kit is not the one of this hub', otherKitMore: 'It is another hub\'s, or one that was replaced. Choose the newest kit of this hub.',
    warning: 'Do this only on a device that you trust, and only when the six words of the hub are right.',
  },

  join: {
    title: (hub: string) => `Join ${hub}`, lead: (from: string, role: string) => `${from} invites you as ${role}.`, until: (when: string) => `The invitation opens once, until ${when}.`, may: 'You will have', badTitle: 'This invitation does not open', badLead: 'It may have been used, be too old, or be mistyped. Ask for a new one.', submit: 'Join', working: 'Making your account and this device\'s key…', keyNote: 'A key of its own is made on this device. Old footage opens here once an owner\'s device has said yes to it; live pictures come at once.',
  },
} as const;

/** As wide as a translation needs it: texts are any text, and sentences take what the English ones take. */
type Wide<T> = T extends string ? string : T extends (...a: infer A) => string ? (...a: A) => string : T extends readonly (infer I)[] ? readonly I[] : { readonly [K in keyof T]: Wide<T[K]> };
export type Strings = Wide<typeof english>;

export const say: Strings = english;
