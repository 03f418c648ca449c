/** Secrets of destinations: small files in one folder, a systemd credential each or of mode 0600. Named by destination and right: `nas.put`, `nas.get`, `nas.delete`, or `nas.all`. */
import { SallyportError } from '../base/errors.ts';
import { fileExists, isPrivateFile, joinPath, readFileBounded } from '../base/files.ts';
import { Secret } from '../base/secret.ts';
import type { Feature } from './destination.ts';

const bytesMax = 4096;

export interface Credential {
  /** The first of two lines; empty where there is one. */
  readonly user: string;
  readonly secret: Secret;
}

export class Credentials {
  readonly #folder: string | undefined;
  /** systemd makes its folder for the service alone, whatever the files' modes. */
  readonly #trusted: boolean;

  constructor(folder: string | undefined, trusted: boolean) {
    this.#folder = folder;
    this.#trusted = trusted;
  }

  /** undefined when there is none. SP_COURIER_CONFIG when others may read it, or it is no credential. */
  async find(destination: string, right: Feature | 'all' | 'topic' | 'token' | 'key' | 'login' | 'proxy'): Promise<Credential | undefined> {
    if (this.#folder === undefined) return undefined;
    const file = joinPath(this.#folder, `${destination}.${right}`);
    if (!(await fileExists(file))) return undefined;
    if (!this.#trusted && !(await isPrivateFile(file))) throw new SallyportError('SP_COURIER_CONFIG', { file, reason: 'others than its owner may read it; its mode must be 0600' });
    const lines = (await readFileBounded(file, bytesMax, { noFollow: true })).toString('utf8').trimEnd().split('\n').map((line) => line.trim());
    if (lines.length > 2 || lines.some((line) => !/^[!-~]+$/.test(line))) throw new SallyportError('SP_COURIER_CONFIG', { file, reason: 'it is not a line with a name and one with a secret, or one with a secret' });
    return { user: lines.length === 2 ? lines[0] as string : '', secret: new Secret(lines.at(-1) as string) };
  }

  /** Each right's own, else that for all. */
  async forStore(destination: string): Promise<Partial<Record<Feature, Credential>>> {
    const all = await this.find(destination, 'all');
    const found: Partial<Record<Feature, Credential>> = {};
    for (const feature of ['put', 'get', 'delete'] as const) {
      const credential = await this.find(destination, feature) ?? all;
      if (credential !== undefined) found[feature] = credential;
    }
    return found;
  }
}
