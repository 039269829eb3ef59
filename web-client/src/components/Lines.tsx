import type { ReactNode, Ref } from 'react';
import type { CartLine } from '~/gen/stoa/bff/web/v1/types_pb';
import type { GetCartPageResponse } from '~/gen/stoa/bff/web/v1/web_pb';
import { formatMoney, isSome } from '~/money';
import { Thumb } from './Picture';
import { Price } from './Price';
import { NameLink } from './Text';

/** One thing of a cart or an order: picture, name, what is said about it, what it costs. */
export function LineRow({
  sku,
  name,
  picture,
  amount,
  children,
  ref,
}: {
  sku: string;
  name: string;
  picture: string | undefined;
  amount: ReactNode;
  children: ReactNode;
  ref?: Ref<HTMLLIElement>;
}) {
  return (
    <li ref={ref} className="flex gap-[16px] border-line border-b py-5 first:pt-0 last:border-b-0">
      <Thumb src={picture} />
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

/** What is about to be bought, at a glance. */
export function Goods({ label, lines }: { label: string; lines: readonly CartLine[] }) {
  return (
    <ul aria-label={label} className="flex flex-col gap-3">
      {lines.map((line) => (
        <li key={line.sku} className="flex items-center gap-[16px]">
          <Thumb src={line.imageUrl} size="small" />
          <span className="min-w-0 flex-1">
            {line.name || line.sku} <span className="text-muted">× {line.quantity}</span>
          </span>
          <Price amount={line.amount} />
        </li>
      ))}
    </ul>
  );
}

/** A row of a sum. */
export function SumRow({ label, children, strong = false }: { label: string; children: ReactNode; strong?: boolean }) {
  return (
    <div
      className={
        strong
          ? 'mt-3 flex flex-wrap items-baseline justify-between gap-x-4 border-line border-t pt-4 font-medium'
          : 'flex flex-wrap items-baseline justify-between gap-x-4 py-1 text-muted'
      }
    >
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** What it costs, and what was taken off. */
export function Totals({ page }: { page: Pick<GetCartPageResponse, 'discount' | 'total'> }) {
  return (
    <dl className="mt-4">
      {isSome(page.discount) ? <SumRow label="Discount">−{formatMoney(page.discount)}</SumRow> : null}
      <SumRow label="Total" strong>
        <Price amount={page.total} size="large" />
      </SumRow>
    </dl>
  );
}
