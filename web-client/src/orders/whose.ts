/**
 * Whose the orders are that this tab has shown. The addresses of somebody's orders stay in the tab's history when they
 * leave; whoever comes next and goes back is told at once that it is not theirs, and the shop is not asked in vain.
 */
import { Code, ConnectError } from '@connectrpc/connect';
import { currentSession } from '~/session/session';
import { persisted, safeStorage } from '~/stores/persisted';

/** As many pages as one goes back through. */
const ORDERS_MAX = 50;

/** An order, and a trace of whose it is that leads to nobody. */
type Owned = readonly [orderId: string, trace: number];

const isOwned = (raw: unknown): raw is Owned =>
  Array.isArray(raw) && raw.length === 2 && typeof raw[0] === 'string' && typeof raw[1] === 'number';

/** In the tab's own storage, which ends with its history. */
const owners = persisted(
  'stoa.owners',
  (raw): readonly Owned[] => (Array.isArray(raw) ? raw.filter(isOwned) : []),
  safeStorage('sessionStorage'),
);

/** Calls `ask` for an order, unless it is known to be another person's. Throws PermissionDenied if it is. */
export async function askAsOwner(orderId: string, ask: () => Promise<void>): Promise<void> {
  const session = currentSession();
  const trace = traceOf(session.kind === 'person' ? session.id : '');
  const known = owners.get().find(([id]) => id === orderId);
  if (known && known[1] !== trace) throw new ConnectError('the order is of another person', Code.PermissionDenied);
  await ask();
  if (known || currentSession() !== session) return;
  owners.set([...owners.get(), [orderId, trace] as const].slice(-ORDERS_MAX));
}

/** 32 bits of FNV-1a. Two persons of the same trace would ask for each other's orders in vain, no more. */
function traceOf(id: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(id)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
