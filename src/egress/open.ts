/** Makes of each declared destination what speaks to it. The only place that knows which kinds there are. */
import { readTextBounded } from '../base/files.ts';
import { SallyportError } from '../base/errors.ts';
import { secondMs } from '../base/units.ts';
import type { CommandWriter } from '../outbox/commands.ts';
import { proxyOf, type Destination } from '../policy/destinations.ts';
import { homeRules } from '../policy/homeassistant.ts';
import { noticeRules, type NoticeRules } from '../policy/noticing.ts';
import type { Credential, Credentials } from './credentials.ts';
import type { Feature, Store } from './destination.ts';
import { FolderStore } from './folder.ts';
import { HttpDoor } from './http.ts';
import type { Origin } from './line.ts';
import { Ntfy, Webhook, type Messenger } from './messengers.ts';
import { Notifier } from './notifier.ts';
import { Pace } from './pace.ts';
import { PiecedStore } from './pieced.ts';
import { S3Store } from './s3.ts';
import { Sender, type Destined, type SenderParts } from './sender.ts';
import { WebdavStore } from './webdav.ts';

const caBytesMax = 2 ** 18;
const lanesDefault = 3;
const homePerHourMax = 1000;

/** SP_COURIER_CONFIG. */
export async function openDestination(destination: Destination, credentials: Credentials, parts: SenderParts, commands: CommandWriter): Promise<Destined> {
  if (destination.kind === 'mqtt') return openHome(destination, credentials, parts, commands);
  if (destination.kind === 'ntfy' || destination.kind === 'webhook') return new Notifier({ ...parts, messenger: await openMessenger(destination, credentials, parts), rules: rulesOf(destination) });
  return new Sender({ ...parts, store: new PiecedStore(await openStore(destination, credentials, parts)), hours: destination.hours ?? [], lanes: destination.lanes ?? lanesDefault });
}

async function openStore(destination: Extract<Destination, { kind: 'folder' | 'webdav' | 's3' }>, credentials: Credentials, { clock }: SenderParts): Promise<Store> {
  const pace = new Pace(clock, destination.limit_bytes_per_second);
  if (destination.kind === 'folder') return new FolderStore({ name: destination.name, path: destination.path, mount: destination.mount ?? true, pace });
  const found = await credentials.forStore(destination.name);
  const socketsMax = destination.lanes ?? lanesDefault;
  if (destination.kind === 'webdav') {
    const door = new HttpDoor({ origin: await originOf(destination, credentials), clock, pace, socketsMax });
    return new WebdavStore({ door, clock, logins: each(found, ({ user, secret }) => ({ user, password: secret })), readBack: destination.read_back === undefined ? 'unless hashed' : destination.read_back ? 'always' : 'never' });
  }
  const origin = await originOf(destination, credentials);
  const url = new URL(origin.url);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${destination.bucket}`;
  const door = new HttpDoor({ origin: { ...origin, url }, clock, pace, socketsMax });
  return new S3Store({ door, clock, region: destination.region ?? 'us-east-1', prefix: destination.prefix ?? '', keys: each(found, ({ user, secret }) => ({ id: user, secret })), readBack: destination.read_back ?? false });
}

/** The package is loaded where there is a broker. */
async function openHome(destination: Extract<Destination, { kind: 'mqtt' }>, credentials: Credentials, parts: SenderParts, commands: CommandWriter): Promise<Destined> {
  const { HomeDestination } = await import('./home.ts');
  const { name, topic, discovery, group_seconds: group, per_hour: perHour } = destination;
  return new HomeDestination({
    ...parts, commands, origin: await originOf(destination, credentials), login: await credentials.find(name, 'login'),
    home: { topic: topic ?? homeRules.topic, discovery: discovery ?? homeRules.discovery, commands: destination.commands ?? homeRules.commands },
    // Nobody is woken by a broker: what it is told is told at once.
    rules: { ...rulesOf(destination), groupMs: (group ?? 0) * secondMs, perHourMax: perHour ?? homePerHourMax },
  });
}

async function openMessenger(destination: Extract<Destination, { kind: 'ntfy' | 'webhook' }>, credentials: Credentials, { clock }: SenderParts): Promise<Messenger> {
  const door = new HttpDoor({ origin: await originOf(destination, credentials), clock, pace: new Pace(clock, undefined), socketsMax: 1 });
  if (destination.kind === 'webhook') return new Webhook({ door, clock, key: (await needed(credentials, destination.name, 'key')).secret });
  return new Ntfy({ door, clock, topic: (await needed(credentials, destination.name, 'topic')).secret, token: (await credentials.find(destination.name, 'token'))?.secret });
}

async function needed(credentials: Credentials, name: string, right: 'topic' | 'key'): Promise<Credential> {
  const credential = await credentials.find(name, right);
  if (credential === undefined) throw new SallyportError('SP_COURIER_CONFIG', { file: `${name}.${right}`, reason: 'this credential is not there' });
  return credential;
}

async function originOf(destination: Extract<Destination, { url: URL }>, credentials: Credentials): Promise<Origin> {
  const { name, url, pin, ca } = destination;
  const proxy = proxyOf(destination);
  const login = proxy === undefined ? undefined : await credentials.find(name, 'proxy');
  return {
    name, url, ...(pin === undefined ? {} : { pin }), ...(ca === undefined ? {} : { ca: await readTextBounded(ca, caBytesMax) }),
    ...(proxy === undefined ? {} : { proxy: { url: proxy, ...(login === undefined ? {} : { login: { user: login.user, password: login.secret } }) } }),
  };
}

function rulesOf({ group_seconds: group, per_hour: perHour, quiet, urgent }: Extract<Destination, { kind: 'ntfy' | 'webhook' | 'mqtt' }>): NoticeRules {
  return {
    groupMs: group === undefined ? noticeRules.groupMs : group * secondMs, perHourMax: perHour ?? noticeRules.perHourMax, quiet: quiet ?? noticeRules.quiet, urgent: urgent ?? noticeRules.urgent,
  };
}

function each<T>(found: Partial<Record<Feature, Credential>>, make: (credential: Credential) => T): Partial<Record<Feature, T>> {
  return Object.fromEntries(Object.entries(found).map(([feature, credential]) => [feature, make(credential)]));
}
