import { expect, it } from 'vitest';
import { OrderStatus } from '~/gen/stoa/order/v1/types_pb';
import { nextLook } from './moving';

const { PENDING, CONFIRMED, CANCELLED, REJECTED } = OrderStatus;

it('looks again while an order moves, ever less often, and not for ever', () => {
  const orders = [{ status: CONFIRMED }, { status: PENDING }];
  const looks = Array.from({ length: 61 }, (_, i) => nextLook(orders, i));
  expect(looks[0]).toBe(2_000);
  expect(looks.at(-2)).toBe(30_000);
  expect(looks.at(-1)).toBe(false);
});

it('leaves a page alone on which nothing moves', () => {
  expect(nextLook([{ status: CONFIRMED }, { status: CANCELLED }, { status: REJECTED }], 0)).toBe(false);
  expect(nextLook([], 0)).toBe(false);
});
