import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';
import { sbom } from '../../scripts/sbom.ts';

interface Locked { readonly name?: string; readonly version: string; readonly integrity?: string; readonly dev?: boolean }

t.test('the bill of materials lists exactly what the lock file has, with its checksums, and is the same each time', async (t) => {
  const { packages } = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../package-lock.json'), 'utf8')) as { packages: Record<string, Locked> };
  const [made, again] = await Promise.all([sbom(), sbom()]);
  const locked = Object.entries(packages).filter(([path]) => path !== '');
  const nameOf = (path: string): string => path.split('node_modules/').at(-1) ?? '';
  const wanted = new Set(locked.map(([path, { version }]) => `${nameOf(path)}@${version}`));
  const listed = made.components.map(({ name, version }) => `${name}@${version}`);
  t.same([...new Set(listed)].toSorted(), [...wanted].toSorted());
  t.equal(made['bomFormat'], 'CycloneDX');
  t.match(made.metadata.component, { name: 'sallyport', type: 'application' });
  const sums = new Map(locked.map(([path, { version, integrity }]) => [`${nameOf(path)}@${version}`, integrity]));
  for (const { name, version, hashes } of made.components as unknown as { name: string; version: string; hashes?: { alg: string; content: string }[] }[]) {
    const integrity = sums.get(`${name}@${version}`);
    if (integrity !== undefined) t.equal(`sha512-${Buffer.from(hashes?.find(({ alg }) => alg === 'SHA-512')?.content ?? '', 'hex').toString('base64')}`, integrity, name);
  }
  t.same(made.components.filter(({ name }) => name === 'preact').map(({ properties }) => properties?.at(-1)), [{ name: 'sallyport:built-into', value: 'the page' }]);
  t.same(again, made);
});
