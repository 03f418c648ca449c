/** Moving between the page's addresses with the browser's own history: back and forward, new tabs, and the keyboard work as anywhere. */
import type { AnchorHTMLAttributes, ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { pathOf, routeOf, type Route } from './router.ts';
import { say } from './strings.ts';

const moved = 'sallyport-moved';

export function go(route: Route, { replace = false } = {}): void {
  if (replace) history.replaceState(null, '', pathOf(route));
  else history.pushState(null, '', pathOf(route));
  dispatchEvent(new Event(moved));
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location));
  useEffect(() => {
    const look = (): void => setRoute(routeOf(location));
    for (const event of [moved, 'popstate', 'hashchange']) addEventListener(event, look);
    return () => {
      for (const event of [moved, 'popstate', 'hashchange']) removeEventListener(event, look);
    };
  }, []);
  return route;
}

type LinkProps = { readonly class?: string; readonly 'aria-current'?: AnchorHTMLAttributes['aria-current']; readonly 'aria-label'?: string; readonly to: Route; readonly children: ComponentChildren };

export function Link({ to, children, ...rest }: LinkProps) {
  const onClick = (event: MouseEvent): void => {
    // A new tab or window is the browser's to open.
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
  };
  return <a {...rest} href={pathOf(to)} onClick={onClick}>{children}</a>;
}

/** The page's heading: names the document, and takes the focus when one has moved here, so that a screen reader says where one is. */
export function Heading({ children, id }: { readonly children: string; readonly id?: string }) {
  const element = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = say.titleOf(children);
  }, [children]);
  useEffect(() => {
    if (arrived) element.current?.focus({ preventScroll: true });
    arrived = true;
  }, [children]);
  return <h1 ref={element} tabIndex={-1} id={id}>{children}</h1>;
}

/** The first heading of all takes no focus: the browser's own order begins at the top. */
let arrived = false;
