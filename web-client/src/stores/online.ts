/** Whether the browser believes it has a network. */
import { useEffect, useSyncExternalStore } from 'react';

function subscribe(listener: () => void): () => void {
  addEventListener('online', listener);
  addEventListener('offline', listener);
  return () => {
    removeEventListener('online', listener);
    removeEventListener('offline', listener);
  };
}

export const useOnline = (): boolean => useSyncExternalStore(subscribe, () => navigator.onLine);

/** Does `work` at the network's return, as long as there is `need`. */
export function useWhenOnline(need: boolean, work: () => unknown): void {
  useEffect(() => {
    if (!need) return;
    const doIt = (): void => void work();
    addEventListener('online', doIt);
    return () => removeEventListener('online', doIt);
  }, [need, work]);
}
