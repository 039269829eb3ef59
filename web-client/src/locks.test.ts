import { afterEach, describe, expect, it, vi } from 'vitest';
import { underLock } from './locks';

function locks(request: (name: string, work: () => Promise<unknown>) => Promise<unknown>): void {
  vi.stubGlobal('navigator', { locks: { request } });
}

afterEach(() => vi.unstubAllGlobals());

describe('working under a lock', () => {
  it('works at once where there are no locks, and where they are refused', async () => {
    vi.stubGlobal('navigator', {});
    expect(await underLock('pay', async () => 'done')).toBe('done');
    locks(async () => {
      throw new DOMException('denied', 'SecurityError');
    });
    expect(await underLock('pay', async () => 'done')).toBe('done');
  });

  it('does nothing twice: what the work throws is its answer', async () => {
    locks((_, work) => work());
    let done = 0;
    const work = async (): Promise<never> => {
      done += 1;
      throw new Error('it went wrong');
    };
    await expect(underLock('pay', work)).rejects.toThrow('it went wrong');
    expect(done).toBe(1);
  });
});
