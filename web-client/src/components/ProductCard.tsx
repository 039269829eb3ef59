import { Link } from '@tanstack/react-router';
import { pictureOf } from '~/catalog/picture';
import type { ProductCard as Card } from '~/gen/stoa/bff/web/v1/types_pb';
import { Picture } from './Picture';
import { Price } from './Price';
import { Bone, PictureBone, Skeleton } from './Skeleton';

/** A product in a list: all of it is one link. */
export function ProductCard({ product, eager = false }: { product: Card; eager?: boolean }) {
  return (
    <Link to="/shop/products/$sku" params={{ sku: product.sku }} className="group block rounded-card">
      <div className="overflow-hidden rounded-card transition-transform duration-300 ease-out group-hover:-translate-y-1">
        <Picture src={product.imageUrl || pictureOf(product.sku)} alt="" eager={eager} />
      </div>
      <span className="mt-3 flex min-h-11 flex-col leading-snug md:flex-row md:flex-wrap md:items-baseline md:justify-between md:gap-x-4">
        <span className="group-hover:underline group-hover:underline-offset-4">{product.name}</span>
        <span className="text-muted">
          <Price amount={product.price} />
        </span>
      </span>
    </Link>
  );
}

const GRID = 'grid grid-cols-2 gap-x-4 gap-y-8 md:grid-cols-3 lg:gap-x-6 xl:grid-cols-4';

/** Products side by side. */
export function ProductGrid({
  products,
  label,
  eager = 0,
}: {
  products: readonly Card[];
  label: string;
  eager?: number;
}) {
  return (
    <ul aria-label={label} className={GRID}>
      {products.map((product, i) => (
        <li key={product.sku}>
          <ProductCard product={product} eager={i < eager} />
        </li>
      ))}
    </ul>
  );
}

/** The grid before its products are known. */
export function ProductGridBones({ count = 8 }: { count?: number }) {
  return (
    <Skeleton label="Products are loading">
      <div className={GRID}>
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
