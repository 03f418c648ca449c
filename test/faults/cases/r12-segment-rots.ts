import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { readFootage } from '../../../src/duties/footage.ts';
import { verifyFolder } from '../../../src/vault/verify.ts';
import type { TestSite } from '../../e2e/site.ts';
import type { FaultCase } from '../fault.ts';
import { withKit } from '../kit/audit.ts';
import { withSite } from '../kit/faultsite.ts';
import { repeat } from '../kit/repeat.ts';

interface Watched {
  /** By segment: how many pictures come out. */
  readonly pictures: ReadonlyMap<string, number>;
  readonly problems: readonly string[];
}

const rots: FaultCase = {
  id: 'R12',
  fault: 'one bit of a sealed segment flips, anywhere from its first byte to its last',
  expected: 'verify names the segment and no other; playing it ends at the damage with an error and never shows a wrong picture; its neighbours play whole',
  limitMs: { quick: 120_000, all: 500_000 },
  run: (o) => withSite(o, { cameras: 1 }, async (site) => {
    await site.untilSealed(6);
    const camera = site.cameras[0]?.name ?? '';
    await site.stop('SIGTERM');
    const whole = await watch(site, camera);
    const paths = [...whole.pictures.keys()];
    const times = o.quick ? 30 : 200;
    const { injected, problems } = await repeat(o, 'flip', times, async (n) => {
      const path = paths[1 + Math.floor(o.random() * (paths.length - 2))] as string;
      const file = join(site.data, 'footage', path);
      const at = await flip(file, n <= 20 ? n * 11 : undefined, o.random);
      try {
        const report = await verifyFolder({ folder: site.data });
        const damaged = await watch(site, camera);
        return [
          ...(report.problems.length === 1 && report.problems[0]?.what === path && report.problems[0].code === 'SP_SEGMENT_DAMAGED' ? [] : [`byte ${at} of ${path}: verify said ${JSON.stringify(report.problems).slice(0, 300)}`]),
          ...compare(whole, damaged, path).map((problem) => `byte ${at} of ${path}: ${problem}`),
        ];
      } finally {
        await flip(file, at, o.random);
      }
    });
    if (whole.problems.length > 0) problems.push(`before any damage: ${whole.problems.join('; ')}`);
    const { problems: left } = await verifyFolder({ folder: site.data });
    if (left.length > 0) problems.push('the test itself left damage');
    return { injected, lost: 'what lies behind the damage, in that segment only', recoveryMs: [], problems };
  }),
};

/** The lowest bit of the byte at `at`, or of one chosen at random; answers which byte. */
async function flip(file: string, at: number | undefined, random: () => number): Promise<number> {
  const handle = await open(file, 'r+');
  try {
    const { size } = await handle.stat();
    const place = Math.min(size - 1, at ?? Math.floor(random() * size));
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, place);
    byte[0] = (byte[0] ?? 0) ^ 1;
    await handle.write(byte, 0, 1, place);
    return place;
  } finally {
    await handle.close();
  }
}

function watch(site: TestSite, camera: string): Promise<Watched> {
  return withKit(site, async (archive) => {
    const pictures = new Map<string, number>();
    const problems: string[] = [];
    let path = '';
    for await (const piece of readFootage(archive, camera, 0, Date.now())) {
      if (piece.kind === 'segment') pictures.set(path = piece.segment.path, 0);
      else if (piece.kind === 'fragment') pictures.set(path, (pictures.get(path) ?? 0) + 1);
      else if (piece.kind === 'problem') problems.push(piece.error.code);
    }
    return { pictures, problems };
  });
}

function compare(whole: Watched, damaged: Watched, path: string): string[] {
  const wrong: string[] = [];
  for (const [other, count] of whole.pictures) {
    const got = damaged.pictures.get(other) ?? 0;
    if (other !== path && got !== count) wrong.push(`${other}, a neighbour, plays ${got} of ${count} pictures`);
    if (other === path && got > count) wrong.push('more pictures come out than went in');
  }
  if (damaged.problems.length !== 1) wrong.push(`playing reported ${damaged.problems.length} problems: ${damaged.problems.join(', ')}`);
  return wrong;
}

export default rots;
