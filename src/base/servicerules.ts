/**
 * What holds this process itself: read from the kernel, so it is what is so, not what a unit file asks for. Rules on addresses
 * (`IPAddressDeny`) work outside of the process and cannot be seen from inside without sending something, so they are not judged here.
 */
import { readTextBounded } from './files.ts';

export interface ServiceRules {
  /** Started by systemd. */
  readonly managed: boolean;
  readonly noNewPrivileges: boolean;
  /** Filters on system calls; 0 where there are none. */
  readonly callFilters: number;
  /** Whether it holds any capability, as root does. */
  readonly capable: boolean;
}

export async function serviceRules(environment: NodeJS.ProcessEnv = process.env): Promise<ServiceRules> {
  return parseRules(await readTextBounded('/proc/self/status', 65_536), environment['INVOCATION_ID'] !== undefined);
}

export function parseRules(status: string, managed: boolean): ServiceRules {
  const value = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)$`, 'm').exec(status)?.[1] ?? '';
  return {
    managed,
    noNewPrivileges: value('NoNewPrivs') === '1',
    callFilters: value('Seccomp') === '2' ? Number(value('Seccomp_filters')) || 1 : 0,
    capable: /[1-9a-f]/.test(value('CapEff')),
  };
}
