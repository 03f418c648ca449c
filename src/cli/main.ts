/** The `sallyport` command: which commands there are, how errors are printed, and the exit status. */
import { SallyportError, asSallyportError } from '../base/errors.ts';
import { version } from '../base/version.ts';
import { ConfigErrors } from '../config.ts';
import type { Command } from './command.ts';
import { print, printError } from './terminal.ts';

/** Loaded on demand: `sallyport list` need not wait for the emulator's modules. */
const commands: readonly { name: string; summary: string; load: () => Promise<Command> }[] = [
  { name: 'run', summary: 'run the hub', load: async () => (await import('./run.ts')).run },
  { name: 'status', summary: 'how the hub and its cameras are', load: async () => (await import('./status.ts')).status },
  { name: 'pair', summary: 'where the page is, and the code with which it begins', load: async () => (await import('./pair.ts')).pair },
  { name: 'metrics', summary: 'numbers about the hub, for Prometheus', load: async () => (await import('./metrics.ts')).metrics },
  { name: 'discover', summary: 'look for cameras', load: async () => (await import('./discover.ts')).discoverCommand },
  { name: 'adopt', summary: 'take a camera into the hub', load: async () => (await import('./adopt.ts')).adopt },
  { name: 'camera', summary: 'ask a camera, or tell it what to do', load: async () => (await import('./camera.ts')).camera },
  { name: 'talk', summary: 'speak through a camera\'s loudspeaker', load: async () => (await import('./talk.ts')).talk },
  { name: 'privacy', summary: 'pictures and sound of a space off', load: async () => (await import('./privacy.ts')).privacy },
  { name: 'secret', summary: 'give the hub a camera\'s password, or a destination\'s', load: async () => (await import('./secret.ts')).secret },
  { name: 'keys', summary: 'make the owner\'s recovery kit', load: async () => (await import('./keys.ts')).keys },
  { name: 'check', summary: 'check a configuration file', load: async () => (await import('./check.ts')).check },
  { name: 'plan', summary: 'say in words what a configuration file would change', load: async () => (await import('./check.ts')).plan },
  { name: 'accept', summary: 'the owner\'s signed yes to a change that lowers privacy', load: async () => (await import('./accept.ts')).accept },
  { name: 'list', summary: 'list what is recorded', load: async () => (await import('./list.ts')).list },
  { name: 'alarms', summary: 'what rules have kept, and its pictures', load: async () => (await import('./alarms.ts')).alarms },
  { name: 'people', summary: 'persons who agreed to be recognised: whose consent counts, and forgetting one', load: async () => (await import('./people.ts')).people },
  { name: 'play', summary: 'open footage for a player', load: async () => (await import('./play.ts')).play },
  { name: 'export', summary: 'open footage into an MP4 file', load: async () => (await import('./export.ts')).exportCommand },
  { name: 'verify', summary: 'prove that everything recorded is there and whole', load: async () => (await import('./verify.ts')).verify },
  { name: 'scrub', summary: 'read everything stored again now, and say what rotted', load: async () => (await import('./scrub.ts')).scrub },
  { name: 'database', summary: 'put a daily copy in place of a damaged working database', load: async () => (await import('./database.ts')).database },
  { name: 'rebuild', summary: 'make the catalogue anew with the recovery kit, when the database is gone', load: async () => (await import('./rebuild.ts')).rebuild },
  { name: 'restore', summary: 'bring a burnt or stolen hub back from its stores, with the recovery kit', load: async () => (await import('./restore.ts')).restore },
  { name: 'hold', summary: 'keep footage of a time longer', load: async () => (await import('./hold.ts')).hold },
  { name: 'erase', summary: 'destroy footage of a time now', load: async () => (await import('./erase.ts')).erase },
  { name: 'purge', summary: 'explain what will be deleted, and when', load: async () => (await import('./purge.ts')).purge },
  { name: 'egress', summary: 'what has left the house, where to, and what came of it', load: async () => (await import('./egress.ts')).egress },
  { name: 'promises', summary: 'what a privacy policy asks, and the proof instead', load: async () => (await import('./promises.ts')).promises },
  { name: 'processing', summary: 'the record of processing (GDPR article 30) of this hub', load: async () => (await import('./processing.ts')).processing },
  { name: 'units', summary: 'what systemd lets hub and courier reach', load: async () => (await import('./units.ts')).units },
  { name: 'emulate', summary: 'emulated ONVIF cameras, for developers', load: async () => (await import('./emulate.ts')).emulate },
];

/** sysexits.h: usage and configuration have codes of their own, so that scripts and systemd can tell them apart. */
const exitUsage = 64;
const exitConfig = 78;

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--version' || name === '-V') {
    print(`sallyport ${version}`);
    return 0;
  }
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') return help(rest[0]);
  const entry = commands.find((command) => command.name === name);
  if (entry === undefined) throw new SallyportError('SP_USAGE', { command: '', reason: `there is no command "${name}"` });
  if (rest.includes('--help') || rest.includes('-h')) return help(name);
  return (await entry.load()).run(rest);
}

async function help(name: string | undefined): Promise<number> {
  const entry = commands.find((command) => command.name === name);
  if (entry !== undefined) {
    const command = await entry.load();
    print(`sallyport ${command.name}: ${command.summary}\n\n${command.help.trim()}`);
    return 0;
  }
  print('sallyport: a home hub for security cameras that records sealed\n\nUsage: sallyport COMMAND [OPTION…]\n');
  for (const command of commands) print(`  ${command.name.padEnd(10)} ${command.summary}`);
  print('\n`sallyport COMMAND --help` tells more. Most commands take --config FILE\n(else $SALLYPORT_CONFIG, ./sallyport.toml, /etc/sallyport/sallyport.toml).');
  return 0;
}

function fail(error: unknown): number {
  if (error instanceof ConfigErrors) {
    for (const problem of error.problems) printProblem(problem);
    return exitConfig;
  }
  const known = asSallyportError(error);
  printProblem(known);
  if (known.code === 'SP_INTERNAL' && process.env['SALLYPORT_DEBUG'] === '1') console.error(error);
  if (known.code === 'SP_USAGE') return exitUsage;
  return known.code.startsWith('SP_CONFIG_') || known.code.startsWith('SP_FFMPEG_') ? exitConfig : 1;
}

function printProblem(problem: SallyportError): void {
  printError(`${problem.code}: ${problem.message}`);
  if (problem.hint !== '') printError(`  ${problem.hint}`);
}

// A reader that goes away (`sallyport list | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = fail(error);
}
