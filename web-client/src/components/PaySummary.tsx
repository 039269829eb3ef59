import { LoaderCircle, LockKeyhole } from 'lucide-react';
import { whyNot } from '~/checkout/why-not';
import type { GetCartPageResponse } from '~/gen/stoa/bff/web/v1/web_pb';
import { formatMoney } from '~/money';
import { Button } from './Button';
import { Goods, Totals } from './Lines';
import { Notice } from './Notice';
import { Card } from './Page';
import { Heading, TextLink } from './Text';

/** What is paid for, and the button. */
export function PaySummary({
  page,
  paying,
  settling,
  stale,
  onPay,
}: {
  page: GetCartPageResponse;
  paying: boolean;
  settling: boolean;
  /** The shop was asked for these prices again and did not answer. */
  stale: boolean;
  onPay: () => void;
}) {
  return (
    <Card>
      <div className="mb-4 flex flex-wrap items-center justify-between gap-x-4">
        <Heading>Your order</Heading>
        <TextLink to="/shop/cart">Back to the cart</TextLink>
      </div>
      <Goods label="What you are buying" lines={page.lines} />
      <Totals page={page} />
      {stale && !paying ? (
        <div className="mt-4">
          <Notice tone="warn" live>
            This total is from a moment ago; the shop did not answer just now. If a price changed since, the order costs
            what the shop asks then.
          </Notice>
        </div>
      ) : null}
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
          <Notice tone="warn">{whyNot(page)}</Notice>
        )}
      </div>
      <p className="mt-3 text-muted text-note">Pressed once or ten times, it is one order.</p>
    </Card>
  );
}
