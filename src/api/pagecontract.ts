/**
 * The page's contract: each route that a visitor's browser or a script may ask of the hub, with what it needs, what goes in and what
 * comes out. The server mounts this table and nothing else; OpenAPI is generated from it; the page takes its types from it.
 *
 * `need` is a right of `policy/access.ts`, or: `nobody` (no session), `first` (the session that the one-time code opened, before there
 * is an owner), `account` (any session, about oneself). A route that names a camera is judged by that camera's space.
 * All paths are below `/api/v1`. Binary fields are base64url without padding. Times are Unix milliseconds of the hub's clock.
 */
import Type, { type Static } from 'typebox';
import { rights, type Right } from '../policy/access.ts';
import { consentStates, consentWays, enrolPictureBytesMax, pictureReasons, templatesMax } from '../policy/people.ts';
import type { SchemaNode } from '../policy/schemanode.ts';
import {
  AcceptRequest, AdoptReply, AlarmId, AlarmShape, AdoptRequest, CameraReply, CameraRequest, DiscoverReply, EgressReply, DiscoverRequest, Done, EraseOrderReply, ErasePlanReply, HoldReply, HoldsReply, MadeHeaders, MovedReply, NoticeFoundShape, NoticeNumber, MovedRequest, OrderId,
  PendingShape, ReloadReply, RuleTestReply, SecretRequest, SentencesReply, StatusShape,
} from './contract.ts';

const Optional = Type.Optional;
const UnixMs = Type.Integer();
const closed = { additionalProperties: false } as const;
const Text = (maxLength = 200, minLength = 0) => Type.String({ minLength, maxLength });
const CameraId = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,39}$' });
/** 128 random bits, as accounts, devices, sessions and invitations are named. */
const Id = Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' });
/** 256 bits: the half of a passphrase that logs in, a salt. */
const Key = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' });
const Recipient = Type.String({ pattern: '^age1[a-z0-9]{58}$' });
const Signer = Type.String({ pattern: '^ssh-ed25519 [A-Za-z0-9+/]{68}$' });
const Name = Type.String({ pattern: '^[^\\s\\p{C}]([^\\p{C}]{0,62}[^\\s\\p{C}])?$' });
const Stream = Type.Enum(['main', 'sub']);
const Picture = Type.String({ maxLength: 64 * 1024, pattern: '^(data:image/(png|jpeg|webp);base64,[A-Za-z0-9+/=]+)?$' });

export const RoleShape = Type.Enum(['owner', 'member', 'guest', 'installer']);

/** How a browser stretches a passphrase (Argon2id, RFC 9106): the first 32 bytes log in, the next 32 never leave the browser. */
export const StretchShape = Type.Object({ salt: Key, memoryKib: Type.Integer({ minimum: 8192, maximum: 1_048_576 }), passes: Type.Integer({ minimum: 1, maximum: 16 }) }, closed);
/** What a new passphrase leaves with the hub. */
export const LoginShape = Type.Object({ stretch: StretchShape, half: Key }, closed);
/** A browser's own identity: its public halves. */
export const DeviceShape = Type.Object({ name: Name, recipient: Recipient, signer: Signer }, closed);
/** Of an account only a name and a credential are required. */
export const PersonShape = Type.Object({ name: Name, nickname: Optional(Text(64)), picture: Optional(Picture), language: Optional(Text(35)), timeZone: Optional(Text(64)) }, closed);

/** What the kit signs to give an owner a new passphrase (`Recovery` of policy/ownerdocuments.ts), within the hour; it counts once. */
export const RecoverDocument = Type.Object({ v: Type.Literal(1), what: Type.Literal('recover'), hub: Text(), name: Name, login: LoginShape, device: DeviceShape, madeMs: UnixMs }, closed);

export const AccountShape = Type.Object({
  id: Id, role: RoleShape, name: Text(64), nickname: Text(64), picture: Picture, language: Text(35), timeZone: Text(64),
  /** An owner has all. */
  spaces: Type.Array(Text(40)),
  /** An owner has said that this member may see the names of persons; owners always may. */
  names: Type.Boolean(),
  madeMs: UnixMs,
  devices: Type.Array(Type.Object({ id: Id, name: Text(64), recipient: Recipient, signer: Signer, madeMs: UnixMs })),
});
/** What a script may. */
const TokenShape = Type.Object({ id: Id, name: Text(64), account: Id, rights: Type.Array(Text(40)), spaces: Optional(Type.Array(Text(40))), madeMs: UnixMs, untilMs: UnixMs });
const SessionShape = Type.Object({ id: Id, device: Optional(Id), agent: Text(), address: Text(64), madeMs: UnixMs, usedMs: UnixMs, current: Type.Boolean() });

export const MeReply = Type.Object({ account: AccountShape, rights: Type.Array(Text(40)), session: SessionShape });

export const HelloReply = Type.Object({
  hub: Text(), version: Text(), nowMs: UnixMs,
  /** The hub's public signing key (`hub.pub`): what a recovery kit signs names it. */
  key: Signer,
  /** `new`: nobody has an account, and the one-time code is asked for. */
  state: Type.Enum(['new', 'ready']),
  /** Of the hub's certificate authority, as the terminal shows it: six words of the list in `policy/wordlist.ts`, and 64 hex digits. Absent by plain HTTP. */
  certificate: Optional(Type.Object({ words: Type.Array(Text(20)), fingerprint: Text(64), own: Type.Boolean() })),
});

const OwnerListsReply = Type.Object({ text: Optional(Type.String({ maxLength: 2 ** 20 })), earlier: Type.Array(Type.String({ maxLength: 2 ** 20 })) });

