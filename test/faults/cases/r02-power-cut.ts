import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { notHere, type FaultCase } from '../fault.ts';
import { Acknowledged } from '../kit/acknowledged.ts';
import { auditSite } from '../kit/audit.ts';
import { LoopDisk, whyNoDisk } from '../kit/disk.ts';
import { withSite } from '../kit/faultsite.ts';
import { pause, startAndRecord, untilAllRecord } from '../kit/hub.ts';
import { lossSince } from '../kit/pictures.ts';
import { repeat } from '../kit/repeat.ts';
import { UnsyncedWriter } from '../kit/unsynced.ts';
import { median, seconds } from '../result.ts';

const diskMegabytes = 512;
const framesPerSecond = 15;
/** Open segments are synced every 5 s; the chunk that was not full and what was on its way come on top. */
const secondsLostMax = 6;

const cut: FaultCase = {
  id: 'R2',
  fault: 'the power is cut at random moments: the disk takes nothing more and forgets what was not synced (ext4, EXT4_IOC_SHUTDOWN without flushing the log)',
  expected: 'no acknowledged segment lost, no row without its file, no bad hash, nothing left over after the next start; of an open segment at most the last 5 s and a chunk. A writer that does not sync loses each time',
  limitMs: { quick: 200_000, all: 530_000 },
  parts: 4,
  run: async (o) => {
    const why = whyNoDisk();
    if (why !== undefined) return notHere(why);
    await mkdir(join(o.folder, 'data'));
    const disk = await LoopDisk.make(join(o.folder, 'disk.img'), diskMegabytes, join(o.folder, 'data'));
    // Longer segments than the loop of the pictures would leave it open how many pictures were lost.
    return withSite(o, { cameras: 2, emulator: { seconds: 20 } }, async (site) => {
      const recoveryMs: number[] = [];
      const pictures: number[] = [];
      const acknowledged = new Acknowledged(site.data);
      const control = new UnsyncedWriter(join(site.data, 'control'));
      await untilAllRecord(o, site);
      const times = o.quick ? 3 : 25;
      let controlLost = 0;
      const { injected, problems } = await repeat(o, 'cut', times, async (n) => {
        const livedFrom = Date.now();
        acknowledged.watch();
        await pause(o, 1000 + o.random() * 5000);
        await control.write();
        await acknowledged.stop();
        const next = site.cameras.map((camera) => camera.nextPicture);
        await disk.cut();
        await site.stop('SIGKILL');
        const diedAt = Date.now();
        await disk.unmount();
        await disk.mount();
        const found: string[] = [];
        const lost = await control.lost();
        controlLost += lost;
        if (lost === 0) found.push('it was none: a writer without fsync lost nothing');
        recoveryMs.push(await startAndRecord(o, site));
        for (const [index, camera] of site.cameras.entries()) {
          const loss = await lossSince(site, camera, next[index] as number, livedFrom, diedAt);
          if (loss === undefined) continue;
          pictures.push(loss.pictures);
          if (loss.pictures > secondsLostMax * framesPerSecond) found.push(`${camera.name} lost ${loss.pictures} pictures`);
        }
        found.push(...await auditSite(site, acknowledged));
        const { recovery } = await site.status();
        if (recovery.missing > 0) found.push(`${recovery.missing} rows without file`);
        o.say(`cut ${n} of ${times}: recording after ${Math.round(recoveryMs.at(-1) ?? 0)} ms, ${acknowledged.segments.size} acknowledged so far, the control lost ${lost}`);
        return found;
      });
      await site.stop('SIGKILL');
      await disk.unmount();
      return {
        injected,
        lost: `acknowledged segments: 0 of ${acknowledged.segments.size}; of open ones: median ${seconds((1000 * median(pictures)) / framesPerSecond)}, worst ${seconds((1000 * Math.max(...pictures)) / framesPerSecond)}`,
        recoveryMs, problems,
        figures: { 'files that the control without fsync lost': `${controlLost} of ${injected * 8}`, acknowledged: acknowledged.segments.size },
      };
    });
  },
};

export default cut;
