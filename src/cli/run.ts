import { existsSync } from 'node:fs';
import { Hub } from '../hub.ts';
import { asSallyportError } from '../base/errors.ts';
import { configOption, configPath, parseOptions, type Command } from './command.ts';
import { printError } from './terminal.ts';

export const run: Command = {
  name: 'run',
  summary: 'run the hub',
  help: `
Usage: sallyport run [--config FILE] [--working-key FILE] [--quiet]

Records, watches and purges as the configuration says, until it is told to stop.
  SIGTERM, SIGINT   close the open segments and stop (under 5 s); a second one leaves at once
  SIGHUP            read the configuration again

  -c, --config FILE    the configuration file
  --working-key FILE   where the working key is, when not in the data folder
                       (else a systemd credential named working.key)
  --quiet              log to the data folder only`,
  async run(args) {
    const { values } = parseOptions('run', args, { ...configOption, 'working-key': { type: 'string' }, quiet: { type: 'boolean' } }, 0);
    // Whatever this process makes is for its user alone, also between making and chmod.
    process.umask(0o077);
    const hub = new Hub();
    const stopped = stopOnSignals(hub);
    const workingKeyFile = values['working-key'] ?? credential('working.key');
    try {
      const { SALLYPORT_OUTBOX: outbox, SALLYPORT_COURIER: courier, RUNTIME_DIRECTORY: runtime } = process.env;
      await hub.start({
        configPath: configPath(values.config),
        // The unit says so, where the courier has one of its own.
        ...(outbox === undefined ? {} : { outbox }),
        ...(courier === 'service' ? { courier } : {}),
        ...(runtime?.startsWith('/') === true && !runtime.includes(':') ? { runtime } : {}),
        ...(workingKeyFile === undefined ? {} : { workingKeyFile }),
        ...(values.quiet === true ? {} : { echo: (line: string) => void process.stderr.write(line) }),
      });
    } catch (error) {
      await hub.close().catch(() => {});
      throw error;
    }
    return stopped;
  },
};

/** Where systemd puts what `LoadCredential` names, if it is there: the unit names it also for hubs that keep the key elsewhere. */
function credential(name: string): string | undefined {
  const folder = process.env['CREDENTIALS_DIRECTORY'];
  const file = `${folder ?? ''}/${name}`;
  return folder !== undefined && existsSync(file) ? file : undefined;
}

function stopOnSignals(hub: Hub): Promise<number> {
  return new Promise((resolve) => {
    let stopping = false;
    const stop = (): void => {
      if (stopping) process.exit(1);
      stopping = true;
      hub.close().then(() => resolve(0), (error: unknown) => {
        const reasons = error instanceof AggregateError ? error.errors : [error];
        for (const reason of reasons) printError(`${asSallyportError((reason as Error).cause ?? reason).message}`);
        resolve(1);
      });
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    process.on('SIGHUP', () => {
      hub.reload().catch((error: unknown) => hub.log?.error({ component: 'hub', error: asSallyportError(error).message }, 'the configuration was not taken over'));
    });
  });
}
