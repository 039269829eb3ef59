import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { WatchOrderStatusResponseSchema } from '~/gen/stoa/order/v1/order_pb';
import { EndReason, OrderSchema, OrderStatus, TimelineEntrySchema } from '~/gen/stoa/order/v1/types_pb';
import { type Payment, PaymentSchema, PaymentStatus } from '~/gen/stoa/payment/v1/types_pb';
import { stations } from './stations';

const { PENDING, PAID, CONFIRMED, CANCELLING, CANCELLED, REJECTED } = OrderStatus;
const at = (seconds: number) => timestampFromMs(1_800_000_000_000 + seconds * 1000);
const order = (status: OrderStatus, version = 1n) =>
  create(OrderSchema, { status, version, createdAt: at(0), updatedAt: at(9) });
const heard = (status: OrderStatus, version: bigint, endReason = EndReason.UNSPECIFIED) =>
  create(WatchOrderStatusResponseSchema, { status, version, endReason, changedAt: at(Number(version)) });
const shape = (way: ReturnType<typeof stations>) => way.map(({ status, state }) => [status, state]);

describe('the way of an order', () => {
  it('shows what is ahead', () => {
    expect(shape(stations(order(PENDING), undefined, [], []))).toEqual([
      [PENDING, 'now'],
      [PAID, 'ahead'],
      [CONFIRMED, 'ahead'],
    ]);
  });

  it('follows what it hears', () => {
    const way = stations(order(PENDING), undefined, [], [heard(PAID, 2n), heard(CONFIRMED, 3n)]);
    expect(shape(way)).toEqual([
      [PENDING, 'reached'],
      [PAID, 'reached'],
      [CONFIRMED, 'now'],
    ]);
    expect(way[1]?.at).toEqual(at(2));
  });

  it('is not set back by an older update', () => {
    expect(shape(stations(order(CONFIRMED, 3n), undefined, [], [heard(PENDING, 1n)])).at(-1)).toEqual([
      CONFIRMED,
      'now',
    ]);
  });

  it('ends where it was rejected, with the reason', () => {
    const way = stations(order(PENDING), undefined, [], [heard(REJECTED, 2n, EndReason.PAYMENT_DECLINED)]);
    expect(shape(way)).toEqual([
      [PENDING, 'reached'],
      [REJECTED, 'now'],
    ]);
    expect(way.at(-1)?.note).toMatch(/declined/);
  });

  it('says one true thing about the money', () => {
    const ended = (reason: EndReason, payment: Payment | undefined) =>
      stations(order(PENDING), payment, [], [heard(REJECTED, 2n, reason)]).at(-1)?.note;
    const paid = (status: PaymentStatus, refunded: bigint) =>
      create(PaymentSchema, { status, refunded: { currencyCode: 'EUR', minorUnits: refunded } });
    const { PAYMENT_UNAVAILABLE, OUT_OF_STOCK } = EndReason;
    expect(ended(PAYMENT_UNAVAILABLE, paid(PaymentStatus.REFUNDED, 0n))).toMatch(/Nothing was charged\.$/);
    expect(ended(PAYMENT_UNAVAILABLE, paid(PaymentStatus.REFUNDED, 12_900n))).toMatch(/€129\.00 went back to you\.$/);
    expect(ended(PAYMENT_UNAVAILABLE, undefined)).toMatch(/Nothing is owed\.$/);
    expect(ended(OUT_OF_STOCK, undefined)).toMatch(/Nothing was charged\.$/);
  });

  it('tells a cancellation from where it began', () => {
    const timeline = [
      create(TimelineEntrySchema, { kind: 'status', step: 'PAID', at: at(2) }),
      create(TimelineEntrySchema, { kind: 'status', step: 'CONFIRMED', at: at(3) }),
    ];
    const way = stations(order(CANCELLING, 4n), undefined, timeline, []);
    expect(shape(way)).toEqual([
      [PENDING, 'reached'],
      [PAID, 'reached'],
      [CONFIRMED, 'reached'],
      [CANCELLING, 'now'],
      [CANCELLED, 'ahead'],
    ]);
  });
});
