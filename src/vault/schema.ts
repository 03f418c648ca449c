/**
 * The tables of the working database, and the numbered upgrades that lead to them. `PRAGMA user_version` is the number of upgrades
 * that a database has had. An upgrade that has been released is never changed; a change of the schema is a new one at the end.
 * All times are Unix milliseconds of the hub's wall clock unless the column says otherwise; all hashes are SHA-256, raw 32 bytes.
 */
import type Database from 'better-sqlite3';
import { SallyportError } from '../base/errors.ts';

type Connection = Database.Database;

const version1 = `
-- The one row about this data folder.
CREATE TABLE vault (
  id            INTEGER PRIMARY KEY CHECK (id = 1),
  vault_id      TEXT NOT NULL,              -- 32 hex characters, random; the audit's chain begins with it
  hub_name      TEXT NOT NULL,
  made_ms       INTEGER NOT NULL,
  generation    INTEGER NOT NULL,           -- counts committed writing transactions; never goes back, so a checkpoint proves a rollback
  signing_seed  BLOB NOT NULL,              -- 32-byte Ed25519 seed of the hub's signing key
  public_key    TEXT NOT NULL               -- its public half, "ssh-ed25519 ..."
) STRICT;

-- Small state of the duties, canonical JSON each: the accepted configuration, cameras' facts, the time memory.
CREATE TABLE settings (
  name   TEXT PRIMARY KEY,
  value  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What the hub must know in clear to do its work: cameras' passwords. In this encrypted file and nowhere else.
CREATE TABLE secrets (
  name   TEXT PRIMARY KEY,
  value  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The last generation that used a slot's block. Outlives the period's row, so that a generation of a slot is never used twice.
CREATE TABLE slot_generations (
  slot        INTEGER PRIMARY KEY,
  generation  INTEGER NOT NULL CHECK (generation >= 1)
) STRICT;

-- The next sequence number of a stream. Outlives the segments' rows, so that a number is never used twice.
CREATE TABLE stream_seqs (
  camera    TEXT NOT NULL,
  stream    TEXT NOT NULL,
  next_seq  INTEGER NOT NULL,               -- above every number that a row or a file has had
  PRIMARY KEY (camera, stream)
) STRICT, WITHOUT ROWID;

-- A period is a camera's hour (or what the setting says). While its row stands, its slot belongs to it.
CREATE TABLE periods (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  camera       TEXT NOT NULL,
  class        TEXT NOT NULL CHECK (class IN ('footage')),
  start_ms     INTEGER NOT NULL,
  end_ms       INTEGER NOT NULL CHECK (end_ms > start_ms),
  deadline_ms  INTEGER NOT NULL,            -- from then on it is purged; may only come closer
  slot         INTEGER NOT NULL UNIQUE,     -- block in the keyring files; free exactly when no row names it
  generation   INTEGER NOT NULL,            -- how often the block has been used, this period included
  recipient    TEXT NOT NULL,               -- "age1...", the period's public key
  slot_sha256  BLOB NOT NULL,               -- of the slot's 1,024 text bytes; a shred touches only a block with this text
  state        TEXT NOT NULL CHECK (state IN ('live', 'shredded')),  -- shredded: the slot is gone, the rest is on its way
  listed       INTEGER NOT NULL DEFAULT 0 CHECK (listed IN (0, 1)),  -- 1: ended, its hour list is on disk, no segment comes after
  rows_root    BLOB,                        -- of its segments' row hashes in id order; set with listed
  segments     INTEGER NOT NULL DEFAULT 0,  -- how many rows name it; kept so that status need not count them
  bytes        INTEGER NOT NULL DEFAULT 0,  -- the sum of their size_bytes
  first_ms     INTEGER,                     -- the earliest start_ms among them
  last_end_ms  INTEGER                      -- the latest start_ms + duration_ms among them
) STRICT;
CREATE INDEX periods_of_camera ON periods (camera, start_ms);
CREATE INDEX periods_due ON periods (deadline_ms);

-- A closed, sealed file. Its row is committed after the file is durable under its final name.
CREATE TABLE segments (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  period_id      INTEGER NOT NULL REFERENCES periods (id),
  camera         TEXT NOT NULL,
  stream         TEXT NOT NULL CHECK (stream IN ('main', 'sub')),
  seq            INTEGER NOT NULL,          -- per camera and stream, rising, never used again
  boot           TEXT NOT NULL,             -- the kernel's boot id; '' where recovery could not know it
  mono_ms        INTEGER NOT NULL,          -- CLOCK_MONOTONIC at the first frame; 0 where recovery could not know it
  start_ms       INTEGER NOT NULL,          -- wall time at the first frame
  duration_ms    INTEGER NOT NULL,
  path           TEXT NOT NULL UNIQUE,      -- below footage/, without .part
  size_bytes     INTEGER NOT NULL,          -- of the sealed file
  header_bytes   INTEGER NOT NULL,          -- age header and payload nonce
  header_sha256  BLOB NOT NULL,             -- of the first header_bytes
  body_sha256    BLOB NOT NULL,             -- of everything after them
  key_frames     BLOB NOT NULL,             -- pairs (ms since start_ms, plaintext offset) as LEB128 differences
  reason         TEXT NOT NULL CHECK (reason IN ('continuous', 'alarm', 'manual')),
  state          TEXT NOT NULL CHECK (state IN ('complete', 'cut', 'missing', 'garbage')),
  cut_chunks     INTEGER CHECK (cut_chunks >= 1),  -- whole chunks of a segment that a crash cut; NULL when it was closed
  UNIQUE (camera, stream, seq)
) STRICT;
CREATE INDEX segments_of_period ON segments (period_id);

-- Segments that were begun and not yet closed: what recovery could not read from a sealed file. Written without an fsync of its own;
-- a lost row costs only the exactness of a recovered segment's start.
CREATE TABLE begun (
  camera     TEXT NOT NULL,
  stream     TEXT NOT NULL,
  seq        INTEGER NOT NULL,
  period_id  INTEGER NOT NULL,
  boot       TEXT NOT NULL,
  mono_ms    INTEGER NOT NULL,
  start_ms   INTEGER NOT NULL,
  PRIMARY KEY (camera, stream, seq)
) STRICT, WITHOUT ROWID;

-- A time without footage, with its reason (policy/gaps.ts). It dies with the period of its beginning; without one, with the audit.
CREATE TABLE gaps (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  period_id  INTEGER REFERENCES periods (id),
  camera     TEXT NOT NULL,
  stream     TEXT NOT NULL CHECK (stream IN ('main', 'sub')),
  from_ms    INTEGER NOT NULL,
  to_ms      INTEGER NOT NULL CHECK (to_ms >= from_ms),
  reason     TEXT NOT NULL,
  detail     TEXT NOT NULL
) STRICT;
CREATE INDEX gaps_of_period ON gaps (period_id);
CREATE INDEX gaps_in_time ON gaps (from_ms);

-- A purge that was decided and is not done. Written before the first slot is shredded, so that a kill at any step ends complete.
CREATE TABLE purges (
  number     INTEGER PRIMARY KEY AUTOINCREMENT,  -- the number of its receipt
  state      TEXT NOT NULL CHECK (state IN ('intended', 'shredded')),
  early      TEXT,                          -- why before the deadline; NULL when due
  periods    TEXT NOT NULL,                 -- JSON list of period facts with their counts, as the receipt will tell them
  read_back  INTEGER NOT NULL CHECK (read_back IN (0, 1))  -- 1: each block was read back past the page cache
) STRICT;

-- Signed receipts of done purges: what stands in receipts/<number>.json and .sig.
CREATE TABLE receipts (
  number     INTEGER PRIMARY KEY,
  at_ms      INTEGER NOT NULL,
  json       TEXT NOT NULL,
  signature  TEXT NOT NULL
) STRICT;

-- The owner's audit. chain(n) = H(chain(n-1) || leaf(n)), leaf(n) = H(salt || entry), chain(0) = H("sallyport audit v1" || vault id).
CREATE TABLE audit (
  n      INTEGER PRIMARY KEY,               -- from 1, without holes
  leaf   BLOB NOT NULL,
  chain  BLOB NOT NULL,
  salt   BLOB,                              -- 16 random bytes; NULL when the text was erased
  entry  TEXT                               -- canonical JSON; NULL when erased
) STRICT;

-- Signed checkpoints: what stands in checkpoints/<number>.json and .sig, of which only the newest stay on disk.
CREATE TABLE checkpoints (
  number     INTEGER PRIMARY KEY,
  seq        INTEGER NOT NULL,              -- the last audit line that it covers
  chain      BLOB NOT NULL,                 -- the chain at that line
  at_ms      INTEGER NOT NULL,
  json       TEXT NOT NULL,
  signature  TEXT NOT NULL
) STRICT;
`;

