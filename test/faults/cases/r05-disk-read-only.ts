import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { notHere, type FaultCase } from '../fault.ts';
import { Acknowledged } from '../kit/acknowledged.ts';
import { LoopDisk, whyNoDisk } from '../kit/disk.ts';
import { withSite } from '../kit/faultsite.ts';
import { untilAllRecord } from '../kit/hub.ts';
import { loseDisk } from '../kit/lostdisk.ts';

const readOnly: FaultCase = {
  id: 'R5',
  fault: 'the kernel meets an error on the disk and makes it read-only while the hub records; later it is checked (e2fsck) and mounted anew, the hub running all the time',
  expected: 'the cameras stay watched, the owner is told, no acknowledged segment is lost, and recording goes on by itself when the disk can be written again, the time between in gap rows',
  limitMs: { quick: 150_000, all: 500_000 },
  run: async (o) => {
    const why = whyNoDisk();
    if (why !== undefined) return notHere(why);
    await mkdir(join(o.folder, 'data'));
    const disk = await LoopDisk.make(join(o.folder, 'disk.img'), 256, join(o.folder, 'data'));
    return withSite(o, { cameras: 2 }, async (site) => {
      const acknowledged = new Acknowledged(site.data);
      await untilAllRecord(o, site);
      return loseDisk(o, site, acknowledged, o.quick ? 1 : 6, { lose: () => disk.fail(), bringBack: () => disk.repair() });
    });
  },
};

export default readOnly;
