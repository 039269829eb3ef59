import type { ProductCard } from '~/gen/stoa/bff/web/v1/types_pb';
import type { Order } from '~/gen/stoa/order/v1/types_pb';
import { type Payment, PaymentStatus } from '~/gen/stoa/payment/v1/types_pb';
import { formatMoney, isSome } from '~/money';
import { wasNeverCharged } from '~/orders/stations';
import { LineRow, Totals } from './Lines';
import { Card } from './Page';
import { Price } from './Price';
import { Heading, Muted } from './Text';

/** What became of the money; nothing as long as nobody knows. */
export function paymentWords(payment: Payment | undefined): string | undefined {
  if (!payment) return undefined;
  if (isSome(payment.refunded)) return `Paid, and ${formatMoney(payment.refunded)} paid back`;
  if (wasNeverCharged(payment)) return 'Nothing was charged';
  return payment.status === PaymentStatus.COMPLETED ? 'Paid' : undefined;
}

/** What an order holds, what was taken off, and what became of the money. */
export function Bill({
  order,
  products,
  payment,
}: {
  order: Order;
  products: readonly ProductCard[];
  payment: Payment | undefined;
}) {
  const named = new Map(products.map((product) => [product.sku, product]));
  const paid = paymentWords(payment);
  return (
    <Card>
      <Heading>What it holds</Heading>
      <ul className="mt-5">
        {order.items.map((item) => (
          <LineRow
            key={item.sku}
            sku={item.sku}
            name={named.get(item.sku)?.name || item.sku}
            picture={named.get(item.sku)?.imageUrl}
            amount={<Price amount={item.amount} />}
          >
            <Muted small>
              {item.quantity} × {item.unitPrice ? formatMoney(item.unitPrice) : ''}
            </Muted>
          </LineRow>
        ))}
      </ul>
      <Totals page={order} />
      {paid ? <p className="mt-2 text-muted text-note">{paid}.</p> : null}
    </Card>
  );
}
