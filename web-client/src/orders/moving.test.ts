import { expect, it } from 'vitest';
import { OrderStatus } from '~/gen/stoa/order/v1/types_pb';
import { nextLookMs } from './moving';

const { PENDING, CONFIRMED, CANCELLING, CANCELLED, REJECTED } = OrderStatus;
const MINUTE = 60_000;

it('looks again while an order moves, ever less often, and not for ever', () => {
  for (const status of [PENDING, CANCELLING]) {
    const orders = [{ status: CONFIRMED }, { status }];
    const looks = [0, MINUTE, 10 * MINUTE, 31 * MINUTE].map((openFor) => nextLookMs(orders, openFor));
    expect(looks).toEqual([2_000, 15_000, 30_000, false]);
  }
});

it('leaves a page alone on which nothing moves', () => {
  expect(nextLookMs([{ status: CONFIRMED }, { status: CANCELLED }, { status: REJECTED }], 0)).toBe(false);
  expect(nextLookMs([], 0)).toBe(false);
});
