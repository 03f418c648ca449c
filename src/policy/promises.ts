/**
 * What a camera vendor's privacy policy asks people to trust, and what this project puts in its place: a mechanism on the owner's own
 * hub, and a proof that anybody can run. A row counts when a test proves it; until then it says "not yet", and a row that is proven in
 * part says what is missing. docs/PROMISES.md is made from this table, and a test finds each named test in its file.
 */

export interface Proof {
  readonly file: string;
  /** The test's name, or the part of it that its variants share. */
  readonly test: string;
}

export interface PromiseRow {
  readonly id: string;
  readonly title: string;
  /** What such a policy says, in short. */
  readonly policy: string;
  readonly mechanism: string;
  readonly proofs: readonly Proof[];
  /** What the proofs leave open; absent when they prove the whole row. */
  readonly missing?: string;
}

/** How the proofs last went on this hub, by "file: test". */
export interface ProofResults {
  readonly results: ReadonlyMap<string, 'passed' | 'failed'>;
  /** ISO date of the run. */
  readonly date: string;
}

export const promises: readonly PromiseRow[] = [
  {
    id: 'P1', title: 'Account data',
    policy: 'We collect name, e-mail, nickname, picture, language, time zone and login.',
    mechanism: 'There is no account anywhere else. Users live in the hub\'s own encrypted database; a name and a credential are all they need, and each sees and edits their own.',
    proofs: [
      { file: 'test/api/erase.test.ts', test: 'create, edit and erase a person: nothing of them is left in any file of the data folder' },
      { file: 'test/api/accounts.test.ts', test: 'one changes own data, and erases the account with the passphrase' },
    ],
  },
  {
    id: 'P2', title: 'Login through others',
    policy: 'You may log in with an account at a third party.',
    mechanism: 'No third party is built in. A household may point the hub at an identity provider that it runs itself.',
    proofs: [],
  },
  {
    id: 'P3', title: 'Feedback',
    policy: 'When you contact us we keep your contact data.',
    mechanism: 'A diagnostic bundle is made on the hub, with addresses, names, credentials and images taken out; the owner sends it, or does not.',
    proofs: [],
  },
  {
    id: 'P4', title: 'Telemetry',
    policy: 'We collect device, usage and log information automatically.',
    mechanism: 'There is no telemetry. The log stays on the hub, is scrubbed where it is written, and expires by its own rule.',
    proofs: [
      { file: 'test/slow/egress/scenario.ts', test: 'addresses outside of what is declared: none; each that is declared was spoken to' },
      { file: 'test/slow/egress/scenario.ts', test: 'names outside of what is declared: none' },
      { file: 'test/base/log.test.ts', test: 'third net: what stands inside a text is scrubbed' },
    ],
    missing: 'a whole day on the wire: the capture takes ten minutes.',
  },
  {
    id: 'P5', title: 'Location',
    policy: 'We may collect your precise location.',
    mechanism: 'None is collected. A sunrise schedule takes coordinates from the configuration, rounded to 0.1 degree, and sends them nowhere.',
    proofs: [
      { file: 'test/config/load.test.ts', test: 'where the hub is, is known to a tenth of a degree, however exactly it was written' },
      { file: 'test/policy/privacy.test.ts', test: 'rules by the sun' },
      { file: 'test/slow/egress/scenario.ts', test: 'plaintext on the wire, in the outbox, in the far stores, in what phones and programs were told: none' },
    ],
  },
  {
    id: 'P6', title: 'Device data',
    policy: 'We collect each device\'s name, number, online status, activation time and firmware, and upgrade it.',
    mechanism: 'The hub asks its cameras itself, by ONVIF, and keeps the answers in its encrypted database, current while it runs: maker, model, firmware, serial number, streams, what it can do, when it was taken in, online or not. A changed firmware and a restart are observations, and the owner is told.',
    proofs: [
      { file: 'test/cameras/fixtures.test.ts', test: 'who a camera is, as it says it: text stays text' },
      { file: 'test/cameras/fixtures.test.ts', test: 'the profiles of several makes' },
      { file: 'test/cameras/listening.test.ts', test: 'who comes is known, who says goodbye is marked, and nothing that is heard is contacted' },
      { file: 'test/slow/moved.test.ts', test: 'a camera that moved is found again by who it is, and recording goes on within a minute' },
      { file: 'test/duties/changes.test.ts', test: 'a firmware that changed is an observation, an audit line and a notice, once' },
      { file: 'test/duties/abilities.test.ts', test: 'when it was taken in is remembered through all that comes later' },
      { file: 'test/duties/changes.test.ts', test: 'a camera that said Hello while it was away has restarted' },
    ],
    missing: 'firmware upgrades.',
  },
  {
    id: 'P7', title: 'Images and video',
    policy: 'Cameras report images and videos to us.',
    mechanism: 'Footage is sealed to the owner in memory, before its first byte reaches the disk, and goes nowhere.',
    proofs: [
      { file: 'test/e2e/plaintext.test.ts', test: 'while recording and after kill -9, no file holds plaintext of what the camera sent' },
    ],
  },
  {
    id: 'P8', title: 'Purposes and legal bases',
    policy: 'We process data for these purposes, on these grounds.',
    mechanism: 'A record of processing is made from the running configuration, so that it cannot say something else than what runs.',
    proofs: [
      { file: 'test/policy/processing.test.ts', test: 'whatever changes what is done with somebody\'s data changes the record' },
      { file: 'test/policy/processing.test.ts', test: 'the record of a house with all that there is, and of an empty one, word by word' },
    ],
    missing: 'who is responsible and on what ground: only people know that.',
  },
  {
    id: 'P9', title: 'Sharing',
    policy: 'We share data with providers, customers, affiliates and authorities.',
    mechanism: 'Nothing leaves by default. One process alone may reach the outside, it cannot open footage, each destination is declared with a purpose, and each object that leaves is entered in a ledger.',
    proofs: [
      { file: 'test/slow/egress/scenario.ts', test: 'addresses outside of what is declared: none; each that is declared was spoken to' },
      { file: 'test/slow/egress/scenario.ts', test: 'names outside of what is declared: none' },
      { file: 'test/slow/egress/scenario.ts', test: 'what lies at the far ends is what the ledger says, object by object' },
      { file: 'test/slow/egress/scenario.ts', test: 'plaintext on the wire, in the outbox, in the far stores, in what phones and programs were told: none' },
      { file: 'test/slow/egress/scenario.ts', test: 'what is not declared is refused in code, and what is told to go elsewhere does not' },
      { file: 'test/slow/egress/scenario.ts', test: 'the rules that systemd is given hold: proven as rules of the namespace' },
      { file: 'test/slow/systemd/confinement.ts', test: 'addresses: the hub reaches this house alone, the courier what is declared and who resolves its name' },
      { file: 'test/slow/systemd/confinement.ts', test: 'the courier reads no key, no configuration, no footage and no control socket; and writes its own two folders' },
      { file: 'test/courier/confined.test.ts', test: 'what is forbidden fails inside, and succeeds outside as the control' },
      { file: 'test/policy/declared.test.ts', test: 'a new destination gets nothing before the yes, exactly what was said yes to after it, and nothing after it was taken out' },
    ],
  },
  {
    id: 'P10', title: 'Code of others',
    policy: 'The app contains third-party components that collect data.',
    mechanism: 'A list, made from what runs, of every dependency and of which one may open a connection or start a program; a bill of materials of all of them.',
    proofs: [
      { file: 'test/slow/disclosure.test.ts', test: 'docs/DISCLOSURE.md is what the house plan and the packages make of it' },
      { file: 'test/slow/disclosure.test.ts', test: 'a hub at work and its courier start the programs of the list and no other, and connect to cameras, visitors and what is declared' },
      { file: 'test/house/house.test.ts', test: 'the house stands: each room imports what it may, by no way around, without cycles and dead files' },
      { file: 'test/scripts/sbom.test.ts', test: 'the bill of materials lists exactly what the lock file has, with its checksums, and is the same each time' },
    ],
  },
  {
    id: 'P11', title: 'Your rights',
    policy: 'You may ask for access, correction, deletion, restriction, objection and a copy; we answer within fifteen working days.',
    mechanism: 'Each right is one action on the hub, done at once; requests are registered with their due date.',
    proofs: [],
  },
  {
    id: 'P12', title: 'Leaving',
    policy: 'When you cancel the account we destroy your personal information.',
    mechanism: 'One command destroys the keys, then the data, shows that nothing readable is left, and signs a certificate.',
    proofs: [],
  },
  {
    id: 'P13', title: 'Access to devices',
    policy: 'Access to devices is isolated, authenticated and authorised.',
    mechanism: 'Roles for owner, member, guest and installer, with grants for each camera; the installer\'s end at hand-over.',
    proofs: [
      { file: 'test/api/matrix.test.ts', test: 'every route x every role x own, foreign and absent object' },
      { file: 'test/api/roles.test.ts', test: 'a member and a guest get what their pages show, and no word of another space' },
      { file: 'test/web/crypto/ownerlist.test.ts', test: 'a member of one space opens nothing of another, with stock age' },
    ],
    missing: 'grants for each camera (they are for spaces), and an end of the installer by itself.',
  },
  {
    id: 'P14', title: 'Keys',
    policy: 'Communication uses dynamic keys, and secrets are stored encrypted.',
    mechanism: 'A fresh key for every segment, a key for every camera and period, all in the age v1 format that stock `age` opens; camera passwords only in the encrypted database. The page speaks TLS 1.3 and nothing older.',
    proofs: [
      { file: 'test/seal/interop.test.ts', test: 'stock age opens what we seal, at every edge of a chunk' },
      { file: 'test/seal/testkit.test.ts', test: 'every vector that we read otherwise is there' },
      { file: 'test/seal/sealer.test.ts', test: 'every file has a key and an ephemeral share of its own' },
      { file: 'test/seal/slot.test.ts', test: 'each period has a key of its own' },
      { file: 'test/vault/vault.test.ts', test: 'settings and secrets are kept, in the encrypted database only' },
      { file: 'test/api/tls.test.ts', test: 'TLS 1.3 is spoken and nothing older, also after the certificate was renewed' },
    ],
    missing: 'encrypted connections to cameras that have none.',
  },
  {
    id: 'P15', title: 'Filtering and audit',
    policy: 'Data is strictly filtered, verified and audited.',
    mechanism: 'Input is checked against a schema where it comes in. Views, exports, changes and deletions go to an audit that is chained and signed.',
    proofs: [
      { file: 'test/config/refusals.test.ts', test: 'no text makes it fail in another way' },
      { file: 'test/vault/verify.test.ts', test: 'each flipped bit of a segment is found, in header and body' },
      { file: 'test/vault/verify.test.ts', test: 'an audit line that was altered, cut out, or lost its text is named' },
      { file: 'test/vault/verify.test.ts', test: 'catalogue rows that were altered or taken out are found by the signed root' },
      { file: 'test/vault/verify.test.ts', test: 'a database that was put back to an older state is found: by the papers on disk, and by a kept checkpoint' },
      { file: 'test/vault/audit.test.ts', test: 'ssh-keygen agrees with checkpoints and receipts, and refuses changed ones' },
      { file: 'test/api/playback.test.ts', test: 'a film strip of a day is one line of the audit: who, which camera, from when to when' },
      { file: 'test/api/sockets.test.ts', test: 'the audit says who watched and listened, once for many connections' },
      { file: 'test/api/playback.test.ts', test: 'the audit says who makes a clip of what time, before it is made' },
    ],
    missing: 'exports from a copy of the data folder, of which no hub is told.',
  },
  {
    id: 'P16', title: 'Security events',
    policy: 'We notify you of security events and of what you can do.',
    mechanism: 'Failed logins, a broken chain, a changed camera, a new device or stopped recording become a notice that says what to do.',
    proofs: [
      { file: 'test/api/accounts.test.ts', test: 'tries that fail are told to the owner, and no line of the audit says whose they were' },
      { file: 'test/duties/auditcheck.test.ts', test: 'an audit that was altered is told of, once, with what to do; one that is whole is not' },
      { file: 'test/duties/changes.test.ts', test: 'a firmware that changed is an observation, an audit line and a notice, once' },
      { file: 'test/duties/sealing.test.ts', test: 'a stream that is not sealed any more rings with its state in words, and stops ringing with the next segment' },
      { file: 'test/duties/disk.test.ts', test: 'with nothing that may go recording stops and rings, and goes on by itself' },
      { file: 'test/duties/clock.test.ts', test: 'ten years forward destroys nothing that is not due, asks the owner, and the owner\'s signature ends it' },
      { file: 'test/e2e/tls.test.ts', test: 'a camera that has TLS is asked and recorded by it, and another certificate stops all that until the owner trusts it' },
      { file: 'test/duties/notify.test.ts', test: 'a new destination and a new camera are told of once, those of the first start are not; a destination that refuses is told of until it takes something' },
      { file: 'test/duties/notify.test.ts', test: 'what the outbox does not take is remembered over a kill, and told once' },
      { file: 'test/policy/notices.test.ts', test: 'whatever may be told has its own sentence, and what to do about it' },
      { file: 'test/duties/told.test.ts', test: 'what happens and does not last stands for a week with its words, also over a restart and a disk that takes nothing' },
      { file: 'test/courier/house.test.ts', test: 'an alarm rings the phone and shows at the broker; from there the house can be made private and a camera be turned, and nothing else' },
    ],
  },
  {
    id: 'P17', title: 'Microphone',
    policy: 'We use the microphone so that you can talk to the camera.',
    mechanism: 'Talking goes from the owner\'s device to the camera while the way is held open; the hub keeps none of it.',
    proofs: [{ file: 'test/e2e/talk.test.ts', test: 'what is said reaches the loudspeaker and no file' }],
  },
  {
    id: 'P18', title: 'Faces',
    policy: 'Face recognition collects face data, with notice.',
    mechanism: 'Faces are off until a person\'s consent is recorded: who, when, to which text. Unknown faces are never stored, and withdrawing the consent erases what there was: the person\'s own key first, then the rows, then every older copy of the database. Consent lapses by itself. With `faces.lock = "owner"` the hub has the keys of these people only while the owner lends them.',
    proofs: [
      { file: 'test/policy/consent.test.ts', test: 'faces wait for a yes to the notice as it is; off is at once; a longer time of consents waits too' },
      { file: 'test/vault/people.test.ts', test: 'without a whole record of a consent nobody is enrolled, and no file has a template' },
      { file: 'test/slow/faces.test.ts', test: 'who is forgotten is nowhere any more, neither template nor crop nor name; and deleting the rows alone would not be enough' },
      { file: 'test/slow/faces.test.ts', test: 'a hub that is killed at any step of forgetting ends it at the next start' },
      { file: 'test/slow/notemplate.test.ts', test: 'of fifty clips with faces that nobody agreed to have recognised, no file has a template, whatever of it opens, and no memory that they came in' },
      { file: 'test/slow/facememory.test.ts', test: 'a face that was examined, its numbers, its picture and what it was made from are nowhere in the detector\'s memory when it has answered, while it waits for the next' },
      { file: 'test/slow/facememory.test.ts', test: 'nor is anything of it in the hub\'s part of the work, which knows whoever agreed for as long as the consent lives' },
      { file: 'test/slow/faces.test.ts', test: 'real pictures: who agreed is enrolled by them, poor ones are refused each with its reason, and no picture touches the disk' },
      { file: 'test/slow/peoplelock.test.ts', test: 'after a restart nothing on the disk names or measures anybody until an owner lends the keys; in the other mode the hub reads it all' },
      { file: 'test/duties/people.test.ts', test: 'matching stops in the moment in which a consent lapses; the owner is told; it may be given anew, or the person is due 30 days later' },
      { file: 'test/web/naming.test.ts', test: 'who was forgotten, or is not listed to this visitor, has no name' },
      { file: 'test/browser/faces.test.ts', test: 'somebody agrees to be recognised, is named to whom it may concern, and is forgotten' },
    ],
  },
  {
    id: 'P19', title: 'Wi-Fi',
    policy: 'We collect information about your router\'s Wi-Fi.',
    mechanism: 'The code that brings a camera into the Wi-Fi is made on the hub and shown once; the secret is kept sealed.',
    proofs: [],
  },
  {
    id: 'P20', title: 'Alarm pictures and settings',
    policy: 'Alarm pictures and configuration are saved.',
    mechanism: 'Alarm pictures, and whatever names somebody, are sealed to the key of their camera\'s day before they are stored, inside an encrypted file; the configuration is exported only sealed.',
    proofs: [
      { file: 'test/e2e/alarms.test.ts', test: 'what a camera says becomes an alarm: pictures that only the kit opens, footage around it that outlives its hour, and the rest is gone' },
      { file: 'test/vault/alarms.test.ts', test: 'what shows or names somebody lies sealed: kit, slot and picture open with stock age, and no plain byte is on the disk' },
      { file: 'test/duties/uploadpictures.test.ts', test: 'an alarm\'s pictures arrive as one object of hidden size, which the key of its day opens and its list names, and go with the day' },
    ],
    missing: 'exporting the configuration.',
  },
  {
    id: 'P21', title: 'Retention',
    policy: 'We keep data for the minimal time, then destroy it, or stop using it where it cannot be destroyed.',
    mechanism: 'A rule for each camera. At the deadline the period\'s key is shredded first, then files and rows go, and a signed receipt stays. A purge that fails is tried again and shown, and the data stays locked meanwhile. A clock that somebody turned destroys nothing.',
    proofs: [
      { file: 'test/policy/retention.test.ts', test: 'nothing is due before its deadline, everything is from its deadline on' },
      { file: 'test/policy/consent.test.ts', test: 'an alarm keeps longer only with the owner\'s yes, a new one than footage is kept' },
      { file: 'test/policy/retention.test.ts', test: 'a changed retention shortens deadlines and never lengthens one' },
      { file: 'test/policy/timetrust.test.ts', test: 'whatever happens to the clock, nothing is purged within an hour of a start or a jump' },
      { file: 'test/policy/timetrust.test.ts', test: 'after a jump back, deadlines count down by running time' },
      { file: 'test/vault/keyring.test.ts', test: 'a shredded slot opens for nobody, and nothing of its block is left in either file' },
      { file: 'test/vault/purge.test.ts', test: 'ends complete at the next start and shreds no living slot' },
      { file: 'test/vault/hold.test.ts', test: 'when its hour is shredded a held segment opens with its hold, and its neighbours open for nobody' },
      { file: 'test/duties/hold.test.ts', test: 'erasing a time inside an hour takes whole segments and every key that opens them; the rest stays as long as before' },
      { file: 'test/vault/alarms.test.ts', test: 'at its own deadline nothing of a day of alarms is left: pictures, footage, rows, and the folders they lay in' },
      { file: 'test/duties/hold.test.ts', test: 'an erased minute survives as no picture: its alarm goes, and others of the day stay with their footage, without pictures' },
      { file: 'test/vault/purge.test.ts', test: 'a file that cannot be unlinked keeps no key alive, and the purge ends when it is tried again' },
    ],
    missing: 'years of a whole hub in simulated time.',
  },
  {
    id: 'P22', title: 'Changes of the policy',
    policy: 'We announce changes of this policy.',
    mechanism: 'A change of the configuration that lowers privacy (longer retention, sound, faces, something that leaves the house) does not take effect until the owner accepts, by signature, a sentence that says what it changes. Keeping footage of a time longer needs the owner\'s signature, too.',
    proofs: [
      { file: 'test/policy/consent.test.ts', test: 'without a yes, no camera that stays is ever kept longer or heard, whatever is written' },
      { file: 'test/policy/consent.test.ts', test: 'after the owner\'s yes it is in force, and only it' },
      { file: 'test/policy/consent.test.ts', test: 'a yes to something that does not wait is refused' },
      { file: 'test/policy/consent.test.ts', test: 'faces wait for a yes to the notice as it is; off is at once; a longer time of consents waits too' },
      { file: 'test/duties/consent.test.ts', test: 'a yes counts once, for exactly the change that the owner read, and only from the owner' },
      { file: 'test/duties/hold.test.ts', test: 'only the owner\'s signature keeps anything longer, for exactly what it says' },
      { file: 'test/e2e/changes.test.ts', test: 'what lowers privacy waits for the owner\'s signature; what raises it applies at once' },
      { file: 'test/policy/declared.test.ts', test: 'a new destination gets nothing before the yes, exactly what was said yes to after it, and nothing after it was taken out' },
      { file: 'test/courier/hub.test.ts', test: 'after the owner\'s yes sealed footage goes to a folder, WebDAV and S3; at its deadline it goes from there' },
    ],
  },
  {
    id: 'P23', title: 'Remote viewing',
    policy: 'Remote viewing goes through the video service of a third party.',
    mechanism: 'There is no relay. Away from home the household uses its own VPN, or sealed copies in a store of its own that open on its own devices.',
    proofs: [
      { file: 'test/browser/viewer.test.ts', test: 'the file alone plays what is far, shows what is missing, saves a clip, and speaks to the two stores only' },
      { file: 'test/slow/viewers3.test.ts', test: 'the file alone plays from an S3 bucket' },
      { file: 'test/browser/viewer.test.ts', test: 'a copy of the store in a folder plays too, shows what rang with its picture, and nobody is spoken to' },
      { file: 'test/courier/restore.test.ts', test: 'a hub whose disk is gone comes back whole from its stores and the kit, and verify is clean' },
      { file: 'test/slow/vpn.test.ts', test: 'the page says by which addresses it is reached and which are a VPN\'s, and its own certificate is good for those too' },
    ],
    missing: 'the household\'s VPN itself is a guide, with checks.',
  },
  {
    id: 'P24', title: 'Push messages',
    policy: 'Push messages go through a third party.',
    mechanism: 'Messages are without content: a kind, an alias, a time, a random number. The picture is fetched from the hub; or, where the owner has said yes to that, a small one goes along, sealed to the key of its day.',
    proofs: [
      { file: 'test/slow/egress/scenario.ts', test: 'plaintext on the wire, in the outbox, in the far stores, in what phones and programs were told: none' },
      { file: 'test/egress/messengers.test.ts', test: 'ntfy is told kind, alias, time and how many more, by its own format, and nothing else' },
      { file: 'test/duties/notify.test.ts', test: 'what is raised, what is over, and what rings goes to each destination that is to hear of it: a kind, an alias, a time, a number, and nothing else' },
      { file: 'test/courier/house.test.ts', test: 'an alarm rings the phone and shows at the broker; from there the house can be made private and a camera be turned, and nothing else' },
      { file: 'test/courier/noticepictures.test.ts', test: 'a notice waits for its alarm\'s picture, which goes along as it was sealed: the key of the day opens it, no other does; who asked for none gets none' },
    ],
    missing: 'Web Push: ntfy, webhooks and MQTT are what there is.',
  },
  {
    id: 'P25', title: 'Payment',
    policy: 'We collect payment data.',
    mechanism: 'There is nothing to pay, so there is nothing to collect.',
    proofs: [],
  },
];

