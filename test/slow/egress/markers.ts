/** What must not be found outside of the house, and the search for it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Marker {
  readonly what: string;
  readonly text: string;
  /** A secret between the courier and one far end, which that one is told. */
  readonly told?: true;
}

/** As it stands, and as programs write it down: in hexadecimal digits, in base64, in two bytes a letter, escaped. */
function formsOf({ text }: Marker): Buffer[] {
  const bytes = Buffer.from(text);
  const forms = [bytes, Buffer.from(bytes.toString('hex')), Buffer.from(text, 'utf16le'), Buffer.from(encodeURIComponent(text))];
  // What stands in the middle of a longer text has three ways to look in base64; its ends depend on the neighbours.
  for (const shift of [0, 1, 2]) {
    const inner = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64').slice(shift === 0 ? 0 : 4, -4).replace(/=+$/, '');
    if (inner.length >= 10) forms.push(Buffer.from(inner), Buffer.from(inner.replaceAll('+', '-').replaceAll('/', '_')));
  }
  return forms;
}

interface Looked { readonly what: string; readonly form: Buffer }

/** Each marker that is somewhere in these folders, with the file. All of them are looked for in one pass, by their first four bytes. */
export async function findMarkers(folders: readonly string[], markers: readonly Marker[]): Promise<{ what: string; file: string }[]> {
  const looked = markers.flatMap((marker) => formsOf(marker).map((form): Looked => ({ what: marker.what, form })));
  const byStart = Map.groupBy(looked, ({ form }) => form.readUInt32BE(0));
  const begins = new Uint8Array(2 ** 16);
  for (const start of byStart.keys()) begins[start >>> 16] = 1;
  const found: { what: string; file: string }[] = [];
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const content = await readFile(join(entry.parentPath, entry.name));
      const here = new Set([...foundIn(content, byStart, begins), ...foundIn(Buffer.from(entry.name), byStart, begins)]);
      for (const what of here) found.push({ what, file: join(entry.parentPath, entry.name) });
    }
  }
  return found;
}

function* foundIn(content: Buffer, byStart: ReadonlyMap<number, readonly Looked[]>, begins: Uint8Array): Generator<string> {
  if (content.length < 4) return;
  let window = content.readUInt32BE(0);
  for (let at = 0; at + 4 <= content.length; at++) {
    if (begins[window >>> 16] === 1) for (const { what, form } of byStart.get(window) ?? []) if (content.subarray(at, at + form.length).equals(form)) yield what;
    window = ((window << 8) | (content[at + 4] ?? 0)) >>> 0;
  }
}
