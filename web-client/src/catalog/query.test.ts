import { expect, it } from 'vitest';
import { isLonger, QUERY_LETTERS_MAX } from './query';

it('counts letters as the shop does, not the units they are written in', () => {
  expect(isLonger('a'.repeat(200), QUERY_LETTERS_MAX)).toBe(false);
  expect(isLonger('a'.repeat(201), QUERY_LETTERS_MAX)).toBe(true);
  expect(isLonger('🪑'.repeat(200), QUERY_LETTERS_MAX)).toBe(false);
  expect(isLonger('🪑'.repeat(201), QUERY_LETTERS_MAX)).toBe(true);
});