/**
 * Daily copies of the database have periods too; a segment's rot and an hour list's hash are known. The table `periods` is made anew,
 * because SQLite cannot change a CHECK; ids and the counter behind them stay.
 */
const version2 = `
CREATE TABLE periods_new (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  camera       TEXT NOT NULL,               -- 'hub' for the class 'database'
  class        TEXT NOT NULL CHECK (class IN ('footage', 'database')),
  start_ms     INTEGER NOT NULL,
  end_ms       INTEGER NOT NULL CHECK (end_ms > start_ms),
  deadline_ms  INTEGER NOT NULL,            -- from then on it is purged; may only come closer
  slot         INTEGER NOT NULL UNIQUE,     -- block in the keyring files; free exactly when no row names it and the block holds no slot
  generation   INTEGER NOT NULL,            -- how often the block has been used, this period included
  recipient    TEXT NOT NULL,               -- "age1...", the period's public key; '' where a restored database could not know it
  slot_sha256  BLOB NOT NULL,               -- of the slot's 1,024 text bytes; a shred touches only a block with this text
  state        TEXT NOT NULL CHECK (state IN ('live', 'shredded')),  -- shredded: the slot is gone, the rest is on its way
  listed       INTEGER NOT NULL DEFAULT 0 CHECK (listed IN (0, 1)),  -- 1: ended, its hour list is on disk, no segment comes after; of a copy: it is whole
  rows_root    BLOB,                        -- of its segments' row hashes in id order; set with listed
  list_sha256  BLOB,                        -- of its hour list's file; NULL where it was written before this column was
  segments     INTEGER NOT NULL DEFAULT 0,  -- how many rows name it; kept so that status need not count them
  bytes        INTEGER NOT NULL DEFAULT 0,  -- the sum of their size_bytes; of a copy: its size
  first_ms     INTEGER,                     -- the earliest start_ms among them
  last_end_ms  INTEGER                      -- the latest start_ms + duration_ms among them
) STRICT;
INSERT INTO periods_new (id, camera, class, start_ms, end_ms, deadline_ms, slot, generation, recipient, slot_sha256, state, listed, rows_root, segments, bytes, first_ms, last_end_ms)
  SELECT id, camera, class, start_ms, end_ms, deadline_ms, slot, generation, recipient, slot_sha256, state, listed, rows_root, segments, bytes, first_ms, last_end_ms FROM periods;
DELETE FROM sqlite_sequence WHERE name = 'periods_new';
INSERT INTO sqlite_sequence (name, seq) SELECT 'periods_new', seq FROM sqlite_sequence WHERE name = 'periods';
DROP TABLE periods;
ALTER TABLE periods_new RENAME TO periods;
CREATE INDEX periods_of_camera ON periods (camera, start_ms);
CREATE INDEX periods_due ON periods (deadline_ms);

ALTER TABLE segments ADD COLUMN damaged_ms INTEGER;  -- when it was found to be not what was written; NULL while it is
`;

