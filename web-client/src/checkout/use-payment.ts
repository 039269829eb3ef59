/** What the checkout page knows of its payment. */
import { useCallback, useEffect, useState } from 'react';
import type { Order } from '~/gen/stoa/order/v1/types_pb';
import type { Cart } from '~/stores/cart';
import { attempts, unanswered } from './attempt';
import { openAttempt, pay } from './pay';
import type { Outcome } from './settle';

export type Payment =
  | { readonly phase: 'choosing' }
  | { readonly phase: 'paying'; readonly tries: number; readonly resumed: boolean }
  | { readonly phase: 'over'; readonly outcome: Outcome<Order> };

/** Opens the attempt with the page, and asks at once about one that was sent and never answered. */
export function usePayment(customerId: string): {
  payment: Payment;
  start(items: Cart, method: string): void;
  choose(): void;
} {
  const [payment, setPayment] = useState<Payment>(() =>
    unanswered(attempts.get(), customerId, Date.now())
      ? { phase: 'paying', tries: 0, resumed: true }
      : { phase: 'choosing' },
  );

  const start = useCallback(
    (items: Cart, method: string, resumed = false): void => {
      setPayment({ phase: 'paying', tries: 0, resumed });
      void pay(customerId, items, method, (tries) => setPayment({ phase: 'paying', tries, resumed })).then((outcome) =>
        setPayment({ phase: 'over', outcome }),
      );
    },
    [customerId],
  );

  useEffect(() => {
    const { sent } = openAttempt(customerId);
    if (sent) start(sent.items, sent.method, true);
  }, [customerId, start]);

  const choose = useCallback((): void => {
    openAttempt(customerId);
    setPayment({ phase: 'choosing' });
  }, [customerId]);

  return { payment, start, choose };
}
