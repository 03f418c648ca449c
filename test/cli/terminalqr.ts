/** Reads a QR code as a phone would: the terminal's characters become a picture, and zbar reads the picture. */
import { run } from '../../src/base/spawn.ts';

export const zbarimg = '/usr/bin/zbarimg';
const modulePixels = 6;

/** '' where there is none to be read. */
export async function readQr(lines: readonly string[]): Promise<string> {
  const { stdout } = await run(zbarimg, ['--quiet', '--raw', '-Sdisable', '-Sqrcode.enable', 'pgm:-'], { input: pictureOf(lines) });
  return stdout.toString().trim();
}

/** What a line of the code shows, without its colours, black on white and back; '' for any other line. */
export function cellsOf(line: string): string {
  const [before, after] = ['\u001b[30;107m', '\u001b[0m'];
  return line.startsWith(before) && line.endsWith(after) ? line.slice(before.length, -after.length) : '';
}

/** Binary PGM of those lines that have colours: each character is two modules, one above the other. */
export function pictureOf(lines: readonly string[]): Buffer {
  const rows = lines.flatMap((line) => {
    const cells = cellsOf(line);
    return cells === '' ? [] : [[...cells].map((cell) => cell === '▀' || cell === '█'), [...cells].map((cell) => cell === '▄' || cell === '█')];
  });
  const width = (rows[0]?.length ?? 0) * modulePixels;
  const pixels = rows.flatMap((row) => Array.from({ length: modulePixels }, () => row.flatMap((dark) => Array.from({ length: modulePixels }, () => dark ? 0 : 255))).flat());
  return Buffer.concat([Buffer.from(`P5 ${width} ${rows.length * modulePixels} 255\n`), Buffer.from(pixels)]);
}
