import { notHere, type FaultCase } from '../fault.ts';

const r18: FaultCase = {
  id: 'R18',
  fault: '10,000 passwords are tried at the login',
  expected: 'each try is slow, the account and the address are slowed down, the recovery kit is never locked out',
  run: async () => notHere('there is no login yet: the one door is the control socket, which only its user may open (R16 and R24 try it)'),
};

export default r18;