const version3 = `
-- The texts of slots that were shredded. An older keyring file that was put back holds them again: by this they are known, and destroyed
-- wherever they stand. Expires with the audit.
CREATE TABLE shredded (
  sha256  BLOB PRIMARY KEY,                 -- of the slot's 1,024 text bytes
  at_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX shredded_in_time ON shredded (at_ms);
`;

const version4 = `
-- 1: the hour list on the disk knows more than the rows, which came anew after a restore (key frames, gaps, the hashes of before), and stays.
ALTER TABLE periods ADD COLUMN list_kept INTEGER NOT NULL DEFAULT 0 CHECK (list_kept IN (0, 1));
`;

const version5 = `
-- What was observed (policy/observations.ts), as a camera's events told it. Written without an fsync of its own: a power cut may cost the
-- last seconds. Times are those of arrival at the hub. It is dropped as its camera's footage of that period is.
CREATE TABLE observations (
  id       INTEGER PRIMARY KEY,
  camera   TEXT NOT NULL,
  kind     TEXT NOT NULL,
  source   TEXT NOT NULL,                   -- the camera's word for the picture or input that it is about, cleaned; '' without one
  from_ms  INTEGER NOT NULL,
  to_ms    INTEGER CHECK (to_ms >= from_ms),  -- NULL while it lasts
  UNIQUE (camera, kind, source, from_ms)
) STRICT;
CREATE INDEX observations_of_camera ON observations (camera, from_ms);
CREATE INDEX observations_in_time ON observations (from_ms);
`;

const version6 = `
-- Who may use the page. Ids are 128 random bits, base64url. Lines of the audit name an account by its id alone: with its row its name is gone.
CREATE TABLE accounts (
  id          TEXT PRIMARY KEY,
  role        TEXT NOT NULL CHECK (role IN ('owner', 'member', 'guest', 'installer')),
  name        TEXT NOT NULL,
  name_key    TEXT NOT NULL UNIQUE,         -- the name as it is compared: NFKC, lower case
  nickname    TEXT NOT NULL,
  picture     TEXT NOT NULL,                -- a data: URL; '' without one
  language    TEXT NOT NULL,
  time_zone   TEXT NOT NULL,
  spaces      TEXT NOT NULL,                -- JSON list of names; an owner has all
  salt        TEXT NOT NULL,                -- 32 bytes, base64url: how the browser stretches the passphrase
  memory_kib  INTEGER NOT NULL,
  passes      INTEGER NOT NULL,
  verifier    BLOB NOT NULL,                -- SHA-256 over salt and the half that logs in
  made_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A browser's own identity: its public halves. The private ones never leave it.
CREATE TABLE devices (
  id          TEXT PRIMARY KEY,
  account_id  TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  name        TEXT NOT NULL,
  recipient   TEXT NOT NULL,
  signer      TEXT NOT NULL,
  made_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_of_account ON devices (account_id);

-- The cookie holds 256 random bits; here is its SHA-256. Written without an fsync of its own where only the last use changes.
CREATE TABLE sessions (
  id          TEXT PRIMARY KEY,
  account_id  TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  device_id   TEXT REFERENCES devices (id) ON DELETE SET NULL,
  hash        BLOB NOT NULL UNIQUE,
  turned_ms   INTEGER NOT NULL,             -- when the cookie was last exchanged
  agent       TEXT NOT NULL,
  address     TEXT NOT NULL,
  made_ms     INTEGER NOT NULL,
  used_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_account ON sessions (account_id);

-- Opens once, until its time is over.
CREATE TABLE invitations (
  id          TEXT PRIMARY KEY,
  account_id  TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,  -- who invites
  hash        BLOB NOT NULL UNIQUE,         -- SHA-256 of the code
  role        TEXT NOT NULL,
  spaces      TEXT NOT NULL,
  until_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- For scripts: of an account's rights those that are named, until its time is over.
CREATE TABLE tokens (
  id          TEXT PRIMARY KEY,
  account_id  TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  name        TEXT NOT NULL,
  hash        BLOB NOT NULL UNIQUE,
  rights      TEXT NOT NULL,                -- JSON list
  spaces      TEXT NOT NULL,                -- JSON list; 'null' for all that the account has
  made_ms     INTEGER NOT NULL,
  until_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- SHA-256 over the recipients of the slot, a line each: who has left must not find what comes under a period that was begun before. NULL where it is not known.
ALTER TABLE periods ADD COLUMN sealed_to BLOB;
`;

