import { callHub } from './control.ts';
import { parseOptions, socketOf, socketOption, type Command } from './command.ts';
import { print } from './terminal.ts';

export const metrics: Command = {
  name: 'metrics',
  summary: 'numbers about the hub, for Prometheus',
  help: `
Usage: sallyport metrics [--config FILE | --socket PATH]

Prints the hub's state in Prometheus' text format (0.0.4): for each stream how long ago a segment was
sealed, restarts, gaps, bytes; free disk, open notices. For the node exporter's textfile collector:
sallyport metrics > /var/lib/prometheus/node-exporter/sallyport.prom.part, then rename it.`,
  async run(args) {
    const { values } = parseOptions('metrics', args, socketOption, 0);
    print((await callHub(await socketOf(values), 'metrics', {})).text.trimEnd());
    return 0;
  },
};
