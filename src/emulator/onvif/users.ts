/** Who may use the camera: its own user, who stays, and those that were added. */
import { findAll, textOf, type XmlElement } from '../../base/xml.ts';
import type { CameraFace } from '../face.ts';
import type { Account, UserLevel } from '../settings.ts';
import type { AccessClass, Operation } from './operation.ts';
import { leaf, SoapFault } from './soap.ts';

const usersMax = 8;
const nameMax = 32;
const passwordMax = 64;
const levels: readonly UserLevel[] = ['Administrator', 'Operator', 'User'];

/** The default access policy of ONVIF Core, 5.9.4.3: the lowest level that may. */
const lowest: Readonly<Record<AccessClass, UserLevel>> = {
  PRE_AUTH: 'User', READ_SYSTEM: 'User', READ_MEDIA: 'User', READ_SYSTEM_SENSITIVE: 'Operator', ACTUATE: 'Operator',
  READ_SYSTEM_SECRET: 'Administrator', WRITE_SYSTEM: 'Administrator', UNRECOVERABLE: 'Administrator',
};

export function mayDo(account: Account, access: AccessClass): boolean {
  return levels.indexOf(account.level) <= levels.indexOf(lowest[access]);
}

export function accountOf(face: CameraFace, name: string): Account | undefined {
  return name === face.user ? { password: face.password, level: 'Administrator' } : face.settings.accounts.get(name);
}

export const userOperations: readonly (readonly [string, Operation])[] = [
  ['GetUsers', { access: 'READ_SYSTEM_SECRET', answer: getUsers }],
  ['CreateUsers', { access: 'WRITE_SYSTEM', answer: createUsers }],
  ['SetUser', { access: 'WRITE_SYSTEM', answer: setUser }],
  ['DeleteUsers', { access: 'WRITE_SYSTEM', answer: deleteUsers }],
];

function getUsers(face: CameraFace): string {
  const user = (name: string, level: UserLevel): string => `<tds:User>${leaf('tt:Username', name)}${leaf('tt:UserLevel', level)}</tds:User>`;
  return `<tds:GetUsersResponse>${user(face.user, 'Administrator')}${[...face.settings.accounts].map(([name, { level }]) => user(name, level)).join('')}</tds:GetUsersResponse>`;
}

/** All or none. */
function createUsers(face: CameraFace, request: XmlElement): string {
  const created = findAll(request, 'User').map(readUser);
  for (const [index, { name, password }] of created.entries()) {
    if (accountOf(face, name) !== undefined || created.findIndex((one) => one.name === name) !== index) throw prohibited('UsernameClash', 'there is such a user already');
    if (name === '') throw prohibited('UsernameTooShort', 'a user has a name');
    if (name.length > nameMax) throw prohibited('UsernameTooLong', `a user's name has ${nameMax} characters at most`);
    checkPassword(password ?? '');
  }
  if (1 + face.settings.accounts.size + created.length > usersMax) throw new SoapFault({ code: 'Receiver', subcodes: ['Action', 'TooManyUsers'], reason: `${usersMax} users at most` });
  for (const { name, password, level } of created) face.settings.accounts.set(name, { password: password ?? '', level });
  return '<tds:CreateUsersResponse/>';
}

function setUser(face: CameraFace, request: XmlElement): string {
  const changed = findAll(request, 'User').map(readUser);
  for (const { name, password, level } of changed) {
    if (accountOf(face, name) === undefined) throw new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', 'UsernameMissing'], reason: 'there is no such user' });
    if (name === face.user && level !== 'Administrator') throw fixedUser();
    if (password !== undefined) checkPassword(password);
  }
  for (const { name, password, level } of changed) {
    const account = face.settings.accounts.get(name);
    if (account === undefined) face.password = password ?? face.password;
    else Object.assign(account, { level, password: password ?? account.password });
  }
  return '<tds:SetUserResponse/>';
}

function deleteUsers(face: CameraFace, request: XmlElement): string {
  const names = findAll(request, 'Username').map(({ text }) => text);
  if (names.includes(face.user)) throw fixedUser();
  if (names.some((name) => !face.settings.accounts.has(name))) throw new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', 'UsernameMissing'], reason: 'there is no such user' });
  for (const name of names) face.settings.accounts.delete(name);
  return '<tds:DeleteUsersResponse/>';
}

function readUser(user: XmlElement): { name: string; password: string | undefined; level: UserLevel } {
  const level = levels.find((one) => one === textOf(user, 'UserLevel'));
  if (level === undefined) throw new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal'], reason: 'a user is Administrator, Operator or User' });
  return { name: textOf(user, 'Username') ?? '', password: textOf(user, 'Password'), level };
}

function checkPassword(password: string): void {
  if (password.length > passwordMax) throw prohibited('PasswordTooLong', `a password has ${passwordMax} characters at most`);
  if (password === '') throw prohibited('PasswordTooWeak', 'a password is not empty');
}

function fixedUser(): SoapFault {
  return new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', 'FixedUser'], reason: 'this user stays an administrator' });
}

function prohibited(subcode: string, reason: string): SoapFault {
  return new SoapFault({ code: 'Sender', subcodes: ['OperationProhibited', subcode], reason });
}
