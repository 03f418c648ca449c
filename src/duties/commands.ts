/**
 * What comes back from brokers of the home as orders: judged by `policy/commanding.ts`, done, and answered, each once. It can make a space private
 * and turn a camera; whatever else is asked is refused, with a line in the audit.
 */
import type { CanonicalValue } from '../base/canonical.ts';
import type { Clock, UnixMs } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { hourMs, minuteMs, secondMs } from '../base/units.ts';
import type { Came, CommandReader } from '../outbox/commands.ts';
import { commandAgeMsMax, judgeCommand, type CommandRefusal } from '../policy/commanding.ts';
import { aliasOf, type CameraNumbers, type NoticeDestination } from '../policy/telling.ts';
import type { Vault } from '../vault/vault.ts';
import type { HomeCamera } from './homestate.ts';
import type { Ledger } from './ledger.ts';

export interface CommandsOptions {
  readonly reader: Pick<CommandReader, 'scan' | 'watch'>;
  readonly outbox: Pick<Ledger, 'heard'>;
  readonly vault: Pick<Vault, 'audit' | 'setting' | 'putSetting'>;
  readonly destinations: () => readonly NoticeDestination[];
  readonly cameras: () => readonly HomeCamera[];
  readonly numbers: () => CameraNumbers;
  /** Done when the space's cameras are cut off. */
  readonly makePrivate: (space: string) => Promise<void>;
  /** Rejects where there is no such place. */
  readonly turn: (camera: string, place: number) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

type Outcome = 'done' | CommandRefusal;

const settingName = 'commands heard';
const lookMs = secondMs;
/** Lines of the audit about what was refused, an hour; what is beyond is counted in one. */
const refusalLinesMax = 20;
const rememberedMax = 500;
/** A name is not heard twice within this time; by then it is stale in any case. */
const rememberMs = 10 * commandAgeMsMax;

export class CommandsDuty {
  readonly #o: CommandsOptions;
  readonly #loop: Loop;
  #watch: { close(): void } | undefined;
  /** Names that were judged, and when. */
  #heard: Record<string, UnixMs> | undefined;
  /** That the outbox has not taken yet. */
  readonly #unsaid = new Map<string, { readonly to: string; readonly camera: string | undefined; readonly outcome: Outcome }>();
  /** When commands were judged, by destination. */
  readonly #lately = new Map<string, UnixMs[]>();
  #refusals: UnixMs[] = [];
  #unwritten = 0;

  constructor(o: CommandsOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#watch = this.#o.reader.watch(() => this.#loop.nudge());
    this.#loop.start(() => this.#turn());
  }

  async close(): Promise<void> {
    this.#watch?.close();
    await this.#loop.close();
  }

  async #turn(): Promise<number> {
    const { destinations, reader, vault, log } = this.#o;
    // Where nobody may order anything, nobody is listened to.
    if (!destinations().some(({ commands }) => commands === true) && this.#unsaid.size === 0) return minuteMs;
    try {
      this.#heard ??= ((await vault.setting(settingName)) ?? {}) as Record<string, UnixMs>;
      for (const came of await reader.scan()) if (!Object.hasOwn(this.#heard, came.name)) await this.#hear(came);
      await this.#say();
    } catch (error) {
      log.warn({ component: 'commands', code: asSallyportError(error).code }, `orders from outside wait: ${asSallyportError(error).message}`);
    }
    return lookMs;
  }

  async #hear({ name, command, refused }: Came): Promise<void> {
    const { clock, vault, destinations, cameras, numbers, log } = this.#o;
    const nowMs = Math.round(clock.wallMs());
    // Written before it is done: after a kill it is not done a second time.
    const others = Object.entries(this.#heard ?? {}).filter(([, atMs]) => Math.abs(nowMs - atMs) < rememberMs).slice(-rememberedMax + 1);
    this.#heard = { ...Object.fromEntries(others), [name]: nowMs };
    await vault.putSetting(settingName, this.#heard as unknown as CanonicalValue);
    if (command === undefined) {
      log.warn({ component: 'commands', code: refused?.code }, refused?.message ?? 'an order from outside is none');
      // Whose it is cannot be said: any that may order hears of it, so that the courier takes it away.
      return this.#end(name, destinations().find(({ commands }) => commands === true)?.name, undefined, undefined, 'unknown', undefined);
    }
    const lately = (this.#lately.get(command.from) ?? []).filter((ms) => Math.abs(nowMs - ms) < hourMs);
    const decision = judgeCommand(command, { destinations: destinations(), cameras: cameras(), numbers: numbers(), lately: lately.length, nowMs });
    this.#lately.set(command.from, [...lately, nowMs]);
    const outcome = 'refuse' in decision ? decision.refuse : await this.#do(() => (decision.do === 'turn' ? this.#o.turn(decision.camera, decision.place) : this.#o.makePrivate(decision.space)));
    const alias = decision.camera === undefined ? undefined : aliasOf(cameras().find(({ id }) => id === decision.camera) ?? { id: decision.camera }, numbers());
    return this.#end(name, destinations().some((one) => one.name === command.from) ? command.from : undefined, decision.camera, alias, outcome, command.do);
  }

  async #do(deed: () => Promise<void>): Promise<Outcome> {
    try {
      await deed();
      return 'done';
    } catch (error) {
      this.#o.log.warn({ component: 'commands', code: asSallyportError(error).code }, asSallyportError(error).message);
      return 'failed';
    }
  }

  async #end(name: string, to: string | undefined, camera: string | undefined, alias: string | undefined, outcome: Outcome, asked: string | undefined): Promise<void> {
    const { vault, log } = this.#o;
    if (to !== undefined) this.#unsaid.set(name, { to, camera: alias, outcome });
    log.info({ component: 'commands', destination: to, camera, outcome }, 'an order came from outside');
    if (outcome !== 'done' && !this.#mayWrite()) return void this.#unwritten++;
    const unwritten = this.#unwritten;
    this.#unwritten = 0;
    await vault.audit({ what: outcome === 'done' ? 'command.done' : 'command.refused', who: 'hub', ...(camera === undefined ? {} : { camera }), detail: { from: to ?? 'unknown', asked: asked ?? 'unknown', outcome, ...(unwritten === 0 ? {} : { others_refused: unwritten }) } });
  }

  #mayWrite(): boolean {
    const nowMs = this.#o.clock.wallMs();
    this.#refusals = this.#refusals.filter((ms) => Math.abs(nowMs - ms) < hourMs);
    if (this.#refusals.length >= refusalLinesMax) return false;
    this.#refusals.push(nowMs);
    return true;
  }

  async #say(): Promise<void> {
    for (const [name, { to, camera, outcome }] of this.#unsaid) {
      await this.#o.outbox.heard(to, name, camera, outcome);
      this.#unsaid.delete(name);
    }
  }
}
