/** Paying: the attempt, the call, and what becomes of the cart. */
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { queries, transport } from '~/api';
import { notKept } from '~/errors/explain';
import { OrderService } from '~/gen/stoa/order/v1/order_pb';
import { type Order, OrderStatus } from '~/gen/stoa/order/v1/types_pb';
import { underLock } from '~/locks';
import { currentSession, sessionKnown } from '~/session/session';
import { type Cart, takeOrdered } from '~/stores/cart';
import { findOrder } from './ask';
import {
  type Attempt,
  attemptOf,
  attempts,
  canFinish,
  following,
  noteAnswer,
  opened,
  pressed,
  type SentAttempt,
  unanswered,
  unsent,
  withAttempt,
  withoutAttempt,
} from './attempt';
import { type Outcome, settle } from './settle';

const LOCK = 'stoa.pay';

export type Paid =
  | Outcome<Order>
  /** Another tab has the answer of this very attempt. */
  | { readonly kind: 'elsewhere' }
  /** What was sent before has no answer yet, and comes first. */
  | { readonly kind: 'unanswered'; readonly attempt: SentAttempt };

type Retrying = (tries: number) => void;

let paying: { readonly customerId: string; readonly paid: Promise<Paid> } | undefined;

/** The payment of this person that this tab is waiting for, also from a page that was left meanwhile. */
export const underWay = (customerId: string): Promise<Paid> | undefined =>
  paying?.customerId === customerId ? paying.paid : undefined;

/** The attempt that the next press sends: from here on there is one key. */
export function openAttempt(customerId: string): Attempt {
  const all = attempts.fresh();
  const attempt = opened(all, customerId);
  if (!all.includes(attempt)) keep(attempt);
  return attempt;
}

/** Buys exactly `items`, or nothing. A second press while the first is under way gets the first one's answer. */
export function pay(customerId: string, items: Cart, method: string, onRetry: Retrying): Promise<Paid> {
  const { key } = openAttempt(customerId);
  return once(customerId, async () => {
    const held = attemptOf(attempts.fresh(), customerId);
    if (held?.key !== key) return { kind: 'elsewhere' };
    const before = unanswered([held], customerId);
    if (before) return { kind: 'unanswered', attempt: before };
    // What cannot leave the browser is not sent later either, when nobody presses.
    if (navigator.onLine === false) return { kind: 'unsent', error: new ConnectError('no network', Code.Unavailable) };
    const attempt = pressed(held, items, method, Date.now());
    keep(attempt);
    // After a reload the cart would be there, and nobody would know that it is being paid for. Where nothing is kept at
    // all, the cart goes with the attempt.
    if (attempts.keeping() === 'refused') {
      keep(unsent(attempt));
      return { kind: 'unsent', error: notKept() };
    }
    const outcome = await settle({ send: () => send(attempt), wait, onRetry });
    if (outcome.kind === 'unsent') keep(unsent(attempt));
    return conclude(attempt, outcome);
  });
}

/** Sends an attempt once more, as it was: if it is an order already, that is the answer. */
export function finish(attempt: SentAttempt, onRetry: Retrying): Promise<Paid> {
  return once(attempt.customerId, async () => {
    if (!isHeld(attempt)) return { kind: 'elsewhere' };
    // A page may stand open for a day: by then the shop would take the same key for a new order.
    if (!canFinish(attempt, Date.now())) return { kind: 'unanswered', attempt };
    const outcome = await settle({ send: () => send(attempt), wait, onRetry });
    // Nobody looked at it now; somebody may have the first time.
    if (outcome.kind === 'unsent') return { kind: 'unknown', error: outcome.error };
    return conclude(attempt, outcome);
  });
}

/** The order that came of an attempt, if there is one so far. Sends nothing that buys. */
export async function ask(attempt: SentAttempt, signal: AbortSignal): Promise<Order | undefined> {
  const order = await findOrder(createClient(OrderService, transport), attempt, wait, signal);
  if (order) await underLock(LOCK, async () => conclude(attempt, { kind: 'ordered', order }));
  return order;
}

/** Forgets an attempt; false if another tab got its answer while this one waited for its turn. */
export function drop(attempt: SentAttempt): Promise<boolean> {
  return underLock(LOCK, async () => {
    if (!isHeld(attempt)) return false;
    close(attempt, undefined);
    return true;
  });
}

/**
 * Sends it as the person whose it is, and as nobody else: whoever signed in meanwhile would be refused, and a refusal
 * closes the attempt of somebody who never saw it.
 */
async function send({ key, customerId, sent }: SentAttempt): Promise<Order> {
  await sessionKnown();
  const { kind } = currentSession();
  if (kind === 'unknown') throw new ConnectError('the session could not be renewed', Code.Unavailable);
  if (!isHere(customerId)) throw leftMeanwhile();
  try {
    const { order } = await createClient(OrderService, transport).createOrder(
      { customerId, items: sent.items.map((item) => ({ ...item })), paymentMethod: { token: sent.method } },
      { headers: { 'idempotency-key': key } },
    );
    if (!order) throw new ConnectError('the answer has no order', Code.Internal);
    return order;
  } catch (error) {
    // The session may change hands between the look above and the token that the call takes along.
    if (ConnectError.from(error).code === Code.PermissionDenied && !isHere(customerId)) throw leftMeanwhile();
    throw error;
  }
}

function isHere(customerId: string): boolean {
  const session = currentSession();
  return session.kind === 'person' && session.id === customerId;
}

const leftMeanwhile = (): ConnectError =>
  new ConnectError('whoever pressed Pay is no longer signed in', Code.Unauthenticated);

/** Closes an attempt whose answer is known, whichever tab is the first to know it. */
function conclude(attempt: SentAttempt, outcome: Outcome<Order>): Outcome<Order> {
  if (outcome.kind !== 'ordered' && outcome.kind !== 'refused') return outcome;
  if (isHeld(attempt)) {
    noteAnswer(attempt.key, outcome.kind === 'ordered' ? { kind: 'ordered', orderId: outcome.order.id } : outcome);
    close(attempt, outcome.kind === 'ordered' ? outcome.order.id : outcome.orderId);
    // An order that came to nothing leaves the cart as it is.
    if (outcome.kind === 'ordered' && isStanding(outcome.order)) takeOrdered(attempt.sent.items);
  }
  void queries.invalidateQueries();
  return outcome;
}

const isStanding = ({ status }: Order): boolean => status !== OrderStatus.REJECTED && status !== OrderStatus.CANCELLED;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const isHeld = ({ key }: Attempt): boolean => attempts.fresh().some((held) => held.key === key);
const keep = (attempt: Attempt): void => attempts.set(withAttempt(attempts.fresh(), attempt, Date.now()));

/** The attempt is over, and its person's next one begins; of whoever has left meanwhile nothing stays. */
function close(attempt: SentAttempt, orderId: string | undefined): void {
  if (isHere(attempt.customerId)) keep(following(attempt, orderId));
  else attempts.set(withoutAttempt(attempts.fresh(), attempt.key));
}

/** One payment at a time: in this tab, and over all tabs; the second finds the attempt answered, or to be asked about. */
function once(customerId: string, work: () => Promise<Paid>): Promise<Paid> {
  const before = underWay(customerId);
  if (before) return before;
  const mine = {
    customerId,
    paid: underLock(LOCK, work).finally(() => {
      if (paying === mine) paying = undefined;
    }),
  };
  paying = mine;
  return mine.paid;
}
