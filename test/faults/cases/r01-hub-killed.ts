import type { FaultCase } from '../fault.ts';
import { Acknowledged } from '../kit/acknowledged.ts';
import { auditSite } from '../kit/audit.ts';
import { withSite } from '../kit/faultsite.ts';
import { pause, startAndRecord, untilAllRecord } from '../kit/hub.ts';
import { loadPerCore, tooSlow } from '../kit/load.ts';
import { lossSince } from '../kit/pictures.ts';
import { repeat } from '../kit/repeat.ts';
import { median } from '../result.ts';

const recoveryLimitMs = 5000;
/** What may be lost of a stream: a chunk that was not full, the pipe, and what ffmpeg and the sockets held. */
const bytesLostMax = 3 * 65_536;
const picturesLostMax = 5 * 15;

const killed: FaultCase = {
  id: 'R1',
  fault: 'kill -9 of the hub at random moments, while it records',
  expected: 'no acknowledged segment lost; of an open one at most 64 KiB and what was in the pipe, or 5 s, whichever is more; started again at once, it records within 5 s',
  limitMs: { quick: 240_000, all: 530_000 },
  parts: 2,
  run: (o) => withSite(o, { cameras: 4 }, async (site) => {
    const recoveryMs: number[] = [];
    const bytes: number[] = [];
    const pictures: number[] = [];
    const acknowledged = new Acknowledged(site.data);
    await untilAllRecord(o, site);
    const times = o.quick ? 3 : 25;
    const { injected, problems } = await repeat(o, 'kill', times, async (n) => {
      const livedFrom = Date.now();
      acknowledged.watch();
      await pause(o, 1000 + o.random() * 6000);
      await acknowledged.stop();
      const next = site.cameras.map((camera) => camera.nextPicture);
      await site.stop('SIGKILL');
      const diedAt = Date.now();
      const tookMs = await startAndRecord(o, site);
      recoveryMs.push(tookMs);
      const found = tooSlow('to record again', tookMs, recoveryLimitMs);
      for (const [index, camera] of site.cameras.entries()) {
        const loss = await lossSince(site, camera, next[index] as number, livedFrom, diedAt);
        if (loss === undefined) continue;
        bytes.push(loss.bytes);
        pictures.push(loss.pictures);
        if (loss.bytes > bytesLostMax && loss.pictures > picturesLostMax) found.push(`${camera.name} lost ${loss.bytes} bytes, ${loss.pictures} pictures`);
      }
      found.push(...await auditSite(site, acknowledged));
      o.say(`kill ${n} of ${times}: recording after ${Math.round(tookMs)} ms, ${acknowledged.segments.size} segments acknowledged so far`);
      return found;
    });
    return {
      injected,
      lost: `acknowledged segments: 0 of ${acknowledged.segments.size}; of open ones per stream: median ${Math.round(median(bytes) / 1024)} KiB, worst ${Math.round(Math.max(...bytes) / 1024)} KiB`,
      recoveryMs, problems,
      figures: { 'pictures lost per stream, median': median(pictures), 'worst': Math.max(...pictures), acknowledged: acknowledged.segments.size, 'load per core at the end': loadPerCore().toFixed(1) },
    };
  }),
};

export default killed;
