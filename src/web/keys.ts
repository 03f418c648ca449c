/** The real keys: the worker of `crypto/`, called as the pages need it. A chunk of its own. */
import workerAddress from './crypto/worker.ts?worker&url';
import { hubNow } from './hubtime.ts';
import { startCryptoWorker, type CryptoClient } from './crypto/client.ts';
import type { OwnerChange } from './crypto/ownerlist.ts';
import { restricting } from './crypto/restricting.ts';
import type { Device, Stretch } from '../api/pagecontract.ts';
import type { Keys, OpenDevice, OwnerListInHand } from './seams.ts';

let client: CryptoClient | undefined;

/** One worker a page. */
export function cryptoClient(): CryptoClient {
  client ??= startCryptoWorker(workerAddress);
  return client;
}

export function openKeys(): Keys {
  const worker = cryptoClient();
  const { ask } = worker;

  const open = async (device: Device, account: string | undefined, list: OwnerListInHand | undefined): Promise<OpenDevice> => {
    if (list === undefined) return { shape: device, spaces: [] };
    const { spaces } = await ask.openOwnerList({ ...list, ...(account === undefined ? {} : { account }) });
    return { shape: device, spaces: spaces.map(({ space }) => space) };
  };

  /** One list a change, each after the one before. */
  const signed = async (list: OwnerListInHand, account: string, changes: readonly OwnerChange[]): Promise<string[]> => {
    const lists: string[] = [];
    for (const change of changes) {
      const before = lists.at(-1);
      const inHand = before === undefined ? list : { text: before, earlier: [...list.earlier, list.text, ...lists.slice(0, -1)] };
      lists.push(await ask.nextOwnerList({ ...inHand, account, by: 'device', change, nowMs: hubNow() }));
    }
    return lists;
  };

  return {
    async stretch(passphrase: string, by?: Stretch) {
      const stretch = by ?? await ask.newStretch();
      const { half, secondHalf } = await worker.stretch(passphrase, stretch);
      return { login: { stretch, half }, second: secondHalf };
    },
    makeKit: () => ask.makeKit(hubNow()),
    takeKit: async (text) => { await ask.takeKit(text); },
    forgetKit: () => ask.forgetKit(),
    makeDevice: (name) => ask.makeDevice(name),
    ownersList: (device, known) => known === undefined
      ? ask.firstOwnerList(hubNow())
      : ask.nextOwnerList({ ...known, by: 'kit', change: { kind: 'device', device }, nowMs: hubNow() }),
    keep: ({ account, login, id }, second) => ask.saveDevice({ account, login, secondHalf: second, device: id }),
    async known(login) {
      const found = login === undefined ? (await ask.knownDevices())[0] : await ask.findDevice(login);
      return found === undefined ? undefined : { account: found.account, id: found.device ?? '' };
    },
    async unlock(account, second, list) {
      if (!(await ask.knownDevices()).some((one) => one.account === account)) return undefined;
      return open(await ask.unlock(account, second), account, list);
    },
    open,
    lock: () => ask.lock(),
    wordsOf: (device) => ask.deviceWords(device),
    forget: (account) => ask.forgetDevice(account),
    async approve(pending) {
      const { document, signature } = await ask.signApproval(pending, hubNow(), 'device');
      return { document, signature };
    },
    hold: (what, progress) => worker.hold(what, hubNow(), progress),
    release: (what) => worker.release(what, hubNow()),
    erase: (what, progress) => worker.erase(what, hubNow(), progress),
    async admit(list, account, { device, spaces, owner }) {
      if (owner) return signed(list, account, [{ kind: 'device', device }]);
      const { list: known } = await ask.openOwnerList({ ...list, account });
      const lacking = known.spaces.filter(({ name, members }) => spaces.includes(name) && !members.includes(device.recipient));
      return signed(list, account, lacking.map(({ name }) => ({ kind: 'member', space: name, recipient: device.recipient, past: false })));
    },
    async restrict(list, account, recipients, spaces) {
      const { list: known } = await ask.openOwnerList({ ...list, account });
      return signed(list, account, restricting(known, recipients, spaces));
    },
    addSpace: (list, account, name) => signed(list, account, [{ kind: 'space', name }]),
    async replaceKit(list, account) {
      const { recipient, signer } = await ask.showKit(hubNow());
      const [text = ''] = await signed(list, account, [{ kind: 'kit', recipient, signer }]);
      const confirmed = await ask.nextOwnerList({ text, earlier: [...list.earlier, list.text], account, by: 'kit', change: { kind: 'kit confirmed' }, nowMs: hubNow() });
      return { text, confirmed };
    },
    async toRenew(list, account) {
      const { list: { number } } = await ask.openOwnerList({ ...list, account });
      return { number, spaces: await ask.spacesToRenew() };
    },
    renewSlot: (slot) => ask.renewSlot(slot),
    recover: (hub, name, login, device, nowMs) => ask.signRecovery({ hub, name, login, device, madeMs: nowMs }),
  };
}
