import { notHere, type FaultCase } from '../fault.ts';

const r23: FaultCase = {
  id: 'R23',
  fault: 'TLS on the local network is attacked',
  expected: 'TLS 1.3 only, a certificate of the hub\'s own, pinned when a device is paired',
  run: async () => notHere('no port is opened yet that TLS could guard: the hub listens on a unix socket only'),
};

export default r23;
