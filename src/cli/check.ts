import { networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import type { StatusReport } from '../api/contract.ts';
import { asSallyportError, isSallyportError } from '../base/errors.ts';
import { fileExists } from '../base/files.ts';
import { plural } from '../base/units.ts';
import { describeConfig, loadConfig } from '../config.ts';
import { judgeKeyFile } from '../duties/keyfile.ts';
import { planChanges } from '../policy/plan.ts';
import { reachableWarnings } from '../policy/reachable.ts';
import { describeRoom, roomFor } from '../policy/room.ts';
import type { HubConfig } from '../policy/settings.ts';
import { callHub } from './control.ts';
import { diskUse } from './diskuse.ts';
import { configOption, configPath, parseOptions, type Command } from './command.ts';
import { print } from './terminal.ts';

export const check: Command = {
  name: 'check',
  summary: 'check a configuration file',
  help: `
Usage: sallyport check [FILE]

Reads FILE and the conf.d/*.toml beside it, and names everything that is wrong with file, line, key and a hint.
Says whether what is to be kept fits on the disk: as measured where a hub runs, else for cameras of 4 Mbit/s.
Also whether this machine has an address by which strangers could reach the page.
Exit status 0 when all is well, 78 when not. Nothing is changed.`,
  async run(args) {
    const { values, positionals } = parseOptions('check', args, { ...configOption }, 1);
    const path = configPath(positionals[0] ?? values.config);
    const { config, files, warnings } = await loadConfig(path);
    print(`${path} is good (${plural(files.length, 'file')}, ${plural(config.cameras.length, 'camera')})`);
    for (const line of describeConfig(config)) print(`  ${line}`);
    for (const warning of warnings) print(`! ${warning}`);
    for (const line of await roomLines(config)) print(line);
    for (const line of await keyLines(config)) print(line);
    for (const warning of reachableWarnings(config.page, Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []))) print(`! ${warning}`);
    if (config.owner === undefined) print(`! no owner list is named: nothing is recorded before ${config.page.enabled ? 'an owner has begun on the page (`sallyport pair`), or one is named' : 'one is'} (\`sallyport keys new\`)`);
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

/** Of the page's own certificate. */
async function keyLines({ page: { enabled, certificateKey } }: HubConfig): Promise<string[]> {
  if (!enabled || certificateKey === undefined) return [];
  try {
    const { refused, warning } = await judgeKeyFile(certificateKey);
    return refused !== undefined ? [`! the page will not show its own certificate: ${refused}`] : warning !== undefined ? [`! ${warning}`] : [];
  } catch (error) {
    return [`! the page will not show its own certificate: ${asSallyportError(error).message}`];
  }
}

/** Before it happens: what is kept, times what comes in, against the disk of the data folder. */
async function roomLines(config: HubConfig): Promise<string[]> {
  const disk = await diskUse(config.data);
  if (disk === undefined) return [`! the disk of ${config.data} cannot be asked how large it is`];
  const measured = await statusOf(config.socket);
  const cameras = config.cameras.filter((camera) => camera.record).map(({ id, keepMs, budgetBytes }) => {
    const known = measured?.disk.cameras?.find((camera) => camera.camera === id);
    const usedBytes = measured?.footage.find((facts) => facts.camera === id)?.bytes ?? disk.footage.get(id) ?? 0;
    return { camera: id, keepMs, usedBytes, bytesPerHour: known === undefined || known.assumed ? undefined : known.bytesPerHour, ...(budgetBytes === undefined ? {} : { budgetBytes }) };
  });
  const recorded = new Set(cameras.map(({ camera }) => camera));
  const otherBytes = [...disk.footage].filter(([camera]) => !recorded.has(camera)).reduce((sum, [, bytes]) => sum + bytes, 0);
  const fit = roomFor({ ...disk, ...config.disk, cameras, otherBytes, periodMs: config.record.periodMs });
  return [...describeRoom(fit).map((line) => `  ${line}`), ...fit.warnings.map((warning) => `! ${warning}`)];
}

async function statusOf(socket: string): Promise<StatusReport | undefined> {
  try {
    return await callHub(socket, 'status', {});
  } catch {
    return undefined; // No hub runs here: then it is taken from the configuration alone.
  }
}

async function sayWhatWaits(socket: string): Promise<void> {
  try {
    const { pending } = await callHub(socket, 'status', {});
    for (const change of pending) print(`waiting already: ${change.text} (sallyport accept ${change.id} --identity KIT)`);
  } catch (error) {
    if (!isSallyportError(error, 'SP_NO_DAEMON')) throw error;
  }
}