/** What the page shows of a camera to whoever may see it at all. */
export const PageCameraShape = Type.Object({
  camera: CameraId, name: Text(), space: Text(40), online: Type.Boolean(), sinceMs: UnixMs, state: Text(1000), recording: Type.Boolean(),
  maker: Text(), model: Text(),
  /** Its live pictures can be had as MPEG-1, too. */
  panel: Type.Boolean(),
  /** Pictures and sound are off, for everybody. */
  privacy: Type.Boolean(),
  streams: Type.Array(Type.Object({ stream: Stream, codec: Text(40), width: Type.Integer(), height: Type.Integer() })),
  audio: Type.Boolean(), talk: Type.Boolean(), ptz: Type.Boolean(),
  keepMs: Type.Integer(),
  /** The household's file names it: it is changed there. */
  fixed: Type.Boolean(),
  rights: Type.Array(Text(40)),
});

/** Sealed footage, as the catalogue knows it: enough to fetch it and to know where its key frames are; none of it opens anything. */
export const TimelineQuery = Type.Object({ camera: CameraId, stream: Optional(Stream), fromMs: UnixMs, toMs: UnixMs }, closed);
export const TimelineReply = Type.Object({
  periods: Type.Array(Type.Object({
    slot: Type.Integer(), generation: Type.Integer(), startMs: UnixMs, endMs: UnixMs, deadlineMs: UnixMs,
    /** Of second headers: what an owner keeps longer, what an erasing left, or what a day of alarms keeps. Absent for a camera's own hour. */
    keeps: Optional(Type.Enum(['hold', 'rest', 'alarm'])),
  })),
  segments: Type.Array(Type.Object({
    seq: Type.Integer(), startMs: UnixMs, durationMs: Type.Integer(), sizeBytes: Type.Integer(), slot: Type.Integer(), generation: Type.Integer(),
    /** Slots whose keys open it by a second header (`holdHeader`); where \`slot\` is one of them, its own header opens for nobody any more. */
    holds: Optional(Type.Array(Type.Object({ slot: Type.Integer(), generation: Type.Integer() }))),
    /** Until when it opens: the latest deadline of all keys that open it. */
    deadlineMs: UnixMs,
    /** Whole chunks of one that a crash cut. */
    cutChunks: Optional(Type.Integer()),
    /** Pairs: ms after startMs, offset in the opened bytes. */
    keyFrames: Type.Array(Type.Tuple([Type.Integer(), Type.Integer()])),
    /** Where its thumbnail's box lies in the opened bytes: offset, size (docs/FORMAT.md). */
    thumb: Optional(Type.Tuple([Type.Integer(), Type.Integer()])),
    /** The destination that has it alone: fetching it takes longer. */
    archivedAt: Optional(Text()),
  })),
  gaps: Type.Array(Type.Object({ fromMs: UnixMs, toMs: UnixMs, reason: Text(), detail: Text(1000) })),
  observations: Type.Array(Type.Object({ kind: Text(40), fromMs: UnixMs, toMs: Optional(UnixMs) })),
  /** What was left out because there is more than a page of it; ask again from there. */
  moreFromMs: Optional(UnixMs),
});

/** `beforeMs` and `beforeId`: of the last alarm of the page before. */
export const AlarmsQuery = Type.Object({
  camera: Optional(CameraId), kind: Optional(Type.String({ pattern: '^[a-z]{1,20}$' })), fromMs: Optional(UnixMs), toMs: Optional(UnixMs), beforeMs: Optional(UnixMs), beforeId: Optional(AlarmId),
  limit: Optional(Type.Integer({ minimum: 1, maximum: 500 })),
}, closed);
/** With `slot` and `generation` of the key of its day, which opens its pictures. */
export const PageAlarmShape = Type.Object({ ...AlarmShape.properties, slot: Type.Integer(), generation: Type.Integer() });

export const EgressQuery = Type.Object({ destination: Optional(Text(40, 1)), sinceMs: Optional(UnixMs), before: Optional(Type.Integer({ minimum: 1 })), limit: Optional(Type.Integer({ minimum: 1, maximum: 500 })) }, closed);
export const AuditQuery = Type.Object({ before: Optional(Type.Integer({ minimum: 1 })), limit: Optional(Type.Integer({ minimum: 1, maximum: 500 })) }, closed);
export const AuditReply = Type.Object({
  lines: Type.Array(Type.Object({
    n: Type.Integer(), atMs: Optional(UnixMs), camera: Optional(Text(40)),
    /** Of a person the name, empty when the account is gone; else who did it, by code: `hub`, `cli`, `owner`, `page`. */
    who: Text(), person: Type.Boolean(),
    /** By code; of what was asked through the page, `route` says what. */
    what: Text(), route: Optional(Text()),
    /** What was noted of it: JSON, or a word. */
    detail: Optional(Text(4000)),
    /** Of the footage that it is about. */
    fromMs: Optional(UnixMs), toMs: Optional(UnixMs),
  })),
  total: Type.Integer(),
});

/** An order that an owner has signed (policy/wishes.ts). The camera is the one that the document names, or whose hold it ends. */
const SignedOrder = Type.Object({ camera: CameraId, document: Type.String({ maxLength: 8192 }), signature: Type.String({ maxLength: 4096 }) }, closed);
const OrderOfCamera = Type.Object({ camera: CameraId, order: OrderId }, closed);
const HeadersOfCamera = Type.Object({ camera: CameraId, order: OrderId, headers: MadeHeaders }, closed);
const RangeOfCamera = Type.Object({ camera: CameraId, fromMs: UnixMs, toMs: UnixMs, whole: Type.Boolean() }, closed);

