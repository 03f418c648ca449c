/**
 * The list of all packages that this project is made with, as CycloneDX: `scripts/node scripts/sbom.ts > sbom.json`, at each release. npm makes it from
 * package-lock.json alone; here it gets the project's name, what of it goes into the page, and nothing that changes from run to run.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../src/base/spawn.ts';
import { modules } from '../test/house/plan.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Property { readonly name: string; readonly value: string }
interface Component { readonly 'bom-ref': string; readonly name: string; readonly version: string; readonly properties?: readonly Property[]; readonly [key: string]: unknown }
interface Bom { readonly metadata: { readonly component: Component; readonly [key: string]: unknown }; readonly components: readonly Component[]; readonly [key: string]: unknown }

/** Throws where npm is too old to know how (before 9.5). */
export async function sbom(): Promise<Bom> {
  const { status, stdout, stderr } = await run('npm', ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only', '--offline'], {
    folder: root, timeoutMs: 60_000, stdoutBytesMax: 2 ** 25, package: 'npm', environment: { HOME: process.env['HOME'] ?? '/nonexistent' },
  });
  if (status !== 0) throw new Error(`npm sbom: ${stderr}`);
  const made = JSON.parse(stdout.toString()) as Bom;
  const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { name: string };
  const digest = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
  const { timestamp: _now, ...metadata } = made.metadata;
  const builtIn = new Set(modules.filter((rule) => rule.built === true && !rule.names.includes('vite')).flatMap(({ names }) => names.map((one) => one.split('/').slice(0, one.startsWith('@') ? 2 : 1).join('/'))));
  return {
    ...made,
    serialNumber: `urn:uuid:${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`,
    metadata: { ...metadata, component: { ...made.metadata.component, name } },
    components: made.components.map((component) => (builtIn.has(component.name) ? { ...component, properties: [...(component.properties ?? []), { name: 'sallyport:built-into', value: 'the page' }] } : component)),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${JSON.stringify(await sbom(), undefined, 2)}\n`);
