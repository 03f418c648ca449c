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

/** Replaces what stands between the two marks; the rest of the page is written by hand. */
export function writeReliability(root: string, rows: readonly Row[], results: readonly Result[]): void {
  const page = join(root, 'docs', 'RELIABILITY.md');
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to === -1) throw new Error(`${page} lacks the marks between which the table stands`);
  const machines = [...new Set(results.map(({ machine }) => machine))];
  writeFileSync(page, `${text.slice(0, from)}${begin}\n\nMachine: ${machines.join('; ')}.\n\n${markdown(rows)}\n\n${commands(rows)}\n\n${text.slice(to)}`);
}

function markdown(rows: readonly Row[]): string {
  return [
    '| | fault | injected | expected | lost | recovery, median / worst | verdict |',
    '|---|---|---|---|---|---|---|',
    ...rows.map((row) => `| ${[row.id, row.fault, row.injected, row.expected, row.lost, row.recovery, row.verdict].map(cell).join(' | ')} |`),
  ].join('\n');
}

function commands(rows: readonly Row[]): string {
  return [
    '| | date | command | load per core | figures |',
    '|---|---|---|---|---|',
    ...rows.map((row) => `| ${[row.id, row.date, row.command === '' ? '' : `\`${row.command}\``, row.load, row.figures].map(cell).join(' | ')} |`),
  ].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');
}
