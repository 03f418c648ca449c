/** The frame of the pages that stand before a session: logging in, joining, the first hour. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { say } from '../strings.ts';
import { setTheme, theme, themes, type Theme } from '../theme.ts';
import { IconButton } from './controls.tsx';
import { Mark } from './icons.tsx';

export function Door({ children, wide = false, hub }: { readonly children: ComponentChildren; readonly wide?: boolean; readonly hub?: string }) {
  return <div class={`door${wide ? ' wide' : ''}`}>
    <header><span class="brand"><Mark /><span>{say.name}{hub === undefined ? null : <small>{` · ${hub}`}</small>}</span></span><ThemeButton /></header>
    {children}
  </div>;
}

function ThemeButton() {
  const [chosen, setChosen] = useState(theme);
  const names: Readonly<Record<Theme, string>> = { auto: say.theme.auto, light: say.theme.light, dark: say.theme.dark };
  const next = themes[(themes.indexOf(chosen) + 1) % themes.length] as Theme;
  return <IconButton name="theme" kind="quiet" label={say.theme.now(names[chosen])} onClick={() => { setTheme(next); setChosen(next); }} />;
}
