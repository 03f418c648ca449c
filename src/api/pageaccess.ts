/** What somebody may ask, by what the request names. */
import { SallyportError } from '../base/errors.ts';
import type { Principal } from '../duties/sessions.ts';
import type { Site } from '../duties/site.ts';
import type { By } from '../policy/access.ts';
import type { PageRequestOf, PageRoute } from './pagecontract.ts';

/** A route that names a camera, or a space, needs its right there. What there is elsewhere is not told apart from what is nowhere. */
export function checkObject({ need }: Pick<PageRoute, 'need'>, ask: { readonly principal: Principal; readonly query: unknown; readonly params: unknown; readonly body: unknown }, site: Pick<Site, 'config'>): void {
  if (need === 'nobody' || need === 'first' || need === 'account') return;
  const named = { ...(ask.query as object | undefined), ...(ask.params as object | undefined), ...(ask.body as object | undefined) } as { camera?: unknown; space?: unknown };
  const spaces = [
    ...(typeof named.camera === 'string' ? [spaceOf(site, named.camera) ?? ''] : []),
    ...(typeof named.space === 'string' ? [named.space] : []),
  ];
  if (!spaces.every((space) => ask.principal.may(need, space))) throw new SallyportError('SP_PAGE_RIGHT');
}

export function spaceOf({ config }: Pick<Site, 'config'>, camera: string): string | undefined {
  return config.cameras.find(({ id }) => id === camera)?.space;
}

/** Who looks after a site says neither who sees a camera nor when a house is private. SP_PAGE_RIGHT. */
export function checkSettings(principal: Principal, { camera, keys = [], privacy }: PageRequestOf<'settingsPlan'>): void {
  const spaces = [privacy?.out?.space, privacy?.in?.space].filter((space) => space !== undefined);
  const may = spaces.every((space) => principal.may('privacy', space))
    && (!keys.some(({ key }) => key.startsWith('place.')) || principal.may('privacy'))
    && (camera === undefined || !keys.some(({ key }) => key === 'space') || principal.may('people'));
  if (!may) throw new SallyportError('SP_PAGE_RIGHT');
}

export function byOf(principal: Principal): By {
  return { who: 'page', account: principal.account.id };
}
