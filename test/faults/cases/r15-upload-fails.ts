import { notHere, type FaultCase } from '../fault.ts';

const r15: FaultCase = {
  id: 'R15',
  fault: 'the far store is down, slow, full, lies or breaks off',
  expected: 'the queue is bounded, goes on by ranges, and nothing here is deleted before the far copy is verified',
  run: async () => notHere('nothing is uploaded yet: the courier and its outbox are not built'),
};

export default r15;
