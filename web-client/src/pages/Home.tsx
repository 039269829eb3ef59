import { useQuery } from '@connectrpc/connect-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { StatusBadge } from '~/components/Badge';
import { ButtonLink } from '~/components/Button';
import { Failure } from '~/components/Failure';
import { Degraded, Stale } from '~/components/Notice';
import { OrderThumbs } from '~/components/OrderThumbs';
import { Page } from '~/components/Page';
import { Picture, PictureBone } from '~/components/Picture';
import { Price } from '~/components/Price';
import { ProductGrid, ProductGridBones } from '~/components/ProductCard';
import { Heading, TextLink } from '~/components/Text';
import type { ProductCard } from '~/gen/stoa/bff/web/v1/types_pb';
import { type GetHomeResponse, WebService } from '~/gen/stoa/bff/web/v1/web_pb';
import type { Category } from '~/gen/stoa/catalog/v1/types_pb';
import type { OrderSummary } from '~/gen/stoa/order/v1/types_pb';
import { useWhileMoving } from '~/orders/moving';
import { orderName } from '~/orders/named';
import { orderNumber } from '~/orders/number';
import { formatDay } from '~/when';

/** How many arches stand beside the greeting; the other featured things stand on the shelf. */
const ARCHES = 4;
const SHELF = 8;
const CATEGORIES = 12;

export default function Home() {
  const { data, error, refetch } = useQuery(
    WebService.method.getHome,
    {},
    useWhileMoving<GetHomeResponse>((home) => home.recentOrders),
  );
  const known = data?.user !== undefined;
  const picks = data?.recommendations ?? [];
  // A stranger's front page stands at once, before the shop has said a word; only what hangs in it is still to come.
  return (
    <Page name="">
      {data?.user ? <Greeting home={data} /> : <Hero things={data?.featured.slice(0, ARCHES)} failed={!!error} />}
      {error && data ? <Stale what="page" /> : null}
      <Degraded parts={data?.degraded ?? []} />
      {known ? <Picks title="For you" products={picks} /> : null}
      {error && !data ? (
        <Failure error={error} onRetry={() => void refetch()} />
      ) : (
        <Shelves home={data} from={known ? 0 : ARCHES} />
      )}
      {known ? null : <Picks title="Popular now" products={picks} />}
      {known ? null : <Promises />}
    </Page>
  );
}

/** The ways into the shop, and what is new in it; until they are known, their places. */
function Shelves({ home, from }: { home: GetHomeResponse | undefined; from: number }) {
  return (
    <>
      <Categories categories={home?.categories.slice(0, CATEGORIES)} />
      <Part title="New on the shelf" more={<TextLink to="/shop/search">See everything</TextLink>}>
        {home ? (
          <ProductGrid kind="shelf" label="New on the shelf" products={home.featured.slice(from, from + SHELF)} />
        ) : (
          <ProductGridBones kind="shelf" count={4} />
        )}
      </Part>
    </>
  );
}

function Picks({ title, products }: { title: string; products: readonly ProductCard[] }) {
  if (products.length === 0) return null;
  return (
    <Part title={title}>
      <ProductGrid kind="shelf" label={title} products={products.slice(0, SHELF)} />
    </Part>
  );
}

function Part({ title, more, children }: { title: string; more?: ReactNode; children: ReactNode }) {
  return (
    <section className="mt-14 md:mt-20">
      <div className="mb-5 flex min-h-11 flex-wrap items-baseline justify-between gap-x-6">
        <Heading>{title}</Heading>
        {more}
      </div>
      {children}
    </section>
  );
}

/** The front of the shop: a sentence, a door, and the arcade it is named for. */
function Hero({ things, failed }: { things: readonly ProductCard[] | undefined; failed: boolean }) {
  return (
    <section className="grid items-center gap-8 md:gap-10 lg:grid-cols-[minmax(0,5fr)_minmax(0,6fr)] lg:gap-14">
      <div>
        <h1 className="font-medium text-display tracking-[-0.045em]">Things that stand in good light.</h1>
        <p className="mt-5 max-w-md text-lead text-muted md:mt-6">
          Made for a house, and chosen for how they look at four in the afternoon.
        </p>
        <div className="mt-6 md:mt-8">
          <ButtonLink to="/shop/search" large>
            See everything
          </ButtonLink>
        </div>
      </div>
      {things ? (
        <ul aria-label="From the shop" className={ARCADE}>
          {things.map(({ sku, name, imageUrl }) => (
            <li key={sku} className={COLUMN}>
              <Link
                to="/shop/products/$sku"
                params={{ sku }}
                aria-label={name}
                className="block rounded-arch-tall transition-transform duration-300 ease-out hover:-translate-y-1"
              >
                <Picture src={imageUrl} alt="" frame="tall" eager />
              </Link>
            </li>
          ))}
        </ul>
      ) : failed ? null : (
        <div aria-hidden="true" className={ARCADE}>
          {Array.from({ length: ARCHES }, (_, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the bones never change places
            <div key={i} className={COLUMN}>
              <PictureBone frame="tall" />
            </div>
          ))}
        </div>
      )}
    </section>
  );
}

