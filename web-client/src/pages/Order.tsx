import { createConnectQueryKey, useQuery, useSuspenseQuery } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { transport } from '~/api';
import { StatusBadge } from '~/components/Badge';
import { Button } from '~/components/Button';
import { Failure } from '~/components/Failure';
import { LineRow, SumRow } from '~/components/Lines';
import { Degraded, Notice } from '~/components/Notice';
import { Beside, Card, Page } from '~/components/Page';
import { Price } from '~/components/Price';
import { Steps } from '~/components/Steps';
import { Heading, Muted, TextLink, Title } from '~/components/Text';
import { Timeline } from '~/components/Timeline';
import { WebService } from '~/gen/stoa/bff/web/v1/web_pb';
import { CatalogService } from '~/gen/stoa/catalog/v1/catalog_pb';
import { type Order, OrderStatus } from '~/gen/stoa/order/v1/types_pb';
import { type Payment, PaymentStatus } from '~/gen/stoa/payment/v1/types_pb';
import { formatMoney, isSome } from '~/money';
import { cancelOrder } from '~/orders/cancel';
import { stations } from '~/orders/stations';
import { isTerminal, useOrderUpdates } from '~/orders/watch';
import { formatDay } from '~/when';

const route = getRouteApi('/account/orders/$orderId');

const HEADLINES: Record<OrderStatus, string> = {
  [OrderStatus.UNSPECIFIED]: 'Your order',
  [OrderStatus.PENDING]: 'We are on it',
  [OrderStatus.PAID]: 'Paid, one step to go',
  [OrderStatus.CONFIRMED]: 'Thank you. It is yours.',
  [OrderStatus.CANCELLING]: 'Being undone',
  [OrderStatus.CANCELLED]: 'Cancelled',
  [OrderStatus.REJECTED]: 'That did not work out',
};

export default function OrderPage() {
  const { orderId } = route.useParams();
  const client = useQueryClient();
  const { data } = useSuspenseQuery(WebService.method.getOrderPage, { orderId });
  const key = createConnectQueryKey({
    schema: WebService.method.getOrderPage,
    input: { orderId },
    transport,
    cardinality: 'finite',
  });
  const reload = (): void => void client.invalidateQueries({ queryKey: key });
  const { order } = data;
  const [cancelled, setCancelled] = useState(0);
  const watching = order !== undefined && !isTerminal(order.status);
  const { updates, line } = useOrderUpdates(orderId, watching || cancelled > 0, reload);
  if (!order) return <Failure error={undefined} onRetry={reload} />;

  const way = stations(order, data.timeline, updates);
  const status = way.find((station) => station.state === 'now')?.status ?? order.status;
  return (
    <Page name={HEADLINES[status]}>
      <div className="flex flex-wrap items-center gap-x-5 gap-y-3">
        <Title>{HEADLINES[status]}</Title>
        <StatusBadge status={status} />
      </div>
      <p className="mt-3 text-muted text-note">
        Order <span className="break-all">{order.id}</span>, placed on {formatDay(order.createdAt)}
      </p>
      <Beside aside={<Bill order={order} payment={data.payment} />}>
        <div aria-live="polite">
          <Timeline stations={way} />
        </div>
        {line === 'resuming' && !isTerminal(status) ? (
          <div className="mt-6">
            <Notice tone="warn" live>
              The line is down. The order goes on without us; this page catches up by itself.
            </Notice>
          </div>
        ) : null}
        {isTerminal(status) || line !== 'live' ? null : <Patience key={status} />}
        <Steps entries={data.timeline} />
        <Cancel
          order={order}
          status={status}
          onCancelled={() => {
            setCancelled((count) => count + 1);
            reload();
          }}
        />
      </Beside>
      <Degraded parts={data.degraded} />
    </Page>
  );
}

const LONG_MS = 8_000;

/** After a while of nothing: what that means, and that nobody needs to sit and watch. */
function Patience() {
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), LONG_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!long) return null;
  return (
    <div className="mt-6">
      <Notice live>
        This takes longer than usual: somebody down the line is slow to answer, and we keep asking. You can close this
        page. The order ends confirmed, or without a charge; nothing in between.
      </Notice>
    </div>
  );
}

const PAYMENTS: Partial<Record<PaymentStatus, string>> = {
  [PaymentStatus.COMPLETED]: 'Paid',
  [PaymentStatus.DECLINED]: 'Declined, not charged',
  [PaymentStatus.REFUNDED]: 'Refunded',
};

function Bill({ order, payment }: { order: Order; payment: Payment | undefined }) {
  const skus = order.items.map((item) => item.sku);
  const names = useQuery(CatalogService.method.batchGetProducts, { skus }, { staleTime: Number.POSITIVE_INFINITY });
  const nameOf = new Map(names.data?.products.map((product) => [product.sku, product.name]));
  const paid = payment ? PAYMENTS[payment.status] : undefined;
  return (
    <Card>
      <Heading>What it holds</Heading>
      <ul className="mt-5">
        {order.items.map((item) => (
          <LineRow
            key={item.sku}
            sku={item.sku}
            name={nameOf.get(item.sku) ?? item.sku}
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
        {isSome(payment?.refunded) ? <SumRow label="Paid back">{formatMoney(payment.refunded)}</SumRow> : null}
        <SumRow label="Total" strong>
          <Price amount={order.total} size="large" />
        </SumRow>
      </dl>
    </Card>
  );
}

const CANCELLABLE: readonly OrderStatus[] = [OrderStatus.PENDING, OrderStatus.PAID, OrderStatus.CONFIRMED];

function Cancel({ order, status, onCancelled }: { order: Order; status: OrderStatus; onCancelled: () => void }) {
  const [phase, setPhase] = useState<'idle' | 'sure' | 'working'>('idle');
  const [error, setError] = useState<unknown>();
  const key = useRef<string>(undefined);
  if (!CANCELLABLE.includes(status)) {
    return status === OrderStatus.CANCELLED || status === OrderStatus.REJECTED ? (
      <p className="mt-8">
        <TextLink to="/shop/search">Back to the shop</TextLink>
      </p>
    ) : null;
  }
  const cancel = async (): Promise<void> => {
    setPhase('working');
    setError(undefined);
    try {
      key.current = await cancelOrder(order.id, key.current);
      onCancelled();
    } catch (thrown) {
      setError(thrown);
    } finally {
      setPhase('idle');
    }
  };
  return (
    <section className="mt-8" aria-label="Cancel">
      {phase === 'idle' ? (
        <Button kind="plain" onPress={() => setPhase('sure')}>
          Cancel this order
        </Button>
      ) : (
        <div className="flex flex-wrap items-center gap-3">
          <p className="w-full text-muted">Everything goes back to the shelf, and any money to you. Sure?</p>
          <Button kind="danger" isPending={phase === 'working'} onPress={() => void cancel()}>
            {phase === 'working' ? 'Cancelling…' : 'Yes, cancel it'}
          </Button>
          <Button kind="quiet" isDisabled={phase === 'working'} onPress={() => setPhase('idle')}>
            Keep it
          </Button>
        </div>
      )}
      {error ? <Failure error={error} onRetry={() => void cancel()} /> : null}
    </section>
  );
}
