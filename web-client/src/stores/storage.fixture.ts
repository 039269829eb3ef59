/** Storages for tests: one in memory, and one that may be full. */

export function memory(): Storage {
  const values = new Map<string, string>();
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  } as Storage;
}

/** The same storage as a tab has it that it takes nothing from, as long as `room` says that it is full. */
export const withRoom = (storage: Storage, room: { isFull: boolean }): Storage => ({
  ...storage,
  setItem: (key, value) => {
    if (room.isFull) throw new Error('full');
    storage.setItem(key, value);
  },
});
