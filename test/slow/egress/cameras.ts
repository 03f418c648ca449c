/** Emulated cameras in the home of `link.ts`, as `sallyport emulate` says what they are. */
import { join } from 'node:path';
import type { Test } from 'tap';
import { launch, type Child } from '../../../src/base/spawn.ts';
import { sallyport } from '../../e2e/site.ts';
import type { Link } from './link.ts';

export interface CameraFacts { readonly name: string; readonly address: string; readonly onvifPort: number; readonly user: string; readonly password: string; readonly serial: string; readonly urn: string; readonly scenes: { readonly main: string; readonly sub: string } }

/** @param more Of the command, besides where the cameras are and what they show. */
export async function emulatedAtHome(t: Test, link: Link, folder: string, more: readonly string[]): Promise<[Child, CameraFacts[]]> {
  const [first = '', ...rest] = [...link.atHome(), sallyport, 'emulate', '--address', '127.44.0.2', '--seconds', '3', ...more, '--folder', join(folder, 'scenes'), '--json'];
  const child = await launch(first, rest, { onErrorLine: (line) => console.error(line) });
  t.teardown(async () => { child.kill('SIGTERM'); await child.exited; });
  let text = '';
  for await (const piece of child.stdout as AsyncIterable<Buffer>) {
    text += piece.toString();
    const read = parsed(text);
    if (read !== undefined) {
      child.stdout.resume();
      return [child, read.cameras];
    }
  }
  throw new Error('the emulated cameras ended');
}

function parsed(text: string): { cameras: CameraFacts[] } | undefined {
  try {
    return JSON.parse(text) as { cameras: CameraFacts[] };
  } catch {
    return undefined;
  }
}
