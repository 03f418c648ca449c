/** The visitor's choice of colours, kept in this browser alone. */
export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const place = 'sallyport-theme';

export function theme(): Theme {
  try {
    return themes.find((one) => one === localStorage.getItem(place)) ?? 'auto';
  } catch {
    return 'auto'; // a browser that keeps nothing
  }
}

export function setTheme(chosen: Theme): void {
  try {
    localStorage.setItem(place, chosen);
  } catch { /* it holds until the page is left */ }
  showTheme(chosen);
}

export function showTheme(chosen: Theme): void {
  if (chosen === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = chosen;
}