const version7 = `
-- Where a segment's thumbnail lies in its opened bytes: the whole box. NULL where it has none.
ALTER TABLE segments ADD COLUMN thumb_offset INTEGER CHECK (thumb_offset >= 0);
ALTER TABLE segments ADD COLUMN thumb_size INTEGER CHECK (thumb_size > 0);
`;

/**
 * The table `periods` made anew for its classes, as in version 2: the same columns in the same order, so that what was signed of them holds.
 * Versions 8 and 9 are this text. A change of the table is an upgrade with a text of its own.
 */
function periodsAnew(classes: string, meaning: string): string {
  return `
CREATE TABLE periods_new (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  camera       TEXT NOT NULL,               -- 'hub' for the class 'database'
  class        TEXT NOT NULL CHECK (class IN (${classes})),  -- ${meaning}
  start_ms     INTEGER NOT NULL,            -- of 'hold' and 'rest': the start and end of the period whose segments they keep
  end_ms       INTEGER NOT NULL CHECK (end_ms > start_ms),
  deadline_ms  INTEGER NOT NULL,            -- from then on it is purged; may only come closer
  slot         INTEGER NOT NULL UNIQUE,     -- block in the keyring files; free exactly when no row names it and the block holds no slot
  generation   INTEGER NOT NULL,            -- how often the block has been used, this period included
  recipient    TEXT NOT NULL,               -- "age1...", the period's public key; '' where a restored database could not know it
  slot_sha256  BLOB NOT NULL,               -- of the slot's 1,024 text bytes; a shred touches only a block with this text
  state        TEXT NOT NULL CHECK (state IN ('live', 'shredded')),  -- shredded: the slot is gone, the rest is on its way
  listed       INTEGER NOT NULL DEFAULT 0 CHECK (listed IN (0, 1)),  -- 1: ended, its hour list is on disk, no segment comes after; of a copy: it is whole
  rows_root    BLOB,                        -- of the row hashes that its list tells, in id order; set with listed
  list_sha256  BLOB,                        -- of its hour list's file; NULL where it was written before this column was
  segments     INTEGER NOT NULL DEFAULT 0,  -- how many rows name it; kept so that status need not count them
  bytes        INTEGER NOT NULL DEFAULT 0,  -- the sum of their size_bytes; of a copy: its size
  first_ms     INTEGER,                     -- the earliest start_ms among them
  last_end_ms  INTEGER,                     -- the latest start_ms + duration_ms among them
  list_kept    INTEGER NOT NULL DEFAULT 0 CHECK (list_kept IN (0, 1)),  -- as in version 4
  sealed_to    BLOB                         -- as in version 6
) STRICT;
INSERT INTO periods_new SELECT id, camera, class, start_ms, end_ms, deadline_ms, slot, generation, recipient, slot_sha256, state, listed, rows_root, list_sha256, segments, bytes, first_ms, last_end_ms, list_kept, sealed_to FROM periods;
DELETE FROM sqlite_sequence WHERE name = 'periods_new';
INSERT INTO sqlite_sequence (name, seq) SELECT 'periods_new', seq FROM sqlite_sequence WHERE name = 'periods';
DROP TABLE periods;
ALTER TABLE periods_new RENAME TO periods;
CREATE INDEX periods_of_camera ON periods (camera, start_ms);
CREATE INDEX periods_due ON periods (deadline_ms);
`;
}

