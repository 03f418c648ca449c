/** The page's routes about what is kept longer, and what is erased: orders that an owner signs, and the second headers that a device makes for them. */
import { SallyportError } from '../base/errors.ts';
import { readWish } from '../policy/wishes.ts';
import type { Operations, RequestOf } from './contract.ts';
import { spaceOf } from './pageaccess.ts';
import type { Operate } from './pageoperate.ts';
import { PageOrders } from './pageorders.ts';
import type { Ask, Handlers, PageRooms } from './pagerooms.ts';

export function holdHandlers({ accounts, site, operations, clock }: PageRooms, operate: Operate) {
  const orders = new PageOrders();
  /** An order counts for the camera that its document names: that one's space was looked at. */
  const begin = async <N extends 'hold' | 'erase'>(name: N, { principal, body: { camera, ...signed } }: Pick<Ask<'hold' | 'erase'>, 'principal' | 'body'>): Promise<Awaited<ReturnType<Operations[N]>>> => {
    const wish = readWish(signed.document);
    if (wish?.what !== name || wish.camera !== camera) throw new SallyportError('SP_PAGE_REQUEST', { reason: 'the signed document is no such order, or names another camera' });
    const reply = await operate<N>(name, { principal, body: signed as RequestOf<N>, camera });
    orders.add(reply.order, principal.account.id, camera);
    return reply;
  };
  const takeHeaders = async ({ principal, body: { camera, ...made } }: Ask<'holdHeaders' | 'eraseHeaders'>): Promise<{ taken: number }> => {
    orders.check(made.order, principal.account.id, camera);
    return operations.headers(made);
  };
  return {
    holds: async ({ principal }) => ({ holds: (await operations.holds({})).holds.filter(({ camera }) => principal.may('hold', spaceOf(site, camera) ?? '')) }),
    hold: async (ask) => begin('hold', ask),
    holdHeaders: async (ask) => takeHeaders(ask),
    holdDone: async ({ principal, body: { camera, order } }) => {
      orders.check(order, principal.account.id, camera);
      const reply = await operations['hold-done']({ order });
      orders.end(order);
      return reply;
    },
    release: async ({ principal, body: { camera, ...signed } }) => {
      const wish = readWish(signed.document);
      const held = wish?.what === 'release' ? (await operations.holds({})).holds.filter(({ order }) => order === wish.order) : [];
      if (held.length === 0 || held.some((hold) => hold.camera !== camera)) throw new SallyportError('SP_HOLD', { reason: `nothing of ${camera} is held by that order` });
      return operate('release', { principal, body: signed, camera });
    },
    eraseLook: async ({ body }) => operations['erase-look'](body),
    erase: async (ask) => begin('erase', ask),
    eraseHours: async ({ principal, body: { half, ...body }, visitor }) => {
      // Nobody signs it, so that a session which somebody left open, or took, must not be enough.
      accounts.prove(principal, half, visitor);
      orders.countUnsigned(principal.account.id, clock.monotonicMs());
      const reply = await operate('erase-hours', { principal, body: { ...body, by: 'page' } });
      orders.add(reply.order, principal.account.id, body.camera);
      return reply;
    },
    erasePlan: async ({ principal, body: { camera, order } }) => {
      orders.check(order, principal.account.id, camera);
      return operations['erase-plan']({ order });
    },
    eraseHeaders: async (ask) => takeHeaders(ask),
    eraseDone: async ({ principal, body: { camera, order, force } }) => {
      orders.check(order, principal.account.id, camera);
      const reply = await operations['erase-done']({ order, force });
      orders.end(order);
      return reply;
    },
  } satisfies Partial<Handlers>;
}