const ARCADE = 'grid grid-cols-3 gap-3 sm:grid-cols-4 sm:gap-4 xl:gap-5';
/** A phone has room for three. */
const COLUMN = 'max-sm:nth-4:hidden';

function Greeting({ home }: { home: GetHomeResponse }) {
  const name = home.user?.firstName || home.user?.name;
  return (
    <section>
      <h1 className="font-medium text-title tracking-[-0.03em]">
        {name ? `Good to see you, ${name}.` : 'Good to see you.'}
      </h1>
      {home.recentOrders.length > 0 ? (
        <>
          <div className="mt-8 mb-4 flex flex-wrap items-baseline justify-between gap-x-6">
            <Heading>Your last orders</Heading>
            <TextLink to="/account/orders">All of them</TextLink>
          </div>
          <ul className="grid gap-4 md:grid-cols-3">
            {home.recentOrders.map((order) => (
              <li key={order.id}>
                <RecentOrder order={order} products={home.orderProducts} />
              </li>
            ))}
          </ul>
        </>
      ) : (
        <p className="mt-4 max-w-xl text-lead text-muted">
          Nothing ordered yet. The shelf below is a fair place to begin.
        </p>
      )}
    </section>
  );
}

function RecentOrder({ order, products }: { order: OrderSummary; products: readonly ProductCard[] }) {
  return (
    <Link
      to="/account/orders/$orderId"
      params={{ orderId: order.id }}
      className="flex flex-col gap-3 rounded-card border border-line bg-surface p-[20px] transition-colors hover:border-edge"
    >
      <span className="flex flex-wrap items-center justify-between gap-3">
        <OrderThumbs order={order} products={products} />
        <StatusBadge status={order.status} />
      </span>
      <span className="font-medium">{orderName(order, products)}</span>
      <span className="flex flex-wrap justify-between gap-x-3 text-muted text-note">
        <span>
          {orderNumber(order.id)}, {formatDay(order.createdAt)}
        </span>
        <Price amount={order.total} />
      </span>
    </Link>
  );
}

const ROOMS = 'grid grid-cols-3 gap-x-3 gap-y-4 sm:grid-cols-4 lg:grid-cols-6 lg:gap-x-5';

/** A way into each category, under a picture of something that is in it. */
function Categories({ categories }: { categories: readonly Category[] | undefined }) {
  if (categories?.length === 0) return null;
  return (
    <Part title="Look by category">
      {categories ? (
        <ul aria-label="Categories" className={ROOMS}>
          {categories.map(({ name, imageUrl }) => (
            <li key={name}>
              <Link to="/shop/search" search={{ category: name }} className="group block rounded-card text-center">
                <Picture src={imageUrl} alt="" frame="arch" />
                <span className="inline-flex min-h-11 items-center group-hover:underline group-hover:underline-offset-4">
                  {name}
                </span>
              </Link>
            </li>
          ))}
        </ul>
      ) : (
        <div aria-hidden="true" className={ROOMS}>
          {Array.from({ length: CATEGORIES }, (_, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the bones never change places
            <div key={i} className="pb-[3.125rem]">
              <PictureBone frame="arch" />
            </div>
          ))}
        </div>
      )}
    </Part>
  );
}

const PROMISES = [
  ['The price you see', 'The total under the cart is all of it. Nothing is added at the end.'],
  ['Ordered once', 'Press twice, reload, lose the signal on a train: it stays one order, and you find it again.'],
  ['Watch it happen', 'An order shows each step as it is taken, and can be cancelled for a day.'],
] as const;

function Promises() {
  return (
    <section
      aria-label="What we promise"
      className="mt-16 grid gap-8 border-line border-t pt-10 md:mt-20 md:grid-cols-3 md:gap-12"
    >
      {PROMISES.map(([title, text]) => (
        <div key={title}>
          <h2 className="font-medium text-lead">{title}</h2>
          <p className="mt-1 text-muted">{text}</p>
        </div>
      ))}
    </section>
  );
}
