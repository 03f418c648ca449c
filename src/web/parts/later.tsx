/** A page that is a chunk of its own: fetched when it is first shown. */
import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { HubError, offline } from '../api.ts';
import { Loading, Problem } from './states.tsx';

export function later<P extends object>(load: () => Promise<FunctionComponent<P>>): FunctionComponent<P> {
  let loaded: FunctionComponent<P> | undefined;
  return function Later(props: P) {
    const [failed, setFailed] = useState(false);
    const [, setTurn] = useState(0);
    const fetchIt = (): void => {
      setFailed(false);
      load().then((page) => { loaded = page; setTurn((n) => n + 1); }, () => setFailed(true));
    };
    useEffect(() => { if (loaded === undefined) fetchIt(); }, []);
    const Page = loaded;
    if (Page !== undefined) return <Page {...props} />;
    return failed ? <Problem error={new HubError({ code: offline, message: '' })} onAgain={fetchIt} /> : <Loading />;
  };
}
