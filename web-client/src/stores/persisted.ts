/** A small value kept in the browser and shared by every tab. */
import { useSyncExternalStore } from 'react';

/** Whether the browser keeps the value beyond this tab; if not, for want of room, or because it keeps nothing at all. */
export type Keeping = 'kept' | 'refused' | 'nowhere';

export interface Persisted<T> {
  get(): T;
  /**
   * Reads the storage itself: another tab's change may be newer than its event. What the storage would not take is
   * known to this tab alone, and stays.
   */
  fresh(): T;
  set(value: T): void;
  keeping(): Keeping;
  subscribe(listener: () => void): () => void;
}

/**
 * Opens the value stored under `key`. What does not parse counts as absent: an old or a foreign value must never
 * break the shop. Where storage is refused the value lives as long as the tab.
 */
export function persisted<T>(
  key: string,
  parse: (raw: unknown) => T,
  storage: Storage | undefined = safeStorage(),
): Persisted<T> {
  const listeners = new Set<() => void>();
  let value = read();
  let isStored = storage !== undefined;

  function read(): T {
    try {
      return parse(JSON.parse(storage?.getItem(key) ?? 'null'));
    } catch {
      return parse(null);
    }
  }

  function tell(): void {
    for (const listener of listeners) listener();
  }

  globalThis.addEventListener?.('storage', (event) => {
    // What this tab alone knows is not exchanged for what the others know.
    if (!isStored || (event.key !== key && event.key !== null)) return;
    value = read();
    tell();
  });

  return {
    get: () => value,
    fresh() {
      if (isStored) value = read();
      return value;
    },
    set(next) {
      value = next;
      isStored = false;
      try {
        storage?.setItem(key, JSON.stringify(next));
        isStored = storage !== undefined;
      } catch {
        // A full or refused storage costs the memory of this value, not the visit.
      }
      tell();
    },
    keeping: () => (isStored ? 'kept' : storage ? 'refused' : 'nowhere'),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Reads the value and follows it. */
export function usePersisted<T>(store: Persisted<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}

/** Whether the value outlives this tab, and follows that. */
export function useIsKept<T>(store: Persisted<T>): boolean {
  return useSyncExternalStore(store.subscribe, store.keeping) === 'kept';
}

/** One of the browser's storages, which some browsers refuse to give. */
export function safeStorage(which: 'localStorage' | 'sessionStorage' = 'localStorage'): Storage | undefined {
  try {
    return globalThis[which];
  } catch {
    return undefined;
  }
}
