import type { ProductCard } from '~/gen/stoa/bff/web/v1/types_pb';
import type { OrderSummary } from '~/gen/stoa/order/v1/types_pb';
import { look } from './look';
import { Thumb } from './Picture';

/** The thing an order is called by lies on top. */
const LAYERS = ['z-[3]', 'z-[2]', 'z-[1]'];

/** What an order holds, as far as there is room: one picture behind the other. */
export function OrderThumbs({
  order,
  products,
}: {
  order: Pick<OrderSummary, 'skus'>;
  products: readonly ProductCard[];
}) {
  return (
    <span className="flex w-[96px] shrink-0 space-x-[-36px]">
      {order.skus.slice(0, LAYERS.length).map((sku, i) => (
        <span key={sku} className={look('relative rounded-control ring-2 ring-page', LAYERS[i])}>
          <Thumb src={products.find((product) => product.sku === sku)?.imageUrl} size="small" />
        </span>
      ))}
    </span>
  );
}
