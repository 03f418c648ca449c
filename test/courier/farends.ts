/**
 * Far ends as somebody else has them: a folder, the real `rclone serve webdav`, and an S3 server from npm, each with its entry as a destination and
 * with a copy of all of it, made as a stranger would make it: by `rclone copy` over the line, or of the folder itself.
 */
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../src/base/spawn.ts';
import type { DestinationConfig, StoreRules } from '../../src/policy/declared.ts';
import { rules } from '../duties/uploadworld.ts';
import { serveS3, serveWebdav } from '../egress/stores.ts';
import { filesBelow } from '../vault/world.ts';

export interface FarEnd {
  readonly destination: DestinationConfig;
  /** Where the courier finds what it signs in with. */
  readonly credentials: string;
  /** All that lies there, by name; copied to a folder that nobody else knows. */
  copy(): Promise<Map<string, Buffer>>;
  close(): Promise<void>;
}

export type OpenFarEnd = (folder: string, store?: Partial<StoreRules>) => Promise<FarEnd>;

/** One line with a name, one with a secret, in a file of its own for each right. */
export function writeCredentials(folder: string, files: Readonly<Record<string, string>>): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    chmodSync(join(folder, name), 0o600);
  }
  return folder;
}

const objectPattern = /^[0-9a-f]{32}$/;

async function objectsBelow(folder: string): Promise<Map<string, Buffer>> {
  const files = await filesBelow(folder);
  return new Map(files.flatMap((file) => { const name = file.split('/').at(-1) ?? ''; return objectPattern.test(name) ? [[name, readFileSync(join(folder, file))]] : []; }));
}

let copies = 0;

async function rcloneCopy(folder: string, from: string, flags: readonly string[]): Promise<Map<string, Buffer>> {
  const to = join(folder, `copy-${++copies}`);
  mkdirSync(to);
  const { status, stderr } = await run('rclone', ['copy', from, to, ...flags, '--config', join(folder, 'no-rclone.conf')], { environment: { HOME: folder } });
  if (status !== 0) throw new Error(stderr);
  return objectsBelow(to);
}

function declared(kind: DestinationConfig['kind'], to: DestinationConfig['to'], store: Partial<StoreRules>): DestinationConfig {
  return { name: 'disk', purpose: 'a copy in another house', kind, to, store: { ...rules, ...store } };
}

const folderEnd: OpenFarEnd = async (folder, store = {}) => {
  const path = join(folder, 'usb');
  mkdirSync(path);
  return {
    destination: declared('folder', { path, mount: false }, store), credentials: writeCredentials(join(folder, 'credentials'), {}),
    copy: () => {
      const to = join(folder, `copy-${++copies}`);
      cpSync(path, to, { recursive: true });
      return objectsBelow(to);
    },
    close: async () => {},
  };
};

const webdavEnd: OpenFarEnd = async (folder, store = {}) => {
  const server = await serveWebdav(join(folder));
  const { stdout } = await run('rclone', ['obscure', 'port']);
  return {
    destination: declared('webdav', { url: server.url.href }, store), credentials: writeCredentials(join(folder, 'credentials'), { 'disk.all': 'sally\nport\n' }),
    copy: () => rcloneCopy(folder, ':webdav:', ['--webdav-url', server.url.href, '--webdav-user', 'sally', '--webdav-pass', stdout.toString().trim()]),
    close: () => server.close(),
  };
};

const s3End: OpenFarEnd = async (folder, store = {}) => {
  const server = await serveS3(folder);
  return {
    destination: declared('s3', { url: server.url.href, bucket: 'bucket', prefix: 'house/' }, store), credentials: writeCredentials(join(folder, 'credentials'), { 'disk.all': 'S3RVER\nS3RVER\n' }),
    copy: () => rcloneCopy(folder, ':s3:bucket', ['--s3-provider', 'Other', '--s3-endpoint', server.url.href, '--s3-access-key-id', 'S3RVER', '--s3-secret-access-key', 'S3RVER', '--s3-force-path-style']),
    close: () => server.close(),
  };
};

export const farEnds: readonly (readonly [name: string, open: OpenFarEnd])[] = [['a folder', folderEnd], ['rclone serve webdav', webdavEnd], ['S3, s3rver', s3End]];
