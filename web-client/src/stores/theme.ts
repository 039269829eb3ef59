/** Light or dark: the system's wish until the visitor chooses. `public/assets/theme-2.js` reads the same key. */
import { useSyncExternalStore } from 'react';

export type Theme = 'light' | 'dark';

const listeners = new Set<() => void>();

const current = (): Theme => (document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light');

function show(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  for (const listener of listeners) listener();
}

globalThis.addEventListener?.('storage', (event) => {
  if (event.key === 'stoa.theme' && event.newValue) show(event.newValue === 'dark' ? 'dark' : 'light');
});

/** Chooses the theme for good. The key holds a bare word, so that the first script needs no parser. */
export function chooseTheme(theme: Theme): void {
  try {
    localStorage.setItem('stoa.theme', theme);
  } catch {
    // Without storage the choice lasts as long as the tab.
  }
  show(theme);
}

export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, current);
}
