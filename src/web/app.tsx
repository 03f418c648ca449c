/** Which page is shown: by the hub's state, by who is there, and by the address. */
import { later } from './parts/later.tsx';
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { Hello, Me } from '../api/pagecontract.ts';
import { ask, HubError, offline, whenSessionIsOver } from './api.ts';
import { readerOf } from './format.ts';
import { whenClocksDiffer } from './hubtime.ts';
import { readBy } from './hubwords.ts';
import { HeldProvider, type Held } from './held.tsx';
import { lockKeys } from './load.ts';
import { go, useRoute } from './navigation.tsx';
import type { Route } from './router.ts';
import type { OpenDevice } from './seams.ts';
import { Shell } from './shell.tsx';
import { say } from './strings.ts';
import { Door } from './parts/door.tsx';
import { Loading, Problem } from './parts/states.tsx';
import { toast, Toasts } from './parts/toast.tsx';
import { Login } from './pages/login.tsx';
import { NotFound } from './pages/notfound.tsx';
import { Live } from './pages/live.tsx';

const FirstHour = later(() => import('./pages/first.tsx').then(({ FirstHour }) => FirstHour));
const Recover = later(() => import('./pages/recover.tsx').then(({ Recover }) => Recover));
const Join = later(() => import('./pages/join.tsx').then(({ Join }) => Join));
const Timeline = later(() => import('./pages/timeline.tsx').then(({ Timeline }) => Timeline));
const Review = later(() => import('./pages/review.tsx').then(({ Review }) => Review));
const Settings = later(() => import('./pages/settings.tsx').then(({ Settings }) => Settings));
const Panel = later(() => import('./pages/panel.tsx').then(({ Panel }) => Panel));
const Promises = later(() => import('./pages/promises.tsx').then(({ Promises }) => Promises));

interface State {
  readonly hello: Hello | undefined;
  readonly me: Me | undefined;
  readonly device: OpenDevice | undefined;
  readonly error: unknown;
  /** A session was there, and is no more. */
  readonly ended: boolean;
  /** The first hour goes on after the owner was made, until it is done. */
  readonly first: boolean;
}

const lookAgainMs = 15_000;

export function App() {
  const route = useRoute();
  const [state, setState] = useState<State>({ hello: undefined, me: undefined, device: undefined, error: undefined, ended: false, first: false });
  const [away, setAway] = useState(false);
  const [clockOffMs, setClockOff] = useState(0);
  const change = useCallback((part: Partial<State>) => setState((before) => ({ ...before, ...part })), []);

  const begin = useCallback(async () => {
    try {
      const hello = await ask('hello', {});
      const me = hello.state === 'new' ? undefined : await ask('me', {}).catch((error: unknown) => {
        if (error instanceof HubError && error.status === 401) return undefined;
        throw error;
      });
      change({ hello, me, error: undefined, ended: false, first: hello.state === 'new' });
    } catch (error) {
      change({ error });
    }
  }, []);
  useEffect(() => { void begin(); }, []);
  useEffect(() => whenSessionIsOver(() => setState((before) => {
    // Who has none yet, as in the first hour, may have a new key in hand.
    if (before.me === undefined) return before;
    void lockKeys();
    return { ...before, me: undefined, device: undefined, ended: true };
  })), []);
  useAway(setAway);
  useEffect(() => whenClocksDiffer(setClockOff), []);

  const { hello, me } = state;
  if (hello === undefined) return <Door><main><h1 class="unseen">{say.name}</h1>{state.error === undefined ? <Loading /> : <Problem error={state.error} onAgain={() => void begin()} />}</main></Door>;
  const held: Held | undefined = me === undefined ? undefined : {
    hello, me, reader: readerOf(me.account), device: state.device,
    take: (next) => change({ me: next, ended: false }),
    takeDevice: (device) => change({ device }),
    leave: () => change({ me: undefined, device: undefined, ended: false }),
  };
  if (held !== undefined) readBy(held.reader);
  const enter = (next: Me, device: OpenDevice | undefined): void => change({ me: next, device, ended: false });
  return <>
    {away ? <div class="banner" role="status">{say.error.offlineBanner}</div> : null}
    {clockOffMs === 0 ? null : <div class="banner" role="status">{say.error.clockOff(say.span(Math.abs(clockOffMs)), clockOffMs < 0)}</div>}
    {state.first
      ? <FirstHour hello={hello} told={route.page === 'first' ? route : {}} held={held} onOwner={enter} onDone={() => { change({ first: false, hello: { ...hello, state: 'ready' } }); go({ page: 'live' }, { replace: true }); }} />
      : route.page === 'join' && held === undefined
        ? <Join hello={hello} code={route.code} onJoined={(next, device) => { enter(next, device); go({ page: 'live' }, { replace: true }); }} />
        : route.page === 'recover' && held === undefined
          ? <Recover hello={hello} onIn={(next, device) => { enter(next, device); go({ page: 'live' }, { replace: true }); }} />
        : held === undefined
          ? <Login key={route.page} hello={hello} ended={state.ended} adding={route.page === 'device' ? route : undefined} onIn={(next, device) => { enter(next, device); if (route.page === 'device') go({ page: 'timeline' }, { replace: true }); else if (route.page === 'login' || route.page === 'first') go({ page: 'live' }, { replace: true }); }} />
          : route.page === 'panel'
            ? <HeldProvider value={held}><Panel /></HeldProvider>
          : <HeldProvider value={held}><Shell route={route}>{pageOf(route)}</Shell></HeldProvider>}
    <Toasts />
  </>;
}

function pageOf(route: Route) {
  switch (route.page) {
    case 'live': case 'login': case 'first': case 'join': case 'recover': return <Live camera={route.page === 'live' ? route.camera : undefined} />;
    case 'timeline': return <Timeline camera={route.camera} atMs={route.atMs} />;
    case 'review': return <Review notice={route.notice} />;
    case 'settings': return <Settings section={route.section} />;
    case 'device': return <Settings section="me" />;
    // It stands without the frame, above.
    case 'panel': return null;
    case 'promises': return <Promises />;
    case 'unknown': return <NotFound />;
  }
}

/** Asks now and then whether the hub is there, while the page is seen; at once when the browser says that its network came or went. */
function useAway(tell: (away: boolean) => void): void {
  useEffect(() => {
    let gone = false;
    const look = (): void => {
      if (document.hidden) return;
      ask('hello', {}).then(() => {
        if (gone) toast(say.error.backOnline);
        tell(gone = false);
      }, (error: unknown) => tell(gone = error instanceof HubError && error.code === offline));
    };
    const timer = setInterval(look, lookAgainMs);
    for (const event of ['online', 'offline']) addEventListener(event, look);
    return () => {
      clearInterval(timer);
      for (const event of ['online', 'offline']) removeEventListener(event, look);
    };
  }, []);
}
