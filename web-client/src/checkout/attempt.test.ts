import { describe, expect, it } from 'vitest';
import { canFinish, isWaitedFor, opened, parseAttempt, pressed, unanswered, unsent } from './attempt';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ITEMS = [{ sku: 'LMP-ARC-01', quantity: 2 }];

describe('an attempt to pay', () => {
  const sent = pressed(opened(null, 'robin'), ITEMS, 'tok_ok', NOW);

  it('keeps its key from the opening of the checkout on', () => {
    const first = opened(null, 'robin');
    expect(opened(first, 'robin')).toBe(first);
    expect(first.key).toMatch(/^[0-9a-f-]{36}$/);
    expect(pressed(first, ITEMS, 'tok_ok', NOW).key).toBe(first.key);
  });

  it('is made anew for another person: nobody sends the order of somebody else', () => {
    expect(opened(sent, 'kim').key).not.toBe(sent.key);
    expect(unanswered(sent, 'kim')).toBeUndefined();
    expect(unanswered(sent, undefined)).toBeUndefined();
  });

  it('is unanswered from the press on, and not before', () => {
    expect(unanswered(opened(null, 'robin'), 'robin')).toBeUndefined();
    expect(unanswered(sent, 'robin')).toEqual(sent);
  });

  it('that nobody looked at is as before the press, and holds no cart that could be bought later', () => {
    const again = unsent(sent);
    expect(unanswered(again, 'robin')).toBeUndefined();
    expect(again).toEqual({ key: sent.key, customerId: 'robin' });
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
    expect(opened(sent, 'robin')).toBe(sent);
  });

  it('survives the store, and a broken one counts as none', () => {
    expect(parseAttempt(JSON.parse(JSON.stringify(sent)))).toEqual(sent);
    expect(parseAttempt(JSON.parse(JSON.stringify(unsent(sent))))).toEqual(unsent(sent));
    expect(parseAttempt(null)).toBeNull();
    expect(parseAttempt({ key: 'k' })).toBeNull();
    expect(parseAttempt({ key: 'k', customerId: 'robin', sent: { items: [], method: 'tok_ok', at: NOW } })).toBeNull();
  });
});
