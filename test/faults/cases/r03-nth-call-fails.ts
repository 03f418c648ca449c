import type { FaultCase } from '../fault.ts';
import { notHere } from '../fault.ts';
import { calls, callsPerRound, sweep, whyNoTracer, type Call, type Errno, type Sweep } from '../kit/sweep.ts';

const atOnce = 2;
const errnos: readonly Errno[] = ['EIO', 'ENOSPC'];

const nthCall: FaultCase = {
  id: 'R3',
  fault: 'each write, sync, rename, open, unlink and mkdir of the vault in turn fails once, with EIO and with ENOSPC',
  expected: 'nothing is acknowledged of which a write or a sync failed; an error of the table, no crash; the same process goes on and acknowledges again; after it, everything acknowledged is there and verify is clean',
  limitMs: { quick: 300_000, all: 530_000 },
  run: async (o) => {
    const why = await whyNoTracer();
    if (why !== undefined) return notHere(why);
    const perRound = await callsPerRound(o);
    o.say(`calls a round: ${[...perRound].map(([call, count]) => `${call} ${count}`).join(', ')}`);
    const pairs = calls.filter((call) => (perRound.get(call) ?? 0) > 0).flatMap((call) => errnos.map((errno) => [call, errno] as const));
    const points = Math.ceil((o.quick ? 100 : 540) / pairs.length);
    const sweeps: Sweep[] = [];
    const waiting = [...pairs];
    await Promise.all(Array.from({ length: atOnce }, async () => {
      for (let pair = waiting.shift(); pair !== undefined && !o.signal.aborted; pair = waiting.shift()) {
        const done = await sweep(o, pair[0], pair[1], perRound.get(pair[0]) ?? 1, points);
        sweeps.push(done);
        o.say(`${done.call} ${done.errno}: ${done.points} points (${inWords(done.places)}), ${done.acknowledged} acknowledged, ${done.problems.length} problems`);
      }
    }));
    const injected = sweeps.reduce((sum, done) => sum + done.points, 0);
    const wanted = o.quick ? 150 : 500;
    return {
      injected, lost: `acknowledged segments: 0 of ${sweeps.reduce((sum, done) => sum + done.acknowledged, 0)}`, recoveryMs: [],
      problems: [...sweeps.flatMap(({ problems }) => problems), ...(injected < wanted ? [`only ${injected} points of ${wanted} were reached`] : [])],
      figures: Object.fromEntries(calls.map((call: Call) => [call, sweeps.filter((done) => done.call === call).reduce((sum, done) => sum + done.points, 0)])),
    };
  },
};

function inWords(places: ReadonlyMap<string, number>): string {
  return [...places].map(([place, count]) => `${place} ${count}`).join(', ');
}

export default nthCall;