/** Holds. */
const version8 = `${periodsAnew("'footage', 'database', 'hold', 'rest'", "hold: keeps segments of a period beyond its deadline; rest: until it, when others of that period were erased")}
-- What a period of class 'hold' or 'rest' belongs to. One wish to hold has a period for each period that it keeps something of.
CREATE TABLE hold_periods (
  period_id  INTEGER PRIMARY KEY REFERENCES periods (id),
  order_id   TEXT NOT NULL,                 -- 8 hex characters; the same for all periods of one wish
  maker      TEXT NOT NULL CHECK (maker IN ('hub', 'device')),  -- who makes its second headers; the hub cannot check a device's
  label      TEXT NOT NULL                  -- the owner's word for it; '' without one
) STRICT;
CREATE INDEX hold_periods_of_order ON hold_periods (order_id);

-- A second header that is on the disk. It keeps its segment's row and file when the period that these belong to is purged.
CREATE TABLE holds (
  period_id   INTEGER NOT NULL REFERENCES hold_periods (period_id),
  segment_id  INTEGER NOT NULL REFERENCES segments (id),
  sha256      BLOB NOT NULL,                -- of its 168 bytes
  damaged_ms  INTEGER,                      -- when it was found to be not what was written, or gone; NULL while it is
  PRIMARY KEY (period_id, segment_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX holds_of_segment ON holds (segment_id);

ALTER TABLE purges ADD COLUMN erased TEXT;  -- why, when it erases a time at somebody's wish; NULL else
`;

/** Alarms. */
const version9 = `${periodsAnew(
  "'footage', 'database', 'hold', 'rest', 'alarm'",
  "hold: keeps segments of a period beyond its deadline; rest: until it, when others of that period were erased; alarm: a camera's day of alarms that are kept equally long",
)}
-- An observation that a rule kept. Its camera, rule, kind and times are the hub's to read; what shows or names somebody lies in pictures.db,
-- sealed to its period. A row goes with its period.
CREATE TABLE alarms (
  id               TEXT PRIMARY KEY,        -- 16 hex characters: a number that rises, then eight random ones
  period_id        INTEGER NOT NULL REFERENCES periods (id),
  camera           TEXT NOT NULL,
  rule             TEXT NOT NULL,           -- the name of the rule that kept it
  kind             TEXT NOT NULL,
  from_ms          INTEGER NOT NULL,
  to_ms            INTEGER CHECK (to_ms >= from_ms),  -- NULL while it lasts
  score_pm         INTEGER NOT NULL CHECK (score_pm BETWEEN 0 AND 1000),  -- how sure who saw it was, in thousandths
  pictures         INTEGER NOT NULL DEFAULT 0,        -- which there are: full 1, crop 2, thumb 4, text 8
  picture_bytes    INTEGER NOT NULL DEFAULT 0,        -- sealed
  pictures_sha256  BLOB,                    -- over the SHA-256 of each, in that order; NULL without any
  pictures_why     TEXT NOT NULL DEFAULT '',  -- why there are none, or not any more; '' where there are, or none were given
  footage_why      TEXT NOT NULL DEFAULT '',  -- why no footage is held for it; '' where some is, or nothing was said
  seen             INTEGER NOT NULL DEFAULT 0 CHECK (seen IN (0, 1)),
  false_alarm      INTEGER NOT NULL DEFAULT 0 CHECK (false_alarm IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX alarms_in_time ON alarms (from_ms, id);
CREATE INDEX alarms_of_camera ON alarms (camera, from_ms, id);
CREATE INDEX alarms_of_period ON alarms (period_id, id);

-- Segments that are held for an alarm: its period has second headers of them. A segment that was erased has no row any more.
CREATE TABLE alarm_footage (
  alarm_id    TEXT NOT NULL REFERENCES alarms (id) ON DELETE CASCADE,
  segment_id  INTEGER NOT NULL REFERENCES segments (id) ON DELETE CASCADE,
  PRIMARY KEY (alarm_id, segment_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX alarm_footage_of_segment ON alarm_footage (segment_id);

-- Of a purge that erases a time: which, so that alarms of it are told from those that stay; JSON [from_ms, to_ms]. NULL else.
ALTER TABLE purges ADD COLUMN erased_time TEXT;
`;

