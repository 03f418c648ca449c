/**
 * The part of the house rule that a linter cannot see: imports are resolved, followed and counted.
 * `checkHouse` takes the folder that holds `src/`, so that a planted breach in a copy is found by the same code.
 */
import { readFile, readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { awaited, bannedModules, climbing, entryPoints, filesNamed, harmlessModules, mayImport, mayUse, modules, roomOf, rooms, unreachable, type Room } from './plan.ts';
import { readSource, type Source } from './source.ts';

interface Edge { readonly to: string; readonly typeOnly: boolean; readonly line: number }

interface House {
  /** Path below src/ → what it says. */
  readonly sources: ReadonlyMap<string, Source>;
  /** Path → imports of files of ours. */
  readonly edges: ReadonlyMap<string, readonly Edge[]>;
}

/** Breaches as sentences that begin with `path:line: `; none when the house stands. */
export async function checkHouse(root: string): Promise<string[]> {
  const house = await readHouse(join(root, 'src'));
  return [
    ...misplaced(house), ...climbs(house), ...foreignRooms(house), ...foreignModules(house), ...crowded(house),
    ...reached(house), ...cycles(house), ...dead(house), ...stale(house),
  ];
}

async function readHouse(folder: string): Promise<House> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => /\.[cm]?[jt]sx?$/.test(name)).sort();
  const sources = new Map<string, Source>();
  for (const name of names) sources.set(name, readSource(await readFile(join(folder, name), 'utf8')));
  const edges = new Map([...sources].map(([path, source]) => [path, source.imports
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier, typeOnly, line }) => ({ to: posix.join(posix.dirname(path), specifier).replace(/^\.\.\/src\//, ''), typeOnly, line }))]));
  return { sources, edges };
}

function misplaced({ sources }: House): string[] {
  return [...sources.keys()].flatMap((path) => {
    if (roomOf(path) === undefined) return [`${path}:1: this room is not in the house plan (test/house/plan.ts)`];
    if (!path.endsWith('.ts') && !(roomOf(path) === 'web' && path.endsWith('.tsx'))) return [`${path}:1: sources are TypeScript files that end in .ts, or in .tsx where the page is put together`];
    return /(?:^|\/)(?:utils?|helpers?|misc|common)\.tsx?$/.test(path) ? [`${path}:1: a helper gets the noun it deserves, not a drawer for everything`] : [];
  });
}

/** Ways around the import rules, as words of the code or as strings that name them. */
const ways: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/\bimport\s*\(\s*(?!['"])/, 'a computed import'],
  [/\bimport\s*\(\s*['"]_*['"]\s*[^)\s,]/, 'a computed import'],
  [/\b(?:require|createRequire)\b/, 'require'],
  [/\bgetBuiltinModule\b/, 'process.getBuiltinModule'],
  [/\bprocess\s*\??\.\s*(?:binding|_linkedBinding|dlopen|mainModule)\b/, 'process.binding'],
  [/\bprocess\s*(?:\?\.)?\[/, 'a computed member of process'],
  [/\beval\b|\bnew\s+Function\b|(?<![.\w])Function\s*\(/, 'eval'],
  [/\.\s*constructor\s*(?:\(|\.\s*constructor)/, 'a constructor taken from a value'],
  [/\bglobalThis\b|(?<![.\w])global\b/, 'globalThis'],
];
const namesOfWays = new Set(['getBuiltinModule', 'createRequire', 'binding', '_linkedBinding', 'dlopen', 'mainModule']);

function climbs({ sources }: House): string[] {
  return [...sources].flatMap(([path, source]) => [
    ...ways.flatMap(([pattern, what]) => {
      const hit = pattern.exec(source.code);
      return hit === null ? [] : [`${path}:${source.lineOf(hit.index)}: ${what}: ${climbing}`];
    }),
    ...source.strings.filter(({ text }) => namesOfWays.has(text)).map(({ text, start }) => `${path}:${source.lineOf(start)}: "${text}": ${climbing}`),
  ]);
}

function foreignRooms({ sources, edges }: House): string[] {
  return [...edges].flatMap(([path, list]) => list.flatMap(({ to, line }) => {
    if (!sources.has(to)) return [`${path}:${line}: ${to} is not there`];
    const room = rooms.get(roomOf(path) ?? '');
    return mayImport(path, to) || room === undefined ? [] : [`${path}:${line}: imports ${to}: ${room.because}`];
  }));
}

function foreignModules({ sources }: House): string[] {
  return [...sources].flatMap(([path, source]) => source.imports.filter(({ specifier }) => !specifier.startsWith('.')).flatMap(({ specifier, line }) => {
    if (bannedModules.includes(specifier)) return [`${path}:${line}: imports ${specifier}: ${climbing}`];
    if (harmlessModules.includes(specifier)) return [];
    const rule = modules.find(({ names }) => names.includes(specifier));
    if (rule === undefined) return [`${path}:${line}: imports ${specifier}: no room is named for it in the house plan (test/house/plan.ts)`];
    // Which names of it are harmless is the linter's to see.
    return rule.harmless !== undefined || mayUse(path, rule) ? [] : [`${path}:${line}: imports ${specifier}: ${rule.because}`];
  }));
}

function crowded({ sources }: House): string[] {
  return modules.filter((rule) => rule.oneFile === true).flatMap((rule) => {
    const users = [...sources].filter(([path, { imports }]) => !path.endsWith('.d.ts') && imports.some(({ specifier }) => rule.names.includes(specifier))).map(([path]) => path);
    const folders = Map.groupBy(users, (path) => roomOf(path));
    return [...folders.values()].filter((paths) => paths.length > 1).map((paths) => `${paths[1]}:1: imports ${rule.names[0]} beside ${paths[0]}: ${rule.because}`);
  });
}

/** Everything that runs when `from` runs, with the way to it. */
function reach({ edges }: House, from: string): Map<string, readonly string[]> {
  const ways = new Map<string, readonly string[]>([[from, [from]]]);
  for (const [path, way] of ways) {
    for (const { to, typeOnly } of edges.get(path) ?? []) {
      if (!typeOnly && !ways.has(to)) ways.set(to, [...way, to]);
    }
  }
  return ways;
}

function reached(house: House): string[] {
  return [...unreachable].filter(([entry]) => house.sources.has(entry)).flatMap(([entry, { rooms: forbidden, files = [], because }]) => [...reach(house, entry)]
    .filter(([path]) => forbidden.includes(roomOf(path) ?? '') || files.includes(path))
    .map(([, way]) => `${entry}:1: reaches ${way.at(-1)} by ${way.join(' → ')}: ${because}`));
}

function cycles({ edges }: House): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    const begin = way.indexOf(path);
    if (begin !== -1) found.push(`${path}:1: imports itself by ${[...way.slice(begin), path].join(' → ')}: files that need each other are one file, or miss a third`);
    if (begin !== -1 || done.has(path)) return;
    for (const { to, typeOnly } of edges.get(path) ?? []) if (!typeOnly) visit(to, [...way, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return found;
}

function dead({ sources, edges }: House): string[] {
  const imported = new Set([...edges].flatMap(([path, list]) => list.map(({ to }) => to).filter((to) => to !== path)));
  return [...sources.keys()]
    .filter((path) => !path.endsWith('.d.ts') && !entryPoints.includes(path) && !awaited.includes(path) && !imported.has(path))
    .map((path) => `${path}:1: nobody imports this file`);
}

/** A rule about a file that is gone protects nothing; rooms that are only planned are left out. */
function stale({ sources }: House): string[] {
  const present = new Set([...sources.keys()].map(roomOf));
  return filesNamed()
    .filter((path) => present.has(roomOf(path)) && !sources.has(path))
    .map((path) => `${path}:1: the house plan names this file, and it is not there`);
}

/** For documents and tests: the rooms that have files. */
export async function roomsPresent(root: string): Promise<Map<string, Room>> {
  const { sources } = await readHouse(join(root, 'src'));
  const present = new Set([...sources.keys()].map(roomOf));
  return new Map([...rooms].filter(([name]) => present.has(name)));
}
