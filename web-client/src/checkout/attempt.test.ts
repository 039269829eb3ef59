import { describe, expect, it } from 'vitest';
import {
  type Attempts,
  attemptOf,
  canFinish,
  isWaitedFor,
  opened,
  parseAttempts,
  pressed,
  unanswered,
  unsent,
  withAttempt,
  withoutAttempt,
} from './attempt';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ITEMS = [{ sku: 'LMP-ARC-01', quantity: 2 }];

describe('an attempt to pay', () => {
  const sent = pressed(opened([], 'robin'), ITEMS, 'tok_ok', NOW);

  it('keeps its key from the opening of the checkout on', () => {
    const first = opened([], 'robin');
    expect(opened([first], 'robin')).toBe(first);
    expect(first.key).toMatch(/^[0-9a-f-]{36}$/);
    expect(pressed(first, ITEMS, 'tok_ok', NOW).key).toBe(first.key);
  });

  it('is made anew for another person: nobody sends the order of somebody else', () => {
    expect(opened([sent], 'kim').key).not.toBe(sent.key);
    expect(unanswered([sent], 'kim')).toBeUndefined();
    expect(unanswered([sent], undefined)).toBeUndefined();
  });

  it('is unanswered from the press on, and not before', () => {
    expect(unanswered([opened([], 'robin')], 'robin')).toBeUndefined();
    expect(unanswered([sent], 'robin')).toEqual(sent);
  });

  it('that nobody looked at is as before the press, and holds no cart that could be bought later', () => {
    const again = unsent(sent);
    expect(unanswered([again], 'robin')).toBeUndefined();
    expect(again, 'but the method is chosen still').toEqual({
      key: sent.key,
      customerId: 'robin',
      others: [],
      method: sent.sent.method,
    });
    expect(pressed(again, [{ sku: 'MUG-STR-01', quantity: 9 }], 'tok_slow', NOW + HOUR).sent).toEqual({
      items: [{ sku: 'MUG-STR-01', quantity: 9 }],
      method: 'tok_slow',
      at: NOW + HOUR,
    });
  });

  it('is waited for some minutes', () => {
    expect(isWaitedFor(sent, NOW + 4 * MINUTE)).toBe(true);
    expect(isWaitedFor(sent, NOW + 6 * MINUTE)).toBe(false);
  });

  it('is not sent again once the server may have forgotten its key, and not forgotten either', () => {
    expect(canFinish(sent, NOW + 22 * HOUR)).toBe(true);
    expect(canFinish(sent, NOW + 24 * HOUR)).toBe(false);
    expect(opened([sent], 'robin')).toBe(sent);
  });

  it('of a clock that was ahead counts as old: nobody knows when it was sent', () => {
    expect(isWaitedFor(sent, NOW - MINUTE)).toBe(false);
    expect(canFinish(sent, NOW - MINUTE)).toBe(false);
  });

  it('outlives another person at the same checkout, until the server may have forgotten its key', () => {
    const kim = opened([sent], 'kim');
    const both = withAttempt([sent], kim, NOW + HOUR);
    expect(unanswered(both, 'robin')).toEqual(sent);
    expect(attemptOf(both, 'kim')).toBe(kim);
    const answered = withoutAttempt(both, kim.key);
    expect(answered).toEqual([sent]);
    expect(withAttempt(both, pressed(kim, ITEMS, 'tok_ok', NOW + HOUR), NOW + HOUR)).toHaveLength(2);
    expect(withAttempt(both, kim, NOW + 24 * HOUR)).toEqual([kim]);
    expect(withAttempt([unsent(sent)], kim, NOW), 'what was never sent is worth nothing to others').toEqual([kim]);
  });

  it('is kept of so many persons and no more', () => {
    let all: Attempts = [];
    for (let i = 0; i < 100; i += 1) all = withAttempt(all, pressed(opened(all, `p${i}`), ITEMS, 'tok_ok', NOW), NOW);
    expect(all).toHaveLength(16);
    expect(unanswered(all, 'p99')).toBeDefined();
  });

  it('survives the store, and a broken one counts as none', () => {
    const stored = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
    const kim = opened([], 'kim');
    expect(parseAttempts(stored([sent, kim]))).toEqual([sent, kim]);
    expect(parseAttempts(stored([unsent(sent)]))).toEqual([unsent(sent)]);
    expect(parseAttempts(stored(sent)), 'as it was stored when there was room for one').toEqual([sent]);
    expect(parseAttempts([unsent(sent), sent]), 'one a person').toEqual([sent]);
    expect(parseAttempts(null)).toEqual([]);
    expect(parseAttempts({ key: 'k' })).toEqual([]);
    for (const key of ['', 'ключ', 'k'.repeat(129)]) expect(parseAttempts({ ...sent, key }), key).toEqual([]);
    for (const at of [8.65e15, Number.NaN, 1.5, '1'])
      expect(parseAttempts({ ...sent, sent: { ...sent.sent, at } }), String(at)).toEqual([]);
    expect(parseAttempts([null, 7, { key: 'k', customerId: 'robin', sent: null }, kim])).toEqual([kim]);
    expect(parseAttempts([{ key: 'k', customerId: 'robin', sent: { items: [], method: 'tok_ok', at: NOW } }])).toEqual(
      [],
    );
  });
});
