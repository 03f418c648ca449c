/** Where a camera's host may lead: names are looked up here alone, and what they stand for must be of the site each time. */
import { lookup as resolveName } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { SallyportError, reasonOf } from '../base/errors.ts';
import { isOfSite } from './addresses.ts';
import { localInterfaces } from './interfaces.ts';

/** A camera may be configured by host name; what the name stands for must be of the site each time it is asked. */
export const siteLookup: LookupFunction = (host, options, done) => {
  resolveName(host, { ...options, family: 4, all: true }, (error, addresses) => {
    const ours = error === null ? addresses.filter(({ address }) => isOfSite(address, localInterfaces())) : [];
    const [first] = ours;
    if (error !== null) done(error, '', 4);
    else if (first === undefined) done(new Error(`the name ${host} does not lead to an address of the local network`), '', 4);
    else if (options.all === true) done(null, ours);
    else done(null, first.address, 4);
  });
};

/** The IPv4 address that a camera's host stands for now. SP_CAMERA_UNREACHABLE. */
export function addressOfHost(camera: string, host: string): Promise<string> {
  if (isIP(host) === 4) return Promise.resolve(host);
  return new Promise((resolve, reject) => {
    siteLookup(host, {}, (error, address) => {
      if (error === null) resolve(String(address));
      else reject(new SallyportError('SP_CAMERA_UNREACHABLE', { camera, address: host, reason: reasonOf(error) }, error));
    });
  });
}

/** What is wrong with an address that somebody wants to adopt; undefined when nothing is. Names are judged when they are resolved. */
export function refusalOfHost(host: string): string | undefined {
  const kind = isIP(host);
  if (kind === 6 || host.includes(':')) return 'IPv6 is not used';
  if (kind === 4) return isOfSite(host, localInterfaces()) ? undefined : `${host} is not in the local network`;
  return /^(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})*\.?$/.test(host) && host.length <= 253 ? undefined : `${host.slice(0, 80)} is no address`;
}
