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

/** Each marker that is somewhere in these folders, with the file. */
export async function findMarkers(folders: readonly string[], markers: readonly Marker[]): Promise<{ what: string; file: string }[]> {
  const looked = markers.map((marker) => ({ what: marker.what, forms: formsOf(marker) }));
  const found: { what: string; file: string }[] = [];
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      const content = await readFile(file);
      for (const { what, forms } of looked) if (forms.some((form) => content.includes(form))) found.push({ what, file });
      for (const { what, forms } of looked) if (forms.some((form) => file.includes(form.toString('latin1')))) found.push({ what, file: `the name ${entry.name}` });
    }
  }
  return found;
}
