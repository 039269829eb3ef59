/** Does `work` in one tab at a time; where a browser has no locks, or refuses them to this page, at once. */
export async function underLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (!navigator.locks) return work();
  let began = false;
  const begin = (): Promise<T> => {
    began = true;
    return work();
  };
  try {
    return await navigator.locks.request(name, begin);
  } catch (error) {
    // What `work` itself throws is its own answer, and it is never done twice.
    if (began) throw error;
    return work();
  }
}
