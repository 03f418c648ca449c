/** The text of a slot, and the comment by which its key says what period it is of (docs/FORMAT.md, "Slots"). Pure, and shared with the browser. */

export const slotTextBytes = 1024;

const lineFeed = 0x0a;
const blank = 0x20;

export interface SlotPeriod {
  readonly camera: string;
  readonly class: string;
  readonly startMs: number;
}

/** The armored text, blanks, a final newline. Undefined where it is too long. */
export function slotTextOf(armored: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (armored.length > slotTextBytes) return undefined;
  const text = new Uint8Array(slotTextBytes).fill(blank);
  text.set(armored);
  text[slotTextBytes - 1] = lineFeed;
  return text;
}

/** "# front-door footage 2026-11-24T05:00:00Z", a comment to `age`. */
export function slotComment({ camera, class: klass, startMs }: SlotPeriod): string {
  return `# ${camera} ${klass} ${new Date(startMs).toISOString().replace('.000Z', 'Z')}`;
}

/** Undefined for what `slotComment` would not have written. */
export function readSlotComment(comment: string): SlotPeriod | undefined {
  const [, camera, klass, start] = /^# ([a-z0-9-]+) ([a-z]+) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z)$/.exec(comment) ?? [];
  if (camera === undefined || klass === undefined || start === undefined) return undefined;
  const startMs = Date.parse(start);
  return Number.isNaN(startMs) ? undefined : { camera, class: klass, startMs };
}
