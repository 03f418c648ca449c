/**
 * The api: what visitors may ask of the hub and what they get. It has two doors: the page's (`pagecontract.ts`), and the control socket
 * (mode 0600) for whoever runs the hub, which operates, and can add no recipient, accept no lowering of privacy without the owner's
 * signature, and show no picture. The api calls duties only. This file is the control socket's contract, of which the page's takes
 * many shapes; units are in the names.
 */
import Type, { type Static } from 'typebox';
import type { By } from '../policy/access.ts';
import { consentStates, facesLocks } from '../policy/people.ts';
import { noticeNumberPattern } from '../policy/names.ts';
import { wayKinds } from '../policy/ways.ts';

const Text = (maxLength = 200) => Type.String({ maxLength });
const UnixMs = Type.Integer();
const Optional = Type.Optional;

const StreamStatusShape = Type.Object({
  stream: Type.Enum(['main', 'sub']),
  online: Type.Boolean(),
  sinceMs: UnixMs,
  state: Text(1000),
  wanted: Type.Boolean(),
  recording: Type.Boolean(),
  restarts: Type.Integer(),
  bytes: Type.Integer(),
  lastSealedMs: Optional(UnixMs),
  segmentsSealed: Type.Integer(),
  bytesSealed: Type.Integer(),
  gaps: Type.Integer(),
  /** Why it is not recorded now, where that is as it should be. */
  resting: Optional(Type.Enum(['no alarm', 'schedule'])),
});

/** What the hub sees in its pictures. */
const LookingShape = Type.Object({
  stream: Type.Enum(['main', 'sub']), frames: Type.Integer(), moving: Type.Boolean(), restarts: Type.Integer(), looks: Type.Integer(), missed: Type.Integer(),
  seen: Type.Record(Type.String(), Type.Integer()), problem: Optional(Text(1000)),
});

/** How its events come. */
const EventsStatusShape = Type.Object({
  state: Text(40),
  words: Text(1000),
  sinceMs: UnixMs,
  lastMs: Optional(UnixMs),
  subscriptions: Type.Integer(),
  pulls: Type.Integer(),
  messages: Type.Integer(),
  observed: Type.Record(Type.String(), Type.Integer()),
  /** Observations and messages that no bound or disk had room for. */
  lost: Type.Integer(),
  unknownTopics: Type.Record(Type.String(), Type.Integer()),
});

export const CameraStatusShape = Type.Object({
  camera: Text(40),
  name: Text(),
  online: Type.Boolean(),
  sinceMs: UnixMs,
  state: Text(1000),
  recording: Type.Boolean(),
  device: Optional(Type.Object({ manufacturer: Text(), model: Text(), firmware: Text(), serial: Text(), hardware: Text() })),
  /** When it was taken in. */
  adoptedMs: Optional(UnixMs),
  restarts: Type.Integer(),
  bytes: Type.Integer(),
  lastSealedMs: Optional(UnixMs),
  segmentsSealed: Type.Integer(),
  wanted: Type.Boolean(),
  /** Its space is private: it is neither watched nor recorded. */
  privacy: Type.Boolean(),
  streams: Type.Array(StreamStatusShape),
  /** Absent where they are not asked for. */
  events: Optional(EventsStatusShape),
  /** Absent where the hub does not look at its pictures. */
  looking: Optional(LookingShape),
});

/** A destination's words name its place, its cameras and its purpose. */
export const PendingShape = Type.Object({ id: Text(16), text: Text(12_000), camera: Optional(Text(40)), key: Text(), from: Text(6000), to: Text(6000) });

const ErrorShape = Type.Object({ code: Text(), message: Text(4000), hint: Text(4000), evidence: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])) });

/** The look at everything stored. */
export const ScrubShape = Type.Object({
  running: Optional(Type.Object({ checked: Type.Integer(), total: Type.Integer(), bytes: Type.Integer(), found: Type.Integer() })),
  lastFullMs: Optional(UnixMs),
  lastFound: Optional(Type.Integer()),
  nextMs: Optional(UnixMs),
  damaged: Type.Integer(),
  missing: Type.Integer(),
  problem: Optional(ErrorShape),
});