/** A key's value, as files have it: durations and sizes are text. */
const SettingValue = Type.Union([Type.String({ maxLength: 4096 }), Type.Number(), Type.Boolean(), Type.Array(Type.String({ maxLength: 253 }), { maxItems: 64 })]);
/** A time of privacy. Of one that somebody types it is judged as in a file whether it is one. */
const RuleShape = Type.Object({ space: Text(40), days: Type.Array(Text(20), { maxItems: 7 }), from: Text(20), to: Text(20) }, closed);
const Word = Text(80);
/** What somebody typed where a number belongs. */
const TypedNumber = Type.Union([Type.Number(), Text(40)]);
/** A place in a camera's picture, as files have it. */
const ZoneEntryShape = Type.Object({ camera: CameraId, name: Text(80), mask: Optional(Type.Boolean()), points: Type.Array(Type.Array(Type.Number(), { minItems: 2, maxItems: 2 }), { maxItems: 64 }) }, closed);
/** A rule of alarms, as files have it: what is wrong with one is for the same check as there. */
const AlarmEntryShape = Type.Object({
  name: Text(80), cameras: Optional(Type.Array(Word, { maxItems: 256 })), spaces: Optional(Type.Array(Word, { maxItems: 64 })), kinds: Type.Array(Word, { maxItems: 64 }), zones: Optional(Type.Array(Word, { maxItems: 64 })),
  size_least: Optional(TypedNumber), size_most: Optional(TypedNumber), days: Optional(Type.Array(Text(20), { maxItems: 7 })), from: Optional(Text(20)), to: Optional(Text(20)), keep: Optional(Text(40)), before: Optional(Text(40)), after: Optional(Text(40)), enabled: Optional(Type.Boolean()),
}, closed);
/** Where something goes to, as files have it. */
const DestinationEntryShape = Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_]{0,39}$' }), SettingValue, { ...closed, required: ['name'], maxProperties: 64 });
/** When cameras are recorded, as files have it. */
const RecordingEntryShape = Type.Object({
  mode: Text(20), cameras: Optional(Type.Array(Word, { maxItems: 256 })), spaces: Optional(Type.Array(Word, { maxItems: 64 })), days: Optional(Type.Array(Text(20), { maxItems: 7 })), from: Optional(Text(20)), to: Optional(Text(20)),
}, closed);
/** What is to change, in one step. `keys` are the hub's ("record.cut_after"), or of `camera` ("audio"); one without a value goes back to what counts without it. */
export const SettingsChangeShape = Type.Object({
  camera: Optional(CameraId),
  keys: Optional(Type.Array(Type.Object({ key: Type.String({ pattern: '^[a-z][a-z0-9_]{0,39}(\\.[a-z][a-z0-9_]{0,39})?$' }), value: Optional(SettingValue) }, closed), { maxItems: 32 })),
  /** Takes the camera out. */
  remove: Optional(Type.Boolean()),
  privacy: Optional(Type.Object({ out: Optional(RuleShape), in: Optional(RuleShape) }, closed)),
  /** One that goes, by its name; one that comes, or one in the place of the other. */
  zone: Optional(Type.Object({ out: Optional(Type.Object({ camera: CameraId, name: Text(80) }, closed)), in: Optional(ZoneEntryShape) }, closed)),
  alarm: Optional(Type.Object({ out: Optional(Type.Object({ name: Text(80) }, closed)), in: Optional(AlarmEntryShape) }, closed)),
  destination: Optional(Type.Object({ out: Optional(Type.Object({ name: Text(80) }, closed)), in: Optional(DestinationEntryShape) }, closed)),
  /** The first that fits counts: `at` is where it stands among the hub's own, from 0; where the other was, or last, when absent. */
  recording: Optional(Type.Object({ out: Optional(RecordingEntryShape), in: Optional(RecordingEntryShape), at: Optional(Type.Integer({ minimum: 0, maximum: 63 })) }, closed)),
}, closed);
export const SettingsReply = Type.Object({
  keys: Type.Array(Type.Object({
    key: Text(80), value: Optional(SettingValue),
    /** Which file's value counts; absent where none sets it, and the schema's default counts. */
    file: Optional(Text(300)), byPage: Type.Boolean(),
    /** It is not set on the page: another file sets it, or files alone may. */
    fixed: Type.Boolean(),
  })),
  cameras: Type.Array(Type.Object({ camera: CameraId, file: Text(300), fixed: Type.Boolean(), values: Type.Record(Type.String(), SettingValue) })),
  /** Of spaces whose privacy one may switch. */
  privacy: Type.Array(Type.Object({ ...RuleShape.properties, file: Text(300), fixed: Type.Boolean() })),
  zones: Type.Array(Type.Object({ ...ZoneEntryShape.properties, file: Text(300), fixed: Type.Boolean() })),
  alarms: Type.Array(Type.Object({ ...AlarmEntryShape.properties, file: Text(300), fixed: Type.Boolean() })),
  destinations: Type.Array(Type.Object({ name: Text(80), file: Text(300), fixed: Type.Boolean(), values: Type.Record(Type.String(), SettingValue) })),
  /** In the order in which they count. */
  recordings: Type.Array(Type.Object({ ...RecordingEntryShape.properties, file: Text(300), fixed: Type.Boolean() })),
  spaces: Type.Array(Text(40)),
  pending: Type.Array(PendingShape),
  /** What is set and counts only after the next start, in words. */
  restart: Type.Array(Text(1000)),
});
export const SettingsPlanReply = Type.Object({
  /** `waits`: for an owner's yes. `restart`: until the hub starts again. */
  changes: Type.Array(Type.Object({ text: Text(1000), waits: Type.Boolean(), restart: Type.Boolean() })),
  /** What it destroys of what lies there, in words; then it needs the right to erase, and the passphrase once more. */
  destroys: Type.Array(Text(1000)),
  /** What is not recorded any more from then on, in words; nothing that lies there goes by it. */
  leavesOut: Type.Array(Text(1000)),
  /** What is wrong with it; then nothing would change. */
  problems: Type.Array(Type.Object({ code: Text(), key: Optional(Text(80)), text: Text(4000), hint: Text(4000) })),
});
export const LogsQuery = Type.Object({ level: Optional(Type.Enum(['debug', 'info', 'warn', 'error'])), component: Optional(Type.String({ pattern: '^[a-z][a-z0-9 -]{0,39}$' })), limit: Optional(Type.Integer({ minimum: 1, maximum: 500 })) }, closed);
export const LogsReply = Type.Object({
  lines: Type.Array(Type.Object({ atMs: UnixMs, level: Type.Enum(['debug', 'info', 'warn', 'error']), component: Text(40), camera: Optional(Text(40)), text: Text(1000), more: Optional(Text(2000)) })),
  components: Type.Array(Text(40)), whole: Type.Boolean(),
});

