import { useQuery } from '@connectrpc/connect-query';
import { CatalogService } from '~/gen/stoa/catalog/v1/catalog_pb';
import type { Order } from '~/gen/stoa/order/v1/types_pb';
import { type Payment, PaymentStatus } from '~/gen/stoa/payment/v1/types_pb';
import { formatMoney, isSome } from '~/money';
import { wasNeverCharged } from '~/orders/stations';
import { LineRow, SumRow } from './Lines';
import { Card } from './Page';
import { Price } from './Price';
import { Heading, Muted } from './Text';

/** What became of the money; nothing as long as nobody knows. */
function paymentWords(payment: Payment | undefined): string | undefined {
  if (!payment) return undefined;
  if (isSome(payment.refunded)) return `Paid, and ${formatMoney(payment.refunded)} paid back`;
  if (wasNeverCharged(payment)) return 'Nothing was charged';
  return payment.status === PaymentStatus.COMPLETED ? 'Paid' : undefined;
}

/** What an order holds and what became of the money. */
export function Bill({ order, payment }: { order: Order; payment: Payment | undefined }) {
  const skus = order.items.map((item) => item.sku);
  const names = useQuery(CatalogService.method.batchGetProducts, { skus }, { staleTime: Number.POSITIVE_INFINITY });
  const nameOf = new Map(names.data?.products.map((product) => [product.sku, product.name]));
  const paid = paymentWords(payment);
  return (
    <Card>
      <Heading>What it holds</Heading>
      <ul className="mt-5">
        {order.items.map((item) => (
          <LineRow
            key={item.sku}
            sku={item.sku}
            name={nameOf.get(item.sku) ?? item.sku}
            picture={undefined}
            amount={<Price amount={item.amount} />}
          >
            <Muted small>
              {item.quantity} × {item.unitPrice ? formatMoney(item.unitPrice) : ''}
            </Muted>
          </LineRow>
        ))}
      </ul>
      <dl className="mt-4">
        {paid ? <SumRow label="Payment">{paid}</SumRow> : null}
        <SumRow label="Total" strong>
          <Price amount={order.total} size="large" />
        </SumRow>
      </dl>
    </Card>
  );
}