/** Persons. */
const version10 = `${periodsAnew(
  "'footage', 'database', 'hold', 'rest', 'alarm', 'person'",
  "hold: keeps segments of a period beyond its deadline; rest: until it, when others of that period were erased; alarm: a camera's day of alarms that are kept equally long; person: what is kept of one person, whose id stands for the camera; its deadline is moved when consent is given anew",
)}
-- Somebody enrolled with consent. All that tells who it is is sealed to the person's own key, which the period's slot holds, sealed to the hub identity.
-- A row goes when that key is shredded.
CREATE TABLE people (
  id              TEXT PRIMARY KEY,         -- 32 hex characters, random
  period_id       INTEGER NOT NULL UNIQUE REFERENCES periods (id),
  enrolled_ms     INTEGER NOT NULL,
  consent_ms      INTEGER NOT NULL,         -- when the consent in force was given
  consent_sha256  BLOB NOT NULL CHECK (length(consent_sha256) = 32),  -- of the text that was agreed to
  lapses_ms       INTEGER NOT NULL CHECK (lapses_ms > consent_ms),
  state           TEXT NOT NULL CHECK (state IN ('given', 'lapsed')),
  record          BLOB NOT NULL,            -- sealed: name, consent, mark
  crop            BLOB NOT NULL             -- sealed: a small JPEG of the face
) STRICT, WITHOUT ROWID;

-- What faces are compared with. Without a person who has agreed there is none.
CREATE TABLE templates (
  person_id  TEXT PRIMARY KEY REFERENCES people (id) ON DELETE CASCADE,
  model      TEXT NOT NULL,                 -- the model's name and the SHA-256 of its weights: vectors of another one cannot be compared
  vectors    INTEGER NOT NULL CHECK (vectors BETWEEN 1 AND 8),
  sealed     BLOB NOT NULL                  -- the vectors, sealed to the person's key
) STRICT, WITHOUT ROWID;
CREATE TRIGGER templates_need_consent BEFORE INSERT ON templates
WHEN NOT EXISTS (SELECT 1 FROM people WHERE id = NEW.person_id AND state = 'given')
BEGIN SELECT RAISE(ABORT, 'there is no consent for these templates'); END;

-- Whether an owner has let this member see the names of persons.
ALTER TABLE accounts ADD COLUMN names INTEGER NOT NULL DEFAULT 0 CHECK (names IN (0, 1));
`;

/** What leaves the house. */
const version11 = `
-- A sealed thing that lies at a destination, or is to, or is to go from there. Its row goes when the far end has said that it is gone.
CREATE TABLE far_objects (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  destination  TEXT NOT NULL,
  object       TEXT NOT NULL,               -- its name there: 32 hex characters, random; with the length of its pieces behind it, a name from which theirs follow
  class        TEXT NOT NULL CHECK (class IN ('segment', 'hold', 'hours', 'keyring', 'picture')),
  camera       TEXT NOT NULL,               -- '' where it is of none
  period_id    INTEGER,                     -- whose key opens it: of 'segment' the period that its row was in then. No reference: it outlives the period; NULL where it is of none
  start_ms     INTEGER NOT NULL,            -- of that period; 0 where it is of none
  slot         INTEGER,
  generation   INTEGER,
  segment_id   INTEGER,                     -- of 'segment' and 'hold': the row; no reference, for it outlives it
  alarm_id     TEXT,                        -- of 'picture'
  keys_at      TEXT NOT NULL,               -- 'home', or the destination that has the slots of what is sent there
  size_bytes   INTEGER NOT NULL DEFAULT 0,  -- as it was asked for last; 0 before
  sha256       BLOB,
  made_ms      INTEGER NOT NULL DEFAULT 0,  -- when what was asked for last was made: a list is renewed as segments come
  covers       INTEGER NOT NULL DEFAULT 0,  -- of 'hours': the sum of the ids of what that list names
  state        TEXT NOT NULL CHECK (state IN ('wanted', 'asked', 'there', 'failed', 'leaving', 'deleting', 'kept')),
               -- wanted: to be sent; asked: its order is out; there: the far end has said so; failed: it cannot be sent, and is not tried again by itself;
               -- leaving: to be deleted; deleting: that order is out; kept: the far end does not delete it
  since_ms     INTEGER NOT NULL,            -- of the state
  tries        INTEGER NOT NULL DEFAULT 0,  -- answers that said no, since it was last there
  next_ms      INTEGER NOT NULL DEFAULT 0,  -- not before then
  code         TEXT NOT NULL DEFAULT '',    -- of the last no
  maybe_there  INTEGER NOT NULL DEFAULT 0 CHECK (maybe_there IN (0, 1)),  -- 1: something of it may lie there, whatever the state
  UNIQUE (destination, object)
) STRICT;
CREATE INDEX far_objects_of_period ON far_objects (period_id, destination);
CREATE UNIQUE INDEX far_segments ON far_objects (segment_id, destination) WHERE class = 'segment';
CREATE UNIQUE INDEX far_holds ON far_objects (segment_id, period_id, destination) WHERE class = 'hold';
CREATE UNIQUE INDEX far_lists ON far_objects (period_id, destination) WHERE class = 'hours';
CREATE INDEX far_objects_in_state ON far_objects (destination, state, next_ms);

-- The ledger: each order to the courier, and what came of it. A line is written before its order is settled; it expires with the audit, or, where
-- there are very many, earlier, but never from the sums of its day. Lines without an answer are written without an fsync of their own: after a power
-- cut they are made again of the orders that lie there.
CREATE TABLE ledger (
  n            INTEGER PRIMARY KEY,
  name         TEXT NOT NULL UNIQUE,        -- of the order's file
  at_ms        INTEGER NOT NULL,            -- when it was asked
  destination  TEXT NOT NULL,
  purpose      TEXT NOT NULL,               -- as the owner had said yes to it
  kind         TEXT NOT NULL,               -- put, delete, get, list, probe, notice, heard
  class        TEXT NOT NULL,               -- of an object: as above; of a notice: its kind; of a command that was heard: what became of it; '' else
  camera       TEXT NOT NULL,               -- '' where it is of none; of a notice: the alias that left
  object       TEXT NOT NULL,               -- '' where there is none
  size_bytes   INTEGER NOT NULL,
  sha256       BLOB,
  recipients   TEXT NOT NULL,               -- JSON list: whose keys open it, 'age1...'
  outcome      TEXT CHECK (outcome IN ('done', 'failed', 'withdrawn', 'lost')),  -- NULL while there is no answer; lost: the order is gone and no answer will come
  answered_ms  INTEGER,
  attempts     INTEGER NOT NULL DEFAULT 0,  -- how often it was begun
  sent_bytes   INTEGER NOT NULL DEFAULT 0,  -- of all tries
  proof        TEXT NOT NULL DEFAULT '',    -- how it is known what the far end holds
  code         TEXT NOT NULL DEFAULT '',    -- of a failure
  reason       TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX ledger_in_time ON ledger (at_ms);
CREATE INDEX ledger_open ON ledger (name) WHERE outcome IS NULL;
CREATE INDEX ledger_of_destination ON ledger (destination, n);

-- The answered lines of a UTC day, summed, and the states that a broker was told, which have no lines. Expires with the audit.
CREATE TABLE ledger_days (
  day_ms       INTEGER NOT NULL,            -- its beginning; the day of the answer
  destination  TEXT NOT NULL,
  kind         TEXT NOT NULL,
  class        TEXT NOT NULL,
  outcome      TEXT NOT NULL,
  orders       INTEGER NOT NULL,
  sent_bytes   INTEGER NOT NULL,
  PRIMARY KEY (day_ms, destination, kind, class, outcome)
) STRICT, WITHOUT ROWID;
`;

