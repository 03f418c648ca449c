/** A QR code for the terminal: black on white whatever the terminal's colours are, two rows of it in a line. */
import qrcode from 'qrcode-generator';

const quiet = 4; // modules of white around it: what the standard asks for
const [blackOnWhite, asBefore] = ['\u001b[30;107m', '\u001b[0m'];

/** Lines with their colours in them: not for `print`, which takes control characters out. */
export function qrLines(text: string): string[] {
  const code = qrcode(0, 'L');
  code.addData(text, 'Byte');
  code.make();
  const size = code.getModuleCount();
  const dark = (x: number, y: number): boolean => x >= 0 && y >= 0 && x < size && y < size && code.isDark(y, x);
  const lines: string[] = [];
  for (let y = -quiet; y < size + quiet; y += 2) {
    const cells = Array.from({ length: size + (2 * quiet) }, (_, n) => half(dark(n - quiet, y), dark(n - quiet, y + 1)));
    lines.push(`${blackOnWhite}${cells.join('')}${asBefore}`);
  }
  return lines;
}

function half(above: boolean, below: boolean): string {
  return above ? (below ? '█' : '▀') : (below ? '▄' : ' ');
}
