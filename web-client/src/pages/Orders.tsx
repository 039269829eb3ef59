import { useInfiniteQuery } from '@connectrpc/connect-query';
import { Link } from '@tanstack/react-router';
import { ChevronRight } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { StatusBadge } from '~/components/Badge';
import { Button, ButtonLink } from '~/components/Button';
import { Failure } from '~/components/Failure';
import { Degraded, RestMissing, Stale } from '~/components/Notice';
import { OrderThumbs } from '~/components/OrderThumbs';
import { Page } from '~/components/Page';
import { Price } from '~/components/Price';
import { TextLink, Title } from '~/components/Text';
import type { ProductCard } from '~/gen/stoa/bff/web/v1/types_pb';
import { type GetOrdersPageResponse, WebService } from '~/gen/stoa/bff/web/v1/web_pb';
import type { OrderSummary } from '~/gen/stoa/order/v1/types_pb';
import { useWhileMoving } from '~/orders/moving';
import { orderName, piecesOf } from '~/orders/named';
import { orderNumber } from '~/orders/number';
import { useWhenOnline } from '~/stores/online';
import { formatMoment } from '~/when';
import { OrderListBones } from './bones';

const PAGE_SIZE = 20;

export default function Orders() {
  const history = useInfiniteQuery(
    WebService.method.getOrdersPage,
    { pageSize: PAGE_SIZE, pageToken: '' },
    {
      pageParamKey: 'pageToken',
      getNextPageParam: (page) => page.nextPageToken || undefined,
      ...useWhileMoving<{ pages: GetOrdersPageResponse[] }>(({ pages }) => pages.flatMap(({ orders }) => orders)),
    },
  );
  const orders = history.data?.pages.flatMap((page) => page.orders) ?? [];
  const products = history.data?.pages.flatMap((page) => page.products) ?? [];
  const list = useRef<HTMLUListElement>(null);
  const [asked, setAsked] = useState<number>();

  // What did not come without a network comes with it.
  const { isFetchNextPageError, fetchNextPage } = history;
  useWhenOnline(isFetchNextPageError, fetchNextPage);

  // The button goes with the last page; reading goes on with what that page brought.
  useEffect(() => {
    if (asked === undefined || orders.length <= asked) return;
    setAsked(undefined);
    if (!history.hasNextPage) list.current?.children[asked]?.querySelector('a')?.focus();
  }, [asked, orders.length, history.hasNextPage]);
  return (
    <Page name="Your orders">
      <div className="flex flex-wrap items-baseline justify-between gap-x-6">
        <Title>Your orders</Title>
        <TextLink to="/account">Account and sessions</TextLink>
      </div>
      <div className="mt-8">
        {history.isPending ? <OrderListBones /> : null}
        {history.isError && orders.length === 0 ? (
          <Failure error={history.error} onRetry={() => void history.refetch()} />
        ) : null}
        {history.isRefetchError && !history.isFetchNextPageError ? <Stale what="list" /> : null}
        {history.isSuccess && orders.length === 0 ? <None /> : null}
        {orders.length > 0 ? (
          <ul ref={list} className="border-line border-t">
            {orders.map((order) => (
              <li key={order.id} className="border-line border-b">
                <Row order={order} products={products} />
              </li>
            ))}
          </ul>
        ) : null}
        {history.isFetchNextPageError ? <RestMissing /> : null}
        {history.hasNextPage ? (
          <div className="mt-8">
            <Button
              kind="quiet"
              isPending={history.isFetchingNextPage}
              onPress={() => {
                setAsked(orders.length);
                void history.fetchNextPage().then(({ isError }) => (isError ? setAsked(undefined) : undefined));
              }}
            >
              Older orders
            </Button>
          </div>
        ) : null}
      </div>
      <Degraded parts={history.data?.pages.flatMap((page) => page.degraded) ?? []} />
    </Page>
  );
}

function Row({ order, products }: { order: OrderSummary; products: readonly ProductCard[] }) {
  return (
    <Link
      to="/account/orders/$orderId"
      params={{ orderId: order.id }}
      className="-mx-[12px] flex items-center gap-x-[16px] rounded-control px-[12px] py-4 transition-colors hover:bg-sunken sm:gap-x-6"
    >
      <OrderThumbs order={order} products={products} />
      <span className="grid min-w-0 flex-1 items-center gap-x-6 gap-y-1 sm:grid-cols-[1fr_auto_7rem]">
        <span className="min-w-0">
          <span className="block font-medium">{orderName(order, products)}</span>
          <span className="block text-muted text-note">
            {orderNumber(order.id)}, {piecesOf(order.itemCount)}
          </span>
          <span className="block text-muted text-note">{formatMoment(order.createdAt)}</span>
        </span>
        <span className="flex flex-wrap items-center justify-between gap-x-4 sm:contents">
          <StatusBadge status={order.status} />
          <span className="sm:text-right">
            <Price amount={order.total} />
          </span>
        </span>
      </span>
      <ChevronRight size={18} aria-hidden="true" className="shrink-0 text-muted" />
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
