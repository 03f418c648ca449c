/**
 * The service descriptions by which foreign judges know ONVIF: those beside the repository, as ONVIF publishes them. Media2 is judged where
 * `media2.wsdl` lies among them, with an `onvif.xsd` of its age, or with an older one and the types that it lacks in `media2-types.xsd`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

const folder = new URL('../../../shared/fixtures/onvif-wsdl/', import.meta.url).pathname;

/** Why nothing can be judged; false where it can. */
export const noWsdl: string | false = existsSync(join(folder, 'devicemgmt.wsdl')) ? false : `no service descriptions in ${folder}`;

/** Why Media2 cannot be judged; false where it can. */
export const noMedia2: string | false = noWsdl === false ? missingForMedia2() : noWsdl;

/** Copies the descriptions to a folder of the caller's, where they find each other without a network. */
export async function copyWsdl(to: string): Promise<void> {
  const names = readdirSync(folder);
  for (const name of names) await writeFile(join(to, name), atHome(name, readFileSync(join(folder, name), 'utf8'), names.includes('media2-types.xsd')));
}

function atHome(name: string, text: string, moreTypes: boolean): string {
  if (name === 'media2.wsdl') return text.replaceAll(/schemaLocation="([^"]*)"/g, (_, place: string) => `schemaLocation="./${basename(place)}"`);
  if (name === 'onvif.xsd' && moreTypes) return text.replace('<xs:import ', '<xs:include schemaLocation="./media2-types.xsd"/><xs:import ');
  return text;
}

function missingForMedia2(): string | false {
  if (!existsSync(join(folder, 'media2.wsdl'))) return `Media2 is not judged: no media2.wsdl in ${folder}`;
  const known = new Set(readdirSync(folder).filter((name) => name.endsWith('.xsd')).flatMap((name) => namesIn(name, /<xs:(?:simple|complex)Type name="(\w+)"/g)));
  const unknown = [...new Set(namesIn('media2.wsdl', /(?:type|base)="tt:(\w+)"/g))].filter((name) => !known.has(name));
  return unknown.length === 0 ? false : `Media2 is not judged: onvif.xsd in ${folder} is older than media2.wsdl and has no ${unknown.join(', ')}`;
}

function namesIn(file: string, pattern: RegExp): string[] {
  return [...readFileSync(join(folder, file), 'utf8').matchAll(pattern)].map(([, name = '']) => name);
}
