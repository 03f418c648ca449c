/**
 * The linter's rules: what is wrong anywhere, and, room by room, the house plan of `test/house/plan.ts`, each rule with its reason.
 * Run by `scripts/node node_modules/oxlint/bin/oxlint --deny-warnings` (part of `scripts/test`). What a linter cannot see
 * (computed imports, what an entry point reaches, cycles) is checked by `test/house/rules.ts`.
 */
import { bannedModules, climbing, filesNamed, mayUse, modules, openedBy, roomOf, rooms, type Room } from './test/house/plan.ts';

const givenClock = 'time is a parameter here: take a Clock, which tests move';
const speaks = 'only egress/, in the courier, speaks to the world';
/** The page's browser speaks to its own hub and to nobody else (the hub's content security policy sees to it). */
const speakers = ['egress', 'web'];
/** Rooms of one file at the top. */
const entries = ['hub', 'courier', 'detector'];

interface Override { files: string[]; rules: Record<string, unknown> }

/** A later override replaces an earlier one, so the files with rules of their own come last and carry the whole list. */
const overrides: Override[] = [
  ...[...rooms.keys()].map((room) => ({ files: filesOf(room), rules: rulesFor(sampleOf(room)) })),
  ...filesNamed().map((file) => ({ files: [`src/${file}`], rules: rulesFor(file) })),
];

export default {
  plugins: ['typescript', 'unicorn', 'oxc', 'promise', 'node'],
  categories: { correctness: 'error', suspicious: 'error' },
  rules: {
    'eqeqeq': 'error',
    'no-eval': 'error',
    'no-implied-eval': 'error',
    'no-new-func': 'error',
    'no-var': 'error',
    'prefer-const': 'error',
    'typescript/ban-ts-comment': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-namespace': 'error',
    'typescript/no-require-imports': 'error',
    'unicorn/prefer-node-protocol': 'error',
    // Taste, or wrong about this code.
    'no-shadow': 'off',
    'no-underscore-dangle': 'off',
    'no-unmodified-loop-condition': 'off',
    'promise/always-return': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'unicorn/no-array-reverse': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/require-post-message-target-origin': 'off',
  },
  overrides,
};

function rulesFor(file: string): Record<string, unknown> {
  const room = roomOf(file) as string;
  const { because, clockGiven } = rooms.get(room) as Room;
  const opened = openedBy(file);
  const paths = [
    ...bannedModules.map((name) => ({ name, message: climbing })),
    ...modules.filter((rule) => !mayUse(file, rule)).flatMap((rule) => rule.names.map((name) => ({
      name, message: rule.because, ...(rule.harmless === undefined ? {} : { allowImportNames: rule.harmless }),
    }))),
  ];
  const patterns = [...rooms.keys()]
    .filter((other) => !opened.includes(other))
    .map((other) => ({ group: importsOf(other, opened), message: `${because} (${room} does not import ${other})` }));
  return {
    'no-restricted-imports': ['error', { paths, patterns }],
    'no-restricted-globals': ['error', ...globalsFor(room, clockGiven)],
    'no-restricted-properties': ['error', ...propertiesFor(clockGiven)],
  };
}

function filesOf(room: string): string[] {
  if (room === 'config') return ['src/config*.ts'];
  return entries.includes(room) ? [`src/${room}.ts`] : [`src/${room}/**`];
}

/** A path of the room that no table names. */
function sampleOf(room: string): string {
  if (room === 'config') return 'configany.ts';
  return entries.includes(room) ? `${room}.ts` : `${room}/any.ts`;
}

/** How an import of that room is written, less the single files of it that are opened. */
function importsOf(room: string, opened: readonly string[]): string[] {
  if (room === 'config') return ['**/config.ts', '**/configcheck.ts', '**/configlines.ts', '**/configschema.ts'];
  if (entries.includes(room)) return [`**/${room}.ts`];
  return [`**/${room}/**`, ...opened.filter((place) => place.startsWith(`${room}/`)).map((place) => `!**/${place}`)];
}

function globalsFor(room: string, clockGiven: boolean): { name: string; message: string }[] {
  return [
    ...['require', 'globalThis', 'global'].map((name) => ({ name, message: climbing })),
    ...(speakers.includes(room) ? [] : ['fetch', 'WebSocket', 'EventSource'].map((name) => ({ name, message: speaks }))),
    ...(clockGiven ? ['setTimeout', 'setInterval', 'performance'].map((name) => ({ name, message: givenClock })) : []),
  ];
}

function propertiesFor(clockGiven: boolean): { object: string; property: string; message: string }[] {
  return [
    ...['getBuiltinModule', 'binding', 'dlopen'].map((property) => ({ object: 'process', property, message: climbing })),
    { object: 'Math', property: 'random', message: 'randomness is a parameter, or node:crypto\'s where a secret hangs on it' },
    ...(clockGiven ? [{ object: 'Date', property: 'now', message: givenClock }, { object: 'process', property: 'hrtime', message: givenClock }] : []),
  ];
}
