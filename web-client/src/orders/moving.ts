/** How often a page that only shows orders asks whether they have moved on. */
import type { OrderSummary } from '~/gen/stoa/order/v1/types_pb';
import { isTerminal } from './watch';

const FIRST_MS = 2_000;
const LAST_MS = 30_000;
/** After this many looks a page is left alone until somebody comes back to it: half an hour. */
const LOOKS_MAX = 60;

/** When to look again, in milliseconds; `false` when nothing moves, or nothing has for too long. */
export function nextLook(orders: readonly Pick<OrderSummary, 'status'>[], looks: number): number | false {
  const moving = orders.some(({ status }) => !isTerminal(status));
  return moving && looks < LOOKS_MAX ? Math.min(LAST_MS, FIRST_MS * 1.25 ** looks) : false;
}
