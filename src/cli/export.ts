import { open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { SallyportError, reasonOf } from '../base/errors.ts';
import { fileExists, writeFileAtomic } from '../base/files.ts';
import { formatBytes, plural } from '../base/units.ts';
import { exportFootage, sha256Stream, type ExportSink } from '../duties/export.ts';
import { exportManifest, exportNamespace, manifestName, numberedName, type ExportSummary, type ExportedFile } from '../policy/exporting.ts';
import type { Identity } from '../seal/identity.ts';
import { parseOptions, requirePositional, type Command } from './command.ts';
import { farFootageHelp, farFootageOption, noteInAudit, timeOf, withFootage } from './footage.ts';
import { localTime, print, printError } from './terminal.ts';

export const exportCommand: Command = {
  name: 'export',
  summary: 'open footage into an MP4 file',
  help: `
Usage: sallyport export CAMERA --from TIME --to TIME --identity KIT [-o clip.mp4] [--force]

Writes one playable MP4 with continuous times, names the gaps, and puts a manifest beside it
(clip.mp4.manifest.json) that lists the segments it was made of, signed by your kit's key
(check: ssh-keygen -Y verify -n ${exportNamespace}). Where the camera's codec or picture
size changed, another file begins (clip-2.mp4). Nothing half-written stays.
${farFootageHelp}`,
  async run(args) {
    const { values, positionals } = parseOptions('export', args, { ...farFootageOption, from: { type: 'string' }, to: { type: 'string' }, output: { type: 'string', short: 'o' }, force: { type: 'boolean' } }, 1);
    const camera = requirePositional('export', positionals[0], 'the camera');
    const fromMs = timeOf('export', requirePositional('export', values.from, '--from'), 0);
    const toMs = timeOf('export', requirePositional('export', values.to, '--to'), 0);
    const output = resolve(values.output ?? `${camera}.mp4`);
    if (values.force !== true && (await fileExists(output))) throw new SallyportError('SP_WRITE', { file: output, reason: 'it is there already (--force overwrites)' });
    await noteInAudit(values, 'export', camera, fromMs, toMs);
    return withFootage('export', values, { camera, fromMs, toMs }, async (archive, identities) => {
      const files = new OutputFiles(output);
      try {
        const summary = await exportFootage(archive, camera, fromMs, toMs, files);
        const written = await files.finish();
        if (written.length === 0) throw summary.problems[0] ?? new SallyportError('SP_NOTHING_RECORDED', { camera, when: `from ${localTime(fromMs)} to ${localTime(toMs)}` });
        const manifest = exportManifest({ camera, fromMs, toMs, madeMs: systemClock.wallMs(), files: written, summary });
        await writeManifest(manifestName(output), manifest, identities[0] as Identity);
        report(written, summary);
        return summary.problems.length === 0 ? 0 : 1;
      } catch (error) {
        await files.discard();
        throw error;
      }
    });
  },
};

function report(written: readonly { name: string; size: number }[], summary: ExportSummary): void {
  for (const file of written) print(`${file.name}: ${formatBytes(file.size)}`);
  print(`${plural(summary.videoFragments, 'picture')} of ${plural(summary.segments.length, 'segment')}, ${summary.firstWallMs === undefined ? '' : `${localTime(summary.firstWallMs)} to ${localTime(summary.lastWallMs ?? summary.firstWallMs)}, `}${plural(summary.gaps.length, 'gap')}`);
  for (const gap of summary.gaps) print(`gap: ${localTime(gap.fromMs)} to ${localTime(gap.toMs)}: ${gap.reason}`);
  for (const problem of summary.problems) printError(`${problem.code}: ${problem.message}`);
}

async function writeManifest(path: string, manifest: string, identity: Identity): Promise<void> {
  const signer = identity.signer();
  try {
    await writeFileAtomic(path, manifest);
    await writeFileAtomic(`${path}.sig`, signer.sign(manifest, exportNamespace));
  } finally {
    signer.close();
  }
}

interface OpenFile {
  readonly path: string;
  readonly part: string;
  readonly handle: FileHandle;
  readonly hash: ReturnType<typeof sha256Stream>;
  size: number;
}

/** Files that appear whole or not at all. */
class OutputFiles implements ExportSink {
  readonly #first: string;
  readonly #done: { path: string; part: string; size: number; sha256: string }[] = [];
  #open: OpenFile | undefined;

  constructor(first: string) {
    this.#first = first;
  }

  async begin(init: Uint8Array): Promise<void> {
    await this.#end();
    const number = this.#done.length + 1;
    const path = numberedName(this.#first, number);
    const part = `${path}.part`;
    try {
      this.#open = { path, part, handle: await open(part, 'w', 0o600), size: 0, hash: sha256Stream() };
    } catch (error) {
      throw new SallyportError('SP_WRITE', { file: part, reason: reasonOf(error) }, error);
    }
    await this.write(init);
  }

  async write(bytes: Uint8Array): Promise<void> {
    const file = this.#open as OpenFile;
    try {
      await file.handle.writeFile(bytes);
    } catch (error) {
      throw new SallyportError('SP_WRITE', { file: file.part, reason: reasonOf(error) }, error);
    }
    file.size += bytes.length;
    file.hash.update(bytes);
  }

  async finish(): Promise<ExportedFile[]> {
    await this.#end();
    for (const file of this.#done) await rename(file.part, file.path);
    return this.#done.map(({ path, size, sha256 }) => ({ name: basename(path), size, sha256 }));
  }

  async discard(): Promise<void> {
    await this.#open?.handle.close().catch(() => {});
    const parts = [...this.#done.map((file) => file.part), ...(this.#open === undefined ? [] : [this.#open.part])];
    for (const part of parts) await unlink(part).catch(() => {});
  }

  async #end(): Promise<void> {
    const file = this.#open;
    if (file === undefined) return;
    this.#open = undefined;
    await file.handle.sync();
    await file.handle.close();
    this.#done.push({ path: file.path, part: file.part, size: file.size, sha256: file.hash.digest() });
  }
}
