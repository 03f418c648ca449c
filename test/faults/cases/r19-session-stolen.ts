import { notHere, type FaultCase } from '../fault.ts';

const r19: FaultCase = {
  id: 'R19',
  fault: 'session cookies are guessed, replayed and fixed',
  expected: 'sessions are random, kept as hashes, and end on the server',
  run: async () => notHere('there are no sessions yet: no page is served'),
};

export default r19;
