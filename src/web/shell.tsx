/** The frame around the pages of a session: where one is, and where one may go. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { has, useHeld } from './held.tsx';
import { Link } from './navigation.tsx';
import type { Route } from './router.ts';
import { say } from './strings.ts';
import { renewSlots, whenRenewing, type Renewal } from './renewing.ts';
import { Button } from './parts/controls.tsx';
import { Icon, Mark, type IconName } from './parts/icons.tsx';
import { Meter } from './parts/meter.tsx';
import { wordsOf } from './parts/states.tsx';
import { StrayNotice } from './parts/strays.tsx';

export function Shell({ route, children }: { readonly route: Route; readonly children: ComponentChildren }) {
  const held = useHeld();
  const places: readonly (readonly [page: Route['page'], to: Route, icon: IconName, name: string])[] = [
    ...(has(held, 'live') ? [['live', { page: 'live' }, 'live', say.nav.live] as const] : []),
    ...(has(held, 'replay') ? [['timeline', { page: 'timeline' }, 'timeline', say.nav.timeline] as const] : []),
    ...(has(held, 'replay') ? [['review', { page: 'review' }, 'alarm', say.nav.review] as const] : []),
    ['settings', { page: 'settings', section: has(held, 'configure') ? 'cameras' : 'me' }, 'settings', say.nav.settings],
    ['promises', { page: 'promises' }, 'promises', say.nav.promises],
  ];
  return <div class="shell">
    <a class="skip" href="#content" onClick={(event) => { event.preventDefault(); document.getElementById('content')?.focus(); }}>{say.nav.skip}</a>
    <header class="top"><Link to={{ page: 'live' }} class="brand"><Mark /><span>{say.name}<br /><small>{held.hello.hub}</small></span></Link></header>
    <nav class="nav" aria-label={say.nav.main}><ul>
      {places.map(([page, to, icon, name]) => <li key={page}><Link to={to} aria-current={route.page === page ? 'page' : undefined}><Icon name={icon} />{name}</Link></li>)}
    </ul></nav>
    <main class="content" id="content" tabIndex={-1}><Renewing />{route.page === 'settings' && route.section === 'people' ? null : <StrayNotice />}{children}</main>
  </div>;
}

/** Slots that are being sealed anew, wherever in the page one is meanwhile. */
function Renewing() {
  const held = useHeld();
  const [renewal, setRenewal] = useState<Renewal>();
  useEffect(() => whenRenewing(setRenewal), []);
  useEffect(() => renewSlots(held), [held.device]);
  if (renewal === undefined) return null;
  const { state, done, total } = renewal;
  if (state === 'failed') return <div class="note bad" role="alert"><b>{say.renewing.failed}</b><p>{wordsOf(renewal.error)}</p><p class="small">{say.renewing.resumes}</p><div class="buttons"><Button onClick={() => renewSlots(held)}>{say.common.again}</Button></div></div>;
  return <div class="note" role="status"><b>{state === 'done' ? say.renewing.done : say.renewing.title}</b>
    {state === 'done' ? <><p>{say.renewing.doneLead(total)}</p>{renewal.closed === undefined || renewal.closed === 0 ? null : <p>{say.renewing.closed(renewal.closed)}</p>}</> : <><p>{say.renewing.lead(done, total)}</p><Meter share={total === 0 ? 0 : done / total} label={say.renewing.lead(done, total)} /></>}
    {state === 'done' ? <div class="buttons"><Button kind="quiet" onClick={() => setRenewal(undefined)}>{say.common.close}</Button></div> : null}
  </div>;
}
