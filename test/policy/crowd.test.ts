import t from 'tap';
import { Crowd } from '../../src/policy/crowd.ts';

const limits = { max: 6, ofNetworkMax: 3, ofAccountMax: 2 };

t.test('the one that leaves is the oldest stranger of the most crowded network', async (t) => {
  const crowd = new Crowd<string>(limits);
  for (const [id, address] of [['a', '10.0.0.1'], ['b', '10.0.0.2'], ['c', '10.0.0.2'], ['d', '10.0.0.3'], ['e', '10.0.0.3'], ['f', '10.0.0.3']] as const) t.same(crowd.enter(id, address), { leaves: undefined });
  t.same(crowd.enter('g', '10.0.0.3'), { leaves: 'd' }, 'of its own network, which has all that it may have');
  t.same(crowd.enter('h', '10.0.0.9'), { leaves: 'e' }, 'of the most crowded one');
  t.same(crowd.enter('i', '10.0.0.9'), { leaves: 'b' });
  t.equal(crowd.size, 6);
  t.equal(crowd.ofNetwork('10.0.0.1'), 1, 'who came alone stays');
});

t.test('whoever is in stays, and of one account only so many do', async (t) => {
  const crowd = new Crowd<number>(limits);
  for (let n = 0; n < 6; n++) {
    crowd.enter(n, `10.0.0.${n}`);
    crowd.keep(n, n < 3 ? 'anna' : 'otto');
  }
  t.same(crowd.enter(6, '10.0.1.1'), { leaves: 2 }, 'the third of anna');
  t.same(crowd.enter(7, '10.0.1.2'), { leaves: 5 }, 'the third of otto');
  crowd.leave(0);
  crowd.keep(6, 'anna');
  crowd.keep(7, 'eve');
  t.same(crowd.enter(8, '10.0.1.3'), { leaves: undefined });
  crowd.keep(8, 'eve');
  t.equal(crowd.enter(9, '10.0.1.4'), 'full');
  t.equal(crowd.size, 6);
  crowd.leave(9);
  crowd.leave(8);
  t.same(crowd.enter(9, '10.0.1.4'), { leaves: undefined });
});

t.test('a house of IPv6 addresses is one network; who cannot leave now stays', async (t) => {
  const crowd = new Crowd<number>(limits, (id) => id !== 0);
  for (let n = 0; n < 3; n++) crowd.enter(n, `fd00::${n + 1}`);
  t.same(crowd.enter(3, 'fd00::9'), { leaves: 1 });
  t.same(crowd.enter(4, 'fd01::9'), { leaves: undefined });
});
