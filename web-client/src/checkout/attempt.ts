/**
 * One attempt to pay. Its idempotency key is made when the checkout opens and kept until the answer is known, in a
 * store that survives reloads, crashes and closed tabs: whatever is pressed again sends the same key, and the server
 * makes one order of it.
 */
import { randomId } from '~/random';
import { type Cart, parseCart } from '~/stores/cart';
import { type Persisted, persisted } from '~/stores/persisted';

/** The server keeps its answer under a key this long; an older attempt must not be sent again. */
export const KEY_LIFE_MS = 23 * 60 * 60 * 1000;

export interface Attempt {
  /** The idempotency key. */
  readonly key: string;
  /** Whose it is: another person must never send it. */
  readonly customerId: string;
  /** What was sent; absent until Pay is pressed. */
  readonly sent?: { readonly items: Cart; readonly method: string; readonly at: number };
}

/** What is stored, if it is an attempt. */
export function parseAttempt(raw: unknown): Attempt | null {
  const { key, customerId, sent } = (raw ?? {}) as Partial<Attempt>;
  if (typeof key !== 'string' || typeof customerId !== 'string') return null;
  if (sent === undefined) return { key, customerId };
  const items = parseCart(sent.items);
  if (items.length === 0 || typeof sent.method !== 'string' || typeof sent.at !== 'number') return null;
  return { key, customerId, sent: { items, method: sent.method, at: sent.at } };
}

/** The attempt to go on with: the one at hand if it is this person's and still good, else a new one. */
export function opened(held: Attempt | null, customerId: string, now: number): Attempt {
  if (held && held.customerId === customerId && !isStale(held, now)) return held;
  return { key: randomId(), customerId };
}

/** The attempt with what is being paid for. Pressed again it stays what it was: the first press counts. */
export function pressed(attempt: Attempt, items: Cart, method: string, now: number): Attempt {
  return attempt.sent ? attempt : { ...attempt, sent: { items, method, at: now } };
}

/** An attempt of this person that was sent and whose answer nobody has seen. */
export function unanswered(held: Attempt | null, customerId: string | undefined, now: number): Attempt | undefined {
  return held?.sent && held.customerId === customerId && !isStale(held, now) ? held : undefined;
}

function isStale(attempt: Attempt, now: number): boolean {
  return attempt.sent !== undefined && now - attempt.sent.at > KEY_LIFE_MS;
}

export const attempts: Persisted<Attempt | null> = persisted('stoa.attempt', parseAttempt);
