import { useInfiniteQuery } from '@connectrpc/connect-query';
import { keepPreviousData } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { categoryNames } from '~/catalog/categories';
import { Button } from '~/components/Button';
import { Failure } from '~/components/Failure';
import { look } from '~/components/look';
import { Degraded, Notice } from '~/components/Notice';
import { Page } from '~/components/Page';
import { ProductGrid, ProductGridBones } from '~/components/ProductCard';
import { TextLink, Title } from '~/components/Text';
import { WebService } from '~/gen/stoa/bff/web/v1/web_pb';

const PAGE_SIZE = 24;
const route = getRouteApi('/shop/search');

export default function Search() {
  const { query = '', category = '' } = route.useSearch();
  const results = useInfiniteQuery(
    WebService.method.getSearchPage,
    { query, category, pageSize: PAGE_SIZE, pageToken: '' },
    {
      pageParamKey: 'pageToken',
      getNextPageParam: (page) => page.nextPageToken || undefined,
      placeholderData: keepPreviousData,
    },
  );
  const pages = results.data?.pages ?? [];
  const products = pages.flatMap((page) => page.products);
  const categories = categoryNames(pages[0]?.categories ?? []);
  const name = category || (query ? `“${query}”` : 'Everything');

  return (
    <Page name={query || category || 'Everything'}>
      <Title>{category && query ? `“${query}” in ${category}` : name}</Title>
      <CategoryBar categories={categories} query={query} />
      {results.isPending ? <ProductGridBones count={12} /> : null}
      {results.isError && products.length === 0 ? (
        <Failure error={results.error} onRetry={() => void results.refetch()} />
      ) : null}
      {results.isError && products.length > 0 ? (
        <div className="mb-6">
          <Notice tone="warn" live>
            This list is from a moment ago; the shop did not answer just now.
          </Notice>
        </div>
      ) : null}
      {products.length > 0 ? (
        <div className={look('transition-opacity', results.isPlaceholderData && 'opacity-60')}>
          <ProductGrid label="Results" products={products} eager={4} />
        </div>
      ) : null}
      {results.isSuccess && products.length === 0 ? <Nothing query={query} category={category} /> : null}
      {results.hasNextPage ? (
        <div className="mt-12 text-center">
          <Button
            kind="quiet"
            large
            isPending={results.isFetchingNextPage}
            onPress={() => void results.fetchNextPage()}
          >
            {results.isFetchingNextPage ? 'Fetching more…' : 'Show more'}
          </Button>
        </div>
      ) : null}
      <p role="status" className="sr-only">
        {results.isSuccess && !results.isPlaceholderData ? `${products.length} products shown` : ''}
      </p>
      <Degraded parts={pages[0]?.degraded ?? []} />
    </Page>
  );
}

function CategoryBar({ categories, query }: { categories: readonly string[]; query: string }) {
  return (
    <nav
      aria-label="Categories"
      className="-mx-4 my-5 flex gap-2 overflow-x-auto px-4 py-1 md:mx-0 md:my-8 md:flex-wrap md:px-0"
    >
      {['', ...categories].map((name) => (
        <Link
          key={name}
          to="/shop/search"
          search={{ ...(query ? { query } : {}), ...(name ? { category: name } : {}) }}
          activeOptions={{ exact: true }}
          className="inline-flex min-h-11 shrink-0 items-center rounded-full border border-line px-4 transition-colors hover:border-edge aria-[current=page]:border-ink aria-[current=page]:bg-ink aria-[current=page]:text-page"
        >
          {name || 'Everything'}
        </Link>
      ))}
    </nav>
  );
}

const IDEAS = ['lamp', 'oak', 'mug', 'blue', 'blanket'] as const;

/** No result is no dead end. */
function Nothing({ query, category }: { query: string; category: string }) {
  return (
    <section className="max-w-xl py-4">
      <p className="text-lead">Nothing by that name{category ? ` in ${category}` : ''}.</p>
      <p className="mt-2 text-muted">Check the spelling, try a shorter word, or begin with one of these:</p>
      <div className="mt-2 flex flex-wrap gap-x-6">
        {category && query ? (
          <TextLink to="/shop/search" search={{ query }}>
            “{query}” everywhere
          </TextLink>
        ) : null}
        {IDEAS.map((idea) => (
          <TextLink key={idea} to="/shop/search" search={{ query: idea }}>
            {idea}
          </TextLink>
        ))}
      </div>
    </section>
  );
}
