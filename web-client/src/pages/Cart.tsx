import { useQuery } from '@connectrpc/connect-query';
import { keepPreviousData } from '@tanstack/react-query';
import { useState } from 'react';
import { Button, ButtonLink } from '~/components/Button';
import { Failure } from '~/components/Failure';
import { LineRow, SumRow } from '~/components/Lines';
import { Degraded, Notice } from '~/components/Notice';
import { Beside, Card, Page } from '~/components/Page';
import { Price } from '~/components/Price';
import { QuantityField } from '~/components/QuantityField';
import { Bone, Skeleton } from '~/components/Skeleton';
import { Heading, Muted, Title } from '~/components/Text';
import type { CartLine } from '~/gen/stoa/bff/web/v1/types_pb';
import { type GetCartPageResponse, WebService } from '~/gen/stoa/bff/web/v1/web_pb';
import { formatMoney, isSome } from '~/money';
import { type Cart as CartItems, cart as cartStore, setQuantity, useCart } from '~/stores/cart';

export default function Cart() {
  const items = useCart();
  return (
    <Page name="Cart">
      <Title>Cart</Title>
      {items.length === 0 ? <Empty /> : <Filled items={items} />}
    </Page>
  );
}

function Empty() {
  return (
    <div className="mt-6 max-w-xl">
      <p className="mb-8 text-lead text-muted">
        Nothing in it yet. It keeps what you put here, in every tab and after a restart.
      </p>
      <ButtonLink to="/shop/search">Look around</ButtonLink>
    </div>
  );
}

function Filled({ items }: { items: CartItems }) {
  const page = useQuery(
    WebService.method.getCartPage,
    { items: items.map((item) => ({ ...item })) },
    { placeholderData: keepPreviousData },
  );
  if (page.isPending) return <CartBones lines={items.length} />;
  if (!page.data) return <Failure error={page.error} onRetry={() => void page.refetch()} />;
  const lines = new Map(page.data.lines.map((line) => [line.sku, line]));
  return (
    <Beside aside={<Sum page={page.data} settling={page.isPlaceholderData} stale={page.isError} />}>
      <ul aria-label="What is in your cart">
        {items.map((item) => (
          <Line key={item.sku} sku={item.sku} quantity={item.quantity} line={lines.get(item.sku)} />
        ))}
      </ul>
      <Undo items={items} />
    </Beside>
  );
}

function Line({ sku, quantity, line }: { sku: string; quantity: number; line: CartLine | undefined }) {
  const short = line !== undefined && !line.available && line.quantity === quantity;
  return (
    <LineRow sku={sku} name={line?.name || sku} amount={<Price amount={line?.amount} />}>
      <Muted small>{line?.unitPrice ? `${formatMoney(line.unitPrice)} each` : ' '}</Muted>
      <div className="mt-2 flex flex-wrap items-center gap-x-4 gap-y-1">
        <QuantityField
          label={`Quantity of ${line?.name || sku}`}
          value={quantity}
          onChange={(next) => setQuantity(sku, next)}
        />
        <Button kind="plain" aria-label={`Remove ${line?.name || sku}`} onPress={() => setQuantity(sku, 0)}>
          Remove
        </Button>
      </div>
      {short ? <RunOut sku={sku} /> : null}
    </LineRow>
  );
}

/** A line that ran out: says so, and offers what is left. */
function RunOut({ sku }: { sku: string }) {
  const page = useQuery(WebService.method.getProductPage, { sku });
  const left = Number(page.data?.availableQuantity ?? 0n);
  return (
    <div className="mt-3">
      <Notice tone="warn" live>
        <span className="flex flex-wrap items-center justify-between gap-x-4">
          <span>
            {left > 0
              ? `Only ${left} left.`
              : page.isPending
                ? 'Not enough of these left.'
                : 'Sold out since you put it here.'}
          </span>
          {left > 0 ? (
            <Button kind="plain" onPress={() => setQuantity(sku, left)}>
              {left === 1 ? 'Take the last one' : `Take the ${left} that are left`}
            </Button>
          ) : null}
        </span>
      </Notice>
    </div>
  );
}

function Sum({ page, settling, stale }: { page: GetCartPageResponse; settling: boolean; stale: boolean }) {
  return (
    <Card>
      <Heading>Summary</Heading>
      <dl className="mt-4" aria-busy={settling}>
        {isSome(page.discount) ? <SumRow label="Discount">−{formatMoney(page.discount)}</SumRow> : null}
        <SumRow label="Delivery">Free</SumRow>
        <SumRow label="Total" strong>
          <Price amount={page.total} size="large" />
        </SumRow>
      </dl>
      <div className="mt-6">
        {page.canOrder ? (
          <ButtonLink to="/shop/checkout" large wide>
            To the checkout
          </ButtonLink>
        ) : (
          <Notice tone="warn">One of the lines cannot be had as it is. Change it and the checkout opens.</Notice>
        )}
      </div>
      {stale ? (
        <div className="mt-4">
          <Notice tone="warn">These totals are from a moment ago; the shop did not answer just now.</Notice>
        </div>
      ) : null}
      <Degraded parts={page.degraded} />
    </Card>
  );
}

/** The cart as it was when the page opened: a removed line is one press away. */
function Undo({ items }: { items: CartItems }) {
  const [before] = useState(items);
  if (before.length <= items.length) return null;
  return (
    <div className="mt-4">
      <Button kind="plain" onPress={() => cartStore.set(before)}>
        Put back what I removed
      </Button>
    </div>
  );
}

function CartBones({ lines }: { lines: number }) {
  return (
    <Skeleton label="Your cart is being priced">
      <Beside aside={<Bone shape="tall" />}>
        <div className="flex flex-col gap-6">
          {Array.from({ length: lines }, (_, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the bones never change places
            <Bone key={i} shape="block" />
          ))}
        </div>
      </Beside>
    </Skeleton>
  );
}
