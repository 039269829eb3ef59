import type { Money } from '~/gen/stoa/pricing/v1/types_pb';
import { formatMoney } from '~/money';
import { look } from './look';

const SIZES = { normal: '', strong: 'font-medium text-lead', large: 'text-heading' };

/** An amount with digits of one width; a price that is not known leaves its place. */
export function Price({ amount, size = 'normal' }: { amount: Money | undefined; size?: keyof typeof SIZES }) {
  return (
    <span className={look('whitespace-nowrap tabular-nums', SIZES[size])}>
      {amount ? formatMoney(amount) : <span className="text-muted">Price to follow</span>}
    </span>
  );
}
