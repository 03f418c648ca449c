/**
 * Finds the line of each key in a TOML text, because the parser tells lines for syntax errors only. The text has been parsed before,
 * so this reads no values, checks nothing, and where it does not understand something it only tells a less exact line.
 */

/** Deeper keys belong to something unknown in any case; their parent's line is told. */
const depthMax = 8;

export type KeyPath = readonly (string | number)[];

export class KeyLines {
  readonly #lines = new Map<string, number>();

  constructor(text: string) {
    new Scanner(text, (path, line) => {
      const name = JSON.stringify(path);
      if (!this.#lines.has(name)) this.#lines.set(name, line);
    }).scan();
  }

  /** The line (from 1) of the key, else of the nearest table around it. */
  of(path: KeyPath): number {
    for (let length = path.length; length > 0; length--) {
      const line = this.#lines.get(JSON.stringify(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return 1;
  }
}

class Scanner {
  readonly #text: string;
  readonly #found: (path: KeyPath, line: number) => void;
  /** How many [[tables]] of each name were seen. */
  readonly #counts = new Map<string, number>();
  #at = 0;
  #line = 1;
  #lineCountedTo = 0;

  constructor(text: string, found: (path: KeyPath, line: number) => void) {
    this.#text = text;
    this.#found = found;
  }

  scan(): void {
    let table: KeyPath = [];
    for (;;) {
      this.#skipBlank();
      if (this.#at >= this.#text.length) return;
      const before = this.#at;
      if (this.#text[this.#at] === '[') table = this.#header();
      else this.#pair(table);
      if (this.#at === before) this.#at++;
    }
  }

  #header(): KeyPath {
    const many = this.#text.startsWith('[[', this.#at);
    this.#at += many ? 2 : 1;
    const line = this.#lineHere();
    const path: (string | number)[] = [];
    const keys = this.#keys();
    keys.forEach((key, index) => {
      path.push(key);
      const name = JSON.stringify(path);
      const count = this.#counts.get(name) ?? 0;
      const last = index === keys.length - 1;
      if (last && many) this.#counts.set(name, count + 1);
      if (last && many) path.push(count);
      else if (!last && count > 0) path.push(count - 1);
      this.#found([...path], line);
    });
    this.#skipTo('\n');
    return path;
  }

  #pair(table: KeyPath): void {
    const line = this.#lineHere();
    const keys = this.#keys();
    keys.forEach((_, index) => this.#found([...table, ...keys.slice(0, index + 1)], line));
    this.#skipSpace();
    if (this.#text[this.#at] === '=') this.#at++;
    this.#value([...table, ...keys]);
  }

  /** A dotted key; of an absurdly deep one only the first parts. */
  #keys(): string[] {
    const keys: string[] = [];
    for (;;) {
      this.#skipSpace();
      const key = this.#key();
      if (keys.length < depthMax) keys.push(key);
      this.#skipSpace();
      if (this.#text[this.#at] !== '.') return keys;
      this.#at++;
    }
  }

  #key(): string {
    const from = this.#at;
    const quote = this.#text[from];
    if (quote === '"' || quote === "'") {
      this.#string();
      const inner = this.#text.slice(from + 1, this.#at - 1);
      return quote === '"' ? unescaped(inner) : inner;
    }
    while (this.#at < this.#text.length && !'.=] \t\r\n'.includes(this.#text.charAt(this.#at))) this.#at++;
    return this.#text.slice(from, this.#at);
  }

  /** Recursion ends where the parser's own limit on nesting ends. */
  #value(path: KeyPath): void {
    this.#skipSpace();
    const first = this.#text[this.#at];
    if (first === '"' || first === "'") this.#string();
    else if (first === '[') this.#array(path);
    else if (first === '{') this.#inlineTable(path);
    else while (this.#at < this.#text.length && !',]}#\n'.includes(this.#text.charAt(this.#at))) this.#at++;
  }

  #array(path: KeyPath): void {
    this.#at++;
    for (let index = 0; ; index++) {
      this.#skipBlank();
      if (this.#ends(']')) return;
      this.#found([...path, index], this.#lineHere());
      this.#value([...path, index]);
      this.#skipBlank();
      if (this.#text[this.#at] === ',') this.#at++;
      else if (!this.#ends(']')) this.#at++;
      else return;
    }
  }

  #inlineTable(path: KeyPath): void {
    this.#at++;
    for (;;) {
      this.#skipBlank();
      if (this.#ends('}')) return;
      const before = this.#at;
      this.#pair(path);
      this.#skipBlank();
      if (this.#text[this.#at] === ',' || this.#at === before) this.#at++;
    }
  }

  /** Steps over the closing bracket; the end of the text closes everything. */
  #ends(bracket: string): boolean {
    if (this.#at >= this.#text.length) return true;
    if (this.#text[this.#at] !== bracket) return false;
    this.#at++;
    return true;
  }

  #string(): void {
    const quote = this.#text.charAt(this.#at);
    const mark = this.#text.startsWith(quote.repeat(3), this.#at) ? quote.repeat(3) : quote;
    this.#at += mark.length;
    while (this.#at < this.#text.length && !this.#text.startsWith(mark, this.#at)) this.#at += quote === '"' && this.#text[this.#at] === '\\' ? 2 : 1;
    this.#at += mark.length;
    // A multi-line string may end in up to two quotes of its own before the mark.
    while (mark.length === 3 && this.#text[this.#at] === quote) this.#at++;
  }

  #skipBlank(): void {
    for (;;) {
      const char = this.#text[this.#at];
      if (char === '#') this.#skipTo('\n');
      else if (char === ' ' || char === '\t' || char === '\r' || char === '\n' || char === '\ufeff') this.#at++;
      else return;
    }
  }

  #skipSpace(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at++;
  }

  #skipTo(mark: string): void {
    const at = this.#text.indexOf(mark, this.#at);
    this.#at = at < 0 ? this.#text.length : at;
  }

  #lineHere(): number {
    for (let at = this.#text.indexOf('\n', this.#lineCountedTo); at >= 0 && at < this.#at; at = this.#text.indexOf('\n', at + 1)) {
      this.#line++;
      this.#lineCountedTo = at + 1;
    }
    return this.#line;
  }
}

function unescaped(text: string): string {
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return text;
  }
}
