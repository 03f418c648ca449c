/**
 * The SQL of getting to know again what lies at a destination. Of a segment, a second header and a slot the catalogue has the hash, so an object there that
 * has it is that and nothing else, whoever put it there. Lists and pictures are sealed by keys that nobody kept: nothing tells whose they are.
 * Runs where the connection lives; each writing call runs inside the transaction of its caller.
 */
import type { UnixMs } from '../base/clock.ts';
import type { Connection } from './connection.ts';

/** Of segments that have no name at the destination: how long their files and the headers of those are. */
export interface FarSizes {
  readonly sizeBytes: number;
  readonly headerBytes: number;
}

/** What an object is, by its hash. */
export interface FarKnown {
  readonly sha256: string;
  readonly class: 'segment' | 'hold' | 'hours';
  readonly camera: string;
  /** Of the period whose key opens it. */
  readonly slot: number;
  /** Of the segment; undefined for a slot. */
  readonly path: string | undefined;
}

export class FarSurvey {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  sizes(destination: string): FarSizes[] {
    return this.#db.prepare<[string], FarSizes>(`
      SELECT DISTINCT s.size_bytes AS sizeBytes, s.header_bytes AS headerBytes FROM segments AS s JOIN periods AS p ON p.id = s.period_id
      WHERE s.state <> 'garbage' AND p.state = 'live' AND NOT EXISTS (SELECT 1 FROM far_objects AS f WHERE f.class = 'segment' AND f.segment_id = s.id AND f.destination = ?)`).all(destination);
  }

  /** Of these hashes: headers of segments, second headers, and slots of periods, as far as they live. */
  known(hashes: readonly string[]): FarKnown[] {
    const wanted = JSON.stringify(hashes);
    return this.#db.prepare<{ wanted: string }, Omit<FarKnown, 'path'> & { path: string | null }>(`
      WITH wanted AS (SELECT unhex(value) AS hash FROM json_each(@wanted))
      SELECT lower(hex(s.header_sha256)) AS sha256, 'segment' AS class, p.camera, p.slot, s.path FROM segments AS s JOIN periods AS p ON p.id = s.period_id
      WHERE s.header_sha256 IN (SELECT hash FROM wanted) AND s.state <> 'garbage' AND p.state = 'live'
      UNION ALL
      SELECT lower(hex(h.sha256)), 'hold', p.camera, p.slot, s.path FROM holds AS h JOIN periods AS p ON p.id = h.period_id JOIN segments AS s ON s.id = h.segment_id
      WHERE h.sha256 IN (SELECT hash FROM wanted) AND p.state = 'live'
      UNION ALL
      SELECT lower(hex(p.slot_sha256)), 'hours', p.camera, p.slot, NULL FROM periods AS p WHERE p.slot_sha256 IN (SELECT hash FROM wanted) AND p.state = 'live'`)
      .all({ wanted }).map(({ path, ...row }) => ({ ...row, path: path ?? undefined }));
  }

  /**
   * What nobody here knows is to go from there. It has the class of a segment and none of ours, so nothing here keeps it. Answers how many are new.
   */
  clear(destination: string, objects: readonly (readonly [object: string, bytes: number])[], nowMs: UnixMs): number {
    const insert = this.#db.prepare(`
      INSERT OR IGNORE INTO far_objects (destination, object, class, camera, start_ms, keys_at, size_bytes, state, since_ms, maybe_there) VALUES (?, ?, 'segment', '', 0, 'home', ?, 'leaving', ?, 1)`);
    return objects.reduce((sum, [object, bytes]) => sum + insert.run(destination, object, bytes, Math.round(nowMs)).changes, 0);
  }
}
