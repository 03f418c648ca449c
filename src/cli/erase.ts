import { systemClock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { secondMs } from '../base/units.ts';
import { eraseNamespace, wishDocument } from '../duties/wishes.ts';
import { callHub } from './control.ts';
import { parseOptions, requirePositional, socketOf, type Command } from './command.ts';
import { timeOf, withArchive } from './footage.ts';
import { handOver, signWith } from './headers.ts';
import { hubWords, print } from './terminal.ts';

const askEveryMs = secondMs;
/** A camera that sends no key frame is cut by limit after 90 s. */
const waitMsMax = 150 * secondMs;

export const erase: Command = {
  name: 'erase',
  summary: 'destroy footage of a time now',
  help: `
Usage: sallyport erase CAMERA --from TIME --to TIME --identity KIT [--why TEXT] [--dry-run] [--force]
       sallyport erase CAMERA --from TIME --to TIME --whole-hours --yes [--why TEXT] [--dry-run]

Shreds the keys that open something of that time, holds included. Segments go as wholes: those that touch the
time. What else these keys opened stays as long as before: your kit opens it here and seals its keys anew,
before anything is shredded. What is being recorded is closed first, and recording goes on under another key.
--dry-run says in words what would go and what would stay. --force erases although something that should stay
does not open any more.
Without a kit, --whole-hours erases every hour (or what \`period\` says) that touches the time; what is held
stays held.

  --data FOLDER    where the hub's data folder is seen from here (else the configuration's)
Times: 2026-11-24T05:00:00Z, "2026-11-24 05:00" (local time), now, or "-10 min".`,
  async run(args) {
    const { values, positionals } = parseOptions('erase', args, {
      config: { type: 'string', short: 'c' }, socket: { type: 'string' }, data: { type: 'string' }, identity: { type: 'string', short: 'i' },
      from: { type: 'string' }, to: { type: 'string' }, why: { type: 'string' }, 'whole-hours': { type: 'boolean' }, yes: { type: 'boolean' }, force: { type: 'boolean' }, 'dry-run': { type: 'boolean' },
    }, 1);
    const camera = requirePositional('erase', positionals[0], 'the camera');
    const nowMs = systemClock.wallMs();
    const fromMs = Math.round(timeOf('erase', requirePositional('erase', values.from, '--from'), 0));
    const toMs = Math.round(Math.min(nowMs, timeOf('erase', requirePositional('erase', values.to, '--to'), 0)));
    const why = values.why ?? 'at the owner\'s wish';
    const whole = values['whole-hours'] === true;
    const socket = await socketOf(values);
    if (values['dry-run'] === true) {
      for (const sentence of (await callHub(socket, 'erase-look', { camera, fromMs, toMs, whole })).sentences) print(hubWords(sentence));
      return 0;
    }
    if (whole) {
      if (values.yes !== true) throw new SallyportError('SP_USAGE', { command: 'erase', reason: '--whole-hours destroys without the owner\'s kit: look with --dry-run, then say --yes' });
      const { order } = await callHub(socket, 'erase-hours', { camera, fromMs, toMs, why });
      await planWhenClosed(socket, order);
      return finish(socket, order, false);
    }
    return withArchive('erase', values, async (archive, identities) => {
      const document = wishDocument({ what: 'erase', camera, fromMs, toMs, why }, nowMs);
      const { order } = await callHub(socket, 'erase', signWith('erase', identities, document, eraseNamespace));
      const plan = await planWhenClosed(socket, order);
      await handOver(socket, archive, order, plan);
      return finish(socket, order, values.force === true);
    }, { socket });
  },
};

/** Once what is being recorded is closed. */
async function planWhenClosed(socket: string, order: string): ReturnType<typeof callHub<'erase-plan'>> {
  const untilMs = systemClock.monotonicMs() + waitMsMax;
  for (;;) {
    const plan = await callHub(socket, 'erase-plan', { order });
    if (plan.open === 0) {
      for (const sentence of plan.sentences) print(hubWords(sentence));
      return plan;
    }
    if (systemClock.monotonicMs() > untilMs) throw new SallyportError('SP_ERASE', { reason: 'what is being recorded did not come to an end' });
    await systemClock.sleep(askEveryMs);
  }
}

async function finish(socket: string, order: string, force: boolean): Promise<number> {
  for (const sentence of (await callHub(socket, 'erase-done', { order, force })).sentences) print(hubWords(sentence));
  return 0;
}
