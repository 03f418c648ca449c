/** Reads TAP 14 as tap prints it: what failed with its details, what was skipped, which files finished. */

export interface Failure { file: string; name: string; details: string[] }
export interface Skip { file: string; name: string; reason: string }
export interface TapResult { passed: number; failed: number; failures: Failure[]; skipped: Skip[]; finished: ReadonlySet<string> }

interface Open { name: string; /** Assertions seen inside. */ assertions: number; failures: number }

const resultLine = /^( *)(not )?ok \d+(?: - (.*?))?(?: # (SKIP|TODO|time)\b ?=?(.*?))?( \{)?$/i;

/** Subtests are indented by four; each ends with a result line of its name, which counts only if nothing inside did. */
export class TapReader {
  readonly #open: Open[] = [];
  readonly #failures: Failure[] = [];
  readonly #skipped: Skip[] = [];
  readonly #finished = new Set<string>();
  #passed = 0;
  #failed = 0;
  #summary: { pass: number; fail: number } | undefined;
  /** The failure whose indented details are being read. */
  #details: { lines: string[]; indent: number; inside: boolean } | undefined;

  line(line: string): void {
    if (this.#readDetails(line)) return;
    const summary = /^# \{ total: \d+(.*) \}$/.exec(line);
    if (summary !== null) this.#summary = { pass: numberOf(summary[1], 'pass'), fail: numberOf(summary[1], 'fail') };
    const subtest = /^( *)# Subtest: (.*)$/.exec(line);
    if (subtest !== null) this.#enter((subtest[1] ?? '').length / 4, subtest[2] ?? '');
    const result = resultLine.exec(line);
    if (result !== null) this.#result(result);
  }

  get finished(): ReadonlySet<string> {
    return this.#finished;
  }

  /** tap's own sums where it came to the end, else what was seen. */
  result(): TapResult {
    return {
      passed: this.#summary?.pass ?? this.#passed,
      failed: Math.max(this.#summary?.fail ?? 0, this.#failures.length, this.#failed),
      failures: this.#failures,
      skipped: this.#skipped,
      finished: this.#finished,
    };
  }

  #enter(level: number, name: string): void {
    this.#open.length = Math.min(this.#open.length, level);
    this.#open[level] = { name, assertions: 0, failures: 0 };
  }

  #result([, blanks = '', not, name = '', directive, reason = '', brace]: RegExpExecArray): void {
    const level = blanks.length / 4;
    if (brace !== undefined) return this.#enter(level, name);
    const closing = this.#open[level]?.name === name ? this.#open[level] : undefined;
    const path = [...this.#open.slice(0, level).map((open) => open.name), name];
    const file = path[0] ?? '';
    this.#open.length = Math.min(this.#open.length, level);
    if (closing !== undefined && level === 0) this.#finished.add(file);
    if (directive?.toUpperCase() === 'SKIP') this.#skipped.push({ file, name, reason: reason.trim() || 'no reason given' });
    else if (directive?.toUpperCase() !== 'TODO') this.#count(level, not === undefined, closing, { file, name: path.slice(1).join(' > ') || file, details: [] }, blanks.length);
  }

  #count(level: number, ok: boolean, closing: Open | undefined, failure: Failure, indent: number): void {
    const alreadyCounted = ok ? (closing?.assertions ?? 0) > 0 : (closing?.failures ?? 0) > 0;
    if (alreadyCounted) return;
    for (const open of this.#open.slice(0, level)) {
      open.assertions++;
      if (!ok) open.failures++;
    }
    if (ok) this.#passed++;
    else {
      this.#failed++;
      this.#failures.push(failure);
      this.#details = { lines: failure.details, indent: indent + 2, inside: false };
    }
  }

  /** The block between `---` and `...` after a failure. */
  #readDetails(line: string): boolean {
    const details = this.#details;
    if (details === undefined) return false;
    const text = line.slice(details.indent);
    if (details.inside && text !== '...') details.lines.push(text);
    else if (!details.inside && text === '---') details.inside = true;
    else this.#details = undefined;
    return details.inside;
  }
}

function numberOf(text: string | undefined, name: string): number {
  return Number(new RegExp(`\\b${name}: (\\d+)`).exec(text ?? '')?.[1] ?? '0');
}
