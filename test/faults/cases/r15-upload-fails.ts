import { notHere, type FaultCase } from '../fault.ts';

const r15: FaultCase = {
  id: 'R15',
  fault: 'the far store is down, slow, full, lies or breaks off',
  expected: 'the queue is bounded, goes on by ranges, and nothing here is deleted before the far copy is verified',
  run: async () => notHere('a hub whose stores stall and refuse is tried in test/courier/hub.test.ts, the courier by itself in test/slow/courierfaults.test.ts'),
};

export default r15;
