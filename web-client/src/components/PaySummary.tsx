import { LoaderCircle, LockKeyhole } from 'lucide-react';
import type { GetCartPageResponse } from '~/gen/stoa/bff/web/v1/web_pb';
import { formatMoney, isSome } from '~/money';
import { Button } from './Button';
import { SumRow } from './Lines';
import { Notice } from './Notice';
import { Card } from './Page';
import { Price } from './Price';
import { Heading, TextLink } from './Text';

/** What is paid for, and the button. */
export function PaySummary({
  page,
  paying,
  settling,
  onPay,
}: {
  page: GetCartPageResponse;
  paying: boolean;
  settling: boolean;
  onPay: () => void;
}) {
  return (
    <Card>
      <Heading>Your order</Heading>
      <ul className="mt-4 flex flex-col gap-2">
        {page.lines.map((line) => (
          <li key={line.sku} className="flex justify-between gap-4">
            <span>
              {line.name} <span className="text-muted">× {line.quantity}</span>
            </span>
            <Price amount={line.amount} />
          </li>
        ))}
      </ul>
      <dl className="mt-4">
        {isSome(page.discount) ? <SumRow label="Discount">−{formatMoney(page.discount)}</SumRow> : null}
        <SumRow label="Total" strong>
          <Price amount={page.total} size="large" />
        </SumRow>
      </dl>
      <div className="mt-6">
        {page.canOrder ? (
          <Button large wide isPending={paying} isDisabled={settling} onPress={onPay}>
            {paying ? (
              <LoaderCircle size={20} aria-hidden="true" className="animate-spin" />
            ) : (
              <LockKeyhole size={18} aria-hidden="true" />
            )}
            {paying ? 'Paying…' : page.total ? `Pay ${formatMoney(page.total)}` : 'Pay'}
          </Button>
        ) : (
          <>
            <Notice tone="warn">Something in the cart ran out.</Notice>
            <TextLink to="/shop/cart">Mend the cart</TextLink>
          </>
        )}
      </div>
      <p className="mt-3 text-muted text-note">Pressed once or ten times, it is one order.</p>
    </Card>
  );
}
