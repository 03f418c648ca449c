/**
 * The log: for the operator, may be lost, holds ids and never names, faces or secrets. (The audit, for the owner, is the vault's.)
 * Three nets against secrets: a `Secret` prints as `[secret]`; pino redacts by path; every line is scrubbed of user info,
 * password parameters and age identities at the one writer.
 */
import { pino, type DestinationStream, type Logger } from 'pino';

export type Log = Logger;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

const redactedKeys = ['password', 'pass', 'passphrase', 'secret', 'token', 'authorization', 'cookie', 'identity', 'key'];

const lineMax = 4000;

export function createLog(options: { level: LogLevel; write: (line: string) => void }): Log {
  const destination: DestinationStream = {
    write(line: string): void {
      const scrubbed = scrub(line.trimEnd());
      options.write(`${scrubbed.length > lineMax ? `${scrubbed.slice(0, lineMax)}…` : scrubbed}\n`);
    },
  };
  return pino({
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: redactedKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '[secret]' },
  }, destination);
}

/** For parts under test or commands that keep silent. */
export const silentLog: Log = pino({ level: 'silent' });

/**
 * Takes out of any text: `user:password@` in URLs, password-like parameters (CamHi writes its password into snapshot URLs as `-pwd=`),
 * age identities, HTTP authorization values, and control characters (a camera's words must not steer a terminal).
 */
export function scrub(text: string): string {
  return text
    // Looks back from `://`: to look ahead from each letter takes a minute for a long line without one.
    .replaceAll(/(?<=[a-z][a-z0-9+.-]*):\/\/[^\s/?#'"]*@/gi, '://[secret]@')
    .replaceAll(/([?&;-](?:pwd|pass|passwd|password|psw|token|auth|usr|user|username|key)=)[^&\s'"\\]*/gi, '$1[secret]')
    .replaceAll(/AGE-SECRET-KEY-[A-Z0-9-]{10,}/gi, '[secret]')
    .replaceAll(/\b(authorization["']?\s*[:=]\s*["']?(?:basic|digest|bearer)\s)(?:=\s*"[^"\r\n]*"|\\.|[^\r\n"'\\])*/gi, '$1[secret]')
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '·');
}
