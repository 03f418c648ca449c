import { systemClock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { formatBytes, parseDuration } from '../base/units.ts';
import { holdNamespace, wishDocument } from '../duties/wishes.ts';
import { callHub } from './control.ts';
import { identitiesOf, parseOptions, requirePositional, socketOf, type Command } from './command.ts';
import { timeOf, withArchive } from './footage.ts';
import { handOver, signWith } from './headers.ts';
import { hubWords, localTime, print, printJson, printTable } from './terminal.ts';

const labelMax = 100;

export const hold: Command = {
  name: 'hold',
  summary: 'keep footage of a time longer',
  help: `
Usage: sallyport hold CAMERA --from TIME --to TIME --for "30 days" --identity KIT [--label TEXT]
       sallyport hold --list [--json]
       sallyport hold --release ID --identity KIT

Keeps the segments of that time beyond their hour: your kit opens each here and seals its key a second time, to
a key that lasts as long as you say; the segments themselves are not written again. Keeping longer lowers
privacy, so your kit signs it; it goes nowhere. What is being recorded just now has no end yet and is not held.
--release ends a hold before its time, and destroys what only it kept.

  --data FOLDER    where the hub's data folder is seen from here (else the configuration's)
Times: 2026-11-24T05:00:00Z, "2026-11-24 05:00" (local time), now, or "-10 min".`,
  async run(args) {
    const { values, positionals } = parseOptions('hold', args, {
      config: { type: 'string', short: 'c' }, socket: { type: 'string' }, data: { type: 'string' }, identity: { type: 'string', short: 'i' },
      from: { type: 'string' }, to: { type: 'string' }, for: { type: 'string' }, label: { type: 'string' }, list: { type: 'boolean' }, release: { type: 'string' }, json: { type: 'boolean' },
    }, 1);
    const socket = await socketOf(values);
    if (values.list === true) return showHolds(socket, values.json === true);
    if (values.release !== undefined) return release(socket, values.release, values.identity);
    const camera = requirePositional('hold', positionals[0], 'the camera');
    const nowMs = systemClock.wallMs();
    const fromMs = timeOf('hold', requirePositional('hold', values.from, '--from'), 0);
    const toMs = Math.min(nowMs, timeOf('hold', requirePositional('hold', values.to, '--to'), 0));
    const forMs = parseDuration(requirePositional('hold', values.for, '--for'));
    if (forMs === undefined) throw new SallyportError('SP_USAGE', { command: 'hold', reason: `"${values.for ?? ''}" is no time to keep; write "30 days"` });
    const label = values.label ?? '';
    if (label.length > labelMax) throw new SallyportError('SP_USAGE', { command: 'hold', reason: `the label has more than ${labelMax} characters` });
    return withArchive('hold', values, async (archive, identities) => {
      const document = wishDocument({ what: 'hold', camera, fromMs, toMs, untilMs: nowMs + forMs, label }, nowMs);
      const plan = await callHub(socket, 'hold', signWith('hold', identities, document, holdNamespace));
      for (const sentence of plan.sentences) print(hubWords(sentence));
      const failed = await handOver(socket, archive, plan.order, plan);
      const { sentences } = await callHub(socket, 'hold-done', { order: plan.order });
      for (const sentence of sentences) print(hubWords(sentence));
      return failed === 0 ? 0 : 1;
    }, { socket });
  },
};

async function showHolds(socket: string, json: boolean): Promise<number> {
  const { holds } = await callHub(socket, 'holds', {});
  if (json) printJson({ holds });
  else if (holds.length === 0) print('nothing is held');
  else {
    printTable(['id', 'camera', 'from', 'to', 'kept until', 'segments', 'size', 'by', 'label'], holds.map((one) => [
      one.order, one.camera, one.fromMs === undefined ? '' : localTime(one.fromMs), one.toMs === undefined ? '' : localTime(one.toMs), localTime(one.untilMs), String(one.segments), formatBytes(one.bytes), one.maker, one.label,
    ]));
  }
  return 0;
}

async function release(socket: string, order: string, named: string | undefined): Promise<number> {
  const identities = await identitiesOf('hold', named);
  try {
    const document = wishDocument({ what: 'release', order }, systemClock.wallMs());
    for (const sentence of (await callHub(socket, 'release', signWith('hold', identities, document, holdNamespace))).sentences) print(hubWords(sentence));
    return 0;
  } finally {
    for (const identity of identities) identity.close();
  }
}