/** The table as Markdown that also reads well in a terminal. */
export function renderPromises(ran?: ProofResults): string {
  const proven = promises.filter((row) => row.proofs.length > 0);
  return [
    '# Promises\n',
    'A camera vendor\'s privacy policy asks for trust in some thirty sentences. This is what stands here instead of each: a mechanism on',
    'the owner\'s own hub, and the tests that prove it. `sallyport promises` prints the same table.\n',
    `${proven.length} of ${promises.length} rows have a proof, ${proven.filter((row) => row.missing === undefined).length} of them for the whole row${ran === undefined ? '' : `; last run ${ran.date}`}.\n`,
    ...promises.map((row) => renderRow(row, ran)),
  ].join('\n');
}

function renderRow(row: PromiseRow, ran: ProofResults | undefined): string {
  const missing = row.missing === undefined ? '' : ` Missing: ${row.missing}`;
  const proof = row.proofs.length === 0 ? `not yet.${missing}` : `${row.missing === undefined ? '' : `in part.${missing}`}`;
  return [
    `## ${row.id} ${row.title}\n`,
    `- A policy says: ${row.policy}`,
    `- Here: ${row.mechanism}`,
    `- Proof: ${proof}`.trimEnd(),
    ...row.proofs.map((one) => `  - ${one.file}: ${one.test}${outcome(one, ran)}`),
    '',
  ].join('\n');
}

function outcome(proof: Proof, ran: ProofResults | undefined): string {
  if (ran === undefined) return '';
  const outcomes = [...ran.results].filter(([name]) => name.startsWith(`${proof.file}: `) && name.includes(proof.test)).map(([, result]) => result);
  return ` (${outcomes.length === 0 ? 'not run' : outcomes.includes('failed') ? 'failed' : 'passed'})`;
}
