import { useQuery, useSuspenseQuery } from '@connectrpc/connect-query';
import { getRouteApi } from '@tanstack/react-router';
import { Check, ShoppingBag } from 'lucide-react';
import { useEffect, useState } from 'react';
import { pictureOf } from '~/catalog/picture';
import { stockWords } from '~/catalog/stock';
import { Button } from '~/components/Button';
import { look } from '~/components/look';
import { Degraded } from '~/components/Notice';
import { Page } from '~/components/Page';
import { Picture } from '~/components/Picture';
import { Price } from '~/components/Price';
import { ProductGrid } from '~/components/ProductCard';
import { QuantityField } from '~/components/QuantityField';
import { Heading, TextLink, Title } from '~/components/Text';
import { useDraft } from '~/drafts';
import type { ProductCard } from '~/gen/stoa/bff/web/v1/types_pb';
import { WebService } from '~/gen/stoa/bff/web/v1/web_pb';
import { addToCart, PIECES_MAX, useCart } from '~/stores/cart';

const LIVE_MS = 15_000;
const route = getRouteApi('/shop/products/$sku');
const TONES = { good: 'text-good', warn: 'text-warn', bad: 'text-bad' };

export default function ProductPage() {
  const { sku } = route.useParams();
  const { data } = useSuspenseQuery(WebService.method.getProductPage, { sku }, { refetchInterval: LIVE_MS });
  const { product, price, availableQuantity, suggestions } = data;
  const stock = stockWords(availableQuantity);
  return (
    <Page name={product?.name ?? sku}>
      <div className="grid gap-8 lg:grid-cols-[minmax(0,1.1fr)_minmax(0,1fr)] lg:gap-16">
        <div className="lg:max-w-2xl">
          <Picture src={product?.imageUrl || pictureOf(sku)} alt={`${product?.name}, drawn in our light`} eager />
        </div>
        <div className="lg:pt-8">
          <TextLink to="/shop/search" search={{ category: product?.category ?? '' }}>
            {product?.category}
          </TextLink>
          <Title>{product?.name}</Title>
          <p className="mt-5 flex flex-wrap items-baseline gap-x-5 gap-y-1">
            <Price amount={price?.amount} size="large" />
            <span role="status" className={look('text-note', TONES[stock.tone])}>
              {stock.text}
            </span>
          </p>
          <p className="mt-5 max-w-prose text-lead text-muted">{product?.description}</p>
          <Buy key={sku} sku={sku} available={availableQuantity} />
          <p className="mt-2 text-muted text-note">Article {sku}. Free to return for thirty days, in any box.</p>
        </div>
      </div>
      {suggestions.length > 0 ? (
        <Shelf title="Bought together" products={suggestions} />
      ) : (
        <Neighbours sku={sku} category={product?.category ?? ''} />
      )}
      <Degraded parts={data.degraded} />
    </Page>
  );
}

function Shelf({ title, products }: { title: string; products: readonly ProductCard[] }) {
  return (
    <section className="mt-20">
      <div className="mb-6">
        <Heading>{title}</Heading>
      </div>
      <ProductGrid label={title} products={products.slice(0, 4)} />
    </section>
  );
}

/** What else stands on the same shelf, as long as nobody knows what is bought together. */
function Neighbours({ sku, category }: { sku: string; category: string }) {
  const shelf = useQuery(WebService.method.getSearchPage, { category, pageSize: 5 }, { enabled: category !== '' });
  const others = shelf.data?.products.filter((product) => product.sku !== sku) ?? [];
  return others.length > 0 ? <Shelf title={`More in ${category}`} products={others} /> : null;
}

const THANKS_MS = 2_500;

function Buy({ sku, available }: { sku: string; available: bigint }) {
  const [quantity, setQuantity] = useDraft('quantity', 1);
  const [added, setAdded] = useState(0);
  const inCart = useCart().find((item) => item.sku === sku)?.quantity ?? 0;
  const most = Math.min(PIECES_MAX, Number(available) - inCart);

  useEffect(() => {
    if (added === 0) return;
    const timer = setTimeout(() => setAdded(0), THANKS_MS);
    return () => clearTimeout(timer);
  }, [added]);

  const add = (): void => {
    addToCart(sku, quantity);
    setAdded(quantity);
    setQuantity(1);
  };

  if (available <= 0n)
    return <p className="mt-8 text-muted">It will be back. Until then, have a look at its neighbours.</p>;
  return (
    <div className="mt-8">
      <div className="flex flex-wrap items-center gap-4">
        <QuantityField
          label="Quantity"
          value={Math.min(quantity, Math.max(1, most))}
          max={most}
          onChange={setQuantity}
        />
        <div className="min-w-52 flex-1 sm:flex-none">
          <Button large wide onPress={add} isDisabled={most < 1}>
            {added > 0 ? <Check size={20} aria-hidden="true" /> : <ShoppingBag size={20} aria-hidden="true" />}
            {added > 0 ? 'In the cart' : 'Add to cart'}
          </Button>
        </div>
      </div>
      <p role="status" className="mt-3 min-h-11 text-muted text-note">
        {inCart > 0 ? (
          <>
            {inCart === 1 ? 'One is in your cart.' : `${inCart} are in your cart.`}
            {most < 1 ? ' That is all there is.' : ''} <TextLink to="/shop/cart">Go to the cart</TextLink>
          </>
        ) : null}
      </p>
    </div>
  );
}