/** What is far is asked about where it has changed, not all of it each time. */
const version12 = `
-- A period of which something has changed at a destination since its list there was last found to be right.
CREATE TABLE far_stirred (
  destination  TEXT NOT NULL,
  period_id    INTEGER NOT NULL,            -- no reference: what is of a period that is gone is dropped by the next look
  PRIMARY KEY (destination, period_id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER far_objects_added AFTER INSERT ON far_objects WHEN NEW.class <> 'keyring' BEGIN
  INSERT OR IGNORE INTO far_stirred ${stirredBy('NEW')};
END;
CREATE TRIGGER far_objects_changed AFTER UPDATE OF state ON far_objects WHEN NEW.class <> 'keyring' BEGIN
  INSERT OR IGNORE INTO far_stirred ${stirredBy('NEW')};
END;
CREATE TRIGGER far_objects_gone AFTER DELETE ON far_objects WHEN OLD.class <> 'keyring' BEGIN
  INSERT OR IGNORE INTO far_stirred ${stirredBy('OLD')};
  DELETE FROM far_loose WHERE id = OLD.id;
END;
-- A segment goes to another period when others of its own were erased.
CREATE TRIGGER far_segments_moved AFTER UPDATE OF period_id ON segments BEGIN
  INSERT OR IGNORE INTO far_stirred SELECT destination, OLD.period_id FROM far_objects WHERE class = 'segment' AND segment_id = NEW.id;
  INSERT OR IGNORE INTO far_stirred SELECT destination, NEW.period_id FROM far_objects WHERE class = 'segment' AND segment_id = NEW.id;
END;
INSERT INTO far_stirred SELECT destination, period_id FROM far_objects WHERE class <> 'keyring' AND period_id IS NOT NULL
  UNION SELECT f.destination, s.period_id FROM far_objects AS f JOIN segments AS s ON s.id = f.segment_id WHERE f.class = 'segment';

-- Far objects that have lost something which kept them here: whether anything still does is asked of these alone. An upgrade that makes one of the
-- tables below anew takes these triggers along, and has to make them again.
CREATE TABLE far_loose (
  id  INTEGER PRIMARY KEY                   -- of far_objects
) STRICT;
CREATE TRIGGER far_segments_garbage AFTER UPDATE OF state ON segments WHEN NEW.state = 'garbage' BEGIN
  INSERT OR IGNORE INTO far_loose SELECT id FROM far_objects WHERE class = 'segment' AND segment_id = NEW.id;
END;
CREATE TRIGGER far_segments_deleted AFTER DELETE ON segments BEGIN
  INSERT OR IGNORE INTO far_loose SELECT id FROM far_objects WHERE class = 'segment' AND segment_id = OLD.id;
END;
CREATE TRIGGER far_holds_deleted AFTER DELETE ON holds BEGIN
  INSERT OR IGNORE INTO far_loose SELECT id FROM far_objects WHERE class = 'hold' AND segment_id = OLD.segment_id AND period_id = OLD.period_id;
END;
CREATE TRIGGER far_periods_shredded AFTER UPDATE OF state ON periods WHEN NEW.state <> 'live' BEGIN
  INSERT OR IGNORE INTO far_loose SELECT id FROM far_objects WHERE period_id = NEW.id AND class <> 'segment';
END;
CREATE TRIGGER far_periods_deleted AFTER DELETE ON periods BEGIN
  INSERT OR IGNORE INTO far_loose SELECT id FROM far_objects WHERE period_id = OLD.id AND class <> 'segment';
END;
CREATE TRIGGER far_alarms_deleted AFTER DELETE ON alarms BEGIN
  INSERT OR IGNORE INTO far_loose SELECT id FROM far_objects WHERE period_id = OLD.period_id AND class = 'picture' AND alarm_id = OLD.id;
END;
-- What is put in with nothing to keep it: its order came back after a restart, or a restored hub has found it.
CREATE TRIGGER far_objects_loose AFTER INSERT ON far_objects WHEN NEW.class <> 'keyring' BEGIN
  INSERT OR IGNORE INTO far_loose VALUES (NEW.id);
END;
-- As long as it may go, it stays to be asked about: an answer may have put it back.
CREATE TRIGGER far_objects_back AFTER UPDATE OF state ON far_objects WHEN NEW.class <> 'keyring' AND OLD.state IN ('leaving', 'deleting', 'kept') AND NEW.state NOT IN ('leaving', 'deleting', 'kept') BEGIN
  INSERT OR IGNORE INTO far_loose VALUES (NEW.id);
END;
INSERT INTO far_loose SELECT id FROM far_objects WHERE class <> 'keyring';

-- How the far end has shown that it holds what was sent last; '' while it has not.
ALTER TABLE far_objects ADD COLUMN proof TEXT NOT NULL DEFAULT '';
CREATE INDEX ledger_of_object ON ledger (destination, object, n);
UPDATE far_objects SET proof = coalesce((SELECT proof FROM ledger AS l WHERE l.destination = far_objects.destination AND l.object = far_objects.object AND l.kind = 'put' AND l.outcome = 'done' ORDER BY n DESC LIMIT 1), '') WHERE state = 'there';
DROP INDEX ledger_of_object;

-- Segments that lie at a destination alone. The row is written before the file here is removed, so a kill between the two leaves both.
CREATE TABLE archived (
  segment_id   INTEGER PRIMARY KEY REFERENCES segments (id) ON DELETE CASCADE,
  destination  TEXT NOT NULL,
  object       TEXT NOT NULL,
  at_ms        INTEGER NOT NULL,
  removed      INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1))  -- 1: its file here is gone
) STRICT;
CREATE INDEX archived_to_remove ON archived (segment_id) WHERE removed = 0;
`;

