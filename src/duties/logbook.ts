/**
 * The operator's log as the page shows it: the newest lines of the day files, and no more of them than a bound. They are what the log's
 * one writer has scrubbed (`base/log.ts`): ids, no names, no secrets. The audit, which is the owner's, is another thing.
 */
import { joinPath, listFolder, readEnd } from '../base/files.ts';
import type { UnixMs } from '../base/clock.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogLine {
  readonly atMs: UnixMs;
  readonly level: LogLevel;
  readonly component: string;
  readonly camera?: string;
  readonly text: string;
  /** What else the line holds, as JSON. */
  readonly more?: string;
}

export interface LogPage {
  /** The newest first. */
  readonly lines: readonly LogLine[];
  /** Those that were met, also where their lines were not asked for. */
  readonly components: readonly string[];
  /** False: there are older lines, which were not looked at or not shown. */
  readonly whole: boolean;
}

/** So much is read for one look, in all files together. */
const bytesMax = 2 * 2 ** 20;
const textMax = 1000;
const moreMax = 2000;
const componentsMax = 100;

/** `level`: that one and worse. SP_READ. */
export async function newestLines(folder: string, { level = 'info', component, limit = 200 }: { readonly level?: LogLevel | undefined; readonly component?: string | undefined; readonly limit?: number | undefined }): Promise<LogPage> {
  const names = (await listFolder(folder)).filter((name) => /^\d{8}\.log$/.test(name)).reverse();
  const lines: LogLine[] = [];
  const components = new Set<string>();
  let left = bytesMax;
  let whole = true;
  for (const name of names) {
    if (left <= 0 || lines.length >= limit) {
      whole = false;
      break;
    }
    const end = await readEnd(joinPath(folder, name), left);
    left -= end.bytes.length;
    const texts = end.bytes.toString('utf8').split('\n');
    // A file that was not read from its beginning begins with half a line.
    if (!end.whole) texts.shift();
    whole &&= end.whole;
    for (const text of texts.reverse()) {
      const line = lineOf(text);
      if (line === undefined) continue;
      if (components.size < componentsMax) components.add(line.component);
      if (logLevels.indexOf(line.level) < logLevels.indexOf(level) || (component !== undefined && line.component !== component)) continue;
      if (lines.length < limit) lines.push(line);
      else whole = false;
    }
  }
  return { lines, components: [...components].toSorted(), whole };
}

/** Undefined for what is no line of ours: a part of one that was being written when the machine stopped. */
function lineOf(text: string): LogLine | undefined {
  const parsed = parse(text);
  const { time, level, component, camera, msg, ...more } = parsed ?? {};
  const atMs = Date.parse(String(time));
  const known = logLevels.find((one) => one === level) ?? (level === 'fatal' ? 'error' : undefined);
  if (Number.isNaN(atMs) || known === undefined) return undefined;
  const rest = Object.keys(more).length === 0 ? undefined : JSON.stringify(more).slice(0, moreMax);
  return {
    atMs, level: known, component: typeof component === 'string' ? component.slice(0, 40) : 'hub', text: String(msg ?? '').slice(0, textMax),
    ...(typeof camera === 'string' ? { camera: camera.slice(0, 40) } : {}), ...(rest === undefined ? {} : { more: rest }),
  };
}

function parse(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