export const PageState = Type.Object({
  enabled: Type.Boolean(),
  /** `new`: nobody has an account. Absent while it is not known. */
  state: Optional(Type.Enum(['new', 'ready'])),
  urls: Type.Array(Text(300)),
  /** By which addresses of this machine it is reached, and from where; `named`: its certificate is good for that address. Absent while it is not open. */
  ways: Optional(Type.Array(Type.Object({ address: Text(45), interface: Text(40), kind: Type.Enum([...wayKinds]), named: Type.Boolean() }), { maxItems: 32 })),
  fingerprint: Optional(Text(64)),
  words: Optional(Type.Array(Text(20))),
  /** Of the hub's own authority; false: one that the household has put there. */
  own: Optional(Type.Boolean()),
  problem: Optional(ErrorShape),
});
/** What begins the first hour: the one-time code is there as long as nobody has an account. */
export const PairReply = Type.Object({ page: PageState, code: Optional(Text(20)), untilMs: Optional(UnixMs) });

/** How far hub and courier are apart, and what goes on between them. */
export const DoorsShape = Type.Object({
  /** The hub's child, or a service of its own. */
  run: Type.Enum(['child', 'service']), running: Type.Boolean(),
  /** As it said itself: `full`, `files`, or `no`. */
  confined: Optional(Text(20)), sinceMs: Optional(UnixMs), restarts: Type.Integer(),
  orders: Type.Integer(), bytes: Type.Integer(),
  last: Optional(Type.Object({ atMs: UnixMs, destination: Text(40), order: Text(20), outcome: Text(20), code: Text(40) })),
  problem: Optional(Text(2000)),
  /** Where the courier does not get through, by its own word. */
  stuck: Type.Array(Type.Object({ destination: Text(40), waiting: Type.Integer(), code: Text(44), text: Text(300), atMs: UnixMs }), { maxItems: 16 }),
  /** What lies there still, because the store refused to delete it: it is asked again each day. */
  refused: Type.Array(Type.Object({ destination: Text(40), objects: Type.Integer(), bytes: Type.Integer() }), { maxItems: 16 }),
  /** What lies there and is not known here, where it was looked for. */
  unknown: Type.Array(Type.Object({ destination: Text(40), objects: Type.Integer(), bytes: Type.Integer() }), { maxItems: 16 }),
  /** Of each place that has sealed keys (`slots = "far"`), or should; `current`: exactly those that it should have. */
  slots: Type.Array(Type.Object({ destination: Text(40), current: Type.Boolean(), reason: Optional(Text(1000)), slots: Type.Integer(), madeMs: Optional(UnixMs) }), { maxItems: 16 }),
});

const NoticeShape = Type.Object({ kind: Text(), camera: Optional(Text(40)), sinceMs: UnixMs, text: Text(1000), todo: Text(1000) });

