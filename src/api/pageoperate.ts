/** What the control socket does, asked by the page. */
import type { Principal } from '../duties/sessions.ts';
import type { Operations, RequestOf, RouteName } from './contract.ts';
import { byOf } from './pageaccess.ts';
import type { PageRooms } from './pagerooms.ts';

export type Operate = <N extends RouteName>(name: N, ask: { principal: Principal; body: RequestOf<N>; camera?: string }) => Promise<Awaited<ReturnType<Operations[N]>>>;

/** For who has the right to it; the audit says who. */
export function operateIn({ vault, operations }: Pick<PageRooms, 'vault' | 'operations'>): Operate {
  return async <N extends RouteName>(name: N, { principal, body, ...about }: { principal: Principal; body: RequestOf<N>; camera?: string }): Promise<Awaited<ReturnType<Operations[N]>>> => {
    const { camera = about.camera } = body as { camera?: string };
    await vault.audit({ what: 'page.asked', who: 'page', account: principal.account.id, ...(camera === undefined ? {} : { camera }), detail: { route: name } });
    return (await (operations as Operations)[name](body, byOf(principal))) as Awaited<ReturnType<Operations[N]>>;
  };
}
