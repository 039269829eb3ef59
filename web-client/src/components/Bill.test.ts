import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { PaymentSchema, PaymentStatus } from '~/gen/stoa/payment/v1/types_pb';
import { paymentWords } from './Bill';

const { UNSPECIFIED, COMPLETED, DECLINED, REFUNDED } = PaymentStatus;
const euros = (amount: number) => ({ currencyCode: 'EUR', minorUnits: BigInt(amount * 100) });
const payment = (status: PaymentStatus, refunded?: number) =>
  create(PaymentSchema, {
    status,
    amount: euros(129),
    ...(refunded === undefined ? {} : { refunded: euros(refunded) }),
  });

describe('what a bill says of the money', () => {
  it('says nothing as long as nobody knows', () => {
    expect(paymentWords(undefined)).toBeUndefined();
    expect(paymentWords(payment(UNSPECIFIED))).toBeUndefined();
  });

  it('says that it is paid', () => {
    expect(paymentWords(payment(COMPLETED))).toBe('Paid');
    expect(paymentWords(payment(COMPLETED, 0)), 'nothing given back is no refund').toBe('Paid');
  });

  it('says how much was paid back, of all or of a part', () => {
    expect(paymentWords(payment(REFUNDED, 129))).toBe('Paid, and €129.00 paid back');
    expect(paymentWords(payment(COMPLETED, 29))).toBe('Paid, and €29.00 paid back');
  });

  it('never claims a payment, or its return, where nothing was charged', () => {
    for (const none of [payment(DECLINED), payment(REFUNDED), payment(REFUNDED, 0)])
      expect(paymentWords(none)).toBe('Nothing was charged');
  });
});