const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const VersionedText = Type.Object({ version: Type.Integer(), text: Text(4000), sha256: Sha256 });
/** A JPEG as the browser has it; smaller pictures are looked at sooner, and beyond 2,000 pixels nothing is gained. */
const EnrolPicture = Type.String({ minLength: 4, maxLength: Math.ceil(enrolPictureBytesMax * 4 / 3), pattern: '^[A-Za-z0-9_-]+$' });
/** How a person agreed, and who says so: whose word it was (the person, or who may decide for them). The hash is that of the consent's text as it was shown. */
const GivenConsent = { how: Type.Enum([...consentWays]), givenBy: Name, consent: Sha256 } as const;
/** Somebody enrolled with consent. */
export const EnrolledShape = Type.Object({
  id: Type.String({ pattern: '^[0-9a-f]{32}$' }), name: Text(64), state: Type.Enum([...consentStates]),
  enrolledMs: UnixMs,
  /** When the consent in force was given, and when it lapses. */
  consentMs: UnixMs, lapsesMs: UnixMs,
  /** When the person is forgotten, unless the consent is given anew. */
  forgottenMs: UnixMs,
  how: Type.Enum([...consentWays]), givenBy: Text(64),
  /** The account that recorded it; its name, where it is still there. */
  recordedBy: Text(64), consentVersion: Type.Integer(),
  /** How many, and whether they are of the model in use: others cannot be compared, and the person is enrolled anew. */
  templates: Type.Integer(), usable: Type.Boolean(),
  /** 32 bytes: the first 16 of HMAC-SHA-256(mark, alarm id) stand in the text of an alarm that was this person's, as hex. */
  mark: Key,
});
export const PeopleReply = Type.Object({
  /** Faces are on, by an owner's yes. */
  enabled: Type.Boolean(), consentLastsMs: Type.Integer(), notice: VersionedText, consent: VersionedText,
  /** Of how many the owner has the key and has not lent it: they are not in the list. */
  locked: Type.Integer(), people: Type.Array(EnrolledShape),
});

const CameraQuery = Type.Object({ camera: CameraId, stream: Optional(Stream) }, closed);

export interface PageRoute {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'WS';
  readonly path: string;
  readonly need: Right | 'nobody' | 'first' | 'account';
  readonly says: string;
  readonly query?: Type.TSchema;
  readonly request?: Type.TSchema;
  /** Absent: bytes, or a WebSocket. */
  readonly reply?: Type.TSchema;
}

