/** A tracer attached to a running hub for a while: calls become slow, or fail, for as long as it stays. */
import { launch, run, type Child } from '../../../src/base/spawn.ts';
import type { TestSite } from '../../e2e/site.ts';

/** `strace -e inject=…` words; resolves when every thread is traced. */
export async function trace(site: TestSite, calls: string, how: string): Promise<Child> {
  let attached = (): void => {};
  const all = new Promise<void>((resolve) => { attached = resolve; });
  const tracer = await launch('strace', ['-f', '-o', '/dev/null', '-p', String(site.hub?.pid), '-e', `trace=${calls}`, '-e', `inject=${calls}:${how}`], {
    onErrorLine: (line) => { if (line.includes('attached')) attached(); },
  });
  await Promise.race([all, tracer.exited]);
  return tracer;
}

export async function untrace(tracer: Child): Promise<void> {
  tracer.kill('SIGINT');
  await tracer.exited;
}

export async function canTrace(): Promise<string | undefined> {
  const { status, stderr } = await run('strace', ['-o', '/dev/null', '-e', 'trace=none', 'true']).catch((error: unknown) => ({ status: 1, stderr: String(error) }));
  return status === 0 ? undefined : `strace cannot trace here: ${stderr}`;
}
