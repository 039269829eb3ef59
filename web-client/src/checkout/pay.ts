/** Paying: the attempt, the call, and what becomes of the cart. */
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { queries, transport } from '~/api';
import { OrderService } from '~/gen/stoa/order/v1/order_pb';
import { type Order, OrderStatus } from '~/gen/stoa/order/v1/types_pb';
import { underLock } from '~/locks';
import { type Cart, takeOrdered } from '~/stores/cart';
import { findOrder } from './ask';
import { type Attempt, attempts, opened, pressed, type SentAttempt, unanswered, unsent } from './attempt';
import { type Outcome, settle } from './settle';

const LOCK = 'stoa.pay';

export type Paid =
  | Outcome<Order>
  /** Another tab has the answer of this very attempt. */
  | { readonly kind: 'elsewhere' }
  /** What was sent before has no answer yet, and comes first. */
  | { readonly kind: 'unanswered'; readonly attempt: SentAttempt };

type Retrying = (tries: number) => void;

let paying: Promise<Paid> | undefined;

/** The payment that this tab is waiting for, also from a page that was left meanwhile. */
export const underWay = (): Promise<Paid> | undefined => paying;

/** Opens the checkout: from here on there is one key. */
export function openAttempt(customerId: string): Attempt {
  const held = attempts.fresh();
  const attempt = opened(held, customerId);
  if (attempt !== held) attempts.set(attempt);
  return attempt;
}

/** Buys exactly `items`, or nothing. A second press while the first is under way gets the first one's answer. */
export function pay(customerId: string, items: Cart, method: string, onRetry: Retrying): Promise<Paid> {
  const { key } = openAttempt(customerId);
  return once(async () => {
    const held = attempts.fresh();
    if (held?.key !== key) return { kind: 'elsewhere' };
    const before = unanswered(held, customerId);
    if (before) return { kind: 'unanswered', attempt: before };
    const attempt = pressed(held, items, method, Date.now());
    attempts.set(attempt);
    const outcome = await settle({ send: () => send(attempt), wait, onRetry });
    if (outcome.kind === 'unsent') attempts.set(unsent(attempt));
    return conclude(attempt, outcome);
  });
}

/** Sends an attempt once more, as it was: if it is an order already, that is the answer. */
export function finish(attempt: SentAttempt, onRetry: Retrying): Promise<Paid> {
  return once(async () => {
    if (attempts.fresh()?.key !== attempt.key) return { kind: 'elsewhere' };
    const outcome = await settle({ send: () => send(attempt), wait, onRetry });
    // Nobody looked at it now; somebody may have the first time.
    if (outcome.kind === 'unsent') return { kind: 'unknown', error: outcome.error };
    return conclude(attempt, outcome);
  });
}

/** The order that came of an attempt, if there is one so far. Sends nothing that buys. */
export async function ask(attempt: SentAttempt): Promise<Order | undefined> {
  const order = await findOrder(createClient(OrderService, transport), attempt, wait);
  if (order) await underLock(LOCK, async () => conclude(attempt, { kind: 'ordered', order }));
  return order;
}

/** Forgets an attempt; false if another tab got its answer while this one waited for its turn. */
export function drop(attempt: SentAttempt): Promise<boolean> {
  return underLock(LOCK, async () => {
    if (attempts.fresh()?.key !== attempt.key) return false;
    attempts.set(null);
    return true;
  });
}

async function send({ key, customerId, sent }: SentAttempt): Promise<Order> {
  const { order } = await createClient(OrderService, transport).createOrder(
    { customerId, items: sent.items.map((item) => ({ ...item })), paymentMethod: { token: sent.method } },
    { headers: { 'idempotency-key': key } },
  );
  if (!order) throw new ConnectError('the answer has no order', Code.Internal);
  return order;
}

/** Closes an attempt whose answer is known, whichever tab is the first to know it. */
function conclude(attempt: SentAttempt, outcome: Outcome<Order>): Outcome<Order> {
  if (outcome.kind !== 'ordered' && outcome.kind !== 'refused') return outcome;
  if (attempts.fresh()?.key === attempt.key) {
    attempts.set(null);
    // An order that came to nothing leaves the cart as it is.
    if (outcome.kind === 'ordered' && isStanding(outcome.order)) takeOrdered(attempt.sent.items);
  }
  void queries.invalidateQueries();
  return outcome;
}

const isStanding = ({ status }: Order): boolean => status !== OrderStatus.REJECTED && status !== OrderStatus.CANCELLED;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One payment at a time: in this tab, and over all tabs; the second finds the attempt answered, or to be asked about. */
function once(work: () => Promise<Paid>): Promise<Paid> {
  paying ??= underLock(LOCK, work).finally(() => {
    paying = undefined;
  });
  return paying;
}
