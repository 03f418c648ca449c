/** A QR code as shapes, so that it prints sharply and needs no picture. */
import qrcode from 'qrcode-generator';

export function Qr({ text, label }: { readonly text: string; readonly label: string }) {
  const code = qrcode(0, 'M');
  // Capital letters and digits alone take two thirds of the room.
  code.addData(text, /^[0-9A-Z $%*+\-./:]+$/.test(text) ? 'Alphanumeric' : 'Byte');
  code.make();
  const size = code.getModuleCount();
  const rows = Array.from({ length: size }, (_, y) => Array.from({ length: size }, (_, x) => code.isDark(y, x) ? `M${x} ${y}h1v1h-1z` : '').join('')).join('');
  return <div class="qr"><svg viewBox={`-1 -1 ${size + 2} ${size + 2}`} role="img" aria-label={label} shape-rendering="crispEdges"><path d={rows} fill="#000" /></svg></div>;
}
