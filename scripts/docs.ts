/** Writes the documents that are made from code: `scripts/node scripts/docs.ts`. A test compares them with what this makes. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorTable } from '../src/base/errors.ts';
import { configDocument, editorSchema } from '../src/configschema.ts';
import { renderPromises } from '../src/policy/promises.ts';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Path in the project → text. */
export function documents(): ReadonlyMap<string, string> {
  return new Map([
    ['config/schema.json', editorSchema()],
    ['docs/CONFIG.md', configDocument()],
    ['docs/ERRORS.md', errorDocument()],
    ['docs/PROMISES.md', `${renderPromises().trimEnd()}\n`],
  ]);
}

function errorDocument(): string {
  const rows = Object.entries(errorTable).map(([code, row]) => `| \`${code}\` | ${row.kind} | ${cell(row.sentence)} | ${cell(row.hint)} |`);
  return [
    '# Errors\n',
    'Made from the table in `src/base/errors.ts`. Each error has a code that does not change, a sentence with what is known of the case',
    'in place of `{names}`, and a hint.\n',
    '- **refuse**: something must be changed first; trying again does not help.',
    '- **retry**: it may go through later; the hub tries again by itself.',
    '- **fault**: something is broken or was tampered with; look closer.\n',
    '| code | kind | sentence | hint |', '|---|---|---|---|', ...rows, '',
  ].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of documents()) {
    await mkdir(dirname(`${root}/${path}`), { recursive: true });
    await writeFile(`${root}/${path}`, text);
    console.log(path);
  }
}
