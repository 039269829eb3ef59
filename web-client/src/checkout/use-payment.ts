/** What the checkout page knows of its payment. */
import { ConnectError } from '@connectrpc/connect';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Cart } from '~/stores/cart';
import { usePersisted } from '~/stores/persisted';
import { attempts, isWaitedFor, type SentAttempt, unanswered } from './attempt';
import { ask, drop, finish, openAttempt, type Paid, pay, underWay } from './pay';
import type { Refusal } from './settle';

export type Payment =
  | { readonly phase: 'choosing'; readonly refusal?: Refusal }
  | { readonly phase: 'paying'; readonly items: Cart; readonly tries: number }
  /** Waiting for what is known elsewhere: a payment this tab has under way, or the person's own orders. */
  | { readonly phase: 'asking' }
  /** An attempt without an answer, to be finished, dropped or asked about once more. */
  | { readonly phase: 'open'; readonly attempt: SentAttempt; readonly known: Known; readonly finishing: boolean }
  /** It is an order. `late` when nobody can have waited for it. */
  | { readonly phase: 'ordered'; readonly orderId: string; readonly late: boolean }
  | { readonly phase: 'elsewhere' };

/** What is known of an attempt without an answer. */
export type Known =
  | { readonly kind: 'no-order' }
  | { readonly kind: 'not-answered'; readonly error: unknown }
  | { readonly kind: 'not-asked'; readonly error: unknown };

export interface Till {
  readonly payment: Payment;
  start(items: Cart, method: string): void;
  finish(attempt: SentAttempt): void;
  ask(attempt: SentAttempt): void;
  drop(attempt: SentAttempt): void;
  /** To the form, from an order that turned out to have been made long ago. */
  goOn(): void;
}

/** Opens the attempt with the page; one that was sent and never answered is asked about, and never sent, by that. */
export function usePayment(customerId: string): Till {
  const [payment, setPayment] = useState<Payment>(() => ({
    phase: underWay(customerId) || unanswered(attempts.get(), customerId) ? 'asking' : 'choosing',
  }));
  const held = unanswered(usePersisted(attempts), customerId);
  const stay = useStay();

  const show = useCallback(
    (next: Payment): void => {
      if (!stay.current.signal.aborted) setPayment(next);
    },
    [stay],
  );

  const inquire = useCallback(
    async (attempt: SentAttempt): Promise<void> => {
      const { signal } = stay.current;
      show({ phase: 'asking' });
      try {
        const order = await ask(attempt, signal);
        if (order) show({ phase: 'ordered', orderId: order.id, late: !isWaitedFor(attempt, Date.now()) });
        else show({ phase: 'open', attempt, known: { kind: 'no-order' }, finishing: false });
      } catch (error) {
        if (!signal.aborted) show({ phase: 'open', attempt, known: { kind: 'not-asked', error }, finishing: false });
      }
    },
    [show, stay],
  );

  const choose = useCallback((): void => {
    openAttempt(customerId);
    show({ phase: 'choosing' });
  }, [customerId, show]);

  /** No answer came: either there is an attempt to be asked about, or nothing was sent and the form says why. */
  const stop = useCallback(
    (error: ConnectError): void => {
      const attempt = unanswered(attempts.fresh(), customerId);
      if (attempt) show({ phase: 'open', attempt, known: { kind: 'not-answered', error }, finishing: false });
      else show({ phase: 'choosing', refusal: { error, orderId: undefined } });
    },
    [customerId, show],
  );

  const follow = useCallback(
    async (paid: Promise<Paid>): Promise<void> => {
      try {
        const outcome = await paid;
        switch (outcome.kind) {
          case 'ordered':
            return show({ phase: 'ordered', orderId: outcome.order.id, late: false });
          case 'elsewhere':
            return show({ phase: 'elsewhere' });
          case 'unanswered':
            return inquire(outcome.attempt);
          case 'refused':
            openAttempt(customerId);
            return show({ phase: 'choosing', refusal: outcome });
          case 'unknown':
          case 'unsent':
            return stop(outcome.error);
        }
      } catch (error) {
        // Not even an outcome: a page that says "Paying…" for ever would be the worst of all answers.
        stop(ConnectError.from(error));
      }
    },
    [customerId, show, inquire, stop],
  );

  // What another tab sent while this one showed its form comes first here, too.
  const idle = payment.phase === 'choosing';
  const heldKey = held?.key;
  // biome-ignore lint/correctness/useExhaustiveDependencies: an attempt is told by its key, whatever object it is
  useEffect(() => {
    if (idle && held) void inquire(held);
  }, [idle, heldKey]);

  useEffect(() => {
    const inHand = underWay(customerId);
    const sent = unanswered(attempts.fresh(), customerId);
    if (inHand) void follow(inHand);
    else if (sent) void inquire(sent);
    else openAttempt(customerId);
  }, [customerId, follow, inquire]);

  return {
    payment,
    start(items, method) {
      show({ phase: 'paying', items, tries: 0 });
      void follow(pay(customerId, items, method, (tries) => show({ phase: 'paying', items, tries })));
    },
    finish(attempt) {
      setPayment((now) => (now.phase === 'open' ? { ...now, finishing: true } : now));
      void follow(finish(attempt, () => undefined));
    },
    ask: (attempt) => void inquire(attempt),
    drop(attempt) {
      show({ phase: 'asking' });
      void drop(attempt).then(
        (dropped) => (dropped ? choose() : show({ phase: 'elsewhere' })),
        (error: unknown) => stop(ConnectError.from(error)),
      );
    },
    goOn: choose,
  };
}

/** Aborted once the page is gone: answers arrive whenever they like, and nobody asks on for a page that was left. */
function useStay(): { readonly current: AbortController } {
  const [first] = useState(() => new AbortController());
  const stay = useRef(first);
  useEffect(() => {
    if (stay.current.signal.aborted) stay.current = new AbortController();
    return () => stay.current.abort();
  }, []);
  return stay;
}
