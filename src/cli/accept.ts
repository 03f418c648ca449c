import { systemClock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { acceptNamespace, approvalDocument } from '../duties/consent.ts';
import type { PendingChange } from '../policy/consent.ts';
import { callHub } from './control.ts';
import { identitiesOf, parseOptions, requirePositional, socketOf, socketOption, type Command } from './command.ts';
import { print } from './terminal.ts';

export const accept: Command = {
  name: 'accept',
  summary: 'the owner\'s signed yes to a change that lowers privacy',
  help: `
Usage: sallyport accept ID --identity KIT
       sallyport accept time --identity KIT     the clock is right, although it jumped
       sallyport accept              list what waits

Prints the change, signs it with the key of your recovery kit, and the hub puts it in force.
The kit is read here and goes nowhere; the hub gets the signature.`,
  async run(args) {
    const { values, positionals } = parseOptions('accept', args, { ...socketOption, identity: { type: 'string', short: 'i' } }, 1);
    const socket = await socketOf(values);
    const { pending } = await callHub(socket, 'status', {});
    if (positionals.length === 0) {
      if (pending.length === 0) print('nothing waits');
      for (const change of pending) print(`${change.id}  ${change.text}`);
      return 0;
    }
    const id = requirePositional('accept', positionals[0], 'the change');
    const change = pending.find((candidate) => (id === 'time' ? candidate.key === 'time' : candidate.id === id));
    if (change === undefined) throw new SallyportError('SP_CHANGE_UNKNOWN', { id });
    print(change.text);
    const [identity] = await identitiesOf('accept', values.identity);
    if (identity === undefined) throw new SallyportError('SP_USAGE', { command: 'accept', reason: 'the recovery kit is needed: --identity FILE' });
    const signer = identity.signer();
    try {
      const document = approvalDocument(change as PendingChange, systemClock.wallMs());
      await callHub(socket, 'accept', { id: change.id, document, signature: signer.sign(document, acceptNamespace) });
      print('accepted; it is in force');
    } finally {
      signer.close();
      identity.close();
    }
    return 0;
  },
};
