/**
 * One attempt to pay. Its idempotency key is made when the checkout opens and kept until the answer is known, in a
 * store that survives reloads, crashes and closed tabs: whatever is sent again carries the same key, and the server
 * makes one order of it. An attempt is sent because somebody pressed a button that shows what it buys, never because
 * a page was opened.
 */
import { randomId } from '~/random';
import { type Cart, parseCart } from '~/stores/cart';
import { type Persisted, persisted } from '~/stores/persisted';

/** The server keeps its answer under a key for a day; an attempt of nearly that age must not be sent again. */
const KEY_LIFE_MS = 23 * 60 * 60 * 1000;
/** After this long nobody is waiting for the answer any more, but doing something else. */
const WAITED_FOR_MS = 5 * 60 * 1000;

export interface Attempt {
  /** The idempotency key. */
  readonly key: string;
  /** Whose it is: another person must never send it. */
  readonly customerId: string;
  /** What was sent; absent until Pay is pressed. */
  readonly sent?: { readonly items: Cart; readonly method: string; readonly at: number };
}

/** An attempt that may have become an order. */
export type SentAttempt = Attempt & Required<Pick<Attempt, 'sent'>>;

/** What is stored, if it is an attempt. */
export function parseAttempt(raw: unknown): Attempt | null {
  const { key, customerId, sent } = (raw ?? {}) as Partial<Attempt>;
  if (typeof key !== 'string' || typeof customerId !== 'string') return null;
  if (sent === undefined) return { key, customerId };
  const items = parseCart(sent.items);
  if (items.length === 0 || typeof sent.method !== 'string' || typeof sent.at !== 'number') return null;
  return { key, customerId, sent: { items, method: sent.method, at: sent.at } };
}

/** The attempt to go on with: the one at hand if it is this person's, else a new one. */
export function opened(held: Attempt | null, customerId: string): Attempt {
  return held?.customerId === customerId ? held : { key: randomId(), customerId };
}

/** The attempt with what is being paid for, from the moment it may reach the shop. */
export function pressed({ key, customerId }: Attempt, items: Cart, method: string, now: number): SentAttempt {
  return { key, customerId, sent: { items, method, at: now } };
}

/** The attempt as before the press: nobody looked at what was sent, so nothing can have come of it. */
export function unsent({ key, customerId }: Attempt): Attempt {
  return { key, customerId };
}

/** An attempt of this person that was sent and whose answer nobody has seen. */
export function unanswered(held: Attempt | null, customerId: string | undefined): SentAttempt | undefined {
  return held?.sent && held.customerId === customerId ? { ...held, sent: held.sent } : undefined;
}

/** Whether somebody may still be sitting there, waiting for the answer. */
export const isWaitedFor = ({ sent }: SentAttempt, now: number): boolean => now - sent.at < WAITED_FOR_MS;

/** Whether the server still knows the key, so that sending it again cannot buy twice. */
export const canFinish = ({ sent }: SentAttempt, now: number): boolean => now - sent.at < KEY_LIFE_MS;

export const attempts: Persisted<Attempt | null> = persisted('stoa.attempt', parseAttempt);
