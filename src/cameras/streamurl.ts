import { SallyportError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { printable } from './addresses.ts';
import { addressOfHost } from './sitelookup.ts';

/**
 * `rtsp://user:password@host…` for ffmpeg, percent-encoded, host, port and path as given; user info that `uri` carries is dropped.
 * Never a line break, blank or quote, whatever a camera or a person wrote. SP_CAMERA_ADDRESS for what is not `rtsp:`.
 */
export function streamUrl(uri: string, user: string, password: Secret): Secret {
  const match = /^rtsp:\/\/(?:[^/?#@]*@)?([A-Za-z0-9.-]+(?::\d{1,5})?)((?:[/?].*)?)$/is.exec(uri);
  if (match === null) throw new SallyportError('SP_CAMERA_ADDRESS', { camera: 'the stream', reason: 'it is no rtsp:// address of an IPv4 host' });
  const access = user === '' ? '' : `${encode(user)}:${encode(password.reveal())}@`;
  return new Secret(`rtsp://${access}${match[1]}${printable(match[2] ?? '')}`);
}

/**
 * The same with the host's IPv4 address in place of its name: where the address is used no name can be looked up, for that takes
 * datagrams. SP_CAMERA_UNREACHABLE when the name leads nowhere, or out of the local network.
 */
export async function resolvedStreamUrl(camera: string, uri: string, user: string, password: Secret): Promise<Secret> {
  const url = streamUrl(uri, user, password).reveal();
  const [, before = '', host = '', after = ''] = /^(rtsp:\/\/(?:[^/?#@]*@)?)([^/?#:]+)(.*)$/is.exec(url) ?? [];
  return new Secret(`${before}${await addressOfHost(camera, host)}${after}`);
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
