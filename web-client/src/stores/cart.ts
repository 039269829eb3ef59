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

/** As the catalog writes them; the shop refuses a whole cart for one that is anything else. */
const SKU = /^[A-Za-z0-9._-]{1,64}$/;

/** What is stored, or an empty cart if it is anything else: each thing once, as it stands there first. */
export function parseCart(raw: unknown): Cart {
  if (!Array.isArray(raw)) return [];
  const items = raw.filter(
    (item): item is CartItem =>
      typeof item?.sku === 'string' &&
      SKU.test(item.sku) &&
      Number.isInteger(item.quantity) &&
      item.quantity >= 1 &&
      item.quantity <= PIECES_MAX,
  );
  const first = items.filter(({ sku }, i) => items.findIndex((other) => other.sku === sku) === i);
  return first.slice(0, LINES_MAX).map(({ sku, quantity }) => ({ sku, quantity }));
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

/** The cart with at least `lines` in it, as far as there is room: done twice it is as done once. */
export function withAtLeast(cart: Cart, lines: Cart): Cart {
  return lines.reduce<Cart>((rest, { sku, quantity }) => {
    const missing = quantity - quantityOf(rest, sku);
    return missing > 0 ? withMore(rest, sku, missing) : rest;
  }, cart);
}

/** Whether all of `lines` are in the cart. */
export function holds(cart: Cart, lines: Cart): boolean {
  return lines.every(({ sku, quantity }) => quantityOf(cart, sku) >= quantity);
}

/** The cart without what was just ordered; what was added since stays. */
export function without(cart: Cart, ordered: Cart): Cart {
  return ordered.reduce<Cart>((rest, line) => {
    const held = rest.find((item) => item.sku === line.sku);
    return held ? withQuantity(rest, line.sku, held.quantity - line.quantity) : rest;
  }, cart);
}

/** How many of one thing are in it. */
export const quantityOf = (cart: Cart, sku: string): number => cart.find((item) => item.sku === sku)?.quantity ?? 0;

/** How many pieces are in it. */
export function pieces(cart: Cart): number {
  return cart.reduce((sum, item) => sum + item.quantity, 0);
}

function bounded(quantity: number): number {
  return Math.min(PIECES_MAX, Math.max(1, Math.trunc(quantity)));
}

/** The visitor's cart, the same in every tab: each change is made to what is stored, which another tab may have set. */
export const cart: Persisted<Cart> = persisted('stoa.cart', parseCart);

/** Adds, and says how many there was room for. */
export function addToCart(sku: string, quantity = 1): number {
  const held = cart.fresh();
  const next = withMore(held, sku, quantity);
  const added = quantityOf(next, sku) - quantityOf(held, sku);
  if (added > 0) cart.set(next);
  return added;
}

export const setQuantity = (sku: string, quantity: number): void => cart.set(withQuantity(cart.fresh(), sku, quantity));
export const takeOrdered = (ordered: Cart): void => cart.set(without(cart.fresh(), ordered));
export const putBack = (lines: Cart): void => cart.set(withAtLeast(cart.fresh(), lines));
export const useCart = (): Cart => usePersisted(cart);
