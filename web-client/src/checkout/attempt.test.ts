import { describe, expect, it } from 'vitest';
import { KEY_LIFE_MS, opened, parseAttempt, pressed, unanswered } from './attempt';

const NOW = 1_800_000_000_000;
const ITEMS = [{ sku: 'LMP-ARC-01', quantity: 2 }];

describe('an attempt to pay', () => {
  it('keeps its key from the opening of the checkout on', () => {
    const first = opened(null, 'robin', NOW);
    expect(opened(first, 'robin', NOW + 1000)).toBe(first);
    expect(first.key).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is made anew for another person: nobody sends the order of somebody else', () => {
    const robins = pressed(opened(null, 'robin', NOW), ITEMS, 'tok_ok', NOW);
    expect(opened(robins, 'kim', NOW).key).not.toBe(robins.key);
    expect(unanswered(robins, 'kim', NOW)).toBeUndefined();
    expect(unanswered(robins, undefined, NOW)).toBeUndefined();
  });

  it('stays what it was when Pay is pressed again with another cart', () => {
    const first = pressed(opened(null, 'robin', NOW), ITEMS, 'tok_ok', NOW);
    expect(pressed(first, [{ sku: 'MUG-STR-01', quantity: 9 }], 'tok_slow', NOW + 5)).toBe(first);
  });

  it('is unanswered from the press on, and not before', () => {
    const fresh = opened(null, 'robin', NOW);
    expect(unanswered(fresh, 'robin', NOW)).toBeUndefined();
    const sent = pressed(fresh, ITEMS, 'tok_ok', NOW);
    expect(unanswered(sent, 'robin', NOW + 1)).toBe(sent);
  });

  it('is never sent again once the server has forgotten its key', () => {
    const sent = pressed(opened(null, 'robin', NOW), ITEMS, 'tok_ok', NOW);
    expect(unanswered(sent, 'robin', NOW + KEY_LIFE_MS + 1)).toBeUndefined();
    expect(opened(sent, 'robin', NOW + KEY_LIFE_MS + 1).key).not.toBe(sent.key);
  });

  it('survives the store, and a broken one counts as none', () => {
    const sent = pressed(opened(null, 'robin', NOW), ITEMS, 'tok_ok', NOW);
    expect(parseAttempt(JSON.parse(JSON.stringify(sent)))).toEqual(sent);
    expect(parseAttempt(null)).toBeNull();
    expect(parseAttempt({ key: 'k' })).toBeNull();
    expect(parseAttempt({ key: 'k', customerId: 'robin', sent: { items: [], method: 'tok_ok', at: NOW } })).toBeNull();
  });
});
