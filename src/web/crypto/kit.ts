/** The recovery kit: made or read in the page for minutes, put away by its owner, and forgotten here. */
import { SallyportError } from '../../base/errors.ts';
import { Identity } from './identity.ts';

export { groupsFit, groupsToAsk } from './kitgroups.ts';

const prefix = 'AGE-SECRET-KEY-1';
const groupCharacters = 6;

export interface Kit {
  readonly identity: Identity;
  /** A standard age identity file, as `sallyport keys new` writes it. */
  readonly text: string;
  /** What follows AGE-SECRET-KEY-1, in groups as they are printed and typed. */
  readonly groups: readonly string[];
  /** For a QR code: capital letters, digits and dashes alone, which makes it small. */
  readonly code: string;
}

export function makeKit(nowMs: number): Kit {
  return kitOf(Identity.generate(), nowMs);
}

export function kitOf(identity: Identity, nowMs: number): Kit {
  const code = identity.reveal();
  return {
    identity, code, groups: groupsOf(code),
    text: `# Sallyport recovery kit\n# created: ${new Date(nowMs).toISOString()}\n# public key: ${identity.recipient}\n${code}\n`,
  };
}

/** A kit.txt, its one line, or the groups as somebody typed them: small letters, blanks and line ends do not matter. SP_BAD_IDENTITY. */
export function readKit(text: string): Identity {
  const lines = text.split(/\r?\n/).filter((line) => !line.trim().startsWith('#'));
  const typed = lines.join('').replaceAll(/[\s·.,]/g, '').toUpperCase();
  if (typed === '') throw new SallyportError('SP_BAD_IDENTITY', { file: 'what was given', reason: 'it holds no identity' });
  return Identity.parse(typed.startsWith(prefix) ? typed : `${prefix}${typed}`, 'what was given');
}

function groupsOf(code: string): string[] {
  return code.slice(prefix.length).match(new RegExp(`.{1,${groupCharacters}}`, 'g')) ?? [];
}
