import { useQuery } from '@connectrpc/connect-query';
import { keepPreviousData, type UseQueryResult } from '@tanstack/react-query';
import { type RefObject, useRef, useState } from 'react';
import { whyNot } from '~/checkout/why-not';
import { Button, ButtonLink } from '~/components/Button';
import { Failure } from '~/components/Failure';
import { LineRow, Totals } from '~/components/Lines';
import { Degraded, Notice } from '~/components/Notice';
import { Beside, Card, Page } from '~/components/Page';
import { Price } from '~/components/Price';
import { QuantityField } from '~/components/QuantityField';
import { Bone, Skeleton } from '~/components/Skeleton';
import { Heading, Muted, Title } from '~/components/Text';
import type { CartLine } from '~/gen/stoa/bff/web/v1/types_pb';
import { type GetCartPageResponse, WebService } from '~/gen/stoa/bff/web/v1/web_pb';
import { formatMoney } from '~/money';
import { type CartItem, type Cart as CartItems, cart as held, putBack, setQuantity, useCart } from '~/stores/cart';
import { useIsKept } from '~/stores/persisted';
import { useSteady } from '~/stores/steady';

export default function Cart() {
  const items = useCart();
  const [removed, setRemoved] = useState<CartItems>([]);
  const title = useRef<HTMLHeadingElement>(null);
  const list = useRef<HTMLUListElement>(null);

  /** What had the focus goes with its line: on to the line that takes its place, else to the top. */
  const remove = (item: CartItem): void => {
    const at = items.indexOf(item);
    const next = list.current?.children[at + 1] ?? list.current?.children[at - 1];
    setQuantity(item.sku, 0);
    setRemoved([...removed.filter(({ sku }) => sku !== item.sku), item]);
    (next?.querySelector<HTMLElement>('[data-remove]') ?? title.current)?.focus();
  };
  // What came back by another way, or another tab, is no longer missing.
  const missing = removed.filter(({ sku }) => !items.some((item) => item.sku === sku));
  const undo = (): void => {
    putBack(missing);
    setRemoved([]);
    title.current?.focus();
  };
  return (
    <Page name="Cart">
      <Title ref={title}>Cart</Title>
      <NotKept />
      {items.length === 0 ? <Empty /> : <Filled items={items} list={list} onRemove={remove} />}
      {missing.length > 0 ? (
        <div className="mt-4">
          <Button kind="plain" onPress={undo}>
            {missing.length === 1 ? 'Put back what I removed' : `Put back the ${missing.length} things I removed`}
          </Button>
        </div>
      ) : null}
    </Page>
  );
}

/** Some browsers refuse to keep anything, or have no room left. */
function NotKept() {
  if (useIsKept(held)) return null;
  return (
    <div className="mt-4">
      <Notice tone="warn" live>
        Your browser does not let the shop keep this cart: other tabs do not have it, and it ends with this one.
      </Notice>
    </div>
  );
}

function Empty() {
  const kept = useIsKept(held);
  return (
    <div className="mt-6 max-w-xl">
      <p className="mb-8 text-lead text-muted">
        Nothing in it yet. {kept ? 'It keeps what you put here, in every tab and after a restart.' : null}
      </p>
      <ButtonLink to="/shop/search">Look around</ButtonLink>
    </div>
  );
}

function Filled({
  items,
  list,
  onRemove,
}: {
  items: CartItems;
  list: RefObject<HTMLUListElement | null>;
  onRemove: (item: CartItem) => void;
}) {
  const page = useQuery(
    WebService.method.getCartPage,
    { items: items.map((item) => ({ ...item })) },
    { placeholderData: keepPreviousData },
  );
  // What is in the cart can be changed although the shop does not say what it costs: that may be why.
  const [lastPage, setLastPage] = useState(page.data);
  if (page.data && page.data !== lastPage) setLastPage(page.data);
  const [answered, setAnswered] = useState(false);
  if (!page.isPending && !answered) setAnswered(true);
  if (page.isPending && !answered) return <CartBones lines={items.length} />;
  const lines = new Map(lastPage?.lines.map((line) => [line.sku, line]));
  return (
    <Beside aside={<Aside page={page} />}>
      <ul ref={list} aria-label="What is in your cart">
        {items.map((item) => (
          <Line
            key={item.sku}
            item={item}
            line={lines.get(item.sku)}
            stale={page.isError}
            onRemove={() => onRemove(item)}
          />
        ))}
      </ul>
    </Beside>
  );
}

