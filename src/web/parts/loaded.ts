/** What is asked of the hub when a page opens: waiting, there, or failed; `again` asks once more and keeps what is shown meanwhile. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

export interface Loaded<T> {
  readonly value: T | undefined;
  readonly error: unknown;
  readonly again: () => void;
  readonly set: (value: T) => void;
}

/** `everyMs`: asks again by itself while the page is seen. A failure keeps the last answer beside it. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, inputs: readonly unknown[], everyMs?: number): Loaded<T> {
  const [state, setState] = useState<{ value: T | undefined; error: unknown }>({ value: undefined, error: undefined });
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const stop = new AbortController();
    latest.current(stop.signal).then(
      (value) => { if (!stop.signal.aborted) setState({ value, error: undefined }); },
      (error: unknown) => { if (!stop.signal.aborted) setState((before) => ({ value: before.value, error })); },
    );
    return () => stop.abort();
  }, [...inputs, turn]);
  useEffect(() => {
    if (everyMs === undefined) return undefined;
    const timer = setInterval(() => { if (!document.hidden) setTurn((n) => n + 1); }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  const again = useCallback(() => setTurn((n) => n + 1), []);
  const set = useCallback((value: T) => setState({ value, error: undefined }), []);
  return { ...state, again, set };
}

/** Something that a button does: whether it is under way, and what went wrong. */
export function useDoing(): { readonly busy: boolean; readonly error: unknown; readonly run: (work: () => Promise<void>) => Promise<boolean>; readonly clear: () => void } {
  const [state, setState] = useState<{ busy: boolean; error: unknown }>({ busy: false, error: undefined });
  const busy = useRef(false);
  const run = useCallback(async (work: () => Promise<void>): Promise<boolean> => {
    if (busy.current) return false;
    busy.current = true;
    setState({ busy: true, error: undefined });
    try {
      await work();
      setState({ busy: false, error: undefined });
      return true;
    } catch (error) {
      setState({ busy: false, error });
      return false;
    } finally {
      busy.current = false;
    }
  }, []);
  const clear = useCallback(() => setState({ busy: false, error: undefined }), []);
  return { ...state, run, clear };
}