export const pageRoutes = {
  // without a session
  hello: { method: 'GET', path: '/hello', need: 'nobody', says: 'which hub this is, and whether it has an owner', reply: HelloReply },
  firstBegin: { method: 'POST', path: '/first/begin', need: 'nobody', says: 'opens the first hour with the one-time code that the terminal shows', request: Type.Object({ code: Text(40, 1) }, closed), reply: Done },
  loginStretch: { method: 'POST', path: '/login/stretch', need: 'nobody', says: 'how the passphrase of that name is stretched; an unknown name is answered too', request: Type.Object({ name: Name }, closed), reply: StretchShape },
  login: { method: 'POST', path: '/login', need: 'nobody', says: 'opens a session', request: Type.Object({ name: Name, half: Key, device: Optional(Id) }, closed), reply: MeReply },
  inviteLook: { method: 'POST', path: '/invitations/look', need: 'nobody', says: 'what an invitation offers', request: Type.Object({ code: Key }, closed), reply: Type.Object({ hub: Text(), role: RoleShape, spaces: Type.Array(Text(40)), from: Text(64), untilMs: UnixMs }) },
  join: { method: 'POST', path: '/invitations/join', need: 'nobody', says: 'makes an account by an invitation; its spaces open once an owner\'s device has signed for its key', request: Type.Object({ code: Key, person: PersonShape, login: LoginShape, device: Optional(DeviceShape) }, closed), reply: MeReply },
  recover: { method: 'POST', path: '/recover', need: 'nobody', says: 'a new passphrase and device for an owner, signed by the recovery kit', request: Type.Object({ document: Text(8192), signature: Text(4096) }, closed), reply: MeReply },
  authority: { method: 'GET', path: '/authority', need: 'nobody', says: 'the certificate of the hub\'s own authority (DER), for devices that shall trust it; not there with a certificate of one\'s own' },
  // the first hour
  firstList: { method: 'GET', path: '/first/owner', need: 'first', says: 'the owner\'s list where the hub has one already, as `/owner` gives it: the first owner\'s list follows it', reply: OwnerListsReply },
  firstOwner: { method: 'POST', path: '/first/owner', need: 'first', says: 'makes the first owner, with the list that the kit has signed', request: Type.Object({ person: PersonShape, login: LoginShape, device: DeviceShape, ownerList: Type.String({ maxLength: 2 ** 20 }) }, closed), reply: MeReply },
  // oneself
  logout: { method: 'POST', path: '/logout', need: 'account', says: 'ends this session', reply: Done },
  me: { method: 'GET', path: '/me', need: 'account', says: 'who one is and what one may', reply: MeReply },
  meChange: { method: 'PATCH', path: '/me', need: 'account', says: 'changes one\'s own data', request: Type.Partial(PersonShape, closed), reply: MeReply },
  meErase: { method: 'DELETE', path: '/me', need: 'account', says: 'erases one\'s own account; the last owner\'s stays', request: Type.Object({ half: Key }, closed), reply: Done },
  mePassphrase: { method: 'POST', path: '/me/passphrase', need: 'account', says: 'another passphrase; all other sessions end', request: Type.Object({ half: Key, login: LoginShape }, closed), reply: Done },
  meDevice: { method: 'POST', path: '/me/devices', need: 'account', says: 'notes this browser\'s identity', request: DeviceShape, reply: MeReply },
  meDeviceRemove: {
    method: 'DELETE', path: '/me/devices/:id', need: 'account',
    says: 'forgets one of one\'s own devices and ends its sessions; `listed`: the owner\'s signed list still names its key, which opens and signs until an owner\'s device signs a list without it',
    reply: Type.Object({ done: Type.Literal(true), listed: Type.Boolean() }),
  },
  sessions: { method: 'GET', path: '/sessions', need: 'account', says: 'one\'s own sessions', reply: Type.Object({ sessions: Type.Array(SessionShape) }) },
  sessionEnd: { method: 'DELETE', path: '/sessions/:id', need: 'account', says: 'ends one of one\'s own sessions', reply: Done },
  ownerList: { method: 'GET', path: '/owner', need: 'account', says: 'the owner\'s signed list: spaces, and their identities sealed to those who may open them; and the lists before it, the oldest first; empty for who may replay nothing', reply: OwnerListsReply },
  // people
  accounts: { method: 'GET', path: '/accounts', need: 'people', says: 'everybody who has an account', reply: Type.Object({ accounts: Type.Array(AccountShape), invitations: Type.Array(Type.Object({ id: Id, role: RoleShape, spaces: Type.Array(Text(40)), untilMs: UnixMs })) }) },
  invite: { method: 'POST', path: '/invitations', need: 'people', says: 'makes an invitation that opens once; one for an owner needs the passphrase once more', request: Type.Object({ role: RoleShape, spaces: Type.Array(Text(40), { maxItems: 32 }), half: Optional(Key) }, closed), reply: Type.Object({ id: Id, code: Key, untilMs: UnixMs }) },
  inviteEnd: { method: 'DELETE', path: '/invitations/:id', need: 'people', says: 'takes an invitation back', reply: Done },
  accountChange: { method: 'PATCH', path: '/accounts/:id', need: 'people', says: 'another role, other spaces, or the right to names; who makes an owner of somebody gives the passphrase once more', request: Type.Object({ role: Optional(RoleShape), spaces: Optional(Type.Array(Text(40), { maxItems: 32 })), names: Optional(Type.Boolean()), half: Optional(Key) }, closed), reply: AccountShape },
  accountErase: { method: 'DELETE', path: '/accounts/:id', need: 'people', says: 'erases an account and ends its sessions; the last owner\'s stays', reply: Done },
  ownerListTake: { method: 'POST', path: '/owner', need: 'people', says: 'a newer list, signed by the kit or an owner\'s device; one that brings another kit is a device\'s to sign, with the list after it signed by the new kit (`confirmed`), and needs the passphrase once more', request: Type.Object({ text: Type.String({ maxLength: 2 ** 20 }), confirmed: Optional(Type.String({ maxLength: 2 ** 20 })), half: Optional(Key) }, closed), reply: Done },
  // scripts
  tokens: { method: 'GET', path: '/tokens', need: 'people', says: 'the tokens of scripts, without what opens', reply: Type.Object({ tokens: Type.Array(TokenShape) }) },
  tokenMake: {
    method: 'POST', path: '/tokens', need: 'people', says: 'makes a token, which is shown once: `Authorization: Bearer …`; of its maker\'s rights those that are named, never that over people or to names',
    request: Type.Object({ name: Name, rights: Type.Array(Type.Enum([...rights]), { minItems: 1, maxItems: 16 }), spaces: Optional(Type.Array(Text(40), { maxItems: 32 })), days: Type.Integer({ minimum: 1, maximum: 400 }) }, closed),
    reply: Type.Object({ id: Id, token: Key, untilMs: UnixMs }),
  },
  tokenEnd: { method: 'DELETE', path: '/tokens/:id', need: 'people', says: 'ends a token', reply: Done },
  // looking
  cameras: { method: 'GET', path: '/cameras', need: 'account', says: 'the cameras of one\'s spaces, with what one may do there', reply: Type.Object({ cameras: Type.Array(PageCameraShape) }) },
  still: { method: 'GET', path: '/stills/:camera', need: 'live', says: 'a picture of this moment, asked of the camera and kept nowhere; JPEG' },
  live: { method: 'WS', path: '/live', need: 'live', says: 'live pictures: see docs/API.md', query: CameraQuery },
  panel: { method: 'WS', path: '/panel', need: 'live', says: 'the same as MPEG-1, for browsers without Media Source Extensions, where `panels` of [page] is on: see docs/API.md', query: CameraQuery },
  talk: { method: 'WS', path: '/talk', need: 'talk', says: 'the browser\'s sound for the camera\'s loudspeaker: mu-law at 8 kHz in binary messages; `{"end": true}` ends it; the answer is a TalkReply', query: CameraQuery },
  timeline: { method: 'GET', path: '/timeline', need: 'replay', says: 'what there is of a time', query: TimelineQuery, reply: TimelineReply },
  slot: { method: 'GET', path: '/slots/:camera/:slot/:generation', need: 'replay', says: 'a sealed period key, 1,024 bytes' },
  slotCameras: { method: 'GET', path: '/slots', need: 'people', says: 'of which cameras keys are left, those that were taken out too: to seal them anew', reply: Type.Object({ cameras: Type.Array(CameraId) }) },
  slotReplace: {
    method: 'POST', path: '/slots', need: 'people', says: 'the same period key, sealed by an owner\'s device to those who may open it from now on; `from`: SHA-256 of the text that it replaces; signed by that device (docs/FORMAT.md, "Orders of the owner")',
    request: Type.Object({
      camera: CameraId, slot: Type.Integer({ minimum: 0, maximum: 2 ** 32 }), generation: Type.Integer({ minimum: 1, maximum: 2 ** 32 }),
      from: Type.String({ pattern: '^[0-9a-f]{64}$' }), text: Type.String({ pattern: '^[A-Za-z0-9_-]{1366}$' }), signature: Type.String({ maxLength: 4096 }),
    }, closed),
    reply: Done,
  },
  segment: { method: 'GET', path: '/segments/:camera/:stream/:seq', need: 'replay', says: 'a sealed segment; takes Range' },
  noteExport: { method: 'POST', path: '/exports', need: 'export', says: 'says that a clip of a time is made on one\'s own device, before it is made: for the audit', request: Type.Object({ camera: CameraId, fromMs: UnixMs, toMs: UnixMs }, closed), reply: Done },
  // alarms
  alarms: {
    method: 'GET', path: '/alarms', need: 'replay', says: 'what rules have kept at the cameras of one\'s spaces, the newest first; without `fromMs` and `toMs` all there is', query: AlarmsQuery,
    // `more`: ask again with the last one as `before`.
    reply: Type.Object({ alarms: Type.Array(PageAlarmShape), more: Type.Boolean() }),
  },
  notice: {
    method: 'GET', path: '/notices', need: 'replay', says: 'what notices were about whose number begins so: those of alarms that one may see, and for an owner all others', query: Type.Object({ number: NoticeNumber }, closed),
    reply: Type.Object({ notices: Type.Array(Type.Object({ ...NoticeFoundShape.properties, alarm: Optional(PageAlarmShape) })) }),
  },
  alarmPicture: { method: 'GET', path: '/alarms/:camera/:alarm/:picture', need: 'replay', says: 'a sealed picture of an alarm (`full`, `crop`, `thumb`), or its `text`: an age file for the key in the alarm\'s slot' },
  alarmMark: {
    method: 'POST', path: '/alarms', need: 'replay', says: 'says that an alarm was seen, or was none', request: Type.Object({ camera: CameraId, alarm: AlarmId, seen: Optional(Type.Boolean()), falseAlarm: Optional(Type.Boolean()) }, closed), reply: PageAlarmShape,
  },
  alarmTest: {
    method: 'POST', path: '/alarms/test', need: 'configure', says: 'what a rule would have made of the last day\'s observations; with `change` of a rule that is not saved yet. When it would have rung only for who may replay there',
    request: Type.Object({ rule: Text(80), change: Optional(SettingsChangeShape) }, closed), reply: Type.Object({ ...RuleTestReply.properties, alarms: Type.Integer() }),
  },
  // persons who are recognised
  people: { method: 'GET', path: '/people', need: 'names', says: 'persons who agreed that their face is recognised; the notice about faces and the text that a person agrees to. For owners, and members to whom an owner gave it', reply: PeopleReply },
  personPicture: { method: 'GET', path: '/people/:person/picture', need: 'names', says: 'the small picture of a person\'s face; JPEG' },
  peopleCheck: {
    method: 'POST', path: '/people/check', need: 'people', says: 'whether a picture could be enrolled; it is looked at and kept nowhere', request: Type.Object({ picture: EnrolPicture }, closed),
    reply: Type.Object({ ok: Type.Boolean(), reason: Optional(Type.Enum([...pictureReasons])), faces: Type.Integer() }),
  },
  enrol: {
    method: 'POST', path: '/people', need: 'people', says: 'enrols a person by hand: with the consent that was given, and the passphrase once more. The pictures are not kept',
    request: Type.Object({ name: Name, ...GivenConsent, pictures: Type.Array(EnrolPicture, { minItems: 1, maxItems: templatesMax }), half: Optional(Key) }, closed), reply: EnrolledShape,
  },
  personRenew: { method: 'POST', path: '/people/:person/renew', need: 'people', says: 'the person has agreed anew; with the passphrase once more', request: Type.Object({ ...GivenConsent, half: Optional(Key) }, closed), reply: EnrolledShape },
  personForget: {
    method: 'POST', path: '/people/:person/forget', need: 'people', says: 'forgets a person: the key is destroyed, then all that was sealed to it, and older copies of the database; answers the receipt. With the passphrase once more',
    request: Type.Object({ half: Optional(Key) }, closed), reply: Type.Object({ receipt: Type.Integer(), atMs: UnixMs, readBack: Type.Boolean() }),
  },
  // keeping longer, and erasing: the browser makes the second headers
  holdHeader: { method: 'GET', path: '/holds/:camera/:stream/:seq/:slot', need: 'replay', says: 'the second header of a segment for the key of that slot, 168 bytes, which stand in place of its first' },
  holds: { method: 'GET', path: '/holds', need: 'hold', says: 'what is kept longer in one\'s spaces, and until when', reply: HoldsReply },
  hold: { method: 'POST', path: '/hold', need: 'hold', says: 'an owner\'s signed order to keep footage longer; answers which second headers it needs', request: SignedOrder, reply: HoldReply },
  holdHeaders: { method: 'POST', path: '/hold/headers', need: 'hold', says: 'second headers for one\'s own order', request: HeadersOfCamera, reply: Type.Object({ taken: Type.Integer() }) },
  holdDone: { method: 'POST', path: '/hold/done', need: 'hold', says: 'all second headers that there will be are there', request: OrderOfCamera, reply: SentencesReply },
  release: { method: 'POST', path: '/hold/release', need: 'hold', says: 'an owner\'s signed order to end a hold; what only it kept is destroyed', request: SignedOrder, reply: SentencesReply },
  eraseLook: { method: 'POST', path: '/erase/look', need: 'erase', says: 'what erasing a time would take along and leave, in words', request: RangeOfCamera, reply: SentencesReply },
  erase: { method: 'POST', path: '/erase', need: 'erase', says: 'an owner\'s signed order to erase a time; what is being recorded is closed first', request: SignedOrder, reply: EraseOrderReply },
  eraseHours: {
    method: 'POST', path: '/erase/hours', need: 'erase', says: 'the same for whole hours, without a key: with the passphrase once more, by a session and no token, and so many an hour; what is held stays',
    request: Type.Object({ camera: CameraId, fromMs: UnixMs, toMs: UnixMs, why: Text(), half: Key }, closed), reply: EraseOrderReply,
  },
  erasePlan: { method: 'POST', path: '/erase/plan', need: 'erase', says: 'once nothing is open any more: which second headers keep what stays', request: OrderOfCamera, reply: ErasePlanReply },
  eraseHeaders: { method: 'POST', path: '/erase/headers', need: 'erase', says: 'second headers for what stays', request: HeadersOfCamera, reply: Type.Object({ taken: Type.Integer() }) },
  eraseDone: { method: 'POST', path: '/erase/done', need: 'erase', says: 'shreds the keys; `force`: although something that should stay did not open', request: Type.Object({ camera: CameraId, order: OrderId, force: Type.Boolean() }, closed), reply: SentencesReply },
  // operating
  status: { method: 'GET', path: '/status', need: 'status', says: 'how the hub is', reply: StatusShape },
  discover: { method: 'POST', path: '/discover', need: 'configure', says: 'looks for cameras', request: DiscoverRequest, reply: DiscoverReply },
  adopt: { method: 'POST', path: '/adopt', need: 'configure', says: 'takes a camera in', request: AdoptRequest, reply: AdoptReply },
  cameraChange: {
    method: 'POST', path: '/cameras', need: 'configure', says: 'another name for a camera, and, by an owner, another space; one that a configuration file names is changed there',
    request: Type.Object({ camera: CameraId, name: Optional(Text(80, 1)), space: Optional(Text(40, 1)) }, closed), reply: ReloadReply,
  },
  moved: { method: 'POST', path: '/moved', need: 'configure', says: 'a camera is elsewhere now', request: MovedRequest, reply: MovedReply },
  destinationSecret: {
    method: 'POST', path: '/destinations/secret', need: 'people', says: 'a secret of a destination, such as `all` of a store: a line with a user or key id and one with its secret, or one with a secret. For the passphrase once more',
    request: Type.Object({ destination: Text(40, 1), secret: Text(20, 1), text: Type.String({ maxLength: 4096 }), half: Optional(Key) }, closed), reply: Done,
  },
  secret: { method: 'POST', path: '/secret', need: 'configure', says: 'a camera\'s new password', request: SecretRequest, reply: Done },
  camera: { method: 'POST', path: '/camera', need: 'configure', says: 'asks a camera, or tells it what to do', request: CameraRequest, reply: CameraReply },
  ptz: { method: 'POST', path: '/ptz', need: 'live', says: 'moves a camera while one looks through it', request: CameraRequest, reply: CameraReply },
  accept: { method: 'POST', path: '/accept', need: 'people', says: 'the owner\'s signed yes to what waits', request: AcceptRequest, reply: ReloadReply },
  pending: { method: 'GET', path: '/pending', need: 'status', says: 'what waits for the owner\'s yes', reply: Type.Object({ pending: Type.Array(PendingShape) }) },
  keep: { method: 'POST', path: '/keep', need: 'configure', says: 'how long footage is kept; a longer time waits for the owner\'s yes, and one that destroys footage, now or within 12 hours, needs the right to erase and the passphrase once more', request: Type.Object({ footage: Text(40, 1), half: Optional(Key) }, closed), reply: ReloadReply },
  settingsSchema: { method: 'GET', path: '/settings/schema', need: 'configure', says: 'the configuration\'s JSON Schema: what forms are made of', reply: Type.Unsafe<SchemaNode>({}) },
  settings: { method: 'GET', path: '/settings', need: 'configure', says: 'what is set, by which file, and what waits for an owner\'s yes or the next start', reply: SettingsReply },
  settingsPlan: { method: 'POST', path: '/settings/plan', need: 'configure', says: 'what a change of settings would do, in words, and what is wrong with it; changes nothing', request: SettingsChangeShape, reply: SettingsPlanReply },
  settingsChange: { method: 'POST', path: '/settings', need: 'configure', says: 'changes settings: in the hub\'s own file; what lowers privacy waits for an owner\'s yes. Spaces, times of privacy and destinations by an owner alone; what destroys footage or audit needs the right to erase and the passphrase once more', request: Type.Object({ ...SettingsChangeShape.properties, half: Optional(Key) }, closed), reply: ReloadReply },
  logs: { method: 'GET', path: '/logs', need: 'status', says: 'the newest lines of the operator\'s log, the newest first; `level`: that one and worse', query: LogsQuery, reply: LogsReply },
  spaces: {
    method: 'GET', path: '/spaces', need: 'privacy', says: 'whether each space is private now, and when it is so by itself, in words',
    reply: Type.Object({ spaces: Type.Array(Type.Object({ space: Text(40), private: Type.Boolean(), by: Optional(Type.Enum(['hand', 'rule', 'doubt'])), untilMs: Optional(UnixMs), schedule: Type.Array(Text(1000)) })) }),
  },
  privacy: { method: 'POST', path: '/privacy', need: 'privacy', says: 'pictures and sound of a space off, or on again', request: Type.Object({ space: Text(40, 1), on: Type.Boolean() }, closed), reply: Done },
  metrics: { method: 'GET', path: '/metrics', need: 'status', says: 'numbers about the hub, in Prometheus\' text format' },
  openapi: { method: 'GET', path: '/openapi.json', need: 'account', says: 'this table, as OpenAPI 3.1' },
  egress: { method: 'GET', path: '/egress', need: 'audit', says: 'what has left the house, where to, and what came of it, the newest first; to who is no owner, of their own cameras', query: EgressQuery, reply: EgressReply },
  audit: { method: 'GET', path: '/audit', need: 'audit', says: 'who did and watched what, the newest first', query: AuditQuery, reply: AuditReply },
} as const satisfies Record<string, PageRoute>;

