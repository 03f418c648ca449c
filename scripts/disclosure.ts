/**
 * Writes docs/DISCLOSURE.md: `scripts/node scripts/disclosure.ts`. What could open a socket, start a program or touch a file, by whose word it may, and what
 * leaves the house. It is made of the house plan, of the packages that lie in node_modules (their code is read), and of the schemas of what may leave;
 * `test/slow/disclosure.test.ts` makes it anew, and compares it with what a hub and a courier do at work.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ObjectClass } from '../src/outbox/orders.ts';
import type { DestinationKind } from '../src/policy/declared.ts';
import { harmlessModules, modules } from '../test/house/plan.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Locked { readonly version: string; readonly dev?: boolean; readonly dependencies?: Readonly<Record<string, string>>; readonly optionalDependencies?: Readonly<Record<string, string>> }

/** What of Node, or of a browser, opens something. */
const opening: ReadonlyMap<string, string> = new Map([
  ['net', 'socket'], ['tls', 'socket'], ['http', 'socket'], ['https', 'socket'], ['http2', 'socket'], ['dgram', 'socket'], ['dns', 'names'], ['dns/promises', 'names'], ['child_process', 'program'], ['cluster', 'program'],
  ['worker_threads', 'thread'], ['fs', 'file'], ['fs/promises', 'file'], ['vm', 'code'], ['module', 'code'], ['inspector', 'code'],
]);
const asked = new RegExp(`(?:require\\s*\\(\\s*|from\\s*|import\\s*\\(?\\s*)['"](?:node:)?(${[...opening.keys()].join('|')})['"]`, 'g');

/** Programs that hub, courier and command line start, and who starts them. */
export const programs: readonly (readonly [name: string, what: string])[] = [
  ['native/build/jail', 'locks a process up and becomes the program that follows it: each ffmpeg, the detector, the courier'],
  ['ffmpeg', 'reads one camera, or decodes what it is given (`capture/`), in the jail: one TCP port, no file'],
  ['ffprobe', 'says which version of ffmpeg there is (`capture/`)'],
  ['node', 'the hub, the courier, the detector; nothing else is run by it'],
  ['native/build/notify', 'tells systemd that the hub runs (`base/notify.ts`)'],
  ['getent', 'resolves names for `sallyport units`, by hand or at its service; never for hub or courier'],
];

const destinationsOf: Readonly<Record<DestinationKind, string>> = {
  folder: 'sealed objects; a disk or a mounted folder, no socket of ours', webdav: 'sealed objects', s3: 'sealed objects',
  ntfy: 'messages of closed fields: kind of notice, a camera\'s alias, time, a random id; and, where the owner said `picture = true`, an alarm\'s small picture, sealed to its day\'s key', webhook: 'the same, signed',
  mqtt: 'the same closed fields, never a picture, and each camera\'s state: whether it runs, is private, sees something; where the owner said `commands = true`, what comes back may make spaces private and turn cameras to saved places',
};

const classesOf: Readonly<Record<ObjectClass, string>> = {
  segment: 'footage of about a minute, sealed to its hour\'s key', hold: 'a second header of footage that is kept longer, 168 bytes', hours: 'the list of an hour\'s footage, sealed to the same key',
  keyring: 'sealed slots, where the owner said `slots = "far"`', picture: 'the pictures of an alarm, sealed to its day\'s key',
};