function Aside({ page }: { page: UseQueryResult<GetCartPageResponse> }) {
  if (page.data) return <Sum page={page.data} settling={page.isPlaceholderData} stale={page.isError} />;
  if (page.isPending) return <Bone shape="tall" />;
  return <Failure error={page.error} onRetry={() => void page.refetch()} />;
}

function Line({
  item,
  line,
  stale,
  onRemove,
}: {
  item: CartItem;
  line: CartLine | undefined;
  /** Whether no newer answer will come by itself. */
  stale: boolean;
  onRemove: () => void;
}) {
  const { sku, quantity } = item;
  const name = line?.name || sku;
  // An answer that is about another quantity says nothing of this one.
  const current = line?.quantity === quantity ? line : undefined;
  const wanting = useSteady(current?.available === false ? current : undefined);
  const row = useRef<HTMLLIElement>(null);
  // Nor has what is no longer in the catalog a price to follow.
  const priced = stale ? current?.amount : line?.amount || line?.name !== '';
  const amount = priced ? <Price amount={line?.amount} /> : null;
  return (
    <LineRow ref={row} sku={sku} name={name} picture={line?.imageUrl} amount={amount}>
      <Muted small>{line?.unitPrice ? `${formatMoney(line.unitPrice)} each` : ' '}</Muted>
      <div className="mt-2 flex flex-wrap items-center gap-x-4 gap-y-1">
        <QuantityField label={`Quantity of ${name}`} value={quantity} onChange={(next) => setQuantity(sku, next)} />
        <Button kind="plain" data-remove aria-label={`Remove ${name}`} onPress={onRemove}>
          Remove
        </Button>
      </div>
      {wanting ? (
        <Wanting
          line={wanting}
          onTake={(left) => {
            setQuantity(sku, left);
            row.current?.querySelector('input')?.focus();
          }}
        />
      ) : null}
    </LineRow>
  );
}

/** A line that cannot be had as it is: says why, and offers what is left. */
function Wanting({ line, onTake }: { line: CartLine; onTake: (left: number) => void }) {
  const left = Number(line.availableQuantity);
  // What there is enough of, and is not to be had, has no price or is no longer sold.
  const short = line.name !== '' && left < line.quantity;
  return (
    <div className="mt-3">
      <Notice tone="warn" live>
        <span className="flex flex-wrap items-center justify-between gap-x-4">
          <span>{short ? (left > 0 ? `Only ${left} left.` : 'Sold out.') : 'Not for sale at the moment.'}</span>
          {short && left > 0 ? (
            <Button kind="plain" onPress={() => onTake(left)}>
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
      <div aria-busy={settling}>
        <Totals page={page} />
      </div>
      <div className="mt-6">
        {page.canOrder ? (
          <ButtonLink to="/shop/checkout" large wide>
            To the checkout
          </ButtonLink>
        ) : (
          <Notice tone="warn">{whyNot(page)}</Notice>
        )}
      </div>
      <p className="mt-3 text-muted text-note">Stoa is a demonstration shop: nothing is sent and no money moves.</p>
      {stale ? (
        <div className="mt-4">
          <Notice tone="warn">These totals are from a moment ago; the shop did not answer just now.</Notice>
        </div>
      ) : null}
      <Degraded parts={page.degraded} />
    </Card>
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
