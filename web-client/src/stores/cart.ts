/** The cart: what was chosen and how many. It knows no price; only the server does. */
import { type Persisted, persisted, usePersisted } from './persisted';

/** The most pieces of one thing and the most things that an order takes. */
export const PIECES_MAX = 100;
export const LINES_MAX = 100;

export interface CartItem {
  readonly sku: string;
  readonly quantity: number;
}

export type Cart = readonly CartItem[];

/** What is stored, or an empty cart if it is anything else. */
export function parseCart(raw: unknown): Cart {
  if (!Array.isArray(raw)) return [];
  const items = raw.filter(
    (item): item is CartItem =>
      typeof item?.sku === 'string' &&
      Number.isInteger(item.quantity) &&
      item.quantity >= 1 &&
      item.quantity <= PIECES_MAX,
  );
  return items.slice(0, LINES_MAX).map(({ sku, quantity }) => ({ sku, quantity }));
}

/** The cart with `quantity` more of `sku`, within what an order takes. */
export function withMore(cart: Cart, sku: string, quantity: number): Cart {
  const held = cart.find((item) => item.sku === sku);
  if (held) return withQuantity(cart, sku, held.quantity + quantity);
  return cart.length >= LINES_MAX ? cart : [...cart, { sku, quantity: bounded(quantity) }];
}

/** The cart with exactly `quantity` of `sku`; none of it leaves the line out. */
export function withQuantity(cart: Cart, sku: string, quantity: number): Cart {
  if (quantity < 1) return cart.filter((item) => item.sku !== sku);
  return cart.map((item) => (item.sku === sku ? { sku, quantity: bounded(quantity) } : item));
}

/** The cart without what was just ordered; what was added since stays. */
export function without(cart: Cart, ordered: Cart): Cart {
  return ordered.reduce<Cart>((rest, line) => {
    const held = rest.find((item) => item.sku === line.sku);
    return held ? withQuantity(rest, line.sku, held.quantity - line.quantity) : rest;
  }, cart);
}

/** How many pieces are in it. */
export function pieces(cart: Cart): number {
  return cart.reduce((sum, item) => sum + item.quantity, 0);
}

function bounded(quantity: number): number {
  return Math.min(PIECES_MAX, Math.max(1, Math.trunc(quantity)));
}

/** The visitor's cart. */
export const cart: Persisted<Cart> = persisted('stoa.cart', parseCart);

export const addToCart = (sku: string, quantity = 1): void => cart.set(withMore(cart.get(), sku, quantity));
export const setQuantity = (sku: string, quantity: number): void => cart.set(withQuantity(cart.get(), sku, quantity));
export const takeOrdered = (ordered: Cart): void => cart.set(without(cart.get(), ordered));
export const useCart = (): Cart => usePersisted(cart);
