import t from 'tap';
import { neighbourOf, readNeighbours } from '../../src/cameras/neighbours.ts';

t.test('only neighbours that the kernel knows for certain are told', async (t) => {
  t.same([...readNeighbours(`IP address       HW type     Flags       HW address            Mask     Device
192.168.1.20     0x1         0x2         44:19:B6:49:68:e0     *        eth0
192.168.1.21     0x1         0x0         00:00:00:00:00:00     *        eth0
192.168.1.22     0x1         0x0         44:19:b6:49:68:e2     *        eth0
192.168.1.23     0x1         0x6         44:19:b6:49:68:e3     *        eth0
192.168.1.24     0x20        0x2         44:19:b6:49:68:e4     *        ib0
garbage
`)], [['192.168.1.20', '44:19:b6:49:68:e0'], ['192.168.1.23', '44:19:b6:49:68:e3']]);
  t.equal(await neighbourOf('127.0.0.1'), undefined);
});