export const StatusShape = Type.Object({
  version: Text(),
  hub: Text(),
  startedMs: UnixMs,
  nowMs: UnixMs,
  owner: Type.Object({ present: Type.Boolean(), spaces: Type.Array(Text()), problem: Optional(ErrorShape) }),
  cameras: Type.Array(CameraStatusShape),
  footage: Type.Array(Type.Object({ camera: Text(40), segments: Type.Integer(), bytes: Type.Integer(), oldestMs: Optional(UnixMs), newestEndMs: Optional(UnixMs) })),
  disk: Type.Object({
    freeBytes: Type.Integer(), totalBytes: Type.Integer(), budgetBytes: Optional(Type.Integer()),
    /** What must stay free; what footage may take, by `limit`; what is needed to keep all of it. Absent until the disk was first looked at. */
    reserveBytes: Optional(Type.Integer()), roomBytes: Optional(Type.Integer()), limit: Optional(Text()), needBytes: Optional(Type.Integer()), fits: Optional(Type.Boolean()),
    cameras: Optional(Type.Array(Type.Object({
      camera: Text(40), bytesPerHour: Type.Integer(), assumed: Type.Boolean(), keepMs: Type.Integer(), needBytes: Type.Integer(), usedBytes: Type.Integer(),
      budgetBytes: Optional(Type.Integer()), fitsMs: Type.Integer(),
    }))),
    /** Why nothing is recorded. */
    full: Optional(Text(1000)),
    lastEarly: Optional(Type.Object({ receipt: Type.Integer(), atMs: UnixMs, periods: Type.Integer(), segments: Type.Integer(), bytes: Type.Integer(), reason: Text(1000) })),
  }),
  time: Type.Object({ mayPurge: Type.Boolean(), why: Text(1000), clock: Text() }),
  purge: Type.Object({
    nextDeadlineMs: Optional(UnixMs),
    overdue: Type.Integer(),
    waiting: Optional(Text(1000)),
    problem: Optional(ErrorShape),
    lastReceipt: Optional(Type.Object({ number: Type.Integer(), atMs: UnixMs, periods: Type.Integer(), segments: Type.Integer(), readBack: Type.Boolean() })),
  }),
  scrub: ScrubShape,
  /** What rules have kept since the start; `suppressed`: visits beyond the limits; `detector`: who tells persons and vehicles. */
  alarms: Type.Object({
    open: Type.Integer(), begun: Type.Record(Type.String(), Type.Integer()), suppressed: Type.Record(Type.String(), Type.Integer()),
    failed: Type.Integer(), withoutPictures: Type.Integer(), notHeld: Type.Integer(), lastMs: Optional(UnixMs),
    detector: Text(40), problem: Optional(Text(1000)), droppedLooks: Type.Integer(),
  }),
  /** Daily copies of the working database. */
  copies: Type.Object({ copies: Type.Integer(), newestMs: Optional(UnixMs), problem: Optional(ErrorShape) }),
  pending: Type.Array(PendingShape),
  notices: Type.Array(NoticeShape),
  /** What happened within the last week and does not last, the newest first. */
  told: Type.Array(NoticeShape),
  confinement: Type.Object({
    level: Text(), need: Text(), landlock: Type.Integer(), seccomp: Type.Boolean(), missing: Optional(Text(1000)),
    hub: Type.Object({ managed: Type.Boolean(), noNewPrivileges: Type.Boolean(), callFilters: Type.Integer(), capable: Type.Boolean() }),
  }),
  /** Where the page is; `words` and `fingerprint` are those of the certificate that it shows itself with, or of the hub's authority. */
  page: PageState,
  /** Of what leaves the house. */
  doors: DoorsShape,
  recovery: Type.Object({ cut: Type.Integer(), adopted: Type.Integer(), removed: Type.Integer(), missing: Type.Integer() }),
  warnings: Type.Array(Text(12_000)),
});

export const FoundShape = Type.Object({
  id: Text(), address: Text(), port: Type.Integer(), path: Text(), urn: Optional(Text()), name: Optional(Text()), model: Optional(Text()),
  sources: Type.Array(Text()), interface: Text(), adoptable: Type.Boolean(), note: Optional(Text(1000)), adoptedAs: Optional(Text()),
});

export const DiscoverRequest = Type.Object({
  seconds: Type.Number({ minimum: 0.5, maximum: 60 }),
  /** Asks each of these addresses instead of everybody; `seconds` counts from the last question. */
  range: Optional(Text(64)),
}, { additionalProperties: false });
export const DiscoverReply = Type.Object({
  found: Type.Array(FoundShape),
  leftOut: Type.Array(Type.Object({ from: Text(), source: Text(), reason: Text(1000) })),
  /** Heard since the hub started, and silent now. */
  silent: Optional(Type.Array(Type.Intersect([FoundShape, Type.Object({ heardAgoMs: Type.Integer(), gone: Type.Boolean() })]))),
});

