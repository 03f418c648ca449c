/** The frame around the pages of a session: where one is, and where one may go. */
import type { ComponentChildren } from 'preact';
import { has, useHeld } from './held.tsx';
import { Link } from './navigation.tsx';
import type { Route } from './router.ts';
import { say } from './strings.ts';
import { Icon, Mark, type IconName } from './parts/icons.tsx';

export function Shell({ route, children }: { readonly route: Route; readonly children: ComponentChildren }) {
  const held = useHeld();
  const places: readonly (readonly [page: Route['page'], to: Route, icon: IconName, name: string])[] = [
    ...(has(held, 'live') ? [['live', { page: 'live' }, 'live', say.nav.live] as const] : []),
    ...(has(held, 'replay') ? [['timeline', { page: 'timeline' }, 'timeline', say.nav.timeline] as const] : []),
    ['settings', { page: 'settings', section: has(held, 'configure') ? 'cameras' : 'me' }, 'settings', say.nav.settings],
    ['promises', { page: 'promises' }, 'promises', say.nav.promises],
  ];
  return <div class="shell">
    <a class="skip" href="#content" onClick={(event) => { event.preventDefault(); document.getElementById('content')?.focus(); }}>{say.nav.skip}</a>
    <header class="top"><Link to={{ page: 'live' }} class="brand"><Mark /><span>{say.name}<br /><small>{held.hello.hub}</small></span></Link></header>
    <nav class="nav" aria-label={say.nav.main}><ul>
      {places.map(([page, to, icon, name]) => <li key={page}><Link to={to} aria-current={route.page === page ? 'page' : undefined}><Icon name={icon} />{name}</Link></li>)}
    </ul></nav>
    <main class="content" id="content" tabIndex={-1}>{children}</main>
  </div>;
}
