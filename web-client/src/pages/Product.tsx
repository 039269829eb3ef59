import { useQuery, useSuspenseQuery } from '@connectrpc/connect-query';
import { getRouteApi } from '@tanstack/react-router';
import { Check, ShoppingBag } from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { stockWords } from '~/catalog/stock';
import { Button } from '~/components/Button';
import { look } from '~/components/look';
import { Degraded, Stale } from '~/components/Notice';
import { Page } from '~/components/Page';
import { Picture } from '~/components/Picture';
import { Price } from '~/components/Price';
import { ProductGrid } from '~/components/ProductCard';
import { QuantityField } from '~/components/QuantityField';
import { Heading, TextLink, Title } from '~/components/Text';
import { useDraft } from '~/drafts';
import type { ProductCard } from '~/gen/stoa/bff/web/v1/types_pb';
import { WebService } from '~/gen/stoa/bff/web/v1/web_pb';
import type { Money } from '~/gen/stoa/pricing/v1/types_pb';
import { addToCart, cart as held, LINES_MAX, PIECES_MAX, quantityOf, useCart } from '~/stores/cart';
import { useIsKept } from '~/stores/persisted';

const LIVE_MS = 15_000;
const SHELF = 4;
const route = getRouteApi('/shop/products/$sku');
const TONES = { good: 'text-good', warn: 'text-warn', bad: 'text-bad' };

export default function ProductPage() {
  const { sku } = route.useParams();
  const { data, isError } = useSuspenseQuery(WebService.method.getProductPage, { sku }, { refetchInterval: LIVE_MS });
  const { product, price, availableQuantity, suggestions } = data;
  const name = product?.name || sku;
  const category = product?.category ?? '';
  const stock = stockWords(availableQuantity);
  return (
    <Page name={name}>
      {isError ? <Stale what="page" /> : null}
      <div className="grid gap-5 flat:grid-cols-[auto_minmax(0,1fr)] md:grid-cols-2 md:gap-10 lg:grid-cols-[minmax(0,1.1fr)_minmax(0,1fr)] lg:gap-16">
        <div className="min-w-0 lg:max-w-2xl">
          <Picture src={product?.imageUrl ?? ''} alt={name} frame="page" eager />
        </div>
        <div className="min-w-0 flat:flex flat:flex-col flat:items-start lg:pt-8">
          {category ? (
            <TextLink to="/shop/search" search={{ category }}>
              {category}
            </TextLink>
          ) : null}
          <Title>{name}</Title>
          <p className="mt-3 flex flex-wrap items-baseline gap-x-5 gap-y-1 md:mt-5">
            {price?.amount ? <Price amount={price.amount} size="large" /> : null}
            <span role="status" className={look('text-note', price?.amount && TONES[stock.tone])}>
              {price?.amount ? stock.text : ''}
            </span>
          </p>
          <p className="mt-4 flat:order-1 max-w-prose text-lead text-muted md:mt-5">{product?.description}</p>
          {price?.amount ? (
            <Buy key={sku} sku={sku} amount={price.amount} available={availableQuantity} />
          ) : (
            <Unpriced />
          )}
          <p className="mt-4 flat:order-1 text-muted text-note">Article {sku}. An order can be cancelled for a day.</p>
        </div>
      </div>
      {suggestions.length > 0 ? <Shelf title="Others also bought" products={suggestions} /> : null}
      {suggestions.length < SHELF ? <Neighbours sku={sku} category={category} but={suggestions} /> : null}
      <Degraded parts={data.degraded} />
    </Page>
  );
}

function Shelf({ title, products }: { title: string; products: readonly ProductCard[] }) {
  return (
    <section className="mt-16 md:mt-20">
      <div className="mb-6">
        <Heading>{title}</Heading>
      </div>
      <ProductGrid kind="shelf" label={title} products={products.slice(0, SHELF)} />
    </section>
  );
}

/** What else stands on the same shelf, as long as few are known that others bought. */
function Neighbours({ sku, category, but }: { sku: string; category: string; but: readonly ProductCard[] }) {
  const wanted = { category, pageSize: 2 * SHELF };
  const shelf = useQuery(WebService.method.getSearchPage, wanted, { enabled: category !== '' });
  const shown = [sku, ...but.map((product) => product.sku)];
  const others = shelf.data?.products.filter((product) => !shown.includes(product.sku)) ?? [];
  return others.length > 0 ? <Shelf title={`More in ${category}`} products={others} /> : null;
}

