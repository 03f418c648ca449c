/** What the hub sends and a visitor's browser reads: sealed files, slots and owner lists, which must end there exactly as they end in the hub. */
import { readFileSync } from 'node:fs';
import { isSallyportError } from '../../../src/base/errors.ts';
import { Identity as HubIdentity } from '../../../src/seal/identity.ts';
import { openWhole as hubOpensWhole } from '../../../src/seal/opener.ts';
import { readOwnerList } from '../../../src/seal/owner.ts';
import { sealArmored, sealWhole } from '../../../src/seal/sealer.ts';
import { openSlot as hubOpensSlot, slotBlockBytes, slotTextBytes } from '../../../src/seal/slot.ts';
import { openWhole } from '../../../src/web/crypto/age.ts';
import { Identity } from '../../../src/web/crypto/identity.ts';
import { verifyOwnerList } from '../../../src/web/crypto/ownerlist.ts';
import { openSlot } from '../../../src/web/crypto/slot.ts';
import { byteMutators, textMutators } from '../mutate.ts';
import { expect, type Target } from '../target.ts';

const vectors = new URL('../../vectors/', import.meta.url);
const vector = (name: string): Buffer => readFileSync(new URL(name, vectors));
const [hubKit] = HubIdentity.parseFile(vector('kit.txt').toString(), 'kit.txt') as [HubIdentity];
const [kit] = Identity.parseFile(vector('kit.txt').toString(), 'kit.txt') as [Identity];
const known = vector('owner.json').toString();

/** By the first byte: what each side makes of the rest, in a form that compares. */
const readers: readonly (readonly [hub: (bytes: Buffer) => unknown, browser: (bytes: Buffer) => unknown])[] = [
  [(bytes) => hubOpensWhole(bytes, [hubKit], 'it').toString('hex'), (bytes) => Buffer.from(openWhole(bytes, [kit], 'it')).toString('hex')],
  [(bytes) => recipientIn(hubOpensSlot(bytes, [hubKit], 'it')), (bytes) => recipientIn(openSlot(bytes, [kit], 'it'))],
  [(bytes) => JSON.stringify(readOwnerList(bytes.toString(), 'it', known)), (bytes) => JSON.stringify(verifyOwnerList(bytes.toString(), known))],
];

export const browser: Target = {
  name: 'browser',
  what: 'sealed files, slots and owner lists in the browser, against the hub (src/web/crypto/)',
  bytesMax: 8192,
  longRun: 50_000,
  mutators: [
    ...textMutators(['-> X25519 ', '---', '\n', '\r\n', ' ', '-----BEGIN AGE ENCRYPTED FILE-----', '"by": "ssh-ed25519 ', '"former": []', '"devices": []', '"number": 2', '{', '}', '[', ']', 'null', '"__proto__":{"x":1}', 'AAAA', '=']),
    ...byteMutators,
  ],
  corpus: () => [
    tagged(0, sealWhole(Buffer.from('seven b'), [hubKit.recipient])), tagged(0, Buffer.from(sealArmored(Buffer.alloc(300, 5), [hubKit.recipient, hubKit.recipient]))),
    tagged(1, vector('data/keyring/keyring.1').subarray(2 * slotBlockBytes).subarray(0, slotTextBytes)),
    tagged(2, vector('owner.json')), tagged(2, vector('owner-2.json')), tagged(2, vector('owner-3.json')),
  ],
  read(bytes) {
    const [hub, browser] = readers[(bytes[0] ?? 0) % readers.length] as (typeof readers)[number];
    const [theirs, ours] = [outcome(hub, bytes.subarray(1)), outcome(browser, bytes.subarray(1))];
    expect(theirs === ours, `the browser ends as the hub: ${ours.slice(0, 80)}, not ${theirs.slice(0, 80)}`);
    return theirs.startsWith('SP_') ? theirs : `read ${theirs.length}`;
  },
};

function outcome(read: (bytes: Buffer) => unknown, bytes: Buffer): string {
  try {
    return String(read(bytes));
  } catch (error) {
    if (!isSallyportError(error) || error.kind === 'fault' && error.code === 'SP_INTERNAL') throw error;
    return error.code;
  }
}

function recipientIn({ identity, camera, class: klass, startMs }: { identity: { recipient: string; close(): void }; camera: string; class: string; startMs: number }): string {
  identity.close();
  return `${identity.recipient} ${camera} ${klass} ${startMs}`;
}

function tagged(tag: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), bytes]);
}
