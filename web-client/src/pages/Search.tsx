import { useInfiniteQuery } from '@connectrpc/connect-query';
import { keepPreviousData } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { type RefObject, useEffect, useRef } from 'react';
import { CATEGORY_LETTERS_MAX, isLonger, QUERY_LETTERS_MAX } from '~/catalog/query';
import { Button, ButtonLink } from '~/components/Button';
import { Failure } from '~/components/Failure';
import { look } from '~/components/look';
import { Degraded, RestMissing, Stale } from '~/components/Notice';
import { Page } from '~/components/Page';
import { ProductGrid, ProductGridBones } from '~/components/ProductCard';
import { Bone } from '~/components/Skeleton';
import { TextLink, Title } from '~/components/Text';
import { WebService } from '~/gen/stoa/bff/web/v1/web_pb';
import { useWhenOnline } from '~/stores/online';

const PAGE_SIZE = 24;
const route = getRouteApi('/shop/search');

export default function Search() {
  const { query = '', category = '' } = route.useSearch();
  if (isLonger(query, QUERY_LETTERS_MAX)) return <TooLong most={QUERY_LETTERS_MAX} />;
  if (isLonger(category, CATEGORY_LETTERS_MAX)) return <TooLong most={CATEGORY_LETTERS_MAX} />;
  return <Results query={query} category={category} />;
}

/** The field takes no more than the shop reads, but an address may hold anything. */
function TooLong({ most }: { most: number }) {
  return (
    <Page name="Too long a search" narrow>
      <Title>That is a very long search</Title>
      <p className="mt-4 mb-8 text-lead text-muted">
        {most} letters are the most that the shop reads. A word or two will find more.
      </p>
      <ButtonLink to="/shop/search">See everything</ButtonLink>
    </Page>
  );
}

function Results({ query, category }: { query: string; category: string }) {
  const results = useInfiniteQuery(
    WebService.method.getSearchPage,
    { query, category, pageSize: PAGE_SIZE, pageToken: '' },
    {
      pageParamKey: 'pageToken',
      getNextPageParam: (page) => page.nextPageToken || undefined,
      placeholderData: keepPreviousData,
    },
  );
  // What did not come without a network comes with it.
  useWhenOnline(results.isFetchNextPageError, results.fetchNextPage);
  const pages = results.data?.pages ?? [];
  const products = pages.flatMap((page) => page.products);
  const name = category || (query ? `“${query}”` : 'Everything');
  const list = useRef<HTMLUListElement>(null);
  const readOn = useReadOn(list, products.length, results.isFetchingNextPage);

  return (
    <Page name={query || category || 'Everything'}>
      <div className="flex flex-wrap items-baseline justify-between gap-x-8 gap-y-1">
        <Title>{category && query ? `“${query}” in ${category}` : name}</Title>
        <p role="status" className="min-h-7 text-muted">
          {results.isSuccess && !results.isPlaceholderData ? countWords(products.length, results.hasNextPage) : ''}
        </p>
      </div>
      <CategoryBar names={pages[0]?.categories ?? (results.isError ? [] : undefined)} query={query} />
      {results.isPending ? <ProductGridBones count={12} /> : null}
      {results.isError && products.length === 0 ? (
        <Failure error={results.error} onRetry={() => void results.refetch()} />
      ) : null}
      {results.isError && products.length > 0 && !results.isFetchNextPageError ? <Stale what="list" /> : null}
      {products.length > 0 ? (
        <div className={look('transition-opacity', results.isPlaceholderData && 'opacity-60')}>
          <ProductGrid ref={list} label="Results" products={products} eager={4} />
        </div>
      ) : null}
      {results.isSuccess && products.length === 0 ? <Nothing query={query} category={category} /> : null}
      {results.isFetchNextPageError ? <RestMissing /> : null}
      {results.hasNextPage ? (
        <div className="mt-12 text-center">
          <Button
            kind="quiet"
            large
            isPending={results.isFetchingNextPage}
            onPress={() => {
              readOn();
              void results.fetchNextPage();
            }}
          >
            {results.isFetchingNextPage ? 'Fetching more…' : 'Show more'}
          </Button>
        </div>
      ) : null}
      <Degraded parts={pages.flatMap((page) => page.degraded)} />
    </Page>
  );
}

/** What can be said of how many there are: nobody has counted beyond the pages that are here. */
function countWords(count: number, more: boolean): string {
  if (more) return `The first ${count} things`;
  if (count === 0) return '';
  return count === 1 ? '1 thing' : `${count} things`;
}

/** Reading goes on at the first of the things that were asked for: the button may be gone when they are here. */
function useReadOn(list: RefObject<HTMLUListElement | null>, count: number, asking: boolean): () => void {
  const from = useRef<number>(undefined);
  useEffect(() => {
    if (asking || from.current === undefined) return;
    // What did not come is not waited for: a later list must not take the focus.
    list.current?.children[from.current]?.querySelector('a')?.focus();
    from.current = undefined;
  }, [list, asking]);
  return () => {
    from.current = count;
  };
}

const pill = 'inline-flex min-h-11 shrink-0 items-center rounded-full border px-4';

/** The shop's categories, in one row that scrolls on a phone; until they are known, their places. */
function CategoryBar({ names, query }: { names: readonly string[] | undefined; query: string }) {
  return (
    <nav
      aria-label="Categories"
      className="-mx-4 my-5 flex gap-2 overflow-x-auto px-4 py-1 sm:-mx-6 sm:px-6 md:mx-0 md:my-8 md:flex-wrap md:px-0"
    >
      {['', ...(names ?? [])].map((name) => (
        <Link
          key={name}
          to="/shop/search"
          search={{ ...(query ? { query } : {}), ...(name ? { category: name } : {}) }}
          activeOptions={{ exact: true }}
          className={look(
            pill,
            'border-line transition-colors hover:border-edge forced-color-adjust-none',
            'aria-[current=page]:border-ink aria-[current=page]:bg-ink aria-[current=page]:text-page',
            'forced-colors:border-[LinkText] forced-colors:text-[LinkText] forced-colors:aria-[current=page]:bg-[Highlight] forced-colors:aria-[current=page]:text-[HighlightText]',
          )}
        >
          {name || 'Everything'}
        </Link>
      ))}
      {names
        ? null
        : // biome-ignore lint/suspicious/noArrayIndexKey: the bones never change places
          Array.from({ length: 12 }, (_, i) => <Bone key={i} shape="pill" />)}
    </nav>
  );
}

/** No result is no dead end. */
function Nothing({ query, category }: { query: string; category: string }) {
  return (
    <section className="max-w-xl py-4">
      <p className="text-lead">
        {query ? `Nothing by that name${category ? ` in ${category}` : ''}.` : 'No such category.'}
      </p>
      <p className="mt-2 mb-6 text-muted">
        Check the spelling, try a shorter word, or begin with one of the categories above.
      </p>
      {category && query ? (
        <TextLink to="/shop/search" search={{ query }}>
          “{query}” everywhere
        </TextLink>
      ) : (
        <ButtonLink to="/shop/search" kind="quiet">
          See everything
        </ButtonLink>
      )}
    </section>
  );
}
