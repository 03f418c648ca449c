/** Which devices wait for an owner's signature, as the page shows it. */
import t from 'tap';
import type { Account } from '../../src/api/pagecontract.ts';
import { strayKeys, waitingDevices } from '../../src/web/admitting.ts';

const id = 'A'.repeat(22);
const device = { id, name: 'phone', recipient: `age1${'a'.repeat(58)}`, signer: `ssh-ed25519 ${'A'.repeat(68)}`, madeMs: 0 };
const account = (role: Account['role'], spaces: string[]): Account => ({ id, role, name: 'Ada', nickname: '', picture: '', language: '', timeZone: '', spaces, names: false, madeMs: 0, devices: [device] });
const list = (homeMembers: string[], devices: object[] = []): string => JSON.stringify({ list: { spaces: [{ name: 'home', members: homeMembers }, { name: 'garden', members: [] }], devices } });

t.test('a device waits until each space that its account has is sealed to it; an owner\'s, until the list knows both its keys', async (t) => {
  const waits = (who: Account, text: string | undefined): number => waitingDevices([who], text).length;
  t.equal(waits(account('member', ['home']), undefined), 1);
  t.equal(waits(account('member', ['home']), list([])), 1);
  t.equal(waits(account('member', ['home']), list([device.recipient])), 0);
  t.equal(waits(account('member', ['home', 'garden']), list([device.recipient])), 1, 'a space was added');
  t.equal(waits(account('member', ['home', 'cellar']), list([device.recipient])), 0, 'a space that the list does not know can be signed for by nobody');
  t.equal(waits(account('owner', []), list([device.recipient])), 1, 'made an owner: it signs for nobody yet');
  t.equal(waits(account('owner', []), list([device.recipient], [{ ...device, signer: `ssh-ed25519 ${'B'.repeat(68)}` }])), 1, 'another key signs');
  t.equal(waits(account('owner', []), list([device.recipient], [device])), 0);
  t.equal(waits(account('guest', ['home']), list([])), 0);
});

t.test('a key that is of no account any more is shown, with what it opens; the kit, and whoever is there, are not', async (t) => {
  const [kit, gone, lost] = ['k', 'g', 'l'].map((letter) => `age1${letter.repeat(58)}`) as [string, string, string];
  const text = JSON.stringify({ list: {
    kit, devices: [device, { name: 'Chrome on Android', recipient: lost, signer: 'x' }],
    spaces: [{ name: 'home', members: [kit, device.recipient, lost, gone] }, { name: 'garden', members: [kit, device.recipient, lost], former: [{ recipient: 'r', members: [kit, gone], sealed: '' }] }],
  } });
  t.same(strayKeys([account('owner', [])], text), [
    { recipient: lost, name: 'Chrome on Android', signs: true, spaces: ['home', 'garden'], past: [] },
    { recipient: gone, name: undefined, signs: false, spaces: ['home'], past: ['garden'] },
  ]);
  t.same(strayKeys([account('owner', [])], undefined), []);
  t.same(strayKeys([account('owner', [])], list([device.recipient])), []);
});