export type PageRouteName = keyof typeof pageRoutes;
type RouteOf<R extends PageRouteName> = (typeof pageRoutes)[R];
export type PageRequestOf<R extends PageRouteName> = RouteOf<R> extends { request: infer S extends Type.TSchema } ? Static<S> : undefined;
export type PageQueryOf<R extends PageRouteName> = RouteOf<R> extends { query: infer S extends Type.TSchema } ? Static<S> : undefined;
export type PageReplyOf<R extends PageRouteName> = RouteOf<R> extends { reply: infer S extends Type.TSchema } ? Static<S> : undefined;

export type Account = Static<typeof AccountShape>;
export type Me = Static<typeof MeReply>;
export type Hello = Static<typeof HelloReply>;
export type Stretch = Static<typeof StretchShape>;
export type Login = Static<typeof LoginShape>;
export type Device = Static<typeof DeviceShape>;
export type Person = Static<typeof PersonShape>;
export type PageCamera = Static<typeof PageCameraShape>;
export type PageAlarm = Static<typeof PageAlarmShape>;
export type Enrolled = Static<typeof EnrolledShape>;
export type Timeline = Static<typeof TimelineReply>;

/**
 * What goes over `live`, hub to browser. A text message is JSON, one of LiveNews. A binary message is one fragment (moof and mdat) after
 * 12 bytes (policy/liveframe.ts): flags (u8: 1 key frame, 2 init, 4 sound), 3 bytes 0, and the hub's wall time of its arrival in ms (f64, big endian). After the news `init` the
 * next binary message is `ftyp` and `moov`; what follows belongs to it and begins with a key frame. An init comes at the beginning, when
 * the camera begins anew, and after each change that the browser asks for.
 *
 * Over `panel` goes the same, less sound: `video` is `mpeg1`, what follows an init is no binary message but pictures, each a piece of an MPEG
 * transport stream that begins with a picture or goes on with one; the first that begins after an init is a key frame.
 *
 * The browser sends text, one of: `{"audio": true}` for sound (only with the right `listen`, and only then fragments of it come),
 * `{"paused": true}` when nobody looks, and `{"time": n}`, which is answered by the news `time` with `asked: n`. Anything else, or more than
 * 30 messages in 10 s, ends it. Pings are answered by every WebSocket; what lies behind an unanswered one counts as not taken.
 */
export type LiveNews =
  /** `stream`: main where sub was asked for and the camera has none. `audio`: of the sound that comes with it. `sound`: it can be asked for. */
  | { readonly kind: 'init'; readonly stream: 'main' | 'sub'; readonly video: string; readonly audio: string | null; readonly sound: boolean; readonly width: number; readonly height: number }
  /** The hub's clock, by which fragments' times go. */
  | { readonly kind: 'time'; readonly hubMs: number; readonly asked?: number }
  /** Pictures are left out because they came faster than they were taken, or no more. */
  | { readonly kind: 'behind'; readonly mode: 'key frames' | 'all' }
  | { readonly kind: 'lost'; readonly reason: string; readonly detail: string }
  | { readonly kind: 'over'; readonly code: string; readonly message: string };