/** The periods whose list at its destination names a far object: its own, that in which its segment is now, and those that hold this. */
function stirredBy(row: 'NEW' | 'OLD'): string {
  return `SELECT ${row}.destination, ${row}.period_id WHERE ${row}.period_id IS NOT NULL
    UNION SELECT ${row}.destination, period_id FROM segments WHERE id = ${row}.segment_id AND ${row}.class = 'segment'
    UNION SELECT ${row}.destination, period_id FROM far_objects WHERE class = 'hold' AND segment_id = ${row}.segment_id AND destination = ${row}.destination AND ${row}.class = 'segment'`;
}

/** Alarms' pictures leave with their footage. */
const version13 = `
-- Of 'picture', "covers" says which of the alarm's pictures the object holds (policy/uploading.ts).
CREATE UNIQUE INDEX far_pictures ON far_objects (alarm_id, destination) WHERE class = 'picture';
`;

const upgrades: readonly string[] = [version1, version2, version3, version4, version5, version6, version7, version8, version9, version10, version11, version12, version13];

/** The schema that this version writes. */
export const schemaVersion = upgrades.length;

/**
 * Brings a database to `schemaVersion`, each upgrade in a transaction of its own. SP_DATABASE_NEWER when it is beyond.
 * Foreign keys are off meanwhile (a table that is made anew would take its references along) and checked at each end.
 */
export function upgradeSchema(db: Connection): void {
  checkSchema(db);
  db.pragma('foreign_keys = OFF');
  for (let version = versionOf(db); version < schemaVersion; version++) {
    db.transaction(() => {
      db.exec(upgrades[version] ?? '');
      const dangling = db.pragma('foreign_key_check') as unknown[];
      if (dangling.length > 0) throw new SallyportError('SP_DATABASE', { reason: `upgrade ${version + 1} would leave ${dangling.length} rows without what they refer to` });
      db.pragma(`user_version = ${version + 1}`);
    }).immediate();
  }
  db.pragma('foreign_keys = ON');
}

/** The statements of the first `count` upgrades, for a test that upgrades what an older version made. */
export function upgradesUpTo(count: number): readonly string[] {
  return upgrades.slice(0, count);
}

/** For read-only use: refuses a database of a newer version. */
export function checkSchema(db: Connection): void {
  const found = versionOf(db);
  if (found > schemaVersion) throw new SallyportError('SP_DATABASE_NEWER', { found, known: schemaVersion });
}

function versionOf(db: Connection): number {
  return Number(db.pragma('user_version', { simple: true }));
}
