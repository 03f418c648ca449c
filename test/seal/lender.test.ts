/** What an owner lends, and that a hub which asks for another key gets none. */
import t from 'tap';
import { Identity } from '../../src/seal/identity.ts';
import { openLender, openLent, sealLender, sealLent } from '../../src/seal/lender.ts';
import { makeOwnerList, readOwnerList } from '../../src/seal/owner.ts';
import { sealArmored } from '../../src/seal/sealer.ts';
import { makePeriodKey } from '../../src/seal/slot.ts';

const [kit, device, door] = [Identity.generate(), Identity.generate(), Identity.generate()];

t.test('a lender opens to the kit and each device, and goes to the hub\'s door alone', (t) => {
  const lenders = [Identity.generate(), Identity.generate()];
  const sealed = lenders.map((lender) => sealLender(lender, [kit.recipient, device.recipient]));
  for (const who of [kit, device]) {
    const lent = sealLent(sealed.map((one) => openLender(one, [who])), door.recipient);
    t.same(openLent(lent, door).map(({ recipient }) => recipient), lenders.map(({ recipient }) => recipient));
    t.throws(() => openLent(lent, Identity.generate()), { code: 'SP_FACES_LEND' });
  }
  t.throws(() => openLender(sealed[0] ?? '', [Identity.generate()]), { code: 'SP_WRONG_IDENTITY' });
  t.end();
});

t.test('a hub that asks for a space\'s key, a period\'s key, or any other, is lent nothing', (t) => {
  const space = readOwnerList(makeOwnerList(kit, 0), 'the list').spaces[0]?.sealed ?? '';
  const slot = makePeriodKey({ camera: 'front', class: 'footage', startMs: 0 }, [kit.recipient, device.recipient]).slotText.toString('latin1');
  const bare = sealArmored(Buffer.from(`${Identity.generate().reveal()}\n`), [kit.recipient]);
  for (const asked of [space, slot, bare]) t.throws(() => openLender(asked, [kit]), { code: 'SP_FACES_LEND' });
  t.end();
});
