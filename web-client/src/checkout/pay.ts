/** Pay: the attempt, the call, and what becomes of the cart. */
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { queries, transport } from '~/api';
import { OrderService } from '~/gen/stoa/order/v1/order_pb';
import type { Order } from '~/gen/stoa/order/v1/types_pb';
import { underLock } from '~/locks';
import { type Cart, takeOrdered } from '~/stores/cart';
import { type Attempt, attempts, opened, pressed } from './attempt';
import { type Outcome, settle } from './settle';

const LOCK = 'stoa.pay';

let paying: Promise<Outcome<Order>> | undefined;

/** Opens the checkout: from here on there is one key. */
export function openAttempt(customerId: string): Attempt {
  const attempt = opened(attempts.get(), customerId, Date.now());
  if (attempt !== attempts.get()) attempts.set(attempt);
  return attempt;
}

/** Pays. A second press while the first is under way gets the first one's answer. */
export function pay(
  customerId: string,
  items: Cart,
  method: string,
  onRetry: (tries: number) => void,
): Promise<Outcome<Order>> {
  const { key } = openAttempt(customerId);
  // Two tabs pay one after the other: the second finds the attempt answered, or sends the same key.
  paying ??= underLock(LOCK, async () => {
    const held = attempts.fresh();
    if (held?.key !== key) return { kind: 'elsewhere' } as const;
    const attempt = pressed(held, items, method, Date.now());
    attempts.set(attempt);
    return conclude(attempt, await settle({ send: () => send(attempt), wait, onRetry }));
  }).finally(() => {
    paying = undefined;
  });
  return paying;
}

async function send({ key, customerId, sent }: Attempt): Promise<Order> {
  const { order } = await createClient(OrderService, transport).createOrder(
    { customerId, items: sent?.items.map((item) => ({ ...item })) ?? [], paymentMethod: { token: sent?.method ?? '' } },
    { headers: { 'idempotency-key': key } },
  );
  if (!order) throw new ConnectError('the answer has no order', Code.Internal);
  return order;
}

function conclude(attempt: Attempt, outcome: Outcome<Order>): Outcome<Order> {
  if (outcome.kind === 'unknown') return outcome;
  if (attempts.get()?.key === attempt.key) attempts.set(null);
  if (outcome.kind === 'ordered') takeOrdered(attempt.sent?.items ?? []);
  void queries.invalidateQueries();
  return outcome;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
