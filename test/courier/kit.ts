/** A courier as it runs: its own process, with the hub's side of the two folders in the test's hands. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { launch, type Child } from '../../src/base/spawn.ts';
import { BackReader } from '../../src/outbox/back.ts';
import type { Answer } from '../../src/outbox/orders.ts';
import { Outbox } from '../../src/outbox/out.ts';
import { compiled } from '../vault/killedchild.ts';

export const program = join(import.meta.dirname, '../../src/courier.ts');

export interface Home {
  readonly folder: string;
  readonly outbox: string;
  readonly state: string;
  readonly config: string;
  readonly credentials: string;
}

export function makeHome(folder: string, destinations: readonly object[], credentials: Readonly<Record<string, string>> = {}): Home {
  const home = { folder, outbox: join(folder, 'outbox'), state: join(folder, 'state'), config: join(folder, 'destinations.json'), credentials: join(folder, 'credentials') };
  for (const path of [home.outbox, join(home.outbox, 'out'), home.state, home.credentials]) mkdirSync(path, { recursive: true });
  declare(home, destinations);
  for (const [name, text] of Object.entries(credentials)) {
    writeFileSync(join(home.credentials, name), text, { mode: 0o600 });
    chmodSync(join(home.credentials, name), 0o600);
  }
  return home;
}

export function declare(home: Home, destinations: readonly object[]): void {
  writeFileSync(home.config, JSON.stringify({ v: 1, destinations: destinations.map((one) => ({ purpose: 'a copy in another house', ...one })) }));
}

export function argumentsOf(home: Home, more: readonly string[] = []): string[] {
  return ['--disable-warning=ExperimentalWarning', program, '--config', home.config, '--outbox', home.outbox, '--state', home.state, '--credentials', home.credentials, ...more];
}

export interface Running {
  readonly child: Child;
  readonly lines: string[];
  /** Resolves with the line that has this text; rejects when it ends without. */
  said(text: string): Promise<string>;
  stop(): Promise<{ status: number | null; signal: string | null }>;
}

const stopMsMax = 15_000;

/** Resolves when it runs (at once, where nobody waits for that); rejects with what it said when it ends before. */
export async function startCourier(home: Home, more: readonly string[] = [], before: readonly string[] = [], waits = true): Promise<Running> {
  const lines: string[] = [];
  const waiting: { text: string; tell: (line: string) => void }[] = [];
  const command = [...before, process.execPath, ...argumentsOf(home, more)];
  const child = await launch(command[0] as string, command.slice(1), {
    environment: compiled, stderrLinesMax: 100_000,
    onErrorLine: (line) => {
      lines.push(line);
      for (const { text, tell } of waiting) if (line.includes(text)) tell(line);
    },
  });
  child.stdout.resume();
  const said = (text: string): Promise<string> => {
    const there = lines.find((line) => line.includes(text));
    return there !== undefined ? Promise.resolve(there) : Promise.race([
      new Promise<string>((tell) => { waiting.push({ text, tell }); }),
      child.exited.then(({ status }) => { throw new Error(`the courier ended with ${status} and did not say "${text}":\n${lines.join('\n')}`); }),
    ]);
  };
  if (waits) await said('the courier is running');
  return {
    child, lines, said,
    stop: async () => {
      child.kill('SIGTERM');
      // One that does not end is a failure that should say so, not a test that waits for ever.
      const over = new AbortController();
      systemClock.sleep(stopMsMax, over.signal).then(() => child.kill('SIGKILL'), () => {});
      const exit = await child.exited;
      over.abort();
      return exit;
    },
  };
}

/** The hub's side. */
export class HubSide {
  readonly outbox: Outbox;
  readonly back: BackReader;

  private constructor(outbox: Outbox, back: BackReader) {
    this.outbox = outbox;
    this.back = back;
  }

  static async open(home: Home): Promise<HubSide> {
    return new HubSide(await Outbox.open({ folder: join(home.outbox, 'out'), clock: systemClock }), new BackReader(join(home.outbox, 'back')));
  }

  /** As the ledger would: waits for the answer; rejects when nobody waits for it any more, for once it is settled it never comes. */
  async answerTo(name: string, signal?: AbortSignal): Promise<Answer> {
    for (;;) {
      signal?.throwIfAborted();
      const found = (await this.back.scan()).find((one) => one.name === name);
      if (found?.refused !== undefined) throw found.refused;
      if (found?.answer !== undefined) return found.answer;
      await systemClock.sleep(20);
    }
  }

  /** Resolves when the courier has forgotten it too. */
  async settle(name: string): Promise<void> {
    await this.outbox.settle(name);
    while ((await this.back.scan()).some((one) => one.name === name)) await systemClock.sleep(20);
  }
}
