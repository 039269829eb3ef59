import { Link } from '@tanstack/react-router';
import type { Ref } from 'react';
import type { ProductCard as Card } from '~/gen/stoa/bff/web/v1/types_pb';
import { Picture, PictureBone } from './Picture';
import { Price } from './Price';
import { Bone, Skeleton } from './Skeleton';

/** A product in a list: all of it is one link. */
function ProductCard({ product, eager }: { product: Card; eager: boolean }) {
  return (
    <Link to="/shop/products/$sku" params={{ sku: product.sku }} className="group block rounded-card">
      <div className="overflow-hidden rounded-card transition-transform duration-300 ease-out group-hover:-translate-y-1">
        <Picture src={product.imageUrl} alt="" eager={eager} />
      </div>
      <span className="mt-3 flex min-h-11 flex-col leading-snug md:flex-row md:flex-wrap md:items-baseline md:justify-between md:gap-x-4">
        <span className="min-w-0 group-hover:underline group-hover:underline-offset-4">{product.name}</span>
        <span className="text-muted">
          <Price amount={product.price} />
        </span>
      </span>
    </Link>
  );
}

const GRIDS = {
  /** As many rows as there are things for. */
  wall: 'grid grid-cols-2 gap-x-4 gap-y-8 md:grid-cols-3 lg:gap-x-6 xl:grid-cols-4',
  /** Four things, with no row begun and left. */
  shelf: 'grid grid-cols-2 gap-x-4 gap-y-8 md:grid-cols-4 lg:gap-x-6',
};

type Kind = keyof typeof GRIDS;

/** Products side by side. */
export function ProductGrid({
  products,
  label,
  kind = 'wall',
  eager = 0,
  ref,
}: {
  products: readonly Card[];
  label: string;
  kind?: Kind;
  eager?: number;
  ref?: Ref<HTMLUListElement>;
}) {
  return (
    <ul ref={ref} aria-label={label} className={GRIDS[kind]}>
      {products.map((product, i) => (
        <li key={product.sku}>
          <ProductCard product={product} eager={i < eager} />
        </li>
      ))}
    </ul>
  );
}

/** The grid before its products are known. */
export function ProductGridBones({ count, kind = 'wall' }: { count: number; kind?: Kind }) {
  return (
    <Skeleton label="Products are loading">
      <div className={GRIDS[kind]}>
        {Array.from({ length: count }, (_, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the bones never change places
          <div key={i}>
            <PictureBone />
            <div className="mt-3 flex min-h-11 flex-col gap-2">
              <Bone shape="line" />
              <Bone shape="short" />
            </div>
          </div>
        ))}
      </div>
    </Skeleton>
  );
}
