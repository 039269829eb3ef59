/**
 * The orders that this browser knows for the answers of attempts that are over: what came of a later attempt is none of
 * them, however alike they are and however soon they followed each other.
 */
import { type Persisted, persisted } from '~/stores/persisted';

/** Far more than anybody pays for in the seconds by which two clocks may differ. */
const ORDERS_MAX = 16;

export const answered: Persisted<readonly string[]> = persisted('stoa.answered', (raw) =>
  Array.isArray(raw) ? raw.filter((id) => typeof id === 'string').slice(-ORDERS_MAX) : [],
);

/** Notes an order, once. */
export function noteAnswered(orderId: string): void {
  const others = answered.fresh().filter((id) => id !== orderId);
  answered.set([...others, orderId].slice(-ORDERS_MAX));
}
