/** Sealed footage, opened in the keys' worker: pictures for looking around, and clips. A chunk of its own. */
import { manifestName } from '../policy/exporting.ts';
import { ask } from './api.ts';
import { ClipFiles, type ClipFile } from './clipfiles.ts';
import type { FileHandle } from './filechoice.ts';
import { cryptoClient } from './keys.ts';
import type { Footage } from './seams.ts';

export const realFootage: Footage = {
  thumbnail: (camera, segment, periods, signal) => cryptoClient().thumbnail({ camera, stream: 'main', segment, periods }, signal),
  alarmPicture: (of, signal) => cryptoClient().alarmPicture(of, signal),
  clip: async (request, handle, onProgress, signal) => {
    const files = new ClipFiles(handle);
    try {
      return await makeClip(request, files, handle, onProgress, signal);
    } catch (error) {
      await files.discard();
      throw error;
    }
  },
};

async function makeClip(request: Parameters<Footage['clip']>[0], files: ClipFiles, handle: FileHandle | undefined, onProgress: (wallMs: number) => void, signal: AbortSignal): ReturnType<Footage['clip']> {
  const { camera, fromMs, toMs } = request;
  const name = handle?.name ?? request.name;
  await ask('noteExport', { body: { camera, fromMs, toMs }, signal });
  for await (const piece of cryptoClient().clip({ ...request, name }, signal)) {
    signal.throwIfAborted();
    if (piece.kind === 'file') await files.begin(piece.name);
    else if (piece.kind === 'bytes') {
      await files.write(piece.bytes);
      onProgress(piece.wallMs);
    } else {
      const { made } = piece;
      const beside: ClipFile[] = [[manifestName(name), made.manifest, 'application/json'], [`${manifestName(name)}.sig`, made.signature, 'text/plain']].map(([called = '', text = '', type = '']) => {
        const blob = new Blob([text], { type });
        return { name: called, size: blob.size, blob };
      });
      return { files: [...await files.finish(), ...beside], gaps: made.gaps, problems: made.problems, firstWallMs: made.firstWallMs, lastWallMs: made.lastWallMs };
    }
  }
  throw signal.reason;
}
