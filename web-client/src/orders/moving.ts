/** How pages that only show orders notice that these have moved on. */
import { useState } from 'react';
import type { OrderSummary } from '~/gen/stoa/order/v1/types_pb';
import { isTerminal } from './watch';

const FIRST_MS = 2_000;
const LAST_MS = 30_000;
/** A page that stands open for longer is left alone until somebody comes back to it. */
const WATCHED_MS = 30 * 60_000;

type Shown = readonly Pick<OrderSummary, 'status'>[];

const isMoving = (orders: Shown): boolean => orders.some(({ status }) => !isTerminal(status));

/** When to look again on a page that has stood open for so long; `false` if there is nothing to wait for. */
export function nextLookMs(orders: Shown, openForMs: number): number | false {
  if (!isMoving(orders) || openForMs > WATCHED_MS) return false;
  return Math.min(LAST_MS, Math.max(FIRST_MS, openForMs / 4));
}

/** The options of a query whose orders may be on their way: looked at again, ever less often, and on every return. */
export function useWhileMoving<Data>(ordersOf: (data: Data) => Shown) {
  const [openedAt] = useState(Date.now);
  const shown = (query: { state: { data: Data | undefined } }): Shown =>
    query.state.data === undefined ? [] : ordersOf(query.state.data);
  return {
    refetchInterval: (query: { state: { data: Data | undefined } }) => nextLookMs(shown(query), Date.now() - openedAt),
    refetchOnWindowFocus: (query: { state: { data: Data | undefined } }) =>
      isMoving(shown(query)) ? ('always' as const) : true,
  };
}
