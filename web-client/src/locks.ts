/** Does `work` in one tab at a time; where a browser has no locks, at once. */
export function underLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  return navigator.locks ? (navigator.locks.request(name, work) as Promise<T>) : work();
}
