/** A look for a face as the hub has it, with real decoders and a real detector, at a second of a stream that lies in a file; for tests, and for the process that `facelook-child.ts` is. */
import { readFile } from 'node:fs/promises';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { Moments } from '../../src/capture/moments.ts';
import { MediaRing } from '../../src/capture/ring.ts';
import { Detector } from '../../src/detect/client.ts';
import type { ExaminedFace } from '../../src/detect/protocol.ts';
import { FaceFinder, type FaceQuestion } from '../../src/duties/faces.ts';
import type { FrameMatch, PersonTemplates } from '../../src/policy/faces.ts';
import { take } from '../capture/clips.ts';

export interface FaceLooks {
  readonly detector: Detector;
  look(stream: string): Promise<FrameMatch | 'not looked' | undefined>;
  close(): Promise<void>;
}

/** @param onFaces Sees what the detector gave before anything is overwritten. */
export async function faceLooks(templates: () => readonly PersonTemplates[], onFaces: (faces: readonly ExaminedFace[]) => void): Promise<FaceLooks> {
  const jail = new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' });
  const detector = new Detector({ clock: systemClock, log: silentLog, jail, random: () => 0, readyMs: 120_000, answerMs: 60_000, idleMs: 600_000 });
  const moments = new Moments({ clock: systemClock, log: silentLog });
  const finder = new FaceFinder({
    detector: {
      examine: async (picture) => {
        const faces = await detector.examine(picture);
        onFaces(faces);
        return faces;
      },
    },
    moments, templates, log: silentLog,
  });
  return {
    detector,
    look: async (stream) => {
      const { inits: [init], fragments } = take(await readFile(stream));
      const ring = new MediaRing(2 ** 24);
      if (init === undefined) throw new Error(`${stream} is no stream`);
      ring.begin(init);
      for (const fragment of fragments) ring.push({ ...fragment, monotonicMs: fragment.timeMs });
      const watch = { lend: async () => ({ stream: 'main', capture: ring, release: () => {} }) } as unknown as FaceQuestion['watch'];
      const answer = await finder.look({ camera: 'front', watch, ffmpeg: 'ffmpeg', jail, atMs: 1e9, box: { x: 0.05, y: 0, width: 0.9, height: 1 } });
      ring.close();
      return answer;
    },
    close: async () => {
      await detector.close();
      await moments.close();
    },
  };
}
