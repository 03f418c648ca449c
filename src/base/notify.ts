/**
 * Tells the service manager how the hub is (sd_notify(3)): ready, reloading, stopping, alive. Node has no datagram sockets in the file
 * system, so `native/notify.c` sends. Without a manager (NOTIFY_SOCKET is not set) nothing is sent. Never rejects: a manager that is
 * not told restarts the hub, which it does for that reason.
 */
import { join } from 'node:path';
import { run } from './spawn.ts';

export interface ServiceManager {
  /** Whether there is one that listens. */
  readonly present: boolean;
  /** It restarts the hub when it hears nothing for so long; undefined when it does not watch. */
  readonly watchdogMs: number | undefined;
  /** States such as `READY=1`. Returns why it could not be told, if so. */
  notify(...states: string[]): Promise<string | undefined>;
}

const launcher = join(import.meta.dirname, '../../native/build/notify');

export function serviceManager(environment: NodeJS.ProcessEnv, program = launcher): ServiceManager {
  const socket = environment['NOTIFY_SOCKET'];
  return {
    present: socket !== undefined && socket !== '',
    watchdogMs: watchdogOf(environment),
    notify: async (...states) => (socket === undefined || socket === '' ? undefined : tell(program, socket, states)),
  };
}

async function tell(program: string, socket: string, states: readonly string[]): Promise<string | undefined> {
  try {
    const { status, stderr } = await run(program, states, { environment: { NOTIFY_SOCKET: socket }, timeoutMs: 10_000, stdoutBytesMax: 1024 });
    return status === 0 ? undefined : stderr.slice(0, 200) || `it ended with ${status}`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** WATCHDOG_PID names whom it is meant for, when that is not everybody. */
function watchdogOf({ WATCHDOG_USEC: us, WATCHDOG_PID: pid }: NodeJS.ProcessEnv): number | undefined {
  if (us === undefined || !/^[1-9]\d{0,15}$/.test(us)) return undefined;
  return pid === undefined || pid === String(process.pid) ? Number(us) / 1000 : undefined;
}
