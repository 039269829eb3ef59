import { createConnectQueryKey, useSuspenseQuery } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { transport } from '~/api';
import { StatusBadge } from '~/components/Badge';
import { Bill } from '~/components/Bill';
import { CancelOrder } from '~/components/CancelOrder';
import { Failure } from '~/components/Failure';
import { Degraded, Notice } from '~/components/Notice';
import { Beside, Page } from '~/components/Page';
import { Patience } from '~/components/Patience';
import { PutBack } from '~/components/PutBack';
import { Steps } from '~/components/Steps';
import { TextLink, Title } from '~/components/Text';
import { Timeline } from '~/components/Timeline';
import { WebService } from '~/gen/stoa/bff/web/v1/web_pb';
import { OrderStatus } from '~/gen/stoa/order/v1/types_pb';
import { orderNumber } from '~/orders/number';
import { stations } from '~/orders/stations';
import { isTerminal, useOrderUpdates } from '~/orders/watch';
import { formatMoment } from '~/when';

const route = getRouteApi('/persons/account/orders/$orderId');

const HEADLINES: Record<OrderStatus, string> = {
  [OrderStatus.UNSPECIFIED]: 'Your order',
  [OrderStatus.PENDING]: 'We are on it',
  [OrderStatus.PAID]: 'Paid, one step to go',
  [OrderStatus.CONFIRMED]: 'Thank you. It is yours.',
  [OrderStatus.CANCELLING]: 'Being undone',
  [OrderStatus.CANCELLED]: 'Cancelled',
  [OrderStatus.REJECTED]: 'That did not work out',
};

const COME_TO_NOTHING: readonly OrderStatus[] = [OrderStatus.CANCELLED, OrderStatus.REJECTED];

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
  const [cancelled, setCancelled] = useState(false);
  const title = useRef<HTMLHeadingElement>(null);
  const watching = order !== undefined && !isTerminal(order.status);
  const { updates, line } = useOrderUpdates(orderId, watching || cancelled, reload);
  if (!order) return <Failure error={undefined} onRetry={reload} />;

  const way = stations(order, data.payment, data.timeline, updates);
  const status = way.find((station) => station.state === 'now')?.status ?? order.status;
  return (
    <Page name={HEADLINES[status]}>
      <div className="flex flex-wrap items-center gap-x-5 gap-y-3">
        <Title ref={title}>{HEADLINES[status]}</Title>
        <StatusBadge status={status} />
      </div>
      <p className="mt-3 text-muted text-note">
        Order {orderNumber(order.id)}, placed on {formatMoment(order.createdAt)}
      </p>
      <Beside aside={<Bill order={order} products={data.products} payment={data.payment} />}>
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
        {COME_TO_NOTHING.includes(status) ? (
          <div className="print:hidden mt-8 flex flex-wrap items-center gap-x-6">
            <div>
              <PutBack order={order} />
            </div>
            <TextLink to="/shop/search">Back to the shop</TextLink>
          </div>
        ) : null}
        <Steps orderId={order.id} entries={data.timeline} />
        <CancelOrder
          order={order}
          status={status}
          title={title}
          onCancelled={() => {
            setCancelled(true);
            reload();
          }}
        />
      </Beside>
      <Degraded parts={data.degraded} />
    </Page>
  );
}
