import { expect, it } from 'vitest';
import { orderName } from './named';

const PRODUCTS = [
  { sku: 'LMP', name: 'Noon desk lamp' },
  { sku: 'MUG', name: 'Everyday mug' },
];

it('calls an order by the first of its things', () => {
  expect(orderName({ skus: ['LMP'] }, PRODUCTS)).toBe('Noon desk lamp');
  expect(orderName({ skus: ['MUG', 'LMP', 'VAS'] }, PRODUCTS)).toBe('Everyday mug and 2 more');
});

it('does not count what it cannot see', () => {
  expect(orderName({ skus: ['LMP', 'MUG', 'VAS', 'CHR'] }, PRODUCTS)).toBe('Noon desk lamp and more');
});

it('still has words when the catalogue is away', () => {
  expect(orderName({ skus: ['LMP', 'MUG'] }, [])).toBe('An order of yours');
});
