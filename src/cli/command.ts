/**
 * The cli: the terminal's face. One file a command; each says what it takes, does it by calling a duty, a room or the hub's socket,
 * and prints. `main.ts` knows them all, prints every error the same way, and chooses the exit status.
 *
 * This file: what a command is, and the options that several share.
 */
import { homedir } from 'node:os';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { SallyportError } from '../base/errors.ts';
import { readTextBounded } from '../base/files.ts';
import { loadConfig } from '../config.ts';
import type { HubConfig } from '../policy/settings.ts';
import { Identity } from '../seal/identity.ts';

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** All of `--help` but the first line. */
  readonly help: string;
  /** Resolves to the exit status. */
  run(args: readonly string[]): Promise<number>;
}

type Options = NonNullable<ParseArgsConfig['options']>;

/** Parses strictly; what is wrong becomes SP_USAGE with the command's name. */
export function parseOptions<const O extends Options>(command: string, args: readonly string[], options: O, positionalsMax: number): ReturnType<typeof parseArgs<{ args: string[]; options: O; allowPositionals: true; strict: true }>> {
  try {
    const parsed = parseArgs({ args: joinNegativeTimes(args), options, allowPositionals: true, strict: true });
    if (parsed.positionals.length > positionalsMax) throw new Error(`"${parsed.positionals[positionalsMax]}" is too much`);
    return parsed;
  } catch (error) {
    throw new SallyportError('SP_USAGE', { command, reason: (error as Error).message.split('. To specify')[0] ?? 'the options are wrong' }, error);
  }
}

/** `--from "-10 min"` is a time before now, not an option: parseArgs takes it only as `--from=-10 min`. */
function joinNegativeTimes(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const before = joined.at(-1);
    if (/^-\d/.test(arg) && before !== undefined && /^--[a-z-]+$/.test(before)) joined[joined.length - 1] = `${before}=${arg}`;
    else joined.push(arg);
  }
  return joined;
}

export function requirePositional(command: string, value: string | undefined, what: string): string {
  if (value === undefined || value === '') throw new SallyportError('SP_USAGE', { command, reason: `${what} is missing` });
  return value;
}

export const configOption = { config: { type: 'string', short: 'c' } } as const;
export const socketOption = { ...configOption, socket: { type: 'string' } } as const;
export const dataOption = { ...configOption, data: { type: 'string' }, identity: { type: 'string', short: 'i' } } as const;

/** The configuration file that was named, else SALLYPORT_CONFIG, else ./sallyport.toml, else /etc/sallyport/sallyport.toml. */
export function configPath(named: string | undefined): string {
  if (named !== undefined) return resolve(named);
  const fromEnvironment = process.env['SALLYPORT_CONFIG'];
  if (fromEnvironment !== undefined && fromEnvironment !== '') return resolve(fromEnvironment);
  return existsSync('sallyport.toml') ? resolve('sallyport.toml') : '/etc/sallyport/sallyport.toml';
}

export async function configOf(named: string | undefined): Promise<HubConfig> {
  return (await loadConfig(configPath(named))).config;
}

export async function socketOf(values: { socket?: string | undefined; config?: string | undefined }): Promise<string> {
  return values.socket === undefined ? (await configOf(values.config)).socket : resolve(values.socket);
}

/** The data folder that was named, else the configuration's. */
export async function dataOf(values: { data?: string | undefined; config?: string | undefined }): Promise<string> {
  return values.data === undefined ? (await configOf(values.config)).data : resolve(values.data);
}

/** The age identities of the file that was named, else of SALLYPORT_IDENTITY. They are never taken from an argument's text. */
export async function identitiesOf(command: string, named: string | undefined): Promise<Identity[]> {
  const file = named ?? process.env['SALLYPORT_IDENTITY'];
  if (file === undefined || file === '') throw new SallyportError('SP_USAGE', { command, reason: 'the recovery kit is needed: --identity FILE' });
  const path = file.startsWith('~/') ? `${homedir()}${file.slice(1)}` : file;
  return Identity.parseFile(await readTextBounded(path, 2 ** 16), file);
}
