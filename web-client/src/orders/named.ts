/** What an order is called by those who placed it: the things it holds. */
import type { ProductCard } from '~/gen/stoa/bff/web/v1/types_pb';
import type { OrderSummary } from '~/gen/stoa/order/v1/types_pb';

/** How many lines of an order a summary names; there may be more. */
const NAMED_MAX = 4;

/** "Noon desk lamp and 2 more"; nothing in particular, as long as nobody knows what they are called. */
export function orderName(
  { skus }: Pick<OrderSummary, 'skus'>,
  products: readonly Pick<ProductCard, 'sku' | 'name'>[],
): string {
  const first = products.find(({ sku }) => sku === skus[0])?.name;
  if (!first) return 'An order of yours';
  if (skus.length === 1) return first;
  return skus.length < NAMED_MAX ? `${first} and ${skus.length - 1} more` : `${first} and more`;
}

/** "1 piece", "3 pieces" */
export const piecesOf = (count: number): string => (count === 1 ? '1 piece' : `${count} pieces`);
