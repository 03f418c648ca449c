import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RequestOf } from '../../../src/api/contract.ts';
import { callHub } from '../../../src/cli/control.ts';
import { readConfigText } from '../../../src/config.ts';
import { isCameraId } from '../../../src/policy/names.ts';
import { asSallyportError } from '../../../src/base/errors.ts';
import type { TestSite } from '../../e2e/site.ts';
import type { FaultCase } from '../fault.ts';
import { withSite } from '../kit/faultsite.ts';
import { untilAllSeal } from '../kit/hub.ts';

const bases = ['..', '.', '/', '//', '../../etc/passwd', '/etc/passwd', 'a/b', 'a\\b', 'C:\\x', 'front-door/../garden', 'front-door\0', '\0', 'FRONT-DOOR', 'Front-Door', 'front-door ', ' front-door', 'front-door.', 'front-door/', '-rf', '--config', '-', '~', '~root', '$HOME', '$(id)', '`id`', ';id', '|id', '&', '*', '?', '%2e%2e%2f', '%00', '..%c0%af', '\u202efront', 'fr\u00f6nt', 'front\u200bdoor', '\ufeff', '\ud800', 'COM1', 'nul', 'con.txt', 'front\ndoor', 'front\rdoor', "front'door", 'front"door', '<b>', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'x'.repeat(41), 'x'.repeat(255), 'x'.repeat(4096), '\u{1f600}'.repeat(100), 'front:door', 'front-door:main', '#', 'null', 'undefined', 'true', '0', '1e9', 'SELECT 1', "'; DROP TABLE periods; --", '{}', '[]', 'hour-1.json.age', '.sub', '.part', 'keyring.1', 'working.db'];

/** 500 and more: each as it is, within a path, after a good name, doubled, in capitals, encoded, and cut into pieces by NUL. */
const corpus: readonly string[] = [...new Set(bases.flatMap((name) => [name, `../${name}`, `front-door${name}`, `${name}/front-door`, name.toUpperCase(), encodeURIComponent(name.toWellFormed()), `${name}\0.toml`, name + name]))];

const namesCase: FaultCase = {
  id: 'R20',
  fault: `${corpus.length} names (paths, NUL, direction marks, 4 KB, case collisions) wherever a name enters: adopt --as, set a password, list, note, camera id in the configuration, command line`,
  expected: 'a refusal in our words; no file or folder appears anywhere; recording goes on',
  limitMs: { quick: 240_000, all: 500_000 },
  run: (o) => withSite(o, { cameras: 1 }, async (site) => {
    await untilAllSeal(o, site);
    const problems: string[] = [];
    const before = await placesOf(site);
    let injected = 0;
    for (const name of corpus) {
      if (o.signal.aborted) break;
      const answers = [
        await ask(site, 'adopt', { address: '127.190.0.9', port: 9, user: 'admin', password: 'x', as: name }),
        await ask(site, 'secret', { camera: name, password: 'x' }),
        await ask(site, 'list', { camera: name, fromMs: 0, toMs: 1, limit: 1 }),
        await ask(site, 'note', { what: 'export', camera: name, fromMs: 0, toMs: 1 }),
      ];
      injected += answers.length + 1;
      for (const answer of answers) if (answer === 'SP_INTERNAL') problems.push(`${JSON.stringify(name).slice(0, 60)}: SP_INTERNAL`);
      if (answers[1] === 'done') problems.push(`${JSON.stringify(name).slice(0, 60)}: a password was stored for it`);
      if (!isCameraId(name) && accepted(name)) problems.push(`${JSON.stringify(name).slice(0, 60)}: the configuration takes it`);
    }
    for (const name of corpus.filter((text) => !text.includes('\0') && text.length < 1000).filter((_, index) => index % (o.quick ? 60 : 10) === 0)) {
      for (const command of ['list', 'secret']) {
        const { status, stderr } = await site.attempt([...(command === 'list' ? ['list'] : ['secret', 'set']), '--config', site.config, '--', name], 'x\n');
        injected++;
        if ((status === 0 && command === 'secret') || /SP_INTERNAL|TypeError|at .*\.ts:/.test(stderr)) problems.push(`${command} ${JSON.stringify(name)}: status ${status}, ${stderr.slice(0, 200)}`);
      }
    }
    const after = await placesOf(site);
    const appeared = [...after].filter((place) => !before.has(place));
    if (appeared.length > 0) problems.push(`these appeared: ${appeared.slice(0, 5).join(', ')}`);
    await untilAllSeal(o, site);
    return { injected, lost: '0 segments', recoveryMs: [], problems: problems.slice(0, 20), figures: { names: corpus.length } };
  }),
};

async function ask(site: TestSite, route: 'adopt' | 'secret' | 'list' | 'note', body: unknown): Promise<string> {
  try {
    await callHub(join(site.data, 'control.sock'), route, body as RequestOf<typeof route>);
    return 'done';
  } catch (error) {
    return asSallyportError(error).code;
  }
}

function accepted(name: string): boolean {
  try {
    readConfigText('x.toml', Buffer.from(`[[camera]]\nid = ${JSON.stringify(name)}\naddress = "192.168.1.9"\nuser = "admin"\n`));
    return true;
  } catch {
    return false;
  }
}

/** Folders and files of the site and around it, but for what recording itself makes. */
async function placesOf(site: TestSite): Promise<Set<string>> {
  const list = async (folder: string, deep: boolean): Promise<string[]> => (await readdir(folder, { recursive: deep }).catch(() => [])).map((name) => join(folder, name));
  const own = (await list(site.folder, true)).filter((path) => !/\/(?:footage\/front-door\/|checkpoints\/|receipts\/|log\/|tmp\/|scenes\/)|working\.db|\.sock/.test(path));
  return new Set([...own, ...await list('/', false), ...await list('/etc', false), ...await list(process.cwd(), false)]);
}

export default namesCase;
