import type { ReactNode } from 'react';
import { pictureOf } from '~/catalog/picture';
import { Thumb } from './Picture';
import { NameLink } from './Text';

/** One thing of a cart or an order: picture, name, what is said about it, what it costs. */
export function LineRow({
  sku,
  name,
  amount,
  children,
}: {
  sku: string;
  name: string;
  amount: ReactNode;
  children: ReactNode;
}) {
  return (
    <li className="flex gap-4 border-line border-b py-5 first:pt-0">
      <Thumb src={pictureOf(sku)} />
      <div className="min-w-0 flex-1">
        <div className="flex flex-wrap items-baseline justify-between gap-x-4">
          <NameLink to="/shop/products/$sku" params={{ sku }}>
            {name}
          </NameLink>
          {amount}
        </div>
        {children}
      </div>
    </li>
  );
}

/** A row of a sum. */
export function SumRow({ label, children, strong = false }: { label: string; children: ReactNode; strong?: boolean }) {
  return (
    <div
      className={
        strong
          ? 'mt-3 flex items-baseline justify-between border-line border-t pt-4 font-medium'
          : 'flex items-baseline justify-between py-1 text-muted'
      }
    >
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
