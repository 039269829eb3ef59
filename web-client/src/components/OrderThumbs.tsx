import { pictureOf } from '~/catalog/picture';
import type { ProductCard } from '~/gen/stoa/bff/web/v1/types_pb';
import type { OrderSummary } from '~/gen/stoa/order/v1/types_pb';
import { Thumb } from './Picture';

const SHOWN_MAX = 3;

/** What an order holds, as far as there is room: one picture behind the other. */
export function OrderThumbs({
  order,
  products,
}: {
  order: Pick<OrderSummary, 'skus'>;
  products: readonly ProductCard[];
}) {
  return (
    <span className="flex w-24 shrink-0 -space-x-9">
      {order.skus.slice(0, SHOWN_MAX).map((sku) => (
        <span key={sku} className="rounded-control ring-2 ring-page">
          <Thumb src={products.find((product) => product.sku === sku)?.imageUrl || pictureOf(sku)} size="small" />
        </span>
      ))}
    </span>
  );
}
