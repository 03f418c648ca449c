/** How many requests are being answered at once, of whom. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SallyportError } from '../base/errors.ts';
import { Crowd } from '../policy/crowd.ts';

/** More are refused at once, and of one address, or one account, fewer: a crowd must not stand before what is recorded. */
const answeringMax = 64;
const answeringOfAddressMax = 16;
const answeringOfAccountMax = 32;
/** Of strangers, beside them. */
const strangersMax = { max: 32, ofNetworkMax: 16, ofAccountMax: 0 };

/** Who is in has places of their own; a stranger who is slow to ask makes room for the next one. */
export class Doors {
  #count = 0;
  readonly #of = new Map<string, number>();
  readonly #strangers = new Crowd<FastifyRequest>(strangersMax, (request) => !request.raw.complete);

  enter(address: string, account: string, reply: FastifyReply): void {
    const own = [`address ${address}`, `account ${account}`] as const;
    const [ofAddress, ofAccount] = [this.#of.get(own[0]) ?? 0, this.#of.get(own[1]) ?? 0];
    const over = this.#count >= answeringMax ? this.#count : ofAddress >= answeringOfAddressMax ? ofAddress : ofAccount >= answeringOfAccountMax ? ofAccount : undefined;
    if (over !== undefined) throw new SallyportError('SP_PAGE_BUSY', { count: over });
    this.#count++;
    for (const key of own) this.#of.set(key, (this.#of.get(key) ?? 0) + 1);
    // Also when it is broken off.
    reply.raw.once('close', () => {
      this.#count--;
      for (const key of own) {
        const now = (this.#of.get(key) ?? 1) - 1;
        if (now === 0) this.#of.delete(key);
        else this.#of.set(key, now);
      }
    });
  }

  enterStranger(address: string, request: FastifyRequest, reply: FastifyReply): void {
    const entered = this.#strangers.enter(request, address);
    if (entered === 'full') throw new SallyportError('SP_PAGE_BUSY', { count: this.#strangers.size });
    entered.leaves?.raw.destroy();
    reply.raw.once('close', () => this.#strangers.leave(request));
  }
}
