/**
 * What became of an attempt, asked of the person's own history. It reads and can buy nothing. No order tells the key
 * it was made with, so the order is known by what it holds and by when it was made. In this browser only one attempt of
 * a person can be without an answer, and it knows the orders that answered those before; another device would have to
 * buy the very same things in the same moments.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { type Client, Code, ConnectError } from '@connectrpc/connect';
import type { OrderService } from '~/gen/stoa/order/v1/order_pb';
import type { Order } from '~/gen/stoa/order/v1/types_pb';
import { pieces } from '~/stores/cart';
import { isYoungerThan, type SentAttempt } from './attempt';

/** A request whose answer was cut may still be on its way into the shop: before this age absence says nothing. */
const ARRIVAL_MS = 12_000;
/** As many looks as fit into that age with the pauses between them, also where a clock is set back meanwhile. */
const LOOKS_MAX = 10;
const FAILURES_MAX = 6;
const PAUSE_MS_MAX = 2_000;
/** The `date` of an answer is cut to the second, and travels. */
const CLOCK_TOLERANCE_MS = 2_000;
const NEWEST = 100;

const PASSING = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.Aborted]);

/** The order that came of the attempt, if there is one so far; waits while one may still be arriving. */
export async function findOrder(
  orders: Client<typeof OrderService>,
  attempt: SentAttempt,
  wait: (ms: number) => Promise<void>,
  signal: AbortSignal,
): Promise<Order | undefined> {
  for (let looks = 0, failures = 0; ; ) {
    try {
      const order = await look(orders, attempt, signal);
      looks += 1;
      if (order || looks === LOOKS_MAX || !isYoungerThan(ARRIVAL_MS, attempt, Date.now())) return order;
    } catch (thrown) {
      const error = ConnectError.from(thrown);
      failures += 1;
      if (!PASSING.has(error.code) || failures === FAILURES_MAX) throw error;
    }
    await wait(Math.min(PAUSE_MS_MAX, 200 * 2 ** (looks + failures)));
    signal.throwIfAborted();
  }
}

async function look(
  orders: Client<typeof OrderService>,
  { customerId, others, sent }: SentAttempt,
  signal: AbortSignal,
): Promise<Order | undefined> {
  let since = sent.at - CLOCK_TOLERANCE_MS;
  const recent = await orders.listOrders(
    { userId: customerId, pageSize: NEWEST },
    {
      signal,
      // This clock and the shop's may differ; the attempt was noted by this one, orders by the shop's.
      onHeader(headers) {
        const shopNow = Date.parse(headers.get('date') ?? '');
        if (!Number.isNaN(shopNow)) since += shopNow - Date.now();
      },
    },
  );
  const candidates = recent.orders.filter(
    ({ id, createdAt, itemCount }) =>
      createdAt && timestampMs(createdAt) >= since && itemCount === pieces(sent.items) && !others.includes(id),
  );
  // The list is newest first, and the attempt's own order is the first one that was made of it.
  for (const { id } of candidates.reverse()) {
    const order = await orders.getOrder({ orderId: id }, { signal });
    if (holdsExactly(order, sent)) return order;
  }
  return undefined;
}

function holdsExactly(order: Order, { items }: SentAttempt['sent']): boolean {
  const ordered = new Map(order.items.map(({ sku, quantity }) => [sku, quantity]));
  return ordered.size === items.length && items.every(({ sku, quantity }) => ordered.get(sku) === quantity);
}
