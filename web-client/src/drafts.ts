/**
 * What was entered on the page that is open and is stored nowhere yet. It outlives the page's break and ends with the
 * visit to that page, and with the session. Passwords are never kept.
 */
import { useMatch } from '@tanstack/react-router';
import { useCallback, useSyncExternalStore } from 'react';

const drafts = new Map<string, unknown>();
const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** As useState, for what the visitor would have to enter again. `name` is unique on its page. */
export function useDraft<T>(name: string, initial: T): [T, (value: T) => void] {
  const key = useMatch({ strict: false, select: ({ pathname }) => `${pathname} ${name}` });
  const held = useSyncExternalStore(subscribe, () => drafts.get(key)) as T | undefined;
  const set = useCallback(
    (value: T): void => {
      drafts.set(key, value);
      tell();
    },
    [key],
  );
  return [held ?? initial, set];
}

export function clearDrafts(): void {
  drafts.clear();
  tell();
}
