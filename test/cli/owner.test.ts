/** `--owner`: what the owner's devices and members open with the real command line, from a copy of the data folder. */
import t from 'tap';
import { join } from 'node:path';
import { run } from '../../src/base/spawn.ts';
import { readOwnerList, slotRecipients } from '../../src/seal/owner.ts';
import { makeDevice, type Device } from '../../src/web/crypto/device.ts';
import { makeKit } from '../../src/web/crypto/kit.ts';
import { firstOwnerList, nextOwnerList } from '../../src/web/crypto/ownerlist.ts';
import { hourMs, makeWorld, openVault, record, start } from '../vault/world.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');

t.test('a device opens with the owner list, a new kit what the old one was given, and a stranger nothing', async (t) => {
  const kit = makeKit(start);
  const [phone, stranger] = [makeDevice('phone'), makeDevice('stranger')];
  const newKit = makeKit(start);
  const first = firstOwnerList(kit.identity, phone.shape, start);
  const second = nextOwnerList(first, phone.identity, { kind: 'kit', recipient: newKit.identity.recipient, signer: newKit.identity.signer }, start);
  const fileOf = ({ identity }: Pick<Device, 'identity'>): string => `${identity.reveal()}\n`;
  const folder = t.testdir({ 'owner.json': first, 'owner-2.json': second, 'kit.txt': kit.text, 'new-kit.txt': newKit.text, 'phone.txt': fileOf(phone), 'stranger.txt': fileOf(stranger) });

  const world = makeWorld(folder);
  const vault = await openVault(world);
  const recipients = slotRecipients(readOwnerList(first, 'owner.json'), 'home');
  await record(vault, await vault.preparePeriod({ camera: 'front', class: 'footage', startMs: start, endMs: start + hourMs, deadlineMs: start + 2 * hourMs, recipients }));
  await vault.close();

  const list = async (identity: string, owner?: string): Promise<{ status: number | null; said: string }> => {
    const args = ['--disable-warning=ExperimentalWarning', main, 'list', 'front', '--from', '2026-11-24T00:00:00Z', '--to', '2026-11-25T00:00:00Z', '--data', world.folder, '--identity', join(folder, identity)];
    const { status, stdout, stderr } = await run(process.execPath, [...args, ...(owner === undefined ? [] : ['--owner', join(folder, owner)])]);
    return { status, said: `${stdout}${stderr}` };
  };
  for (const [identity, owner] of [['kit.txt', undefined], ['kit.txt', 'owner.json'], ['phone.txt', 'owner.json'], ['phone.txt', 'owner-2.json'], ['new-kit.txt', 'owner-2.json']] as const) {
    t.match(await list(identity, owner), { status: 0, said: /1 segment/ }, `${identity} ${owner ?? ''}`);
  }
  for (const [identity, owner] of [['phone.txt', undefined], ['new-kit.txt', undefined], ['new-kit.txt', 'owner.json'], ['stranger.txt', 'owner.json']] as const) {
    const { status, said } = await list(identity, owner);
    t.not(status, 0, `${identity} ${owner ?? ''}`);
    t.match(said, /opens nothing/);
  }
});
