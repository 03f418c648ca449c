import { resolve } from 'node:path';
import { isSallyportError } from '../base/errors.ts';
import { fileExists } from '../base/files.ts';
import { plural } from '../base/units.ts';
import { describeConfig, loadConfig } from '../config.ts';
import { planChanges } from '../policy/plan.ts';
import { callHub } from './control.ts';
import { configOption, configPath, parseOptions, type Command } from './command.ts';
import { print } from './terminal.ts';

export const check: Command = {
  name: 'check',
  summary: 'check a configuration file',
  help: `
Usage: sallyport check [FILE]

Reads FILE and the conf.d/*.toml beside it, and names everything that is wrong with file, line, key and a hint.
Exit status 0 when all is well, 78 when not. Nothing is changed.`,
  async run(args) {
    const { values, positionals } = parseOptions('check', args, { ...configOption }, 1);
    const path = configPath(positionals[0] ?? values.config);
    const { config, files, warnings } = await loadConfig(path);
    print(`${path} is good (${plural(files.length, 'file')}, ${plural(config.cameras.length, 'camera')})`);
    for (const line of describeConfig(config)) print(`  ${line}`);
    for (const warning of warnings) print(`! ${warning}`);
    if (config.owner === undefined) print('! no owner is named, so nothing will be recorded: `sallyport keys new`');
    else if (!(await fileExists(config.owner))) print(`! the owner list ${config.owner} is not there, so nothing will be recorded`);
    return 0;
  },
};

export const plan: Command = {
  name: 'plan',
  summary: 'say in words what a configuration file would change',
  help: `
Usage: sallyport plan NEW [--config CURRENT]

Compares NEW with the configuration in force and says what would change, what waits for the owner's yes,
and what needs a restart. Nothing is changed.`,
  async run(args) {
    const { values, positionals } = parseOptions('plan', args, { ...configOption }, 1);
    const before = (await loadConfig(configPath(values.config))).config;
    const after = (await loadConfig(resolve(positionals[0] ?? 'sallyport.toml'))).config;
    const changes = planChanges(before, after);
    if (changes.length === 0) print('nothing would change');
    for (const change of changes) {
      print(`${change.text}${change.lowersPrivacy ? ' (waits for the owner\'s yes)' : ''}${change.restart ? ' (needs a restart)' : ''}`);
    }
    await sayWhatWaits(before.socket);
    return 0;
  },
};

async function sayWhatWaits(socket: string): Promise<void> {
  try {
    const { pending } = await callHub(socket, 'status', {});
    for (const change of pending) print(`waiting already: ${change.text} (sallyport accept ${change.id} --identity KIT)`);
  } catch (error) {
    if (!isSallyportError(error, 'SP_NO_DAEMON')) throw error;
  }
}
