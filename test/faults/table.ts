/** The table: on the terminal, and in docs/RELIABILITY.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Result, Row } from './result.ts';

const begin = '<!-- written by scripts/faults --table: begin -->';
const end = '<!-- written by scripts/faults --table: end -->';

export function printTable(rows: readonly Row[]): void {
  console.log('');
  for (const row of rows) {
    console.log(`${row.id.padEnd(12)} ${row.fault}`);
    for (const [name, text] of [['injected', row.injected], ['expected', row.expected], ['lost', row.lost], ['recovery', row.recovery === '' ? '' : `${row.recovery} (median / worst)`], ['figures', row.figures], ['verdict', row.verdict.replaceAll('**', '')]]) {
      if (text !== '') console.log(`${' '.repeat(13)}${name}: ${text}`);
    }
  }
  console.log('');
}

/** Replaces what stands between the two marks; the rest of the page is written by hand. A row of which these results know nothing stays as it is. */
export function writeReliability(root: string, rows: readonly Row[], results: readonly Result[]): void {
  const page = join(root, 'docs', 'RELIABILITY.md');
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to === -1) throw new Error(`${page} lacks the marks between which the table stands`);
  const before = text.slice(from, to);
  const machines = [...new Set([...(/^Machine: (.*)\.$/m.exec(before)?.[1]?.split('; ') ?? []), ...results.map(({ machine }) => machine)])];
  const [faults, figures] = [linesById(before, 0), linesById(before, 1)];
  writeFileSync(page, `${text.slice(0, from)}${begin}\n\nMachine: ${machines.join('; ')}.\n\n${markdown(rows, faults)}\n\n${commands(rows, figures)}\n\n${text.slice(to)}`);
}

/** The lines of the first or the second table of the page. */
function linesById(text: string, table: 0 | 1): ReadonlyMap<string, string> {
  const lines = (text.split(/\n\n(?=\| \| )/)[table + 1] ?? '').split('\n').filter((line) => /^\| [^|\s]/.test(line));
  return new Map(lines.map((line) => [line.split(' | ')[0]?.slice(2) ?? '', line]));
}

function markdown(rows: readonly Row[], before: ReadonlyMap<string, string>): string {
  return [
    '| | fault | injected | expected | lost | recovery, median / worst | verdict |',
    '|---|---|---|---|---|---|---|',
    ...rows.map((row) => (row.date === '' ? before.get(row.id) : undefined) ?? `| ${[row.id, row.fault, row.injected, row.expected, row.lost, row.recovery, row.verdict].map(cell).join(' | ')} |`),
  ].join('\n');
}

function commands(rows: readonly Row[], before: ReadonlyMap<string, string>): string {
  return [
    '| | date | command | load per core | figures |',
    '|---|---|---|---|---|',
    ...rows.map((row) => (row.date === '' ? before.get(row.id) : undefined) ?? `| ${[row.id, row.date, row.command === '' ? '' : `\`${row.command}\``, row.load, row.figures].map(cell).join(' | ')} |`),
  ].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');
}
