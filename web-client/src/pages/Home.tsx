import { useQuery } from '@connectrpc/connect-query';
import { Link } from '@tanstack/react-router';
import { CATEGORIES } from '~/catalog/categories';
import { pictureOf } from '~/catalog/picture';
import { StatusBadge } from '~/components/Badge';
import { ButtonLink } from '~/components/Button';
import { Failure } from '~/components/Failure';
import { Degraded } from '~/components/Notice';
import { Page } from '~/components/Page';
import { Picture } from '~/components/Picture';
import { Price } from '~/components/Price';
import { ProductGrid, ProductGridBones } from '~/components/ProductCard';
import { Heading, TextLink } from '~/components/Text';
import type { ProductCard } from '~/gen/stoa/bff/web/v1/types_pb';
import { type GetHomeResponse, WebService } from '~/gen/stoa/bff/web/v1/web_pb';
import type { OrderSummary } from '~/gen/stoa/order/v1/types_pb';
import { formatDay } from '~/when';

export default function Home() {
  const { data, error, refetch } = useQuery(WebService.method.getHome, {});
  const known = data?.user !== undefined;
  const picks = data?.recommendations ?? [];
  // A stranger's front page stands at once, before the shop has said a word; only the shelf waits for it.
  return (
    <Page name="">
      {data?.user ? <Greeting home={data} /> : <Hero />}
      <Degraded parts={data?.degraded ?? []} />
      {known ? <Picks title="For you" products={picks} /> : null}
      <Part title="By room and by hand">
        <Categories />
      </Part>
      <Part title="New on the shelf" more={<TextLink to="/shop/search">See all</TextLink>}>
        {data ? <ProductGrid label="New on the shelf" products={data.featured.slice(0, 8)} /> : null}
        {!data && error ? <Failure error={error} onRetry={() => void refetch()} /> : null}
        {data || error ? null : <ProductGridBones />}
      </Part>
      {known ? null : <Picks title="What people take home" products={picks} />}
      {known ? null : <Promises />}
    </Page>
  );
}

function Picks({ title, products }: { title: string; products: readonly ProductCard[] }) {
  if (products.length === 0) return null;
  return (
    <Part title={title}>
      <ProductGrid label={title} products={products.slice(0, 8)} />
    </Part>
  );
}

function Part({ title, more, children }: { title: string; more?: React.ReactNode; children: React.ReactNode }) {
  return (
    <section className="mt-16 md:mt-24">
      <div className="mb-6 flex min-h-11 flex-wrap items-baseline justify-between gap-x-6">
        <Heading>{title}</Heading>
        {more}
      </div>
      {children}
    </section>
  );
}

const ARCADE = [
  { sku: 'LMP-DOM-02', name: 'Harbour table lamp' },
  { sku: 'VAS-AMP-01', name: 'Amphora vase' },
  { sku: 'CHR-SHL-04', name: 'Cove chair, butter' },
] as const;

/** The front of the shop: a sentence, a door, and the arcade it is named for. */
function Hero() {
  return (
    <section className="grid items-center gap-10 lg:grid-cols-[minmax(0,5fr)_minmax(0,6fr)] lg:gap-14">
      <div>
        <h1 className="font-medium text-display tracking-[-0.045em]">Things that stand in good light.</h1>
        <p className="mt-6 max-w-md text-lead text-muted">
          Two hundred lamps, chairs, mugs and quiet companions for a house. Chosen for how they look at four in the
          afternoon.
        </p>
        <div className="mt-8 flex flex-wrap gap-3">
          <ButtonLink to="/shop/search" large>
            See everything
          </ButtonLink>
          <ButtonLink to="/shop/search" search={{ category: 'Lighting' }} kind="quiet" large>
            Begin with lamps
          </ButtonLink>
        </div>
      </div>
      <ul aria-label="From the shop" className="grid grid-cols-3 gap-3 sm:gap-5">
        {ARCADE.map(({ sku, name }) => (
          <li key={sku}>
            <Link to="/shop/products/$sku" params={{ sku }} aria-label={name} className="block rounded-arch">
              <Picture src={pictureOf(sku)} alt="" frame="tall" eager />
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

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
                <RecentOrder order={order} />
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

function RecentOrder({ order }: { order: OrderSummary }) {
  return (
    <Link
      to="/account/orders/$orderId"
      params={{ orderId: order.id }}
      className="flex flex-col gap-3 rounded-card border border-line bg-surface p-5 transition-colors hover:border-edge"
    >
      <span className="flex items-center justify-between gap-3">
        <span>{formatDay(order.createdAt)}</span>
        <StatusBadge status={order.status} />
      </span>
      <span className="flex justify-between text-muted">
        <span>{order.itemCount === 1 ? '1 piece' : `${order.itemCount} pieces`}</span>
        <Price amount={order.total} />
      </span>
    </Link>
  );
}

function Categories() {
  return (
    <ul className="grid grid-cols-3 gap-x-3 gap-y-6 sm:grid-cols-4 lg:grid-cols-6 lg:gap-x-5">
      {CATEGORIES.map(({ name, sku }) => (
        <li key={name}>
          <Link to="/shop/search" search={{ category: name }} className="group block rounded-card text-center">
            <Picture src={pictureOf(sku)} alt="" frame="arch" />
            <span className="inline-flex min-h-11 items-center group-hover:underline group-hover:underline-offset-4">
              {name}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

const PROMISES = [
  ['Prices that hold', 'What the cart says is what you pay. Totals are counted by the shop, never by the page.'],
  ['Paid once', 'Press twice, reload, lose the train’s wifi: one order, one charge, and the page finds it again.'],
  ['Watch it happen', 'An order shows each step at the moment it is taken, and can be undone for a day.'],
] as const;

function Promises() {
  return (
    <section
      aria-label="What we promise"
      className="mt-16 grid gap-8 border-line border-t pt-10 md:mt-24 md:grid-cols-3 md:gap-12"
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
