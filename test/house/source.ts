/** Reads TypeScript as far as the house rule needs it: strings, comments, and who is imported how. No parser: a scanner that knows what is text. */

export interface Import {
  readonly specifier: string;
  /** Erased when the file runs: `import type`, `export type … from`. */
  readonly typeOnly: boolean;
  readonly line: number;
}

export interface Source {
  /** The file with comments blanked and the contents of strings, templates and regular expressions replaced by `_`; same length, same lines. */
  readonly code: string;
  readonly strings: readonly { readonly text: string; readonly start: number }[];
  readonly imports: readonly Import[];
  lineOf(offset: number): number;
}

export function readSource(text: string): Source {
  const { code, strings } = scan(text);
  const lineOf = (offset: number): number => text.slice(0, offset).split('\n').length;
  return { code, strings, imports: importsOf(code, strings, lineOf), lineOf };
}

/**
 * `import … from 'x'`, `export … from 'x'`, `import 'x'`, `import('x')`, and `new URL('./x.ts', import.meta.url)`, by which a worker is loaded.
 * A computed `import(x)` has no specifier; the rules find it in the code.
 */
function importsOf(code: string, strings: Source['strings'], lineOf: (offset: number) => number): Import[] {
  const imports: Import[] = [];
  for (const { text, start } of strings) {
    const before = code.slice(Math.max(0, start - 2000), start - 1);
    const statement = /\b(?:import|export)\s+(type\s)?[\w\s{},*$]*\bfrom\s*$/.exec(before);
    const typeOnly = statement?.[1] !== undefined && !/^\s*(?:from\b|,)/.test(before.slice(statement.index + 'import type'.length));
    const bare = /(?:^|[\s;])import\s*\(?\s*$/.test(before);
    const file = /^\.{1,2}\/.*\.tsx?$/.test(text);
    // `worker.ts?worker&url`: how the page's build takes it changes nothing about which file it is.
    const specifier = text.replace(/(?<=\.tsx?)\?.*$/, '');
    if (statement !== null || bare || file) imports.push({ specifier, typeOnly: statement !== null && typeOnly, line: lineOf(start) });
  }
  return imports;
}

function scan(text: string): { code: string; strings: { text: string; start: number }[] } {
  const code = text.split('');
  const strings: { text: string; start: number }[] = [];
  const blank = (from: number, to: number, by: string): void => {
    for (let at = from; at < to; at++) if (code[at] !== '\n') code[at] = by;
  };
  /** Open `${` of templates: how many braces are open inside each. */
  const templates: number[] = [];
  let at = 0;
  const template = (start: number): void => {
    const end = endOfTemplate(text, start);
    strings.push({ text: text.slice(start, end), start });
    blank(start, end, '_');
    if (text.startsWith('${', end)) templates.push(0);
    at = end + (text.startsWith('${', end) ? 2 : 1);
  };
  while (at < text.length) {
    const char = text[at] as string;
    if (text.startsWith('//', at) || text.startsWith('/*', at) || text.startsWith('#!', at)) {
      const end = text[at + 1] === '*' ? text.indexOf('*/', at) + 2 : (text.indexOf('\n', at) + 1 || text.length + 1) - 1;
      blank(at, end, ' ');
      at = end;
    } else if (char === '\'' || char === '"' || (char === '/' && regexMayBegin(code, at))) {
      const end = char === '/' ? endOfRegex(text, at + 1) : endOfString(text, at + 1, char);
      if (char !== '/') strings.push({ text: text.slice(at + 1, end), start: at + 1 });
      blank(at + 1, end, '_');
      at = end + 1;
    } else if (char === '`') {
      template(at + 1);
    } else if (char === '}' && templates.at(-1) === 0) {
      templates.pop();
      template(at + 1);
    } else {
      if (templates.length > 0 && (char === '{' || char === '}')) templates.push((templates.pop() as number) + (char === '{' ? 1 : -1));
      at++;
    }
  }
  return { code: code.join(''), strings };
}

function endOfString(text: string, from: number, quote: string): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote || text[at] === '\n') return at;
  }
  return text.length;
}

function endOfTemplate(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '`' || text.startsWith('${', at)) return at;
  }
  return text.length;
}

function endOfRegex(text: string, from: number): number {
  let inClass = false;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '[') inClass = true;
    else if (text[at] === ']') inClass = false;
    else if (text[at] === '\n' || (text[at] === '/' && !inClass)) return at;
  }
  return text.length;
}

/** A slash after an operator or a keyword begins a regular expression; after a value it divides. */
function regexMayBegin(code: readonly string[], at: number): boolean {
  // `</div>` and `<br />` of a .tsx file: what people read stands in the page's table of strings, so elements hold no text.
  if (code[at - 1] === '<' || code[at + 1] === '>') return false;
  const before = code.slice(Math.max(0, at - 40), at).join('').trimEnd();
  return before === '' || /[(,=:[!&|?{};<>+\-*%~^]$/.test(before) || /\b(?:return|typeof|case|in|of|await|yield|throw)$/.test(before);
}