export const AdoptRequest = Type.Object({
  /** What `discover` shows, or the address with `port` and `path`. */
  id: Optional(Text(64)),
  address: Optional(Text()),
  port: Optional(Type.Integer({ minimum: 1, maximum: 65535 })),
  path: Optional(Text()),
  user: Text(64),
  password: Type.String({ maxLength: 256 }),
  /** The camera's id from now on; made from its name when absent. */
  as: Optional(Text(40)),
  name: Optional(Text()),
  /** Of the owner's list; `home` when absent. */
  space: Optional(Type.String({ minLength: 1, maxLength: 40 })),
  keep: Optional(Text(40)),
  audio: Optional(Type.Boolean()),
  sub: Optional(Type.Boolean()),
}, { additionalProperties: false });
export const AdoptReply = Type.Object({ camera: Text(40), sentences: Type.Array(Text(1000)), pending: Type.Array(PendingShape) });

const closed = { additionalProperties: false } as const;
const Place = Type.String({ minLength: 1, maxLength: 64 });
const Speed = Type.Number({ minimum: -1, maximum: 1 });
const Setting = Optional(Type.Number({ minimum: -1e6, maximum: 1e6 }));
/** What somebody asks of one camera. */
export const CameraRequest = Type.Object({
  camera: Text(40),
  order: Type.Union([
    Type.Object({ act: Type.Enum(['info', 'refresh', 'trust', 'reboot', 'stop', 'home']) }, closed),
    Type.Object({ act: Type.Literal('clock'), set: Optional(Type.Boolean()), ntp: Optional(Type.String({ pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$' })) }, closed),
    Type.Object({ act: Type.Enum(['goto', 'save', 'forget']), place: Place }, closed),
    Type.Object({ act: Type.Literal('move'), pan: Speed, tilt: Speed, zoom: Speed, seconds: Type.Number({ exclusiveMinimum: 0, maximum: 10 }) }, closed),
    Type.Object({ act: Type.Literal('imaging'), brightness: Setting, saturation: Setting, contrast: Setting, sharpness: Setting, infrared: Optional(Type.Enum(['ON', 'OFF', 'AUTO'])) }, closed),
    Type.Object({ act: Type.Literal('relay'), relay: Optional(Place), on: Type.Boolean() }, closed),
    Type.Object({ act: Type.Literal('codec'), codec: Type.Enum(['H264', 'H265']) }, closed),
    Type.Object({ act: Type.Literal('gop'), seconds: Type.Number({ minimum: 0.1, maximum: 60 }) }, closed),
  ]),
}, closed);
export const CameraReply = Type.Object({ sentences: Type.Array(Text(2000)) });

/** The owner's word that a camera is at another address now; without one, at the one where it was heard. Its password is the one that is kept. */
export const MovedRequest = Type.Object({
  camera: Text(40),
  address: Optional(Text()),
  port: Optional(Type.Integer({ minimum: 1, maximum: 65535 })),
  path: Optional(Text()),
}, { additionalProperties: false });
export const MovedReply = Type.Object({ camera: Text(40), sentences: Type.Array(Text(1000)) });

/** Pictures and sound of a space off. */
export const PrivacyRequest = Type.Object({ space: Type.String({ minLength: 1, maxLength: 40 }) }, closed);

/** A camera's password; or of a destination `NAME.RIGHT`, in one or two lines. */
export const SecretRequest = Type.Object({ camera: Text(48), password: Type.String({ maxLength: 4096 }) }, { additionalProperties: false });
export const ReloadReply = Type.Object({ changes: Type.Array(Text(12_000)), pending: Type.Array(PendingShape) });
export const AcceptRequest = Type.Object({ id: Text(16), document: Type.String({ maxLength: 32_768 }), signature: Type.String({ maxLength: 4096 }) }, { additionalProperties: false });
export const NoteRequest = Type.Object({
  what: Type.Union([Type.Literal('playback'), Type.Literal('export')]),
  camera: Text(40), fromMs: UnixMs, toMs: Optional(UnixMs),
}, { additionalProperties: false });
export const ListRequest = Type.Object({ camera: Optional(Text(40)), fromMs: UnixMs, toMs: UnixMs, limit: Type.Integer({ minimum: 1, maximum: 10_000 }) }, { additionalProperties: false });
/** A segment that lies elsewhere alone. `file`: its name in `fetched/` of the data folder, where it lies sealed, whole and compared, for a while. */
export const FetchRequest = Type.Object({ camera: Text(40), stream: Type.Enum(['main', 'sub']), seq: Type.Integer({ minimum: 0 }) }, { additionalProperties: false });
export const FetchReply = Type.Object({ file: Type.String({ pattern: '^[0-9a-f]{32}(\\.[1-9][0-9]{4,6})?$' }) });
/** `kinds`: any when absent. */
export const AlarmsRequest = Type.Object({ ...ListRequest.properties, kinds: Optional(Type.Array(Text(40), { minItems: 1, maxItems: 64 })) }, { additionalProperties: false });
export const ListReply = Type.Object({
  segments: Type.Array(Type.Object({ camera: Text(40), stream: Text(), seq: Type.Integer(), startMs: UnixMs, durationMs: Optional(Type.Integer()), sizeBytes: Type.Integer(), state: Text(), path: Text(1000), deadlineMs: Optional(UnixMs) })),
  gaps: Type.Array(Type.Object({ camera: Text(40), stream: Text(), fromMs: UnixMs, toMs: UnixMs, reason: Text(), detail: Text(1000) })),
});
export const ObservationsReply = Type.Object({
  observations: Type.Array(Type.Object({ camera: Text(40), kind: Text(40), source: Text(), fromMs: UnixMs, toMs: Optional(UnixMs) })),
});
export const AlarmId = Type.String({ pattern: '^[0-9a-f]{16}$' });
export const AlarmShape = Type.Object({
  id: AlarmId, camera: Text(40), rule: Text(), kind: Text(40), fromMs: UnixMs, toMs: Optional(UnixMs),
  /** How sure who saw it was, in thousandths. */
  scorePm: Type.Integer(),
  pictures: Type.Array(Type.Enum(['full', 'crop', 'thumb', 'text'])), picturesWhy: Text(),
  /** Held for it; or why none is. */
  segments: Type.Integer(), footageWhy: Text(),
  seen: Type.Boolean(), falseAlarm: Type.Boolean(), deadlineMs: UnixMs,
});
/** What notices were about whose numbers begin so. `camera`: what it is called outside. */
export const NoticeNumber = Type.String({ pattern: noticeNumberPattern.source });
export const NoticeFoundShape = Type.Object({ id: Text(32), kind: Text(40), camera: Optional(Text(40)), atMs: UnixMs, text: Optional(Text(1000)), todo: Optional(Text(1000)), alarm: Optional(AlarmShape) });
/** Sealed to the key of its day, which `slot` holds, sealed to kit and space: base64. */
export const AlarmPicturesReply = Type.Object({
  alarm: AlarmShape,
  pictures: Type.Array(Type.Object({ which: Type.Enum(['full', 'crop', 'thumb', 'text']), sealed: Type.String({ maxLength: 100_000 }) })),
  slot: Type.String({ maxLength: 2_000 }),
  footage: Type.Array(Type.Object({ stream: Text(), seq: Type.Integer(), startMs: UnixMs, durationMs: Optional(Type.Integer()), path: Text(1000) })),
});
export const RuleTestReply = Type.Object({
  observations: Type.Integer(), verdicts: Type.Record(Type.String(), Type.Integer()), visits: Type.Array(Type.Object({ camera: Text(40), kind: Text(40), fromMs: UnixMs })),
  /** Of how many the place in the picture is not known any more. */
  unplaced: Type.Integer(),
});
export const PurgePlanReply = Type.Object({
  nowMs: UnixMs, mayPurge: Type.Boolean(), why: Text(1000),
  periods: Type.Array(Type.Object({ camera: Text(40), class: Text(), startMs: UnixMs, endMs: UnixMs, deadlineMs: UnixMs, dueMs: UnixMs, slot: Type.Integer(), segments: Type.Integer(), bytes: Type.Integer(), due: Type.Boolean() })),
});
export const Signed = Type.Object({ document: Type.String({ maxLength: 8192 }), signature: Type.String({ maxLength: 4096 }) }, closed);
export const OrderId = Type.String({ pattern: '^[0-9a-f]{8}$' });
export const Sentences = Type.Array(Text(2000));
/** Which second headers an order needs: sealed to which period, of which segment, and the slot of a period that opens it now (`held`: by its second header). */
export const HeaderPlanShape = {
  targets: Type.Array(Type.Object({ slot: Type.Integer(), generation: Type.Integer(), recipient: Text(80) })),
  wanted: Type.Array(Type.Object({ stream: Type.Enum(['main', 'sub']), seq: Type.Integer(), path: Text(1000), slot: Type.Integer(), generation: Type.Integer(), held: Type.Boolean(), target: Type.Integer() })),
};
export const HoldReply = Type.Object({ order: OrderId, sentences: Sentences, ...HeaderPlanShape });
/** So many at a time fit a request. */
export const headersAtOnce = 150;
export const MadeHeaders = Type.Array(Type.Object({
  target: Type.Integer({ minimum: 0 }), stream: Type.Enum(['main', 'sub']), seq: Type.Integer({ minimum: 0 }),
  /** Base64 of its 168 bytes. */
  header: Type.String({ maxLength: 224 }),
}, closed), { maxItems: headersAtOnce });
export const HeadersRequest = Type.Object({ order: OrderId, headers: MadeHeaders }, closed);
export const HoldsReply = Type.Object({
  holds: Type.Array(Type.Object({
    order: OrderId, maker: Type.Enum(['hub', 'device']), label: Text(), camera: Text(40), untilMs: UnixMs, segments: Type.Integer(), bytes: Type.Integer(), fromMs: Optional(UnixMs), toMs: Optional(UnixMs),
  })),
});
/** Whole periods, where nobody signs; what is held stays then. */
export const EraseHoursRequest = Type.Object({ camera: Text(40), fromMs: UnixMs, toMs: UnixMs, why: Text(), by: Optional(Type.Literal('page')) }, closed);
export const EraseLookRequest = Type.Object({ camera: Text(40), fromMs: UnixMs, toMs: UnixMs, whole: Type.Boolean() }, closed);
export const EraseOrderReply = Type.Object({ order: OrderId, open: Type.Integer() });
export const ErasePlanReply = Type.Object({ open: Type.Integer(), sentences: Sentences, ...HeaderPlanShape });
export const SentencesReply = Type.Object({ sentences: Sentences });
/** Of a person without the name: this door names nobody. */
export const PersonId = Type.String({ pattern: '^[0-9a-f]{32}$' });
export const PersonFacts = Type.Object({ id: PersonId, state: Type.Enum([...consentStates]), enrolledMs: UnixMs, consentMs: UnixMs, lapsesMs: UnixMs, forgottenMs: UnixMs, templates: Type.Integer(), usable: Type.Boolean() });
/** `locked`: of how many the owner has the key and has not lent it. */
export const PeopleListReply = Type.Object({ enabled: Type.Boolean(), lock: Type.Enum([...facesLocks]), locked: Type.Integer(), people: Type.Array(PersonFacts) });
const OrderRequest = Type.Object({ order: OrderId }, closed);

const Destination = Type.String({ minLength: 1, maxLength: 40 });
export const EgressRequest = Type.Object({ destination: Optional(Destination), sinceMs: Optional(UnixMs), before: Optional(Type.Integer({ minimum: 1 })), limit: Type.Integer({ minimum: 1, maximum: 1_000 }) }, closed);
export const EgressReply = Type.Object({
  doors: DoorsShape,
  destinations: Type.Array(Type.Object({
    name: Text(40), purpose: Text(), kind: Text(20), place: Text(1000), words: Text(6000), declared: Type.Boolean(), slots: Optional(Text(40)),
    /** What lies there; is on its way; could not be sent; is to go; cannot be deleted, of which `refused` the store said no to; lies there alone, and of that what is lost. For an owner alone. */
    counts: Optional(Type.Object({ there: Type.Integer(), bytes: Type.Integer(), waiting: Type.Integer(), failed: Type.Integer(), leaving: Type.Integer(), kept: Type.Integer(), refused: Type.Integer(), alone: Type.Integer(), aloneBytes: Type.Integer(), lost: Type.Integer() })),
    /** What the courier has no right to there. */
    lacks: Type.Array(Type.Enum(['put', 'get']), { maxItems: 2 }),
    deletes: Type.Enum(['yes', 'no', 'unknown']), keepsVersions: Text(20),
  })),
  sums: Type.Array(Type.Object({ destination: Text(40), kind: Text(20), class: Text(40), outcome: Text(20), orders: Type.Integer(), sentBytes: Type.Integer() })),
  lines: Type.Array(Type.Object({
    n: Type.Integer(), name: Text(60), atMs: UnixMs, destination: Text(40), purpose: Text(), kind: Text(20), class: Text(40), camera: Text(40), object: Text(40), sizeBytes: Type.Integer(), sha256: Text(64), recipients: Type.Array(Text(80)),
    /** Absent while there is no answer. */
    outcome: Optional(Type.Enum(['done', 'failed', 'withdrawn', 'lost'])), answeredMs: Optional(UnixMs), attempts: Optional(Type.Integer()), sentBytes: Optional(Type.Integer()), proof: Optional(Text(20)), code: Optional(Text(40)), reason: Optional(Text(300)),
  })),
  /** Ask for lines before this one; absent when there are none. */
  next: Optional(Type.Integer()),
});
export const EgressVerifyReply = Type.Object({
  destination: Text(40), listed: Type.Integer(), foreign: Type.Integer(), whole: Type.Integer(),
  missing: Type.Array(Type.Object({ object: Text(40), class: Text(20), camera: Text(40), startMs: UnixMs, sizeBytes: Type.Integer(), foundBytes: Optional(Type.Integer()) })),
  unknown: Type.Integer(), unknownNames: Type.Array(Text(32)), repaired: Type.Integer(),
});

/** What lies there and is not known here; `known`: what was not and is now. */
export const EgressUnknownReply = Type.Object({
  destination: Text(40), known: Type.Integer(), objects: Type.Integer(), bytes: Type.Integer(), set: Text(64), sinceMs: UnixMs, lookedMs: UnixMs, erasableMs: UnixMs,
  some: Type.Array(Type.Object({ object: Text(32), bytes: Type.Integer() })),
});

export const ScrubRequest = Type.Object({ start: Type.Boolean() }, { additionalProperties: false });
/** Prometheus' text format. */
export const MetricsReply = Type.Object({ text: Type.String({ maxLength: 4 * 2 ** 20 }) });
export const Done = Type.Object({ done: Type.Literal(true) });

export type StatusReport = Static<typeof StatusShape>;
export type Pending = Static<typeof PendingShape>;

/**
 * A request that asks for this protocol by `Upgrade` at `/v1/talk?camera=ID` is answered with 101; from then on what the visitor sends is
 * mu-law for the camera's loudspeaker, and when it ends the hub sends one line of JSON, a TalkReply or `{"error": …}`, and hangs up.
 */
export const talkProtocol = 'sallyport-talk';
export const TalkReply = Type.Object({ talkedMs: Type.Integer() });

/** Each route of the control socket: what goes in, what comes out. */
export const routes = {
  status: { reply: StatusShape },
  pair: { reply: PairReply },
  metrics: { reply: MetricsReply },
  discover: { request: DiscoverRequest, reply: DiscoverReply },
  adopt: { request: AdoptRequest, reply: AdoptReply },
  camera: { request: CameraRequest, reply: CameraReply },
  moved: { request: MovedRequest, reply: MovedReply },
  privacy: { request: PrivacyRequest, reply: Done },
  secret: { request: SecretRequest, reply: Done },
  reload: { reply: ReloadReply },
  accept: { request: AcceptRequest, reply: ReloadReply },
  note: { request: NoteRequest, reply: Done },
  list: { request: ListRequest, reply: ListReply },
  fetch: { request: FetchRequest, reply: FetchReply },
  observations: { request: ListRequest, reply: ObservationsReply },
  alarms: { request: AlarmsRequest, reply: Type.Object({ alarms: Type.Array(AlarmShape) }) },
  'alarm-pictures': { request: Type.Object({ id: AlarmId }, closed), reply: AlarmPicturesReply },
  'alarm-mark': { request: Type.Object({ id: AlarmId, seen: Optional(Type.Boolean()), falseAlarm: Optional(Type.Boolean()) }, closed), reply: Type.Object({ alarm: AlarmShape }) },
  notice: { request: Type.Object({ number: NoticeNumber }, closed), reply: Type.Object({ notices: Type.Array(NoticeFoundShape) }) },
  'alarm-test': { request: Type.Object({ rule: Text(80) }, closed), reply: RuleTestReply },
  scrub: { request: ScrubRequest, reply: ScrubShape },
  hold: { request: Signed, reply: HoldReply },
  headers: { request: HeadersRequest, reply: Type.Object({ taken: Type.Integer() }) },
  'hold-done': { request: OrderRequest, reply: SentencesReply },
  holds: { reply: HoldsReply },
  release: { request: Signed, reply: SentencesReply },
  'erase-look': { request: EraseLookRequest, reply: SentencesReply },
  erase: { request: Signed, reply: EraseOrderReply },
  'erase-hours': { request: EraseHoursRequest, reply: EraseOrderReply },
  'erase-plan': { request: OrderRequest, reply: ErasePlanReply },
  'erase-done': { request: Type.Object({ order: OrderId, force: Type.Boolean() }, closed), reply: SentencesReply },
  people: { reply: PeopleListReply },
  'people-lock': { reply: Type.Object({ to: Type.String(), sealed: Type.Array(Type.String()) }) },
  /** `keys`: what `people-lock` has in `sealed`, opened and sealed to its `to`; base64. */
  'people-lend': { request: Type.Object({ keys: Type.String({ maxLength: 32 * 1024 }) }, closed), reply: Type.Object({ locked: Type.Integer() }) },
  'people-take-back': { reply: Done },
  'person-forget': { request: Type.Object({ person: PersonId }, closed), reply: SentencesReply },
  'purge-plan': { reply: PurgePlanReply },
  processing: { reply: Type.Object({ text: Type.String() }, closed) },
  egress: { request: EgressRequest, reply: EgressReply },
  'egress-unknown': { request: Type.Object({ destination: Destination }, closed), reply: EgressUnknownReply },
  /** By the owner's signature. */
  'egress-clear': { request: Signed, reply: Type.Object({ objects: Type.Integer() }) },
  'egress-verify': { request: Type.Object({ destination: Destination, repair: Type.Boolean() }, closed), reply: EgressVerifyReply },
} as const;

export type RouteName = keyof typeof routes;
export type RequestOf<R extends RouteName> = (typeof routes)[R] extends { request: infer S extends Type.TSchema } ? Static<S> : Record<string, never>;
export type ReplyOf<R extends RouteName> = Static<(typeof routes)[R]['reply']>;

/** What the daemon does for each route; for whoever runs the hub where nobody is named. */
export type Operations = { readonly [R in RouteName]: (request: RequestOf<R>, by?: By) => Promise<ReplyOf<R>> };

/** What the page asks of the daemon: those, and what waits for the owner's yes without all else of the status. */
export type PageOperations = Operations & { readonly pending: () => Pending[] };
