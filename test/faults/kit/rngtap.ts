/** Records what a running process gets from the kernel's random generator, by strace, without the process knowing. */
import { readFile } from 'node:fs/promises';
import { launch, type Child } from '../../../src/base/spawn.ts';

export class RandomTap {
  readonly #file: string;
  readonly #tracer: Child;

  private constructor(file: string, tracer: Child) {
    this.#file = file;
    this.#tracer = tracer;
  }

  /** Follows all threads and children from now on. */
  static async attach(pid: number, file: string): Promise<RandomTap> {
    const attached = Promise.withResolvers<undefined>();
    const tracer = await launch('strace', ['-f', '-p', String(pid), '-e', 'trace=getrandom', '-xx', '-s', '256', '-o', file], {
      package: 'strace', detached: true, onErrorLine: (line) => { if (line.includes('attached')) attached.resolve(undefined); },
    });
    void tracer.exited.then(() => attached.reject(new Error('strace could not attach')));
    await attached.promise;
    return new RandomTap(file, tracer);
  }

  /** Lets go of the process. */
  async detach(): Promise<void> {
    this.#tracer.kill('SIGINT');
    await this.#tracer.exited;
  }

  /** Everything that was given so far in one piece of so many bytes. */
  async pieces(bytes: number): Promise<Buffer[]> {
    const text = await readFile(this.#file, 'latin1');
    return [...text.matchAll(/getrandom\("((?:\\x[0-9a-f]{2})+)", (\d+), \S+\)\s+= (\d+)/g)]
      .filter((match) => Number(match[3]) === bytes)
      .map((match) => Buffer.from((match[1] as string).replaceAll('\\x', ''), 'hex'));
  }
}
