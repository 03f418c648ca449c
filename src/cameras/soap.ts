/** SOAP 1.2 as ONVIF has it: the envelope, the UsernameToken (WSS 1.1), and the two kinds of answer. Pure but for the nonce. */
import { createHash, randomBytes } from 'node:crypto';
import type { UnixMs } from '../base/clock.ts';
import { scrub } from '../base/log.ts';
import { escapeXml, find, findAll, findDeep, parseXml, textOf, type XmlElement } from '../base/xml.ts';
import { plainWord } from './charset.ts';
import type { Credentials } from './transport.ts';

const security = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';

/** Everything before the body's content; `header` is a Security element or nothing. */
export function envelopeStart(header: string): string {
  return `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>${header}</s:Header>`
    + '<s:Body xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">';
}

export const envelopeEnd = '</s:Body></s:Envelope>';

/** `createdMs` is by the camera's clock: most cameras refuse what is more than a few seconds away from it. */
export function usernameToken({ user, password }: Credentials, createdMs: UnixMs): string {
  const nonce = randomBytes(16);
  const created = new Date(Math.round(createdMs)).toISOString();
  const digest = createHash('sha1').update(nonce).update(created, 'utf8').update(password.reveal(), 'utf8').digest('base64');
  return `<Security s:mustUnderstand="1" xmlns="${security}-wssecurity-secext-1.0.xsd"><UsernameToken>`
    + `<Username>${escapeXml(user)}</Username>`
    + `<Password Type="${security}-username-token-profile-1.0#PasswordDigest">${digest}</Password>`
    + `<Nonce EncodingType="${security}-soap-message-security-1.0#Base64Binary">${nonce.toString('base64')}</Nonce>`
    + `<Created xmlns="${security}-wssecurity-utility-1.0.xsd">${created}</Created>`
    + '</UsernameToken></Security>';
}

export type SoapAnswer =
  | { readonly kind: 'response'; readonly response: XmlElement }
  | { readonly kind: 'fault'; readonly notAuthorized: boolean; readonly reason: string };

/** The camera's own words are scrubbed and cut. Throws a plain Error for what is no SOAP answer to `operation`. */
export function readSoap(xml: string, operation: string): SoapAnswer {
  const envelope = parseXml(xml);
  const body = envelope.name === 'Envelope' ? find(envelope, 'Body') : undefined;
  if (body === undefined) throw new Error('it is no SOAP');
  const fault = find(body, 'Fault');
  if (fault !== undefined) return readFault(fault);
  const response = find(body, `${operation}Response`);
  if (response === undefined) throw new Error(`it holds no ${operation}Response`);
  return { kind: 'response', response };
}

/** Subcodes with which cameras refuse credentials: ONVIF Core 5.11, WSS 1.1 chapter 12. */
const authorityCodes = ['NotAuthorized', 'FailedAuthentication', 'InvalidSecurity', 'InvalidSecurityToken', 'FailedCheck', 'MessageExpired', 'Unauthorized'];

function readFault(fault: XmlElement): SoapAnswer {
  const codes = codesOf(find(fault, 'Code') ?? fault).map((code) => code.replace(/^.*:/, ''));
  // SOAP 1.1 of some older cameras: faultcode and faultstring.
  const words = [textOf(fault, 'Reason', 'Text') ?? textOf(fault, 'faultstring'), findDeep(find(fault, 'Detail'), 'Text')?.text];
  const said = words.map((text) => plainWord(text, 1000)).find((text) => text !== undefined);
  const notAuthorized = codes.some((code) => authorityCodes.includes(code)) || /not authori[sz]ed|unauthori[sz]ed|authority failure/i.test(said ?? '');
  return { kind: 'fault', notAuthorized, reason: cleanWords(said ?? codes.at(-1)) ?? 'it does not say why' };
}

/** A camera's words as they may be shown: one line, cut, without secrets, and without digests that a camera throws back. */
export function cleanWords(text: string | undefined): string | undefined {
  return plainWord(scrub(text ?? '').replaceAll(/[A-Za-z0-9+/]{27}=|\b[0-9a-f]{32,64}\b/gi, '[secret]'), 160);
}

/** Code, subcode, subcode of that, … as far as a sane fault goes. */
function codesOf(code: XmlElement): string[] {
  const codes = [textOf(code, 'faultcode') ?? ''];
  let at: XmlElement | undefined = code;
  for (let depth = 0; at !== undefined && depth < 8; depth++) {
    codes.push(...findAll(at, 'Value').map((value) => value.text));
    at = find(at, 'Subcode');
  }
  return codes.filter((text) => text !== '');
}
