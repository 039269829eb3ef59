/**
 * Whose the orders are that this tab knows. The addresses of somebody's orders stay in the tab's history when they
 * leave; whoever comes next and goes back is told what the shop would tell them, and it is not asked in vain.
 */
import { Code, ConnectError } from '@connectrpc/connect';
import type { Order } from '~/gen/stoa/order/v1/types_pb';
import { currentSession } from '~/session/session';
import { persisted, safeStorage } from '~/stores/persisted';

/** As many pages as one goes back through. */
const ORDERS_MAX = 50;

/** An order, and a trace of whose it is: it tells two accounts apart, and names neither. */
type Owned = readonly [orderId: string, trace: number];

const isOwned = (raw: unknown): raw is Owned =>
  Array.isArray(raw) && raw.length === 2 && typeof raw[0] === 'string' && typeof raw[1] === 'number';

/** In the tab's own storage, which ends with its history. */
const owners = persisted(
  'stoa.owners',
  (raw): readonly Owned[] => (Array.isArray(raw) ? raw.filter(isOwned) : []),
  safeStorage('sessionStorage'),
);

/** Calls `ask` for an order, unless it is known to be another person's. Throws NotFound if it is. */
export async function askForOrder(orderId: string, ask: () => Promise<{ order?: Order | undefined }>): Promise<void> {
  const session = currentSession();
  const owner = owners.get().find(([id]) => id === orderId)?.[1];
  const customer = session.kind === 'person' ? session.id : undefined;
  if (customer !== undefined && owner !== undefined && owner !== traceOf(customer))
    throw new ConnectError('order not found', Code.NotFound);
  const { order } = await ask();
  if (!order || owners.get().some(([id]) => id === orderId)) return;
  owners.set([...owners.get(), [orderId, traceOf(order.customerId)] as const].slice(-ORDERS_MAX));
}

/** 32 bits of FNV-1a. Two customers of the same trace would ask for each other's orders in vain, no more. */
function traceOf(id: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(id)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