/** Package path in node_modules → what its code asks for. */
export function openersIn(packages: Readonly<Record<string, Locked>>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [path, { dev }] of Object.entries(packages)) {
    if (path === '' || dev === true || !existsSync(join(root, path))) continue;
    const what = new Set<string>();
    for (const entry of readdirSync(join(root, path), { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name).slice(root.length + path.length);
      if (!entry.isFile() || file.includes('node_modules/') || /(^|\/)(tests?|__tests__|benchmarks?|examples?)\//.test(file)) continue;
      if (file.endsWith('.node')) what.add('native code');
      if (!/\.[cm]?js$/.test(file)) continue;
      const text = readFileSync(join(entry.parentPath, entry.name), 'latin1');
      for (const [, name] of text.matchAll(asked)) what.add(opening.get(name ?? '') ?? '');
      if (/\bnew WebSocket\b/.test(text)) what.add('socket');
      // A call of the global one; what is called so and belongs to something is another.
      if (/(?<![\w.#])(?<!async |function )fetch\s*\(/.test(text)) what.add('fetch');
    }
    if (what.size > 0) found.set(path, [...what].toSorted());
  }
  return found;
}

/** Which of the project's own dependencies bring a package in, by its path. */
function broughtBy(packages: Readonly<Record<string, Locked>>): Map<string, string[]> {
  const resolve = (from: string, name: string): string | undefined => {
    for (let at = from; ; at = at.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, '')) {
      const path = `${at === '' ? '' : `${at}/`}node_modules/${name}`;
      if (packages[path] !== undefined) return path;
      if (at === '') return undefined;
    }
  };
  const brought = new Map<string, string[]>();
  const direct = packages['']?.dependencies ?? {};
  for (const name of Object.keys(direct)) {
    const seen = new Set<string>();
    const visit = (path: string | undefined): void => {
      if (path === undefined || seen.has(path)) return;
      seen.add(path);
      brought.set(path, [...(brought.get(path) ?? []), name]);
      for (const other of Object.keys({ ...packages[path]?.dependencies, ...packages[path]?.optionalDependencies })) visit(resolve(path, other));
    };
    visit(`node_modules/${name}`);
  }
  return brought;
}

export function disclosure(): string {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, Locked> };
  const openers = openersIn(packages);
  const brought = broughtBy(packages);
  const direct = Object.keys(packages['']?.dependencies ?? {}).toSorted();
  const ruleOf = (name: string) => modules.find((rule) => rule.names.some((one) => one === name || one.startsWith(`${name}/`)));
  const place = (only: readonly string[]): string => (only.length === 0 ? 'nobody' : only.map((one) => `\`${one}\``).join(', '));
  const others = [...openers].filter(([path]) => !direct.includes(path.slice('node_modules/'.length)));
  return [
    '# What could open something, and what leaves\n',
    'Made by `scripts/disclosure.ts` of the house plan (`test/house/plan.ts`), of the code of the packages themselves, and of the schemas of what may leave. Every import is checked by',
    'the linter and by `test/house`; `test/slow/disclosure.test.ts` makes this page anew and compares it with what hub and courier do; `test/slow/egress.test.ts` looks at the packets. `sallyport processing` says the same of a hub\'s own configuration.',
    'What stands in an SBOM: `scripts/node scripts/sbom.ts` (CycloneDX, of all that package-lock.json has).\n',
    '## Of Node itself\n', 'Of `node:` only what stands here, and what touches nothing outside of the process.\n', '| module | who alone may import it | because |', '|---|---|---|',
    ...modules.filter(({ names }) => names[0]?.startsWith('node:')).map(({ names, only, because, harmless }) => `| ${names.map((name) => `\`${name}\``).join(', ')} | ${place(only)}${harmless === undefined ? '' : ` (all: ${harmless.map((one) => `\`${one}\``).join(', ')})`} | ${because} |`),
    '', `Touching nothing: ${harmlessModules.map((name) => `\`${name}\``).join(', ')}. The global \`fetch\` is used by nobody but the page in a visitor's browser; the linter refuses it elsewhere.\n`,
    '## Packages that the project names\n', 'The second column is what their code asks of the machine, anywhere in it, whether we call that or not.\n', '| package | its code could open | who alone imports it | because |', '|---|---|---|---|',
    ...direct.map((name) => {
      const rule = ruleOf(name);
      return `| \`${name}\` | ${openers.get(`node_modules/${name}`)?.join(', ') ?? 'nothing'} | ${place(rule?.only ?? [])} | ${rule?.because ?? ''} |`;
    }),
    '', '## Packages that these bring\n', 'Of the others that come along, those whose code could open something; all stand in the SBOM.\n', '| package | its code could open | brought by |', '|---|---|---|',
    ...others.map(([path, what]) => `| \`${path.slice('node_modules/'.length)}\` | ${what.join(', ')} | ${(brought.get(path) ?? []).map((one) => `\`${one}\``).join(', ')} |`),
    '', '## Programs that are started\n', '| program | what for |', '|---|---|', ...programs.map(([name, what]) => `| \`${name}\` | ${what} |`),
    '', '## What leaves the house\n', 'Nothing, until a `[[destination]]` is declared and an owner has said yes to it. Then, by the courier alone, to that destination alone:\n', '| kind | what goes there |', '|---|---|',
    ...Object.entries(destinationsOf).map(([kind, what]) => `| \`${kind}\` | ${what} |`),
    '', '| class of an object | what it is |', '|---|---|', ...Object.entries(classesOf).map(([name, what]) => `| \`${name}\` | ${what} |`),
    '', 'Names that are asked for: the declared destinations\' own. No other name, no time server, no look for a new version, no count of installations.', '',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(join(root, 'docs/DISCLOSURE.md'), disclosure());