/** A thing that nobody gave a price can be looked at; a button that must fail would be no kindness. */
function Unpriced() {
  return (
    <p className="mt-6 max-w-prose rounded-control bg-sunken px-4 py-3">
      No price yet, so it cannot be ordered for now. Everything else about it is here.
    </p>
  );
}

const THANKS_MS = 2_500;

function Buy({ sku, amount, available }: { sku: string; amount: Money; available: bigint }) {
  const [wished, setWished] = useDraft('quantity', 1);
  const [added, setAdded] = useState(0);
  const cart = useCart();
  const kept = useIsKept(held);
  const inCart = quantityOf(cart, sku);
  const most = Math.min(PIECES_MAX, Number(available)) - inCart;
  // The stock may sink below what was entered: what is shown is what is added.
  const quantity = Math.min(wished, Math.max(1, most));
  const full = inCart === 0 && cart.length >= LINES_MAX;
  const onwards = useRef<HTMLAnchorElement>(null);

  useEffect(() => {
    if (added === 0) return;
    const timer = setTimeout(() => setAdded(0), THANKS_MS);
    return () => clearTimeout(timer);
  }, [added]);

  // The button that took the last piece can no longer be pressed, and the focus would fall from it.
  const spent = most < 1;
  useEffect(() => {
    if (added > 0 && spent) onwards.current?.focus();
  }, [added, spent]);

  const add = (): void => {
    const taken = addToCart(sku, quantity);
    if (taken === 0) return;
    setAdded(taken);
    setWished(1);
  };

  if (available <= 0n)
    return <p className="mt-6 text-muted">It is sold out. Until it is back, have a look at its neighbours.</p>;
  return (
    <div className="mt-6 flat:mt-3 flat:self-stretch md:mt-8">
      <div className="flex flex-wrap items-center gap-4 flat:gap-2">
        <QuantityField label="Quantity" value={quantity} max={most} onChange={setWished} />
        <BuyBar amount={amount} inCart={inCart}>
          <Button large wide onPress={add} isDisabled={spent || full}>
            {added > 0 ? <Check size={20} aria-hidden="true" /> : <ShoppingBag size={20} aria-hidden="true" />}
            {added > 0 ? 'In the cart' : 'Add to cart'}
          </Button>
        </BuyBar>
      </div>
      <p role="status" className="mt-3 min-h-11 text-muted text-note">
        {inCart > 0 ? (
          <>
            {inCart === 1 ? 'One is in your cart.' : `${inCart} are in your cart.`}
            {kept ? '' : ' It ends with this tab: your browser does not let the shop keep it.'}
            {spent ? (inCart < PIECES_MAX ? ' That is all there is.' : ' An order takes no more of it.') : ''}{' '}
            <TextLink ref={onwards} to="/shop/cart">
              Go to the cart
            </TextLink>
          </>
        ) : null}
        {full ? (
          <>
            Your cart is full: it holds {LINES_MAX} different things, and an order takes no more.{' '}
            <TextLink to="/shop/cart">Make room in the cart</TextLink>
          </>
        ) : null}
      </p>
    </div>
  );
}

/**
 * The button in its place; on a phone with its price at the lower edge, where it stays. `theme.css` knows it by its
 * class and keeps room for it.
 */
function BuyBar({ amount, inCart, children }: { amount: Money; inCart: number; children: ReactNode }) {
  return (
    <div
      data-testid="buy-bar"
      className="buy-bar @container w-full max-w-full thumb:fixed thumb:inset-x-0 thumb:bottom-0 thumb:z-10 thumb:border-line thumb:border-t thumb:bg-page thumb:px-4 thumb:pt-3 thumb:pb-[calc(0.75rem+env(safe-area-inset-bottom))] md:w-52"
    >
      <div className="flex items-center gap-4">
        <p className="hidden min-w-0 flex-2 leading-tight thumb:@2xs:block">
          <Price amount={amount} size="strong" />
          {inCart > 0 ? <span className="block text-muted text-note">{inCart} in your cart</span> : null}
        </p>
        <div className="min-w-0 flex-3">{children}</div>
      </div>
    </div>
  );
}
