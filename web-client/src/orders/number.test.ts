import { expect, it } from 'vitest';
import { orderNumber } from './number';

it('is short, grouped, and differs for orders of one moment', () => {
  expect(orderNumber('01a202d2-05ab-7606-8c1e-1a85fa0152e0')).toBe('FA01 52E0');
  expect(orderNumber('01a202d2-05ab-7606-8c1e-1a85fa0152e1')).not.toBe('FA01 52E0');
});
