import { useInfiniteQuery } from '@connectrpc/connect-query';
import { Link } from '@tanstack/react-router';
import { ChevronRight } from 'lucide-react';
import { StatusBadge } from '~/components/Badge';
import { Button, ButtonLink } from '~/components/Button';
import { Failure } from '~/components/Failure';
import { Degraded } from '~/components/Notice';
import { Page } from '~/components/Page';
import { Price } from '~/components/Price';
import { Bone, Skeleton } from '~/components/Skeleton';
import { TextLink, Title } from '~/components/Text';
import { WebService } from '~/gen/stoa/bff/web/v1/web_pb';
import type { OrderSummary } from '~/gen/stoa/order/v1/types_pb';
import { formatClock, formatDay } from '~/when';

const PAGE_SIZE = 20;

export default function Orders() {
  const history = useInfiniteQuery(
    WebService.method.getOrdersPage,
    { pageSize: PAGE_SIZE, pageToken: '' },
    { pageParamKey: 'pageToken', getNextPageParam: (page) => page.nextPageToken || undefined },
  );
  const orders = history.data?.pages.flatMap((page) => page.orders) ?? [];
  return (
    <Page name="Your orders">
      <div className="flex flex-wrap items-baseline justify-between gap-x-6">
        <Title>Your orders</Title>
        <TextLink to="/account">Account and sessions</TextLink>
      </div>
      <div className="mt-8">
        {history.isPending ? <Bones /> : null}
        {history.isError && orders.length === 0 ? (
          <Failure error={history.error} onRetry={() => void history.refetch()} />
        ) : null}
        {history.isSuccess && orders.length === 0 ? <None /> : null}
        {orders.length > 0 ? (
          <ul className="border-line border-t">
            {orders.map((order) => (
              <li key={order.id} className="border-line border-b">
                <Row order={order} />
              </li>
            ))}
          </ul>
        ) : null}
        {history.hasNextPage ? (
          <div className="mt-8">
            <Button kind="quiet" isPending={history.isFetchingNextPage} onPress={() => void history.fetchNextPage()}>
              Older orders
            </Button>
          </div>
        ) : null}
      </div>
      <Degraded parts={history.data?.pages[0]?.degraded ?? []} />
    </Page>
  );
}

function Row({ order }: { order: OrderSummary }) {
  return (
    <Link
      to="/account/orders/$orderId"
      params={{ orderId: order.id }}
      className="-mx-3 grid grid-cols-[1fr_auto_auto] items-center gap-x-5 rounded-control px-3 py-5 transition-colors hover:bg-sunken sm:grid-cols-[1fr_10rem_8rem_auto]"
    >
      <span>
        <span className="block font-medium">{formatDay(order.createdAt)}</span>
        <span className="block text-muted text-note">
          {formatClock(order.createdAt)}, {order.itemCount === 1 ? '1 piece' : `${order.itemCount} pieces`}
        </span>
        <span className="block text-note sm:hidden">
          <Price amount={order.total} />
        </span>
      </span>
      <span>
        <StatusBadge status={order.status} />
      </span>
      <span className="hidden text-right sm:block">
        <Price amount={order.total} />
      </span>
      <ChevronRight size={18} aria-hidden="true" className="text-muted" />
    </Link>
  );
}

function None() {
  return (
    <div className="max-w-xl">
      <p className="mb-8 text-lead text-muted">
        Nothing yet. When you order something it will be here, and you can watch it become yours.
      </p>
      <ButtonLink to="/shop/search">Look around</ButtonLink>
    </div>
  );
}

function Bones() {
  return (
    <Skeleton label="Your orders are loading">
      <div className="flex flex-col gap-4">
        <Bone shape="block" />
        <Bone shape="block" />
        <Bone shape="block" />
      </div>
    </Skeleton>
  );
}
