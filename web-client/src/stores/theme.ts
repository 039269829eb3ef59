/** Light or dark: the system's wish until the visitor chooses. `public/assets/theme-2.js` reads the same key. */
import { useSyncExternalStore } from 'react';

export type Theme = 'light' | 'dark';

const KEY = 'stoa.theme';

const listeners = new Set<() => void>();

const current = (): Theme => (document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light');

/** The colours change at once; what else depends on them, such as pictures, after they were painted. */
function show(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  requestAnimationFrame(() =>
    setTimeout(() => {
      for (const listener of listeners) listener();
    }),
  );
}

globalThis.addEventListener?.('storage', (event) => {
  if (event.key === KEY && event.newValue) show(event.newValue === 'dark' ? 'dark' : 'light');
});
// A system that goes dark in the evening takes the open page along.
globalThis.matchMedia?.('(prefers-color-scheme: dark)').addEventListener('change', ({ matches }) => {
  if (!isChosen()) show(matches ? 'dark' : 'light');
});

function isChosen(): boolean {
  try {
    return localStorage.getItem(KEY) !== null;
  } catch {
    return false;
  }
}

/** Chooses the other theme, for good. The key holds a bare word, so that the first script needs no parser. */
export function switchTheme(): void {
  const theme = current() === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Without storage the choice lasts as long as the tab.
  }
  show(theme);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useTheme = (): Theme => useSyncExternalStore(subscribe, current);
